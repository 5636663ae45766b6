package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/tidewaiter/tidewaiter/image/imagetest"
)

// counted is a registry with the referrers API, without TLS, that remembers what it was asked for.
type counted struct {
	*distribution

	mu    sync.Mutex
	asked []string
}

func startCounted(t *testing.T) *counted {
	t.Helper()
	c := &counted{}
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(true))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		c.asked = append(c.asked, r.Method+" "+r.URL.Path)
		c.mu.Unlock()
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	c.distribution = &distribution{
		host: strings.TrimPrefix(server.URL, "http://"), env: []string{"DOCKER_CONFIG=" + t.TempDir()}, transport: http.DefaultTransport,
	}
	return c
}

// take returns what was asked for since it was last called.
func (c *counted) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.asked
	c.asked = nil
	return out
}

// pushIndex pushes an image for two platforms.
func (d *distribution) pushIndex(t *testing.T, repository string) name.Reference {
	t.Helper()
	ref, err := name.ParseReference(d.host + "/" + repository)
	if err != nil {
		t.Fatal(err)
	}
	idx := v1.ImageIndex(empty.Index)
	for _, arch := range []string{"amd64", "arm64"} {
		img, err := imagetest.Build(func(c *v1.ConfigFile) { c.Architecture = arch }, map[string]string{"app": repository + arch})
		if err != nil {
			t.Fatal(err)
		}
		idx = mutate.AppendManifests(idx, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}}})
	}
	auth := authn.FromConfig(authn.AuthConfig{Username: user, Password: password})
	if err := remote.WriteIndex(ref, idx, remote.WithAuth(auth), remote.WithTransport(d.transport)); err != nil {
		t.Fatal(err)
	}
	return ref
}

// TestRealDiscovery lets the real cosign sign images for several platforms, as a whole and each of them, beside the
// image and in another repository, in registries with the referrers API and without.
func TestRealDiscovery(t *testing.T) {
	registries := map[string]func(t *testing.T) *distribution{
		"distribution": func(t *testing.T) *distribution { return startDistribution(t, "") },
		"referrers":    func(t *testing.T) *distribution { return startCounted(t).distribution },
	}
	signers := map[string]struct{ variable, flags string }{
		"v2 classic": {"TIDEWAITER_COSIGN_V2", ""},
		"v3 bundle":  {"TIDEWAITER_COSIGN_V3", "--use-signing-config=false"},
		"v3 classic": {"TIDEWAITER_COSIGN_V3", "--use-signing-config=false --new-bundle-format=false"},
	}
	for where, start := range registries {
		t.Run(where, func(t *testing.T) {
			d := start(t)
			for by, signer := range signers {
				for _, separate := range []bool{false, true} {
					t.Run(fmt.Sprintf("%s/separate=%v", by, separate), func(t *testing.T) {
						s := &discovery{d: d, cosign: tool(t, signer.variable), flags: strings.Fields(signer.flags), dir: t.TempDir()}
						repository := strings.ReplaceAll(by, " ", "-")
						if separate {
							s.signatures, repository = d.host+"/keep/"+repository, repository+"-separate"
						}
						s.check(t, d.pushIndex(t, "shop/"+repository+":1"))
					})
				}
			}
		})
	}
}

// discovery is one signer, one registry and one place for signatures.
type discovery struct {
	d           *distribution
	cosign, dir string
	flags       []string
	signatures  string // the repository of signatures, if it is not the image's
}

func (s *discovery) check(t *testing.T, ref name.Reference) {
	t.Helper()
	s.run(t, "generate-key-pair")
	s.verify(t, "unsigned", ref, exitDenied, exitDenied)
	s.sign(t, ref.Name())
	s.verify(t, "the index is signed", ref, exitAllowed, exitDenied)
	s.sign(t, "--recursive", ref.Name())
	s.verify(t, "everything is signed", ref, exitAllowed, exitAllowed)
}

func (s *discovery) sign(t *testing.T, args ...string) {
	t.Helper()
	s.run(t, slices.Concat([]string{"sign", "--key", "cosign.key", "--tlog-upload=false", "--allow-http-registry"}, s.flags, args)...)
}

func (s *discovery) run(t *testing.T, args ...string) {
	t.Helper()
	d := *s.d
	if s.signatures != "" {
		d.env = append(slices.Clone(d.env), "COSIGN_REPOSITORY="+s.signatures)
	}
	if code, _, stderr := d.command(t, s.dir, s.cosign, args...); code != 0 {
		t.Fatalf("cosign %q: %s", args, stderr)
	}
}

// verify wants an exit code for the image as a whole, and one where each platform must be signed.
func (s *discovery) verify(t *testing.T, when string, ref name.Reference, whole, each int) {
	t.Helper()
	for everyChild, want := range map[bool]int{false: whole, true: each} {
		write(t, filepath.Join(s.dir, "tidewaiter.yaml"), fmt.Sprintf("trust: [{images: [\"**\"], everyChild: %v, signatures: %q, authorities: [{key: cosign.pub}]}]\n", everyChild, s.signatures))
		args := []string{"verify", ref.Name()}
		if strings.HasPrefix(ref.Context().RegistryStr(), "127.0.0.1") && s.d.transport == http.DefaultTransport {
			args = append(args, "--plain-http", s.d.host)
		}
		if code, stdout, stderr := s.d.command(t, s.dir, "tidewaiter", args...); code != want {
			t.Errorf("%s, everyChild=%v: exit code %d, want %d\n%s%s", when, everyChild, code, want, stdout, stderr)
		}
	}
}

// TestRequests counts what verifying one image costs the registry, and that it costs nothing for signatures the
// second time.
func TestRequests(t *testing.T) {
	c := startCounted(t)
	dir := t.TempDir()
	ref := c.pushIndex(t, "shop/web:1")
	key := newKey(t, dir)
	head, err := remote.Head(ref)
	if err != nil {
		t.Fatal(err)
	}
	if err := key.Push(ref.Context(), head.Digest); err != nil {
		t.Fatal(err)
	}
	verify := func(name string, cache string) []string {
		t.Helper()
		c.take()
		d := *c.distribution
		d.env = append(slices.Clone(d.env), cacheVariable+"="+cache)
		if code, stdout, stderr := d.command(t, dir, "tidewaiter", "verify", "--plain-http", c.host, "--key", "cosign.pub", name); code != exitAllowed {
			t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
		}
		return c.take()
	}
	tag := strings.Replace(head.Digest.String(), ":", "-", 1)
	base := "GET /v2/shop/web/"
	want := []string{
		"GET /v2/", base + "manifests/1",
		base + "manifests/" + tag + ".sig", base + "manifests/" + tag + ".att", base + "referrers/" + head.Digest.String(), base + "manifests/" + tag,
	}
	folder := filepath.Join(t.TempDir(), "cache")
	first := verify(ref.Name(), folder)
	slices.Sort(want)
	sorted := slices.Sorted(slices.Values(slices.DeleteFunc(slices.Clone(first), func(a string) bool { return strings.Contains(a, "/blobs/") })))
	if !slices.Equal(sorted, want) || len(first) != len(want)+1 {
		t.Errorf("first: asked for %q, want %q and one payload", first, want)
	}
	if got := verify(ref.Name(), folder); !slices.Equal(got, []string{"GET /v2/", base + "manifests/1"}) {
		t.Errorf("second: asked for %q, want only what the tag means", got)
	}
	if got := verify(ref.Name(), noCache); len(got) != len(first) {
		t.Errorf("without a cache: asked for %q, want as the first time", got)
	}
	cosign := tool(t, "TIDEWAITER_COSIGN_V2")
	c.take()
	if code, _, stderr := c.command(t, dir, cosign, "verify", "--key", "cosign.pub", "--insecure-ignore-tlog", "--allow-http-registry", ref.Name()); code != 0 {
		t.Fatalf("cosign: %s", stderr)
	}
	// Of the four places that we look at, all at once, cosign looks at two, one after the other.
	if peer := c.take(); len(first) > len(peer)+1 {
		t.Errorf("%d requests, and %d by cosign: %q", len(first), len(peer), peer)
	}
}
