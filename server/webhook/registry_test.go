package webhook

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/tidewaiter/tidewaiter/image/imagetest"
)

// received is what came of one request of the registry.
type received struct {
	events []Event
	errs   []error
	err    error
}

// startRegistry starts the CNCF registry as docs/webhooks.md says that it is to be configured, with its notifications
// going to an endpoint; each that is of interest comes out of the channel.
func startRegistry(t *testing.T) (host string, requests chan received) {
	t.Helper()
	program := os.Getenv("TIDEWAITER_REGISTRY")
	if program == "" {
		t.Skip("TIDEWAITER_REGISTRY names no program: .ci/run builds it and sets it")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host = listener.Addr().String()
	listener.Close()
	e := open(t, Endpoint{
		Name: "real", Sender: "distribution", Path: "/hooks/distribution", Hosts: []string{host},
		Auth: Auth{Header: &HeaderAuth{Scheme: "Bearer", Secret: Secret{Env: "SECRET"}}},
	}, Options{Getenv: func(string) string { return secret }})
	requests = make(chan received, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got := received{}
		got.events, got.errs, got.err = e.Receive(r, body)
		if len(got.events)+len(got.errs) > 0 || got.err != nil {
			requests <- got
		}
		w.WriteHeader(http.StatusAccepted)
	}))
	t.Cleanup(server.Close)
	dir := t.TempDir()
	notify := strings.NewReplacer("https://tidewaiter.example", server.URL, "<secret>", secret).Replace(distribution.setup)
	config := fmt.Sprintf("version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: %s}, delete: {enabled: true}}\nhttp: {addr: %s}\n", dir, host)
	file := filepath.Join(dir, "config.yml")
	if err := os.WriteFile(file, []byte(config+notify), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, host, exec.Command(program, "serve", file))
	return host, requests
}

// run starts a registry, and waits until it listens.
func run(t *testing.T, host string, command *exec.Cmd) {
	t.Helper()
	var log bytes.Buffer
	command.Stdout, command.Stderr = &log, &log
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	t.Cleanup(func() {
		_ = command.Process.Kill() // it may have ended
		<-ended
	})
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if resp, err := http.Get("http://" + host + "/v2/"); err == nil {
			resp.Body.Close()
			return
		}
	}
	t.Fatalf("the registry does not answer:\n%s", &log)
}

// TestRealDistribution has the real registry send what it sends, and compares it with what was pushed.
func TestRealDistribution(t *testing.T) {
	host, requests := startRegistry(t)
	img, other := imagetest.Image(t, map[string]string{"hello": "world"}), imagetest.Image(t, map[string]string{"hello": "moon"})
	index := mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.OCIImageIndex), mutate.IndexAddendum{Add: img})
	signature := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	digest := digestOf(t, img)
	dashed := strings.Replace(digest, ":", "-", 1)
	for _, tt := range []struct {
		reference string
		what      remote.Taggable
		want      Event
	}{
		{":1.4", img, Event{Tag: "1.4", Digest: digest}},
		{"@" + digestOf(t, other), other, Event{Digest: digestOf(t, other)}},
		{":multi", index, Event{Tag: "multi", Digest: digestOf(t, index)}},
		{":" + dashed + ".sig", signature, Event{Tag: dashed + ".sig", Digest: digestOf(t, signature), Subject: digest}},
		{":" + dashed, index, Event{Tag: dashed, Digest: digestOf(t, index), Subject: digest}},
	} {
		reference, err := name.ParseReference(host+"/shop/web"+tt.reference, name.Insecure)
		if err != nil {
			t.Fatal(err)
		}
		if err := put(reference, tt.what); err != nil {
			t.Fatal(err)
		}
		tt.want.Sender, tt.want.Host, tt.want.Repository = "distribution", host, "shop/web"
		next(t, requests, tt.want)
	}
}

func put(reference name.Reference, what remote.Taggable) error {
	switch what := what.(type) {
	case v1.ImageIndex:
		return remote.WriteIndex(reference, what)
	case v1.Image:
		return remote.Write(reference, what)
	}
	return fmt.Errorf("%T is nothing that can be pushed", what)
}

func digestOf(t *testing.T, what interface{ Digest() (v1.Hash, error) }) string {
	t.Helper()
	digest, err := what.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return digest.String()
}

// next compares the next event of the registry with the one that is wanted.
func next(t *testing.T, requests chan received, want Event) {
	t.Helper()
	select {
	case got := <-requests:
		if got.err != nil || len(got.errs) > 0 || len(got.events) != 1 {
			t.Fatalf("%+v, want %+v", got, want)
		}
		e := got.events[0]
		if e.ID == "" || time.Since(e.Time) > time.Hour {
			t.Errorf("it has ID %q and time %v", e.ID, e.Time)
		}
		if e.ID, e.Time = "", (time.Time{}); e != want {
			t.Errorf("\n got %+v\nwant %+v", e, want)
		}
	case <-time.After(30 * time.Second):
		t.Fatalf("nothing came, want %+v", want)
	}
}
