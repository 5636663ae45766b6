package signature

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/tidewaiter/tidewaiter/cache"
)

func rootOf(a root.CertificateAuthority) string {
	return string(a.(*root.FulcioCertificateAuthority).Root.Raw)
}

// TestTUFIsAsked wants the repository asked once a day, or when its timestamp expires, and nothing in place of its
// answer.
func TestTUFIsAsked(t *testing.T) {
	w, dir := newTUF(t), t.TempDir()
	w.accepts(w.repository(dir, 0))
	if asked := w.requests(); len(asked) != 5 {
		t.Errorf("asked for %q, want five files", asked)
	}
	w.change()
	if _, _, err := w.repository(dir, 11*time.Hour).fetch(t.Context()); err != nil || len(w.requests()) > 0 {
		t.Errorf("got %v, want what is kept, without asking", err)
	}
	w.refuses(w.repository(dir, 13*time.Hour), "timestamp.json is expired")
	w.timestamp.Signed.Expires = time.Now().Add(47 * time.Hour)
	w.next()
	w.publish()
	w.accepts(w.repository(dir, 13*time.Hour))
	w.requests()
	if w.accepts(w.repository(dir, 13*time.Hour+rootLifetime-time.Second)); len(w.requests()) > 0 {
		t.Error("asked within a day")
	}
	if w.accepts(w.repository(dir, 13*time.Hour+rootLifetime)); len(w.requests()) != 2 {
		t.Error("want the next root and the timestamp asked for after a day")
	}
	w.accepts(w.repository("", 0))
	info, err := os.Stat(filepath.Join(dir, "tuf"))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("got %v, %v, want a folder for its owner alone", info.Mode(), err)
	}
}

// TestTUFLasts wants a trusted root to be used no longer than for a day from when the repository was asked, and not
// after its timestamp has expired.
func TestTUFLasts(t *testing.T) {
	w := newTUF(t)
	for _, c := range []struct{ timestamp, after, want time.Duration }{
		{12 * time.Hour, 0, 12 * time.Hour},
		{12 * time.Hour, 5 * time.Hour, 7 * time.Hour},
		{47 * time.Hour, 0, 24 * time.Hour},
		{47 * time.Hour, 5 * time.Hour, 19 * time.Hour},
	} {
		dir := t.TempDir()
		w.timestamp.Signed.Expires = time.Now().Add(c.timestamp)
		w.publishTimestamp()
		w.accepts(w.repository(dir, 0))
		r := w.repository(dir, c.after)
		_, until, err := r.fetch(t.Context())
		noError(t, err)
		if lasts := until.Sub(r.now()).Round(time.Minute); lasts != c.want {
			t.Errorf("%+v: it lasts %v", c, lasts)
		}
	}
}

// TestTUFSnapshotIsCompared wants the snapshot that the timestamp names, and not one that is kept under its version.
func TestTUFSnapshotIsCompared(t *testing.T) {
	w, dir := newTUF(t), t.TempDir()
	w.accepts(w.repository(dir, 0))
	w.snapshot.Signed.Version = 0 // which change makes 1 again
	w.change()
	r := w.repository(dir, 0)
	age(t, r, rootLifetime)
	w.accepts(r)
}

// TestTUFFails wants an error whenever the repository does not answer well, with something good in the cache, or
// without (SIG-18).
func TestTUFFails(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"unavailable": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "busy", http.StatusServiceUnavailable) },
		"nothing":     http.NotFound,
		"forbidden":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) },
		"a page":      func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>log in here</html>") },
		"no answer":   func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"null":        func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "null") },
		"list":        func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "[]") },
		"object":      func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "{}") },
		"signed null": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"signed":null,"signatures":null}`) },
		"signed list": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"signed":[],"signatures":{}}`) },
		"no signature": func(w http.ResponseWriter, r *http.Request) {
			role := strings.TrimSuffix(r.URL.Path[strings.LastIndexAny(r.URL.Path[:len(r.URL.Path)-5], "./")+1:], ".json")
			fmt.Fprintf(w, `{"signed":{"_type":%q},"signatures":[]}`, role)
		},
		"deep": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat(`{"signed":`, 1000)) },
	} {
		for _, file := range []string{"", "2.root.json", "timestamp.json", "2.snapshot.json", "2.targets.json", "targets/"} {
			if name == "nothing" && file == "2.root.json" {
				continue // which says that there is no newer one
			}
			t.Run(name+" "+file, func(t *testing.T) {
				w, dir := newTUF(t), t.TempDir()
				w.accepts(w.repository(dir, 0))
				w.change()
				w.answer(func(out http.ResponseWriter, r *http.Request) bool {
					if strings.HasPrefix(r.URL.Path, "/"+file) {
						answer(out, r)
					}
					return strings.HasPrefix(r.URL.Path, "/"+file)
				})
				for _, cache := range []string{dir, ""} {
					r := w.repository(cache, 11*time.Hour)
					if cache != "" {
						age(t, r, rootLifetime)
					}
					w.refuses(r, "")
				}
				w.answer(nil)
				r := w.repository(dir, 0)
				age(t, r, rootLifetime)
				w.accepts(r)
			})
		}
	}
}

// age makes what is kept seem older.
func age(t *testing.T, r *repository, by time.Duration) {
	t.Helper()
	kept, keep := r.open()
	kept.Checked = kept.Checked.Add(-by)
	keep(kept)
}

// TestTUFIsBounded wants endless answers to end, and answers that never come.
func TestTUFIsBounded(t *testing.T) {
	for _, file := range []string{"2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json", "targets/"} {
		t.Run(file, func(t *testing.T) {
			w := newTUF(t)
			var sent atomic.Int64
			w.answer(func(out http.ResponseWriter, r *http.Request) bool {
				for strings.HasPrefix(r.URL.Path, "/"+file) {
					n, err := out.Write(make([]byte, 1<<16))
					if sent.Add(int64(n)); err != nil || sent.Load() > 1<<30 {
						return true
					}
				}
				return false
			})
			w.refuses(w.repository("", 0), "larger than expected")
			w.server.Close() // waits for the handler
			if sent.Load() > 32<<20 {
				t.Errorf("%d bytes were read", sent.Load())
			}
		})
	}
	t.Run("silence", func(t *testing.T) {
		w, over := newTUF(t), make(chan struct{})
		defer close(over)
		w.answer(func(http.ResponseWriter, *http.Request) bool { <-over; return true })
		r := w.repository("", 0)
		if r.timeout != fetchTimeout {
			t.Errorf("a fetching is bounded by %v", r.timeout)
		}
		r.timeout = 10 * time.Millisecond
		w.refuses(r, "deadline exceeded")
	})
	t.Run("lengths", func(t *testing.T) {
		w := newTUF(t)
		w.targets.Signed.Targets[trustedRootTarget].Length = 1 << 50
		w.next()
		w.publishTargets()
		w.refuses(w.repository("", 0), "more than the 4194304 that are read")
		for length, want := range map[int64]int64{0: 10, -1: 10, 3: 3, 1 << 50: 10} {
			if got := within(length, 10); got != want {
				t.Errorf("of a length of %d bytes %d are read, want %d", length, got, want)
			}
		}
	})
	t.Run("rotations", func(t *testing.T) {
		w := newTUF(t)
		for range maxRotations {
			w.root.Signed.Version++
			w.publishRoot()
		}
		w.refuses(w.repository("", 0), "are too many")
	})
}

// TestTUFRedirects wants only the repository's own host to be asked, and never without TLS if that is how it is
// named.
func TestTUFRedirects(t *testing.T) {
	w := newTUF(t)
	var hits atomic.Int32
	canary := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		w.ServeHTTP(out, r)
	}))
	defer canary.Close()
	to := ""
	w.answer(func(out http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/timestamp.json" {
			return false
		}
		http.Redirect(out, r, to, http.StatusFound)
		return true
	})
	to = canary.URL + "/timestamp.json"
	w.refuses(w.repository("", 0), "another host")
	to = strings.Replace(w.server.URL, "http://", "https://", 1) + "/timestamp.json"
	w.refuses(w.repository("", 0), "another host")
	to = "/timestamp.json"
	w.refuses(w.repository("", 0), "redirects")
	to = w.server.URL + "/moved.json"
	w.put("moved.json", w.files["timestamp.json"])
	w.accepts(w.repository("", 0))
	if hits.Load() > 0 {
		t.Error("another host was asked")
	}
	for from, to := range map[string]string{"https://a.example/x": "http://a.example/x", "https://b.example/": "https://b.example:8443/"} {
		first, second := httptest.NewRequest("GET", from, nil), httptest.NewRequest("GET", to, nil)
		if err := w.repository("", 0).client().CheckRedirect(second, []*http.Request{first}); err == nil {
			t.Errorf("%s may lead to %s", from, to)
		}
	}
}

// TestTUFRequests wants requests to tell nothing of who asks.
func TestTUFRequests(t *testing.T) {
	w := newTUF(t)
	t.Setenv("NETRC", filepath.Join(t.TempDir(), "netrc"))
	w.answer(func(_ http.ResponseWriter, r *http.Request) bool {
		if agent := r.UserAgent(); agent != "tidewaiter" || len(r.Header) != 1 {
			t.Errorf("headers %v", r.Header)
		}
		return false
	})
	w.accepts(w.repository("", 0))
}

// TestTUFNames wants names in metadata and addresses to lead nowhere (CVE-2026-24137, CVE-2026-24686).
func TestTUFNames(t *testing.T) {
	w, dir := newTUF(t), t.TempDir()
	evil, err := metadata.TargetFile().FromBytes("x", []byte("x"))
	noError(t, err)
	for _, name := range []string{"../../evil", "/evil", `..\evil`, "../" + trustedRootTarget, "evil\x00"} {
		w.targets.Signed.Targets[name] = evil
		w.snapshot.Signed.Meta[name+".json"] = metadata.MetaFile(1)
		w.timestamp.Signed.Meta[name+".json"] = metadata.MetaFile(1)
	}
	w.next()
	w.publish()
	w.accepts(w.repository(filepath.Join(dir, "cache"), 0))
	mux := http.NewServeMux()
	mux.Handle("/", http.StripPrefix("/evil", w))
	server := httptest.NewServer(mux)
	defer server.Close()
	for _, path := range []string{"/evil/../evil", "/evil/%2e%2e/%2e%2e/evil", `/evil\..\..\evil`} {
		r := w.repository(filepath.Join(dir, "cache"), 0)
		r.url = server.URL + path
		_, _, _ = r.fetch(t.Context())
	}
	noError(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && filepath.Dir(path) != filepath.Join(dir, "cache", "tuf") {
			t.Errorf("%s was written", path)
		}
		return err
	}))
	if _, err := os.Stat(filepath.Join(filepath.Dir(dir), "evil")); err == nil {
		t.Error("a file was written outside of the cache")
	}
}

// TestTUFTamperedCache wants whatever somebody writes to the cache to be worth nothing.
func TestTUFTamperedCache(t *testing.T) {
	other := newTUF(t)
	other.target = tufTarget(t, 2)
	other.publish()
	for name, tamper := range map[string]func(own *state, foreign state){
		"all of another":        func(own *state, foreign state) { *own = foreign },
		"root":                  func(own *state, foreign state) { own.Roots = [][]byte{other.first} },
		"root that is null":     func(own *state, foreign state) { own.Roots = [][]byte{[]byte("null")} },
		"timestamp":             func(own *state, foreign state) { own.Timestamp = foreign.Timestamp },
		"timestamp that is not": func(own *state, foreign state) { own.Timestamp = []byte("{") },
		"snapshot":              func(own *state, foreign state) { own.Snapshot = foreign.Snapshot },
		"snapshot that is not":  func(own *state, foreign state) { own.Snapshot = []byte("null") },
		"targets":               func(own *state, foreign state) { own.Targets = foreign.Targets },
		"targets that are not":  func(own *state, foreign state) { own.Targets = []byte("[]") },
		"trusted root":          func(own *state, foreign state) { own.Target = foreign.Target },
		"trusted root is none":  func(own *state, foreign state) { own.Target = []byte("{}") },
		"nothing":               func(own *state, foreign state) { *own = state{Checked: own.Checked} },
		"the future":            func(own *state, foreign state) { own.Checked = own.Checked.Add(time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			w, dir := newTUF(t), t.TempDir()
			w.accepts(w.repository(dir, 0))
			other.accepts(other.repository(dir, 0))
			r := w.repository(dir, 0)
			own, keep := r.open()
			foreign, _ := other.repository(dir, 0).open()
			foreign.Checked = own.Checked
			tamper(&own, foreign)
			keep(own)
			w.answer(func(out http.ResponseWriter, _ *http.Request) bool {
				out.WriteHeader(http.StatusBadGateway)
				return true
			})
			w.refuses(r, "")
			w.answer(nil)
			w.accepts(r)
		})
	}
	w, dir := newTUF(t), t.TempDir()
	r := w.repository(dir, 0)
	folder, err := cache.Open(r.cache, maxCache)
	noError(t, err)
	folder.Put("tuf", r.key(), []byte(`{"checked":"2999-01-01T00:00:00Z","roots":[null]`))
	w.accepts(r)
	noError(t, os.RemoveAll(dir))
	noError(t, os.WriteFile(dir, nil, 0o600))
	w.accepts(w.repository(dir, 0)) // a cache that cannot be is none
}

// TestTUFTogether has many ask at once with one cache, as processes do, while the repository goes on.
func TestTUFTogether(t *testing.T) {
	w, dir := newTUF(t), t.TempDir()
	r := w.repository("", 0)
	var wait sync.WaitGroup
	for range 8 {
		own := *r
		own.cache = filepath.Join(dir, "tuf")
		wait.Go(func() {
			for range 10 {
				if _, _, err := own.fetch(t.Context()); err != nil {
					t.Error(err)
				}
				kept, keep := own.open()
				kept.Checked = time.Time{}
				keep(kept)
			}
		})
	}
	for range 5 {
		w.change()
	}
	wait.Wait()
	w.accepts(w.repository(dir, 0))
}
