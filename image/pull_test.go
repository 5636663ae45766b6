package image

import (
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/tidewaiter/tidewaiter/image/imagetest"
)

func mustParse(t testing.TB, s string) Reference {
	t.Helper()
	ref, err := ParseReference(s)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func TestPull(t *testing.T) {
	host := imagetest.Host(t)
	digest := imagetest.Push(t, host+"/shop/web:1.4", imagetest.Image(t, map[string]string{"bin/web": "x"}))
	c := Client{PlainHTTP: []string{host}, Keychain: noCredentials{}}
	for _, ref := range []string{host + "/shop/web:1.4", host + "/shop/web@" + digest, host + "/shop/web:gone@" + digest} {
		img, err := c.Pull(t.Context(), mustParse(t, ref))
		if err != nil {
			t.Fatal(err)
		}
		if img.Digest != digest || len(img.Platforms) != 1 || img.Platforms[0].Name != "linux/amd64" || len(img.Platforms[0].Layers) != 1 {
			t.Errorf("Pull(%s) = %+v", ref, img)
		}
	}
	_, err := c.Pull(t.Context(), mustParse(t, host+"/shop/web:none"))
	if !errors.Is(err, ErrNotFound) {
		t.Errorf("error %v, want ErrNotFound", err)
	}
}

// TestPullTLS pulls, by TLS and with a password, from a registry that wants both; several at once.
func TestPullTLS(t *testing.T) {
	inner := registry.New(quiet)
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "alice" || password != "hunter2" {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	host := strings.TrimPrefix(s.URL, "https://")
	ref, err := name.ParseReference(host + "/x:t")
	if err != nil {
		t.Fatal(err)
	}
	img := imagetest.Image(t, map[string]string{"bin/web": "x"})
	if err := remote.Write(ref, img, remote.WithTransport(s.Client().Transport), remote.WithAuth(&authn.Basic{Username: "alice", Password: "hunter2"})); err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	c := &Client{RootCAs: roots, Keychain: basic{"alice", "hunter2"}}
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			pulled, err := c.Pull(t.Context(), mustParse(t, host+"/x:t"))
			if err != nil {
				t.Error(err)
				return
			}
			f, err := pulled.Platforms[0].Files(t.Context(), Options{Visit: keepAll})
			if err != nil {
				t.Error(err)
				return
			}
			defer f.Close()
			if f.Lookup("/bin/web") == nil {
				t.Error("/bin/web is missing")
			}
		})
	}
	wait.Wait()
	_, err = (&Client{RootCAs: roots, Keychain: basic{"alice", "wrong"}}).Pull(t.Context(), mustParse(t, host+"/x:t"))
	wantError(t, err, "docker login")
}
