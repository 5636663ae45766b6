package signature

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	ociStatic "github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/sigstore/cosign/v2/pkg/oci/static"
	"go.yaml.in/yaml/v3"

	"github.com/tidewaiter/tidewaiter/image"
	"github.com/tidewaiter/tidewaiter/image/imagetest"
)

// refer pushes attachments as cosign v3 does: each as a referrer of the image.
func (p pushed) refer(t *testing.T, attachments ...image.Attachment) {
	t.Helper()
	hash, err := v1.NewHash(p.digest)
	noError(t, err)
	for _, a := range attachments {
		img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.MediaType(a.ArtifactType))
		img, err = mutate.Append(img, mutate.Addendum{Layer: ociStatic.NewLayer(a.Payload, types.MediaType(a.MediaType))})
		noError(t, err)
		referrer := mutate.Subject(img, v1.Descriptor{MediaType: types.OCIManifestSchema1, Digest: hash, Size: 1}).(v1.Image)
		digest, err := referrer.Digest()
		noError(t, err)
		imagetest.Push(t, p.host+"/shop/web:"+digest.Hex[:12], referrer)
	}
}

// place puts an attachment where its layout says.
func (p pushed) place(t *testing.T, a image.Attachment) {
	t.Helper()
	switch {
	case a.Layout == "referrer":
		p.refer(t, a)
	case a.Tag == ".att":
		img, err := mutate.Append(empty.Image, mutate.Addendum{
			Layer: ociStatic.NewLayer(a.Payload, types.MediaType(a.MediaType)), Annotations: a.Annotations,
		})
		noError(t, err)
		imagetest.Push(t, p.host+"/shop/web:"+strings.Replace(p.digest, ":", "-", 1)+".att", img)
	default:
		p.attach(t, a)
	}
}

// paste writes a suggestion as somebody would who takes it over into a configuration, and returns the verifier
// that reads it back, strictly.
func paste(t *testing.T, s Suggestion, o Options) *Verifier {
	t.Helper()
	if s.Entry == nil {
		t.Fatalf("nothing is suggested: %q", s.Notes)
	}
	text, err := yaml.Marshal(Policy{[]Entry{*s.Entry}})
	noError(t, err)
	o.Dir = t.TempDir()
	for _, k := range s.Keys {
		noError(t, os.WriteFile(filepath.Join(o.Dir, k.File), []byte(k.PEM), 0o600))
	}
	var p Policy
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	noError(t, decoder.Decode(&p))
	v, err := New(p, o)
	if err != nil {
		t.Fatalf("the suggestion does not load: %v\n%s", err, text)
	}
	return v
}

func suggest(t *testing.T, p pushed, policy Policy, o Options) Suggestion {
	t.Helper()
	o.Offline = true
	v, err := New(policy, o)
	noError(t, err)
	s, err := v.Suggest(t.Context(), p.pull(t, "/shop/web"))
	noError(t, err)
	return s
}

// TestSuggestions pastes what is suggested for each kind of signature, and wants it to hold, and only for who
// signed.
func TestSuggestions(t *testing.T) {
	w := newWorld(t, time.Hour)
	root := w.trustedRoot()
	me, key := w.identity(leaf{}), signer{key: newECDSA(t)}
	logged := bundleOptions{log: true, after: time.Minute}
	for name, test := range map[string]struct {
		make func(digest string) image.Attachment
		want Authority
	}{
		"keyless tag": {func(d string) image.Attachment { return w.simple(me, d, time.Minute) }, Authority{Keyless: &Keyless{Issuer: provider, Subject: workflow}}},
		"keyless referrer": {func(d string) image.Attachment {
			return attach(t, w.bundle(me, signedStatement(d, signPredicate), logged))
		}, Authority{Keyless: &Keyless{Issuer: provider, Subject: workflow}}},
		"key tag": {func(d string) image.Attachment { return w.simple(key, d, time.Minute) }, Authority{TransparencyLog: Required}},
		"key referrer": {func(d string) image.Attachment {
			return attach(t, w.bundle(key, signedStatement(d, signPredicate), logged))
		}, Authority{TransparencyLog: Required}},
	} {
		t.Run(name, func(t *testing.T) {
			p := push(t)
			p.place(t, test.make(p.digest))
			s := suggest(t, p, Policy{}, Options{TrustedRoot: root})
			v := paste(t, s, Options{TrustedRoot: root, Offline: true})
			r, err := v.Verify(t.Context(), p.pull(t, "/shop/web"))
			noError(t, err)
			if !held(r) || len(s.Entry.Images) != 1 || s.Entry.Images[0] != p.host+"/shop/web" || len(s.Entry.Authorities) != 1 {
				t.Fatalf("got %+v of %+v", r, s.Entry)
			}
			got := s.Entry.Authorities[0]
			if test.want.Keyless == nil {
				if len(s.Keys) != 1 || s.Keys[0].File != got.Key || s.Keys[0].PEM != string(publicPEM(t, key.key.Public())) {
					t.Fatalf("got keys %+v for %q", s.Keys, got.Key)
				}
				got.Key = ""
			}
			if describeAuthority(got) != describeAuthority(test.want) {
				t.Errorf("got %s, want %s", describeAuthority(got), describeAuthority(test.want))
			}
			other := push(t)
			stranger := w.identity(leaf{subjects: []string{"https://github.com/evil"}})
			other.attach(t, w.simple(stranger, other.digest, time.Minute))
			s.Entry.Images = []string{"**"}
			if r, err := paste(t, s, Options{TrustedRoot: root, Offline: true}).Verify(t.Context(), other.pull(t, "/shop/web")); err != nil || held(r) {
				t.Errorf("a stranger's signature: got %+v, %v", r, err)
			}
		})
	}
}

// TestNoSuggestion has signatures whose maker was not verified: nobody is suggested, and a note says why.
func TestNoSuggestion(t *testing.T) {
	w, foreign := newWorld(t, time.Hour), newWorld(t, time.Hour)
	root := w.trustedRoot()
	me, key, stranger := w.identity(leaf{}), signer{key: newECDSA(t)}, signer{key: newECDSA(t)}
	for name, test := range map[string]struct {
		make func(digest string) image.Attachment
		root string
		want string // in a note
	}{
		"key without a log": {func(d string) image.Attachment { return key.simple(t, d) }, root, "by a key that nobody here knows: ask the publisher"},
		"another key in the log": {func(d string) image.Attachment {
			a := stranger.simple(t, d)
			a.Annotations[static.BundleAnnotationKey] = w.logSimple(key, key.simple(t, d), time.Minute)
			return a
		}, root, "by a key that nobody here knows"},
		"another image":           {func(string) image.Attachment { return w.simple(me, digestB, time.Minute) }, root, "does not cover"},
		"another image, by a key": {func(string) image.Attachment { return w.simple(key, digestB, time.Minute) }, root, "does not cover"},
		"another certificate authority": {func(d string) image.Attachment {
			return foreign.simple(foreign.identity(leaf{}), d, time.Minute)
		}, root, "not vouched for by any trusted root that is configured"},
		"a certificate with another's signature": {func(d string) image.Attachment {
			a := w.simple(me, d, time.Minute)
			a.Annotations[static.SignatureAnnotationKey] = stranger.simple(t, d).Annotations[static.SignatureAnnotationKey]
			return a
		}, root, "not vouched for"},
		"no log":          {func(d string) image.Attachment { return me.simple(t, d) }, root, "not vouched for"},
		"no trusted root": {func(d string) image.Attachment { return w.simple(me, d, time.Minute) }, "", "could not be checked: a trusted root is needed"},
		"a name that hides": {func(d string) image.Attachment {
			return w.simple(w.identity(leaf{subjects: []string{"https://github.com/\u202egro"}, issuer: "https://a\u200b.example"}), d, time.Minute)
		}, root, "names nobody that a policy could"},
		"malformed": {func(d string) image.Attachment {
			a := key.simple(t, d)
			a.Payload = []byte("{}")
			return a
		}, root, "malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			p := push(t)
			p.place(t, test.make(p.digest))
			s := suggest(t, p, Policy{}, Options{TrustedRoot: test.root})
			if s.Entry != nil || len(s.Keys) != 0 {
				t.Errorf("got %+v and keys %+v", s.Entry, s.Keys)
			}
			if notes := strings.Join(s.Notes, "\n"); !strings.Contains(notes, test.want) {
				t.Errorf("got notes %q, want %q", notes, test.want)
			}
		})
	}
	if s := suggest(t, push(t), Policy{}, Options{TrustedRoot: root}); s.Entry != nil || len(s.Notes) != 0 {
		t.Errorf("nothing stands beside the image: got %+v", s)
	}
}

// TestSuggestKnownKey suggests a key that the policy names for other images.
func TestSuggestKnownKey(t *testing.T) {
	p, me := push(t), signer{key: newECDSA(t)}
	dir := writeKeys(t, newECDSA(t), me.key)
	p.attach(t, me.simple(t, p.digest))
	policy := keyPolicy("registry.example/other", "0.pub")
	policy.Entries[0].Authorities = append(policy.Entries[0].Authorities, Authority{Key: "1.pub"})
	s := suggest(t, p, policy, Options{Dir: dir})
	if s.Entry == nil || len(s.Entry.Authorities) != 1 || s.Entry.Authorities[0].Key != "1.pub" || len(s.Keys) != 0 {
		t.Errorf("got %+v, %q", s.Entry, s.Notes)
	}
}

// TestSuggestWithoutLog suggests a logged key without the log where no trusted root tells whether it is one.
func TestSuggestWithoutLog(t *testing.T) {
	w, p, key := newWorld(t, time.Hour), push(t), signer{key: newECDSA(t)}
	p.attach(t, w.simple(key, p.digest, time.Minute))
	s := suggest(t, p, Policy{}, Options{})
	v := paste(t, s, Options{Offline: true})
	r, err := v.Verify(t.Context(), p.pull(t, "/shop/web"))
	noError(t, err)
	if notes := strings.Join(s.Notes, "\n"); !held(r) || s.Entry.Authorities[0].TransparencyLog != "" || !strings.Contains(notes, "whether a log knows") {
		t.Errorf("got %+v, %q", s.Entry, notes)
	}
}

// TestSuggestEveryChild has signatures of the platforms' manifests, and none of the index.
func TestSuggestEveryChild(t *testing.T) {
	host := imagetest.Host(t)
	var index v1.ImageIndex = empty.Index
	w := newWorld(t, time.Hour)
	me, root := w.identity(leaf{}), w.trustedRoot()
	var children []pushed
	for _, architecture := range []string{"amd64", "arm64"} {
		img := imagetest.Image(t, map[string]string{"a": architecture})
		children = append(children, pushed{host, imagetest.Push(t, host+"/shop/web:"+architecture, img)})
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{
			Platform: &v1.Platform{OS: "linux", Architecture: architecture},
		}})
	}
	p := pushed{host, imagetest.Push(t, host+"/shop/web:1", index)}
	children[0].attach(t, w.simple(me, children[0].digest, time.Minute))
	if s := suggest(t, p, Policy{}, Options{TrustedRoot: root}); s.Entry != nil {
		t.Errorf("one of two platforms is signed: got %+v", s.Entry)
	}
	children[1].attach(t, w.simple(me, children[1].digest, time.Minute))
	s := suggest(t, p, Policy{}, Options{TrustedRoot: root})
	r, err := paste(t, s, Options{TrustedRoot: root, Offline: true}).Verify(t.Context(), p.pull(t, "/shop/web"))
	if err != nil || !held(r) || !s.Entry.EveryChild {
		t.Errorf("got %+v, %v of %+v", r, err, s.Entry)
	}
}
