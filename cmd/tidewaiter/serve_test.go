package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/tidewaiter/tidewaiter/image/imagetest"
)

const (
	hookSecret = "canary-hook-9d0c55aa17" // neither may show up in a log
	apiToken   = "canary-token-52be07c4d1"
)

// freeAddress is an address of loopback that nobody listens at. On Linux it is none that other tests, which run at the same time,
// are given: theirs are of 127.0.0.1.
func freeAddress(t *testing.T) string {
	t.Helper()
	host := "127.0.0.1"
	if pid := os.Getpid(); runtime.GOOS == "linux" {
		host = fmt.Sprintf("127.%d.%d.%d", 1+pid>>16&0x7f, pid>>8&0xff, pid&0xff)
	}
	listener, err := net.Listen("tcp", host+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// notifications is the part of a registry's configuration that has it tell servers.
func notifications(addresses ...string) string {
	text := "\nnotifications:\n  endpoints:\n"
	for i, address := range addresses {
		text += fmt.Sprintf("    - {name: tidewaiter-%d, url: \"http://%s/hooks/registry\", headers: {Authorization: [%s]}, timeout: 3s, threshold: 5, backoff: 100ms}\n",
			i, address, hookSecret)
	}
	return text
}

// served is a server that runs as a process of its own.
type served struct {
	address string
	process *exec.Cmd
	log     *bytes.Buffer
}

// startServer starts the server on a registry, in a folder with tidewaiter.yaml. more is added to its configuration.
func startServer(t *testing.T, d *distribution, address, dir, more string) *served {
	t.Helper()
	write(t, filepath.Join(dir, "hook"), hookSecret+"\n")
	write(t, filepath.Join(dir, "token"), apiToken+"\n")
	write(t, filepath.Join(dir, "serve.yaml"), fmt.Sprintf(`
listen: %s
metrics: "off"
data: data
gate: tidewaiter.yaml
credentials: %s
endpoints:
  - name: registry
    sender: distribution
    path: /hooks/registry
    hosts: ["%s"]
    auth: {header: {secret: {file: hook}}}
tokens:
  - {name: deployer, secret: {file: token}, repositories: ["**"], ask: true}
%s`, address, strings.TrimPrefix(d.env[1], "DOCKER_CONFIG="), d.host, more))
	s := &served{address: address, process: exec.Command("tidewaiter", "serve", "--config", filepath.Join(dir, "serve.yaml")), log: &bytes.Buffer{}}
	s.process.Stderr = s.log
	// A home with credentials that nobody has configured must not matter.
	s.process.Env = append(os.Environ(), d.env[0], "HOME="+dir, "AWS_SECRET_ACCESS_KEY=canary-cloud", "TMPDIR="+t.TempDir())
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.process.Process.Kill()
		_ = s.process.Wait()
		if t.Failed() {
			t.Logf("the server's log:\n%s", s.log)
		}
	})
	s.await(t, "/readyz", http.StatusOK)
	return s
}

// get asks the API with the token, and returns status and body.
func (s *served) get(t *testing.T, path string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.address+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+apiToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body)
}

// event tells the server that shop/web was pushed, and returns the status.
func (s *served) event(t *testing.T, host, digest string) int {
	t.Helper()
	event := fmt.Sprintf(`{"events": [{"id": "1", "action": "push", "target": {"mediaType": "application/vnd.oci.image.manifest.v1+json",
		"repository": "shop/web", "digest": %q, "url": "https://%s/v2/shop/web/manifests/x"}, "request": {"host": %q}}]}`, digest, host, host)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.address+"/hooks/registry", strings.NewReader(event))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", hookSecret)
	req.Header.Set("Content-Type", "application/vnd.docker.distribution.events.v2+json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// await asks until the status is the wanted one.
func (s *served) await(t *testing.T, path string, want int) string {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		status, body := s.get(t, path)
		if status == want {
			return body
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: got %d, want %d: %s", path, status, want, body)
		}
	}
}

// stop ends the server in good order.
func (s *served) stop(t *testing.T) {
	t.Helper()
	if err := s.process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	s.ended(t)
}

// ended waits until the server, which was told to stop, has ended in good order.
func (s *served) ended(t *testing.T) {
	t.Helper()
	if err := s.process.Wait(); err != nil {
		t.Errorf("told to stop: %v", err)
	}
	for _, secret := range []string{hookSecret, apiToken, password, "canary-cloud"} {
		if strings.Contains(s.log.String(), secret) {
			t.Errorf("the log shows the secret %s", secret)
		}
	}
}

func verdictPath(ref name.Digest) string { return "/v1/verdicts/" + ref.Name() }

func (d *distribution) options() []remote.Option {
	return []remote.Option{
		remote.WithAuth(authn.FromConfig(authn.AuthConfig{Username: user, Password: password})), remote.WithTransport(d.transport),
	}
}

// digestOf is the reference by digest of what was pushed.
func digestOf(t *testing.T, ref name.Reference, of interface{ Digest() (v1.Hash, error) }) name.Digest {
	t.Helper()
	hash, err := of.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return ref.Context().Digest(hash.String())
}

// TestServeRealRegistry pushes to a real registry whose notifications go to a server, in every way that a registry is
// pushed to, and asks for the verdicts.
func TestServeRealRegistry(t *testing.T) {
	address, dir := freeAddress(t), t.TempDir()
	d := startDistribution(t, notifications(address))
	key := newKey(t, dir)
	write(t, filepath.Join(dir, "tidewaiter.yaml"), fmt.Sprintf(`
registries: {"%[1]s": {privateHosts: ["%[1]s"]}}
trust: [{images: ["%[1]s/**"], authorities: [{key: cosign.pub}]}]
`, d.host))
	s := startServer(t, d, address, dir, "")

	docker := imagetest.Image(t, map[string]string{"app": "docker"})
	oci := mutate.MediaType(imagetest.Image(t, map[string]string{"app": "oci"}), types.OCIManifestSchema1)
	untagged := imagetest.Image(t, map[string]string{"app": "untagged"})
	arm, err := imagetest.Build(func(c *v1.ConfigFile) { c.Architecture = "arm64" }, map[string]string{"app": "arm"})
	if err != nil {
		t.Fatal(err)
	}
	index := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: docker}, mutate.IndexAddendum{Add: arm})

	tagged := d.push(t, "shop/web:1", docker)
	byDigest := digestOf(t, d.push(t, "shop/other:1", oci), untagged)
	if err := remote.Write(byDigest, untagged, d.options()...); err != nil {
		t.Fatal(err)
	}
	several := tagged.Context().Tag("several")
	if err := remote.WriteIndex(several, index, d.options()...); err != nil {
		t.Fatal(err)
	}
	pushed := []name.Digest{digestOf(t, tagged, docker), digestOf(t, byDigest, oci), byDigest, digestOf(t, several, index), digestOf(t, several, arm)}
	for _, ref := range pushed {
		if body := s.await(t, verdictPath(ref), http.StatusForbidden); !strings.Contains(body, "image/unsigned") {
			t.Errorf("%s was denied for another reason: %s", ref, body)
		}
	}
	for _, ref := range pushed { // which is pushed as a tag, and makes the image be judged again
		hash, err := v1.NewHash(ref.DigestStr())
		if err != nil {
			t.Fatal(err)
		}
		if err := key.Push(ref.Context(), hash, d.options()...); err != nil {
			t.Fatal(err)
		}
	}
	for _, ref := range pushed {
		body := s.await(t, verdictPath(ref), http.StatusOK)
		var got struct {
			Verdict string
			Record  struct{ ID, Reason string }
		}
		if err := json.Unmarshal([]byte(body), &got); err != nil || got.Verdict != "allow" || got.Record.Reason != "signature" {
			t.Errorf("%s: got %+v, %v", ref, got, err)
		}
		if status, sbom := s.get(t, "/v1/sboms/"+got.Record.ID); status != http.StatusOK || !strings.Contains(sbom, "CycloneDX") {
			t.Errorf("%s: its SBOM: %d %.100s", ref, status, sbom)
		}
	}
	if status, _ := s.get(t, verdictPath(tagged.Context().Digest("sha256:"+strings.Repeat("0", 64)))); status != http.StatusNotFound {
		t.Errorf("what was never pushed: got %d", status)
	}
	s.stop(t)
}

// TestServeRegistryGone: an image that cannot be had is undecided, and denied when all attempts are used up.
func TestServeRegistryGone(t *testing.T) {
	address, dir := freeAddress(t), t.TempDir()
	d := startDistribution(t, "")
	write(t, filepath.Join(dir, "tidewaiter.yaml"), fmt.Sprintf("registries: {%q: {privateHosts: [%q]}}\n", d.host, d.host))
	s := startServer(t, d, address, dir, "attempts: 1\n")
	ref, err := name.NewDigest(d.host + "/shop/web@sha256:" + strings.Repeat("a", 64))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.process.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if status := s.event(t, d.host, ref.DigestStr()); status != http.StatusAccepted {
		t.Fatalf("got %d", status)
	}
	body := s.await(t, verdictPath(ref), http.StatusForbidden)
	if !strings.Contains(body, "refused") || !strings.Contains(body, `"dead":true`) || !strings.Contains(body, `"verdict":"deny"`) {
		t.Errorf("got %s", body)
	}
	s.stop(t)
}

// TestServeCosign: what the real cosign signs, in each layout, makes an image be judged again.
func TestServeCosign(t *testing.T) {
	address, dir := freeAddress(t), t.TempDir()
	d := startDistribution(t, notifications(address))
	if code, _, stderr := d.command(t, dir, tool(t, "TIDEWAITER_COSIGN_V2"), "generate-key-pair"); code != 0 {
		t.Fatalf("generate-key-pair: %s", stderr)
	}
	write(t, filepath.Join(dir, "tidewaiter.yaml"), fmt.Sprintf(`
registries: {"%[1]s": {privateHosts: ["%[1]s"]}}
trust: [{images: ["%[1]s/**"], authorities: [{key: cosign.pub}]}]
`, d.host))
	s := startServer(t, d, address, dir, "")
	for _, signer := range cosigns {
		t.Run(signer.name, func(t *testing.T) {
			repository := strings.ReplaceAll(signer.name, " ", "-")
			img := imagetest.Image(t, map[string]string{"app": repository})
			ref := digestOf(t, d.push(t, "shop/"+repository+":1", img), img)
			s.await(t, verdictPath(ref), http.StatusForbidden)
			args := slices.Concat(signer.sign, []string{"--key", "cosign.key", ref.Name()})
			if code, _, stderr := d.command(t, dir, tool(t, signer.variable), args...); code != 0 {
				t.Fatalf("%v: %s", args, stderr)
			}
			if body := s.await(t, verdictPath(ref), http.StatusOK); !strings.Contains(body, `"reason":"signature"`) {
				t.Errorf("got %s", body)
			}
		})
	}
	s.stop(t)
}
