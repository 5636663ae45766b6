package signature

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
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
		"missing.json": "there is no file", "html.json": "trustedRoot:", ".": "trustedRoot:", "empty.json": "has no transparency log",
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

// TestRootIsFetchedOnce wants one fetching for many images, none in the first seconds after a failure, and another
// one when the root has become old.
func TestRootIsFetchedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fetched, failing := 0, true
		trusted := trustRoot{until: time.Now(), fetch: func(context.Context) ([]root.TrustedMaterial, time.Time, error) {
			fetched++
			time.Sleep(time.Second)
			if failing {
				return nil, time.Time{}, errors.New("no network")
			}
			return []root.TrustedMaterial{&root.BaseTrustedMaterial{}}, time.Now().Add(rootLifetime), nil
		}}
		want := func(n int, ok bool) {
			t.Helper()
			var wait sync.WaitGroup
			for range 3 {
				wait.Go(func() {
					if m, err := trusted.material(t.Context()); (err == nil) != ok || (len(m) == 1) != ok {
						t.Errorf("got %v, %v, want success: %v", m, err, ok)
					}
				})
			}
			wait.Wait()
			if fetched != n {
				t.Errorf("fetched %d times, want %d", fetched, n)
			}
		}
		want(1, false)
		want(1, false)
		time.Sleep(failureLifetime)
		failing = false
		want(2, true)
		want(2, true)
		time.Sleep(rootLifetime)
		want(3, true)
		time.Sleep(rootLifetime)
		failing = true
		want(4, false)
	})
}

// TestImpatience wants the failure of who gave up to be nobody else's.
func TestImpatience(t *testing.T) {
	trusted := trustRoot{until: time.Now(), fetch: func(ctx context.Context) ([]root.TrustedMaterial, time.Time, error) {
		return []root.TrustedMaterial{&root.BaseTrustedMaterial{}}, time.Now().Add(time.Hour), ctx.Err()
	}}
	gone, leave := context.WithCancel(t.Context())
	leave()
	if _, err := trusted.material(gone); err == nil {
		t.Error("want an error")
	}
	if _, err := trusted.material(t.Context()); err != nil {
		t.Errorf("got %v", err)
	}
}

// TestZeroRoot wants a root that nothing is known of to trust nobody.
func TestZeroRoot(t *testing.T) {
	if m, err := (&trustRoot{}).material(t.Context()); len(m) > 0 || err == nil {
		t.Errorf("got %v, %v", m, err)
	}
}
