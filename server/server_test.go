package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidewaiter/tidewaiter/gate"
	"github.com/tidewaiter/tidewaiter/image"
	"github.com/tidewaiter/tidewaiter/policies"
	"github.com/tidewaiter/tidewaiter/server/judge"
)

const (
	hookSecret  = "canary-hook-5c1e8a90b2"
	adminToken  = "canary-token-7b60f3d1aa"
	readerToken = "canary-token-0e94c2765d"
	noticeKey   = "canary-notice-83d5f12b"
	personToken = "canary-person-6e2ad9410c7b58f3"
)

// childVariable makes the test binary the process that judges.
const childVariable = "SERVER_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) == "" {
		os.Exit(m.Run())
	}
	if err := judge.Answer(context.Background(), os.Stdin, os.Stdout, judgeByName); err != nil {
		os.Exit(2)
	}
}

// judgeByName stands for the gate: it denies what is called deny, and knows no more of an image than its name.
func judgeByName(_ context.Context, job judge.Job, tell *judge.Teller) (gate.Report, error) {
	text, err := os.ReadFile(job.Gate.Config)
	if err != nil {
		return gate.Report{}, err
	}
	sum := sha256.Sum256(text)
	policy := "sha256:" + hex.EncodeToString(sum[:])
	if err := tell.Policy(policy); err != nil {
		return gate.Report{}, err
	}
	if job.Image != "" && job.Policy != policy {
		return gate.Report{}, errors.New("another policy")
	}
	s := gate.Subject{Kind: "image", Name: job.Image, Verdict: gate.Allow, Findings: []gate.Finding{}}
	if strings.Contains(job.Image, "/deny") {
		s.Verdict = gate.Deny
		s.Findings = []gate.Finding{{Rule: "image/unsigned", Severity: policies.High, Message: "nobody signed it", Attack: []string{}, Denies: true}}
	}
	_ = tell.SBOM(func(w io.Writer) error {
		_, err := io.WriteString(w, `{"bomFormat": "CycloneDX", "components": []}`)
		return err
	})
	return gate.Report{Schema: gate.Schema, Verdict: s.Verdict, Subjects: []gate.Subject{s}}, nil
}

// running is a server in this process.
type running struct {
	*Server
	t       *testing.T
	dir     string
	base    string // http://address
	metrics string
	log     *lockedBuffer
	stop    func() error
}

// lockedBuffer may be written and read at once.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// baseConfig is that of every test.
const baseConfig = `
listen: 127.0.0.1:0
metrics: 127.0.0.1:0
data: data
gate: gate.yaml
attempts: 1
endpoints:
  - name: registry
    sender: distribution
    path: /hooks/registry
    hosts: [registry.example]
    auth: {header: {secret: {env: HOOK}}}
  - name: ghcr
    sender: ghcr
    path: /hooks/ghcr
    hosts: [ghcr.io]
    auth: {hmac: {secret: {env: HOOK}}}
tokens:
  - {name: admin, secret: {env: ADMIN}, repositories: ["**"], ask: true}
  - {name: reader, secret: {env: READER}, repositories: ["registry.example/shop/**"]}
`

func getenv(name string) string {
	return map[string]string{"HOOK": hookSecret, "ADMIN": adminToken, "READER": readerToken, "NOTICE": noticeKey, "PERSON": personToken}[name]
}

// newServer makes a server that was not started. The registry has whatever it is asked for: a tag's digest is its hash.
func newServer(t *testing.T, config string, ready func(address, metrics net.Addr)) (*Server, string, *lockedBuffer) {
	t.Helper()
	dir, log := t.TempDir(), &lockedBuffer{}
	write(t, filepath.Join(dir, "gate.yaml"), "failOn: high\n")
	write(t, filepath.Join(dir, "serve.yaml"), config)
	c, err := LoadConfig(filepath.Join(dir, "serve.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(t.Context(), Options{
		Config: c, Version: "test", Log: NewLog(log), Getenv: getenv, Ready: ready,
		Program: judge.Program{Path: self, Args: []string{self}, Env: []string{childVariable + "=1"}},
		Identify: func(_ context.Context, r image.Reference) (image.Identity, error) {
			if r.Digest != "" {
				return image.Identity{Digest: r.Digest}, nil
			}
			return image.Identity{Digest: digestOf(r.Tag)}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s, dir, log
}

func start(t *testing.T, more string) *running {
	t.Helper()
	r := &running{t: t}
	listening := make(chan struct{})
	r.Server, r.dir, r.log = newServer(t, baseConfig+more, func(address, metrics net.Addr) {
		r.base, r.metrics = "http://"+address.String(), "http://"+metrics.String()+"/metrics"
		close(listening)
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx, context.Background(), nil) }()
	r.stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Errorf("in the end: %v", err)
		}
		for _, secret := range []string{hookSecret, adminToken, readerToken, noticeKey, personToken} {
			if strings.Contains(r.log.String(), secret) {
				t.Errorf("the log shows %s", secret)
			}
		}
		if strings.Contains(strings.ToLower(r.log.String()), "river") {
			t.Error("the log tells of the queue's own works")
		}
		if t.Failed() {
			t.Log(r.log.String())
		}
	})
	select {
	case <-listening:
	case err := <-ended:
		t.Fatal(err)
	}
	r.await("GET", "/readyz", "", http.StatusOK)
	return r
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// do sends a request, with a token if one is given, and headers as pairs.
func (r *running) do(method, path, token, body string, header ...string) (*http.Response, string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.base+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp, string(data)
}

func (r *running) await(method, path, token string, want int) string {
	r.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		resp, body := r.do(method, path, token, "")
		if resp.StatusCode == want {
			return body
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("%s: got %d, want %d: %s", path, resp.StatusCode, want, body)
		}
	}
}

const eventsType = "application/vnd.docker.distribution.events.v2+json"

// push sends the event of a push, and returns the image's reference.
func (r *running) push(repository, content string) string {
	r.t.Helper()
	resp, body := r.do("POST", "/hooks/registry", "", pushEvent("registry.example", repository, digestOf(content)),
		"Authorization", hookSecret, "Content-Type", eventsType)
	if resp.StatusCode != http.StatusAccepted || body != `{"accepted":1,"refused":0}`+"\n" {
		r.t.Fatalf("got %d: %s", resp.StatusCode, body)
	}
	return "registry.example/" + repository + "@" + digestOf(content)
}

func digestOf(content string) string {
	sum := sha256.Sum256([]byte(content))
	return "sha256:" + hex.EncodeToString(sum[:])
}

func pushEvent(host, repository, digest string) string {
	event := map[string]any{
		"id": digest[7:20], "action": "push", "request": map[string]any{"host": host},
		"target": map[string]any{"mediaType": "application/vnd.oci.image.manifest.v1+json", "repository": repository, "digest": digest},
	}
	data, err := json.Marshal(map[string]any{"events": []any{event}})
	if err != nil {
		panic(err)
	}
	return string(data)
}

// TestPolicyChanges: when the gate's configuration changes, what was judged by the old one is no verdict any more, and
// is judged again.
func TestPolicyChanges(t *testing.T) {
	r := start(t, "")
	ref := r.push("shop/web", "1")
	before := r.await("GET", "/v1/verdicts/"+ref, adminToken, http.StatusOK)
	write(t, filepath.Join(r.dir, "gate.yaml"), "failOn: low\n")
	r.recheck <- struct{}{}
	for {
		resp, body := r.do("GET", "/v1/verdicts/"+ref, adminToken, "")
		if resp.StatusCode == http.StatusOK && recordOf(t, body).Policy != recordOf(t, before).Policy {
			break
		}
		if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusConflict && resp.StatusCode != http.StatusServiceUnavailable {
			t.Fatalf("got %d: %s", resp.StatusCode, body)
		}
		time.Sleep(20 * time.Millisecond)
	}
	denied := r.push("shop/deny", "2")
	r.await("GET", "/v1/verdicts/"+denied, adminToken, http.StatusForbidden)
	if err := os.Remove(filepath.Join(r.dir, "gate.yaml")); err != nil {
		t.Fatal(err)
	}
	r.recheck <- struct{}{}
	r.await("GET", "/readyz", "", http.StatusServiceUnavailable)
	for ref, want := range map[string]int{ref: http.StatusServiceUnavailable, denied: http.StatusForbidden} {
		if resp, body := r.do("GET", "/v1/verdicts/"+ref, adminToken, "", "If-None-Match", "*"); resp.StatusCode != want {
			t.Errorf("%s, by a configuration that cannot be read: got %d %s", ref, resp.StatusCode, body)
		}
	}
	write(t, filepath.Join(r.dir, "gate.yaml"), "failOn: low\n")
	r.recheck <- struct{}{}
	r.await("GET", "/v1/verdicts/"+ref, adminToken, http.StatusOK)
}

type record struct{ ID, Policy, Verdict, Reason string }

func recordOf(t *testing.T, body string) record {
	t.Helper()
	var got struct{ Record record }
	if err := json.Unmarshal([]byte(body), &got); err != nil || got.Record.ID == "" {
		t.Fatalf("no record in %s: %v", body, err)
	}
	return got.Record
}

// TestNotReady: what has not started is alive and not ready, and takes nothing.
func TestNotReady(t *testing.T) {
	s, _, _ := newServer(t, baseConfig, nil)
	for request, want := range map[string]int{
		"GET /healthz": http.StatusOK, "GET /readyz": http.StatusServiceUnavailable,
		"POST /hooks/registry": http.StatusServiceUnavailable, "GET /v1/verdicts": http.StatusUnauthorized,
		"GET /metrics": http.StatusNotFound, "GET /debug/pprof/": http.StatusNotFound,
	} {
		method, path, _ := strings.Cut(request, " ")
		if got := serve(s, method, path); got != want {
			t.Errorf("%s: got %d, want %d", request, got, want)
		}
	}
}

// TestPanicIsNoSuccess: a handler that panics is answered by 500.
func TestPanicIsNoSuccess(t *testing.T) {
	s, _, log := newServer(t, baseConfig, nil)
	s.handler = s.observed("test", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("a bug\nwith lines") }))
	if got := serve(s, "GET", "/"); got != http.StatusInternalServerError {
		t.Errorf("got %d", got)
	}
	if text := log.String(); !strings.Contains(text, "a bug") || strings.Count(text, "\n") != 1 {
		t.Errorf("the log is %q", text)
	}
}

func TestLogHidesSecrets(t *testing.T) {
	var out bytes.Buffer
	log := NewLog(&out)
	log.Error("x", "error", errors.New("get https://user:hunter2@registry.example/v2/?token=hunter2"), "name", "a\n{\"level\":\"INFO\"}\x1b[2K")
	log.With("remote", "https://u:hunter2@h/").Info(strings.Repeat("y", 1<<20))
	if text := out.String(); strings.Contains(text, "hunter2") || strings.Count(text, "\n") != 2 || strings.ContainsRune(text, 0x1b) || len(text) > 8<<10 {
		t.Errorf("got %d bytes: %.2000q", len(text), text)
	}
	var record map[string]any
	if err := json.NewDecoder(&out).Decode(&record); err != nil || record["level"] != slog.LevelError.String() {
		t.Errorf("got %v, %v", record, err)
	}
}

// serve asks a server that does not listen.
func serve(s *Server, method, path string) int {
	w := httptest.NewRecorder()
	req, err := http.NewRequest(method, path, strings.NewReader("{}"))
	if err != nil {
		panic(fmt.Sprint(method, path, err))
	}
	req.RequestURI = path
	s.handler.ServeHTTP(w, req)
	return w.Code
}
