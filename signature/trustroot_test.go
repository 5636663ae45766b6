package signature

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sigstore/cosign/v2/pkg/oci/static"
	"github.com/sigstore/sigstore-go/pkg/root"

	"github.com/tidewaiter/tidewaiter/image"
)

// TestStrangersRoot has signatures that are good in another world.
func TestStrangersRoot(t *testing.T) {
	w, other := newWorld(t, time.Hour), newWorld(t, time.Hour)
	o := Options{TrustedRoot: w.trustedRoot()}
	stranger := other.identity(leaf{})
	for name, a := range map[string]image.Attachment{
		"tag":                       other.simple(stranger, digestA, time.Minute),
		"tag, in our log":           w.simple(stranger, digestA, time.Minute),
		"tag, in another log":       other.simple(w.identity(leaf{}), digestA, time.Minute),
		"referrer":                  attach(t, other.bundle(stranger, signedStatement(digestA, signPredicate), bundleOptions{log: true, after: time.Minute})),
		"referrer, in our log":      attach(t, w.bundle(stranger, signedStatement(digestA, signPredicate), bundleOptions{log: true, after: time.Minute})),
		"referrer, in another log":  attach(t, other.bundle(w.identity(leaf{}), signedStatement(digestA, signPredicate), bundleOptions{log: true, after: time.Minute})),
		"with the chain of another": withChain(w.simple(stranger, digestA, time.Minute), other.intermediate, other.root),
	} {
		t.Run(name, func(t *testing.T) {
			r := verifyAttachments(t, byWorkflow(), o, a)
			if held(r) || len(r.Rejected) != 1 || r.Rejected[0].Subject != workflow {
				t.Errorf("got %+v, want it rejected, with the subject that it claims", r)
			}
		})
	}
}

// withChain adds a chain, as its signer would like it to be trusted (SIG-17: it may be any length).
func withChain(a image.Attachment, chain ...*x509.Certificate) image.Attachment {
	var text strings.Builder
	for range 200 {
		for _, c := range chain {
			_ = pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
		}
	}
	a.Annotations[static.ChainAnnotationKey] = text.String()
	return a
}

func TestTrustedRoot(t *testing.T) {
	dir := t.TempDir()
	noError(t, os.WriteFile(filepath.Join(dir, "html.json"), []byte("<html>404</html>"), 0o600))
	noError(t, os.WriteFile(filepath.Join(dir, "empty.json"), []byte(`{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}`), 0o600))
	for name, want := range map[string]string{
		"missing.json": "no such file", "html.json": "trustedRoot:", ".": "trustedRoot:", "empty.json": "has no transparency log",
	} {
		if _, err := New(byWorkflow(), Options{Dir: dir, TrustedRoot: name}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error that says %q", name, err, want)
		}
	}
}

// TestOffline wants no root where none is needed, and an error where one is.
func TestOffline(t *testing.T) {
	w := newWorld(t, time.Hour)
	a := w.simple(w.identity(leaf{}), digestA, time.Minute)
	v, err := New(byWorkflow(), Options{Offline: true})
	noError(t, err)
	rules := v.matching(image.Reference{Transport: image.Registry, Host: "registry.example", Repository: "shop/web"})
	if r, err := v.judge(context.Background(), t, rules); err != nil || held(r) {
		t.Errorf("unsigned: got %+v, %v", r, err)
	}
	if r, err := v.judge(context.Background(), t, rules, a); err == nil || !strings.Contains(err.Error(), "set trustedRoot") {
		t.Errorf("got %+v, %v, want an error that says what to set", r, err)
	}
}

// TestFetchFails wants an error where the trusted root cannot be fetched, and nothing kept in place of it.
func TestFetchFails(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	dir := t.TempDir()
	for _, cache := range []string{"", dir} {
		if got, err := fetchRoot(ctx, cache); err == nil || !strings.Contains(err.Error(), "could not be fetched") {
			t.Errorf("got %v, %v, want an error", got, err)
		}
	}
}

// TestRootIsFetchedOnce wants one fetching for many images, another one after a failure, and another one when
// the root has become old.
func TestRootIsFetchedOnce(t *testing.T) {
	fetched, failing := 0, true
	trusted := trustRoot{fetch: func(context.Context) ([]root.TrustedMaterial, error) {
		fetched++
		if failing {
			return nil, errors.New("no network")
		}
		return []root.TrustedMaterial{&root.BaseTrustedMaterial{}}, nil
	}}
	_, err := trusted.material(context.Background())
	if err == nil {
		t.Error("want an error")
	}
	failing = false
	for range 3 {
		_, err := trusted.material(context.Background())
		noError(t, err)
	}
	trusted.until = time.Now()
	_, err = trusted.material(context.Background())
	noError(t, err)
	if fetched != 3 {
		t.Errorf("fetched %d times, want 3", fetched)
	}
}
