package image

import (
	"encoding/json"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

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
