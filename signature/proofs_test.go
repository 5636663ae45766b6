package signature

import (
	"crypto"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	sigstore "github.com/sigstore/sigstore/pkg/signature"

	"github.com/tidewaiter/tidewaiter/cache"
	"github.com/tidewaiter/tidewaiter/image"
	"github.com/tidewaiter/tidewaiter/image/imagetest"
)

// counter stands before a registry and counts what it is asked for.
type counter struct {
	host string // its own

	mu    sync.Mutex
	paths []string
}

func newCounter(t testing.TB, registry string) *counter {
	t.Helper()
	c := &counter{}
	forward := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: registry})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		c.paths = append(c.paths, r.URL.Path)
		c.mu.Unlock()
		forward.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	c.host = strings.TrimPrefix(s.URL, "http://")
	return c
}

// take returns what was asked for since it was last called.
func (c *counter) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.paths
	c.paths = nil
	return out
}

// ofSignatures are those of paths that ask for what stands beside digest.
func ofSignatures(paths []string, digest string) []string {
	tag := strings.Replace(digest, ":", "-", 1)
	return slices.DeleteFunc(slices.Clone(paths), func(p string) bool {
		return !strings.Contains(p, tag) && !strings.Contains(p, "/referrers/")
	})
}

// shelf is an image behind a counter, with keys and a cache.
type shelf struct {
	pushed
	*counter
	dir  string
	keep func() *cache.Cache
}

func newShelf(t *testing.T, keys ...crypto.Signer) *shelf {
	t.Helper()
	p := push(t)
	s := &shelf{pushed: p, counter: newCounter(t, p.host), dir: writeKeys(t, keys...)}
	folder := filepath.Join(t.TempDir(), "cache")
	s.keep = func() *cache.Cache {
		c, err := cache.Open(folder, 1<<30)
		noError(t, err)
		return c
	}
	return s
}

// run verifies the image as a run of its own, by a policy.
func (s *shelf) run(t *testing.T, p Policy) (Result, []string) {
	t.Helper()
	v, err := New(p, Options{Dir: s.dir, Offline: true, Cache: s.keep, Remember: time.Hour})
	noError(t, err)
	ref, err := image.ParseReference(s.counter.host + "/shop/web@" + s.digest)
	noError(t, err)
	img, err := (&image.Client{PlainHTTP: []string{s.counter.host}}).Resolve(t.Context(), ref)
	noError(t, err)
	r, err := v.Verify(t.Context(), img)
	noError(t, err)
	return r, ofSignatures(s.take(), s.digest)
}

func byKey(name string) Policy { return keyPolicy("**", name) }

// TestSecondRun: what was accepted costs no request for signatures, and comes to the same result.
func TestSecondRun(t *testing.T) {
	me, stranger := signer{key: newECDSA(t)}, signer{key: newECDSA(t)}
	s := newShelf(t, me.key)
	s.attach(t, me.simple(t, s.digest), stranger.simple(t, s.digest))
	first, asked := s.run(t, byKey("0.pub"))
	if !held(first) || len(asked) != 4 {
		t.Fatalf("first: got %+v, asked for %q, want it held by four lookups", first, asked)
	}
	second, asked := s.run(t, byKey("0.pub"))
	if want, got := mustJSON(t, first), mustJSON(t, second); got != want || len(asked) != 0 {
		t.Errorf("second: asked for %q, got\n%s\nwant\n%s", asked, got, want)
	}
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	noError(t, err)
	return string(b)
}

// TestProofsDoNotSuffice: a policy that does not hold with what was kept asks again, and sees what is there now.
func TestProofsDoNotSuffice(t *testing.T) {
	me, new := signer{key: newECDSA(t)}, signer{key: newECDSA(t)}
	s := newShelf(t, me.key, new.key)
	s.attach(t, me.simple(t, s.digest))
	s.run(t, byKey("0.pub"))
	for range 2 { // that it does not hold is not kept
		if r, asked := s.run(t, byKey("1.pub")); held(r) || len(asked) != 4 {
			t.Errorf("another key: got %+v, asked for %q", r, asked)
		}
	}
	if r, asked := s.run(t, byKey("0.pub")); !held(r) || len(asked) != 0 {
		t.Errorf("the first key: got %+v, asked for %q", r, asked)
	}
	s.attach(t, me.simple(t, s.digest), new.simple(t, s.digest))
	if r, asked := s.run(t, byKey("1.pub")); !held(r) || len(asked) != 4 {
		t.Errorf("signed meanwhile: got %+v, asked for %q", r, asked)
	}
	if r, asked := s.run(t, byKey("1.pub")); !held(r) || len(asked) != 0 {
		t.Errorf("and once more: got %+v, asked for %q", r, asked)
	}
	both := byKey("0.pub")
	both.Entries = append(both.Entries, byKey("1.pub").Entries...)
	if r, asked := s.run(t, both); !held(r) || len(asked) != 0 {
		t.Errorf("both: got %+v, asked for %q", r, asked)
	}
}

// TestUnsignedIsNotKept: nobody has to wait for a cache to forget that an image was unsigned.
func TestUnsignedIsNotKept(t *testing.T) {
	me := signer{key: newECDSA(t)}
	s := newShelf(t, me.key)
	if r, _ := s.run(t, byKey("0.pub")); held(r) || r.Found != 0 {
		t.Fatalf("got %+v", r)
	}
	s.attach(t, me.simple(t, s.digest))
	if r, _ := s.run(t, byKey("0.pub")); !held(r) {
		t.Errorf("got %+v", r)
	}
}

// TestPoisonedProofs: whoever can write to the cache as we do can make no image accepted, and none refused.
func TestPoisonedProofs(t *testing.T) {
	me, stranger := signer{key: newECDSA(t)}, signer{key: newECDSA(t)}
	now := time.Now()
	for name, poison := range map[string]func(s *shelf) (attachments []image.Attachment, foundAt time.Time){
		"a stranger's": func(s *shelf) ([]image.Attachment, time.Time) {
			return []image.Attachment{stranger.simple(t, s.digest)}, now
		},
		"of another": func(*shelf) ([]image.Attachment, time.Time) { return []image.Attachment{me.simple(t, digestB)}, now },
		"none":       func(*shelf) ([]image.Attachment, time.Time) { return nil, now },
		"from the past": func(s *shelf) ([]image.Attachment, time.Time) {
			return []image.Attachment{me.simple(t, s.digest)}, now.Add(-proofsLast - time.Minute)
		},
		"of the future": func(s *shelf) ([]image.Attachment, time.Time) {
			return []image.Attachment{me.simple(t, s.digest)}, now.Add(time.Hour)
		},
		"payload change": func(s *shelf) ([]image.Attachment, time.Time) {
			a := me.simple(t, digestB)
			a.Payload = simplePayload(s.digest)
			return []image.Attachment{a}, now
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShelf(t, me.key)
			attachments, foundAt := poison(s)
			key := s.counter.host + "/shop/web@" + s.digest
			(proofs{s.keep}).keep(key, attachments, foundAt)
			if _, ok := s.keep().Get(proofsKind, key); !ok {
				t.Fatal("nothing was poisoned")
			}
			if r, asked := s.run(t, byKey("0.pub")); held(r) || len(asked) != 4 {
				t.Errorf("unsigned: got %+v, asked for %q", r, asked)
			}
			s.attach(t, me.simple(t, s.digest))
			if r, asked := s.run(t, byKey("0.pub")); !held(r) || len(asked) != 4 {
				t.Errorf("signed: got %+v, asked for %q", r, asked)
			}
		})
	}
}

// TestDamagedProofs changes what is kept, a byte at a time: it may cost a request, and never says anything else.
func TestDamagedProofs(t *testing.T) {
	me := signer{key: newECDSA(t)}
	s := newShelf(t, me.key)
	s.attach(t, me.simple(t, s.digest))
	s.run(t, byKey("0.pub"))
	key := s.counter.host + "/shop/web@" + s.digest
	raw, ok := s.keep().Get(proofsKind, key)
	if !ok {
		t.Fatal("nothing was kept")
	}
	p := proofs{s.keep}
	v, err := New(byKey("0.pub"), Options{Dir: s.dir, Offline: true})
	noError(t, err)
	ref, err := image.ParseReference(s.counter.host + "/shop/web@" + s.digest)
	noError(t, err)
	for i := range raw {
		changed := slices.Clone(raw)
		changed[i] ^= 1
		s.keep().Put(proofsKind, key, changed)
		attachments, ok := p.recall(key, time.Now())
		if !ok {
			continue
		}
		found := gathered{}
		at := place{digest: s.digest}
		noError(t, found.add(at, attachments))
		r, err := v.verify(t.Context(), v.matching(ref), s.digest, nil, found)
		noError(t, err)
		for _, signer := range r.Signers {
			if signer.Key != "0.pub" {
				t.Errorf("byte %d: %+v", i, signer)
			}
		}
	}
}

// TestPlacesApart: proofs of one repository say nothing about the same digest in another.
func TestPlacesApart(t *testing.T) {
	me := signer{key: newECDSA(t)}
	s := newShelf(t, me.key)
	s.attach(t, me.simple(t, s.digest))
	s.run(t, byKey("0.pub"))
	elsewhere := byKey("0.pub")
	elsewhere.Entries[0].Signatures = s.counter.host + "/shop/signatures"
	if r, asked := s.run(t, elsewhere); held(r) || len(asked) != 4 {
		t.Errorf("another repository of signatures: got %+v, asked for %q", r, asked)
	}
}

// TestAskedOnce: in one run, a place is asked once however many ask, at the same time or one after the other.
func TestAskedOnce(t *testing.T) {
	me := signer{key: newECDSA(t)}
	s := newShelf(t, me.key)
	for _, signed := range []bool{false, true} {
		if signed {
			s.attach(t, me.simple(t, s.digest))
		}
		v, err := New(byKey("0.pub"), Options{Dir: s.dir, Offline: true, Remember: time.Hour})
		noError(t, err)
		client := &image.Client{PlainHTTP: []string{s.counter.host}}
		verify := func() {
			ref, err := image.ParseReference(s.counter.host + "/shop/web@" + s.digest)
			noError(t, err)
			img, err := client.Pull(t.Context(), ref)
			noError(t, err)
			r, err := v.Verify(t.Context(), img)
			noError(t, err)
			if held(r) != signed {
				t.Errorf("got %+v", r)
			}
		}
		var wait sync.WaitGroup
		for range 10 {
			wait.Go(verify)
		}
		wait.Wait()
		verify()
		asked := s.take()
		if got := ofSignatures(asked, s.digest); len(got) != 4 {
			t.Errorf("asked for %q, want four lookups", got)
		}
		if got := slices.DeleteFunc(asked, func(p string) bool { return p != "/v2/" }); len(got) > 2 {
			t.Errorf("%d greetings, want one (and what is left of the one by TLS)", len(got))
		}
	}
	// A server does not remember.
	v, err := New(byKey("0.pub"), Options{Dir: s.dir, Offline: true})
	noError(t, err)
	for range 2 {
		v.Verify(t.Context(), s.pull(t, "/shop/web"))
	}
	if places, results := len(v.lookups.known), len(v.results.known); places+results != 0 {
		t.Errorf("%d places and %d results are remembered", places, results)
	}
}

// TestSeparateRepository has the signatures of an index and its children in another repository, and on disk the image.
func TestSeparateRepository(t *testing.T) {
	me := signer{key: newECDSA(t)}
	dir, host := writeKeys(t, me.key), imagetest.Host(t)
	idx := v1.ImageIndex(empty.Index)
	for _, arch := range []string{"amd64", "arm64"} {
		img, err := imagetest.Build(func(c *v1.ConfigFile) { c.Architecture = arch }, map[string]string{"a": arch})
		noError(t, err)
		idx = mutate.AppendManifests(idx, mutate.IndexAddendum{Add: img})
	}
	digest := imagetest.Push(t, host+"/shop/web:1", idx)
	client := &image.Client{PlainHTTP: []string{host}}
	ref, err := image.ParseReference(host + "/shop/web:1")
	noError(t, err)
	img, err := client.Resolve(t.Context(), ref)
	noError(t, err)
	if len(img.Platforms) != 0 {
		t.Errorf("%d platforms were read before anybody asked", len(img.Platforms))
	}
	for _, everyChild := range []bool{false, true} {
		policy := byKey("0.pub")
		policy.Entries[0].Signatures, policy.Entries[0].EveryChild = host+"/keep/signatures", everyChild
		v, err := New(policy, Options{Dir: dir, Offline: true})
		noError(t, err)
		check := func(want bool) {
			t.Helper()
			if r, err := v.Verify(t.Context(), img); err != nil || held(r) != want {
				t.Errorf("everyChild=%v: got %+v, %v, want held %v", everyChild, r, err, want)
			}
		}
		check(false)
		digests := []string{digest}
		if everyChild {
			digests, err = img.Children(t.Context())
			noError(t, err)
		}
		for i, d := range digests {
			if everyChild && i == len(digests)-1 {
				check(false) // all but one
			}
			(pushed{host, d}).attachIn(t, "/keep/signatures", me.simple(t, d))
		}
		check(true)
		policy.Entries[0].Signatures = ""
		v, err = New(policy, Options{Dir: dir, Offline: true})
		noError(t, err)
		check(false)
	}
}

// TestSignaturesProblems: a repository of signatures is written such that everybody reads the same.
func TestSignaturesProblems(t *testing.T) {
	dir := writeKeys(t, newECDSA(t))
	for text, want := range map[string]string{
		"registry.example/keep/signatures": "",
		"docker.io/library/x":              "",
		"registry.example/keep:1":          "write registry.example/keep",
		"registry.example/keep@" + digestA: "write registry.example/keep",
		"Registry.Example/keep":            "write registry.example/keep",
		"keep":                             "write docker.io/library/keep",
		"registry.example/**":              "is not a repository",
		"https://registry.example/keep":    "without the scheme",
		"registry.example":                 "is not the canonical name",
		"oci:folder":                       "is not the canonical name",
	} {
		p := byKey("0.pub")
		p.Entries[0].Signatures = text
		_, err := New(p, Options{Dir: dir, Offline: true})
		if want == "" && err == nil {
			continue
		}
		if want == "" || err == nil || !strings.Contains(err.Error(), "trust[0].signatures: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// TestProofsOfProcesses has several runs share a cache at once.
func TestProofsOfProcesses(t *testing.T) {
	me := signer{key: newECDSA(t)}
	s := newShelf(t, me.key)
	s.attach(t, me.simple(t, s.digest))
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 5 {
				if r, _ := s.run(t, byKey("0.pub")); !held(r) {
					t.Errorf("got %+v", r)
				}
			}
		})
	}
	wait.Wait()
	if r, asked := s.run(t, byKey("0.pub")); !held(r) || len(asked) != 0 {
		t.Errorf("got %+v, asked for %q", r, asked)
	}
}

// countingVerifier counts how often a key's signature is verified.
type countingVerifier struct {
	sigstore.Verifier
	count *atomic.Int64
}

func (c countingVerifier) VerifySignature(sig, message io.Reader, opts ...sigstore.VerifyOption) error {
	c.count.Add(1)
	return c.Verifier.VerifySignature(sig, message, opts...)
}

// TestVerifiedOnce: in one run, a digest is verified once, whichever tags name it and however many ask.
func TestVerifiedOnce(t *testing.T) {
	me := signer{key: newECDSA(t)}
	s := newShelf(t, me.key)
	s.attach(t, me.simple(t, s.digest))
	v, err := New(byKey("0.pub"), Options{Dir: s.dir, Offline: true, Remember: time.Hour})
	noError(t, err)
	var count atomic.Int64
	key := v.rules[0].authorities[0].key
	for i, verifier := range key.verifiers {
		key.verifiers[i] = countingVerifier{verifier, &count}
	}
	verify := func() {
		r, err := v.Verify(t.Context(), s.pull(t, "/shop/web"))
		noError(t, err)
		if !held(r) {
			t.Errorf("got %+v", r)
		}
	}
	var wait sync.WaitGroup
	for range 10 {
		wait.Go(verify)
	}
	wait.Wait()
	once := count.Load()
	verify()
	if first := count.Load(); once == 0 || first != once {
		t.Errorf("%d verifications, and %d after one more", once, first)
	}
	alone, err := New(byKey("0.pub"), Options{Dir: s.dir, Offline: true})
	noError(t, err)
	count.Store(0)
	alone.rules[0].authorities[0].key.verifiers = key.verifiers
	_, err = alone.Verify(t.Context(), s.pull(t, "/shop/web"))
	noError(t, err)
	if count.Load() != once {
		t.Errorf("%d verifications for eleven, and %d for one", once, count.Load())
	}
}

// TestForgets: what is remembered in a run is bounded.
func TestForgets(t *testing.T) {
	l := &memory[[]image.Attachment]{remember: time.Hour, size: sizeOf}
	large := []image.Attachment{{Payload: make([]byte, rememberedBytes/3)}}
	for i := range 10 {
		l.keep(fmt.Sprint(i), large)
		if _, ok := l.recall(fmt.Sprint(i)); !ok || l.bytes > rememberedBytes || len(l.known) > 2 {
			t.Fatalf("after %d: %d bytes, %d places, the last is there: %v", i, l.bytes, len(l.known), ok)
		}
	}
	l.remember = -time.Second
	l.keep("old", nil)
	if _, ok := l.recall("old"); ok {
		t.Error("what is too old is still remembered")
	}
}

func FuzzProofs(f *testing.F) {
	p, err := json.Marshal(proof{FoundAt: time.Now(), Attachments: []proofOfDigest{{image.Attachment{Layout: "tag", Payload: []byte("x")}, payloadDigest([]byte("x"))}}})
	noError(f, err)
	f.Add(p)
	f.Add([]byte(`{"attachments":[{}]}`))
	dir, err := os.MkdirTemp("", "proofs")
	noError(f, err)
	f.Cleanup(func() { os.RemoveAll(dir) })
	c, err := cache.Open(dir, 1<<20)
	noError(f, err)
	kept := proofs{func() *cache.Cache { return c }}
	f.Fuzz(func(t *testing.T, raw []byte) {
		c.Put(proofsKind, "k", raw)
		attachments, ok := kept.recall("k", time.Now())
		if !ok && len(attachments) > 0 {
			t.Errorf("not kept, and %+v", attachments)
		}
		collect(attachments)
	})
}
