package image

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/tidewaiter/tidewaiter/image/imagetest"
)

const (
	ociManifest  = "application/vnd.oci.image.manifest.v1+json"
	ociIndex     = "application/vnd.oci.image.index.v1+json"
	ociConfig    = "application/vnd.oci.image.config.v1+json"
	ociLayer     = "application/vnd.oci.image.layer.v1.tar+gzip"
	dockerSchema = "application/vnd.docker.distribution.manifest.v2+json"
)

// hostile is a registry that serves exactly what it was given, right or wrong.
type hostile struct {
	*httptest.Server
	host string

	mu        sync.Mutex
	manifests map[string]served // by tag or digest
	blobs     map[string][]byte
	requests  []*http.Request
}

type served struct {
	mediaType string
	body      []byte
}

func newHostile(t testing.TB) *hostile {
	h := &hostile{manifests: map[string]served{}, blobs: map[string][]byte{}}
	h.Server = httptest.NewServer(h)
	t.Cleanup(h.Close)
	h.host = strings.TrimPrefix(h.URL, "http://")
	return h
}

func (h *hostile) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.requests = append(h.requests, r)
	last := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	switch m, isManifest := h.manifests[last]; {
	case r.URL.Path == "/v2/":
	case strings.Contains(r.URL.Path, "/manifests/") && isManifest:
		if m.mediaType != "" {
			w.Header().Set("Content-Type", m.mediaType)
		} else {
			w.Header()["Content-Type"] = nil
		}
		w.Write(m.body)
	case strings.Contains(r.URL.Path, "/blobs/") && h.blobs[last] != nil:
		w.Write(h.blobs[last])
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// put serves a body as a manifest, by its digest and as the tags, and describes it.
func (h *hostile) put(mediaType string, body []byte, tags ...string) descriptor {
	d := descriptor{MediaType: mediaType, Digest: digestOf(body), Size: int64(len(body))}
	for _, name := range append(tags, d.Digest) {
		h.manifests[name] = served{mediaType, body}
	}
	return d
}

func (h *hostile) putBlob(mediaType string, body []byte) descriptor {
	d := descriptor{MediaType: mediaType, Digest: digestOf(body), Size: int64(len(body))}
	h.blobs[d.Digest] = body
	return d
}

// image puts an image of one layer; change may alter its manifest before it is served.
func (h *hostile) image(t testing.TB, platform string, change func(m map[string]any), tags ...string) descriptor {
	t.Helper()
	os, arch, _ := strings.Cut(platform, "/")
	layer := imagetest.Tar(t, nil, nil)
	config := h.putBlob(ociConfig, mustJSON(t, map[string]any{"os": os, "architecture": arch, "rootfs": map[string]any{"type": "layers", "diff_ids": []string{digestOf(layer)}}}))
	m := map[string]any{
		"schemaVersion": 2, "mediaType": ociManifest,
		"config": wire(config),
		"layers": []any{wire(h.putBlob("application/vnd.oci.image.layer.v1.tar", layer))},
	}
	if change != nil {
		change(m)
	}
	return h.put(ociManifest, mustJSON(t, m), tags...)
}

// index puts an index of children.
func (h *hostile) index(t testing.TB, children []map[string]any, tags ...string) descriptor {
	t.Helper()
	return h.put(ociIndex, mustJSON(t, map[string]any{"schemaVersion": 2, "mediaType": ociIndex, "manifests": children}), tags...)
}

// wire is a descriptor as it is written, with further fields.
func wire(d descriptor, fields ...map[string]any) map[string]any {
	out := map[string]any{"mediaType": d.MediaType, "digest": d.Digest, "size": d.Size}
	for _, f := range fields {
		maps.Copy(out, f)
	}
	return out
}

func on(platform string) map[string]any {
	os, arch, _ := strings.Cut(platform, "/")
	return map[string]any{"platform": map[string]any{"os": os, "architecture": arch}}
}

func mustJSON(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (h *hostile) pull(t testing.TB, c *Client) (*Image, error) {
	t.Helper()
	c.PlainHTTP = append(c.PlainHTTP, h.host)
	c.Keychain = noCredentials{}
	return c.Pull(t.Context(), mustParse(t, h.host+"/x:t"))
}

type noCredentials struct{}

func (noCredentials) Resolve(authn.Resource) (authn.Authenticator, error) {
	return authn.Anonymous, nil
}

// basic is a keychain that has credentials for whoever asks.
type basic struct{ user, password string }

func (b basic) Resolve(authn.Resource) (authn.Authenticator, error) {
	return authn.FromConfig(authn.AuthConfig{Username: b.user, Password: b.password}), nil
}

// canary records who comes, and with which secrets.
type canary struct {
	*httptest.Server
	host string
	mu   sync.Mutex
	hits []*http.Request
}

func newCanary(t testing.TB, answer http.HandlerFunc) *canary {
	c := &canary{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		c.hits = append(c.hits, r)
		c.mu.Unlock()
		if answer != nil {
			answer(w, r)
		}
	}))
	t.Cleanup(c.Close)
	// A name, not an address: that is what go-containerregistry lets through.
	c.host = strings.Replace(strings.TrimPrefix(c.URL, "http://"), "127.0.0.1", "localhost", 1)
	return c
}

func (c *canary) check(t testing.TB, wantHits int) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.hits) != wantHits {
		t.Errorf("another host was asked %d times, want %d", len(c.hits), wantHits)
	}
	for _, r := range c.hits {
		if r.Header.Get("Authorization") != "" || r.Header.Get("Cookie") != "" || r.Header.Get("Referer") != "" {
			t.Errorf("another host was told %v", r.Header)
		}
	}
}

// startServer serves a handler, without TLS, and returns its host.
func startServer(t testing.TB, handler http.Handler) string {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

// quiet keeps a test registry from logging.
var quiet = registry.Logger(log.New(io.Discard, "", 0))

// pullFrom starts a registry of handler and pulls from it with the credentials alice:hunter2.
func pullFrom(t testing.TB, c *Client, handler http.Handler) (string, error) {
	t.Helper()
	host := startServer(t, handler)
	c.PlainHTTP = append(c.PlainHTTP, host)
	if c.Keychain == nil {
		c.Keychain = basic{"alice", "hunter2"}
	}
	_, err := c.Pull(t.Context(), mustParse(t, host+"/x:t"))
	return host, err
}

// TestTokenRealm is REG-01: the registry names a token service elsewhere, by a name.
func TestTokenRealm(t *testing.T) {
	other := newCanary(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"token":"t"}`) })
	challenge := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="x"`, other.host))
		w.WriteHeader(http.StatusUnauthorized)
	}
	_, err := pullFrom(t, &Client{PlainHTTP: []string{other.host}}, http.HandlerFunc(challenge))
	wantError(t, err, "token realm host not allowed")
	other.check(t, 0)

	// The second challenge differs from the first: what counts is what the guard lets through.
	var asked int
	_, err = pullFrom(t, &Client{PlainHTTP: []string{other.host}, PrivateHosts: []string{other.host}}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked++; asked > 1 {
			challenge(w, r)
		}
	}))
	wantError(t, err, "")
	hits := len(other.hits)
	other.check(t, hits)

	// Nothing to leak, but nothing private to reach either.
	_, err = pullFrom(t, &Client{PlainHTTP: []string{other.host}, Keychain: noCredentials{}}, http.HandlerFunc(challenge))
	wantError(t, err, "private address")
	other.check(t, hits)
}

// TestIdentityToken is REG-01 for credentials that travel in the body of a request.
func TestIdentityToken(t *testing.T) {
	other := newCanary(t, nil)
	var asked int
	_, err := pullFrom(t, &Client{
		PlainHTTP: []string{other.host}, PrivateHosts: []string{other.host},
		Keychain: identity("secret-refresh-token"),
	}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked++; asked > 1 {
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="x"`, other.host))
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	wantError(t, err, "token realm host not allowed")
	other.check(t, 0)
}

type identity string

func (i identity) Resolve(authn.Resource) (authn.Authenticator, error) {
	return authn.FromConfig(authn.AuthConfig{IdentityToken: string(i)}), nil
}

// TestRealmAllowed: with a word from the user, a token service elsewhere gets the credentials.
func TestRealmAllowed(t *testing.T) {
	var got string
	other := newCanary(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Get("Authorization")
		io.WriteString(w, `{"token":"the-token"}`)
	})
	inner := registry.New(quiet)
	host := startServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer the-token" {
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="x"`, other.host))
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	c := Client{PlainHTTP: []string{host, other.host}, TokenHosts: map[string][]string{host: {other.host}}, Keychain: basic{"alice", "hunter2"}}
	_, err := c.Pull(t.Context(), mustParse(t, host+"/x:t"))
	if !errors.Is(err, ErrNotFound) {
		t.Errorf("error %v, want ErrNotFound", err)
	}
	if !strings.HasPrefix(got, "Basic ") {
		t.Errorf("the token service got %q", got)
	}
}

// TestRedirects is REG-02, REG-04 and REG-13: a blob or manifest is redirected.
func TestRedirects(t *testing.T) {
	challenges := map[string]http.HandlerFunc{
		"quiet": nil,
		"basic": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(http.StatusUnauthorized)
		},
		"bearer": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token"`, r.Host))
			w.WriteHeader(http.StatusUnauthorized)
		},
	}
	for name, answer := range challenges {
		for _, scheme := range []string{"Basic", "Bearer"} {
			t.Run(name+"/"+scheme, func(t *testing.T) {
				other := newCanary(t, answer)
				handler := func(w http.ResponseWriter, r *http.Request) {
					switch {
					case r.URL.Path == "/token":
						io.WriteString(w, `{"token":"t"}`)
					case r.Header.Get("Authorization") == "":
						w.Header().Set("WWW-Authenticate", fmt.Sprintf(`%s realm="http://%s/token"`, scheme, r.Host))
						w.WriteHeader(http.StatusUnauthorized)
					case r.URL.Path == "/v2/":
					default:
						w.Header().Set("Set-Cookie", "session=secret; Domain=localhost; Path=/")
						http.Redirect(w, r, other.URL+"/stolen", http.StatusTemporaryRedirect)
					}
				}
				_, err := pullFrom(t, &Client{PlainHTTP: []string{strings.TrimPrefix(other.URL, "http://")}}, http.HandlerFunc(handler))
				wantError(t, err, "private address")
				other.check(t, 0)

				host := strings.TrimPrefix(other.URL, "http://")
				_, err = pullFrom(t, &Client{PlainHTTP: []string{host}, PrivateHosts: []string{host}}, http.HandlerFunc(handler))
				wantError(t, err, "")
				if len(other.hits) == 0 {
					t.Error("an allowed redirect was not followed")
				}
				other.check(t, len(other.hits))
			})
		}
	}
}

func TestRedirectLimit(t *testing.T) {
	var asked int
	_, err := pullFrom(t, &Client{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v2/" {
			asked++
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
		}
	}))
	wantError(t, err, "too many redirects")
	if asked != 11 {
		t.Errorf("%d requests, want 11", asked)
	}
}

func TestNeverPlainHTTP(t *testing.T) {
	plainServer := newCanary(t, nil)
	host := strings.TrimPrefix(plainServer.URL, "http://")
	c := Client{Keychain: noCredentials{}}
	_, err := c.Pull(t.Context(), mustParse(t, host+"/x:t"))
	wantError(t, err, "--plain-http "+host)
	plainServer.check(t, 0)

	// https -> http, even to a host where http is allowed.
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v2/" {
			http.Redirect(w, r, plainServer.URL, http.StatusFound)
		}
	}))
	t.Cleanup(s.Close)
	secure := strings.TrimPrefix(s.URL, "https://")
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	c2 := Client{RootCAs: roots, PlainHTTP: []string{host}, PrivateHosts: []string{host}, Keychain: noCredentials{}}
	_, err = c2.Pull(t.Context(), mustParse(t, secure+"/x:t"))
	wantError(t, err, "plain HTTP is not allowed")
	plainServer.check(t, 0)

	c3 := Client{Keychain: noCredentials{}}
	_, err = c3.Pull(t.Context(), mustParse(t, secure+"/x:t"))
	wantError(t, err, "TLS: ")
}

// TestDrip is REG-07: bodies that never end, by every way in which they do not.
func TestDrip(t *testing.T) {
	limits := Limits{Idle: 300 * time.Millisecond, Header: 300 * time.Millisecond}
	for name, handler := range map[string]http.HandlerFunc{
		"stall after headers": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		},
		"drip": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				w.Write([]byte(" "))
				w.(http.Flusher).Flush()
				time.Sleep(time.Millisecond)
			}
		},
		"no header": func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	} {
		t.Run(name, func(t *testing.T) {
			_, err := pullFrom(t, &Client{Limits: limits}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/v2/" {
					handler(w, r)
				}
			}))
			wantError(t, err, "manifests/t")
		})
	}
	t.Run("endless", func(t *testing.T) {
		_, err := pullFrom(t, &Client{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			junk := bytes.Repeat([]byte(" "), 1<<16)
			for {
				if _, err := w.Write(junk); err != nil || r.URL.Path == "/v2/" {
					return
				}
			}
		}))
		wantError(t, err, "exceeds the limit of 4194304 bytes")
	})
	t.Run("deadline", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		host := startServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
		_, err := (&Client{PlainHTTP: []string{host}, Keychain: noCredentials{}}).Pull(ctx, mustParse(t, host+"/x:t"))
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want one of the deadline", err)
		}
	})
}

// TestStatuses is REG-12 and REG-16: what an answer says is cut, quoted, and never holds our secrets.
func TestStatuses(t *testing.T) {
	for name, tt := range map[string]struct {
		status   int
		body     string
		want     string
		requests int
	}{
		"missing":      {404, `{"errors":[{"code":"MANIFEST_UNKNOWN","message":"x"}]}`, "not found", 1},
		"unauthorized": {401, ``, "docker login", 1},
		"forbidden":    {403, `{"errors":[{"code":"DENIED"}]}`, "docker login", 1},
		"busy":         {503, ``, "status 503", 3},
		"rate":         {429, ``, "too many requests", 3},
		"escapes":      {500, "{\"errors\":[{\"code\":\"X\",\"message\":\"\\u001b[2K\\n::error::\u202e" + strings.Repeat("y", 5000) + "\"}]}", "status 500", 1},
		"html":         {500, strings.Repeat("<html>", 100_000), "status 500", 1},
		"echo":         {500, `{"errors":[{"code":"X","message":"you are alice:hunter2"}]}`, "***", 1},
	} {
		t.Run(name, func(t *testing.T) {
			var asked int
			_, err := pullFrom(t, &Client{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/v2/" {
					return
				}
				asked++
				w.Header().Set("Retry-After", "99999999")
				w.WriteHeader(tt.status)
				io.WriteString(w, tt.body)
			}))
			wantError(t, err, tt.want)
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error holds the password: %v", err)
			}
			if errors.Is(err, ErrNotFound) != (tt.status == 404) {
				t.Errorf("errors.Is(%v, ErrNotFound)", err)
			}
			if asked != tt.requests {
				t.Errorf("%d requests, want %d", asked, tt.requests)
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	u, _ := url.Parse(s.URL)
	s.Close()
	_, err := (&Client{Keychain: noCredentials{}}).Pull(t.Context(), mustParse(t, u.Host+"/x:t"))
	wantError(t, err, "host cannot be reached")
	_, err = (&Client{Keychain: noCredentials{}}).Pull(t.Context(), mustParse(t, "registry.invalid/x:t"))
	wantError(t, err, "registry.invalid")
	_, err = (&Client{Offline: true}).Pull(t.Context(), mustParse(t, "registry.invalid/x:t"))
	wantError(t, err, "offline")
}
