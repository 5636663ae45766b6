package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/tidewaiter/tidewaiter/image/imagetest"
	"github.com/tidewaiter/tidewaiter/server/store/storetest"
)

// harbour is a real registry behind a proxy that can hold layers back: whoever judges an image stands still in the middle
// of it. It is also the receiver of notices.
type harbour struct {
	*distribution // as its clients see it
	notices       *httptest.Server

	waiting chan string // gets the digest of a layer when somebody waits for it

	mu     sync.Mutex
	open   chan struct{}  // closed: nothing is held back
	pulled map[string]int // digest of a layer: how often somebody has asked for it
	// told are the notices of an image by its digest. The same one may come twice, and says so.
	told map[string]map[string]bool
}

func startHarbour(t *testing.T, more string) *harbour {
	t.Helper()
	real := startDistribution(t, more)
	h := &harbour{waiting: make(chan string, 100), open: make(chan struct{}), pulled: map[string]int{}, told: map[string]map[string]bool{}}
	close(h.open)
	proxy := &httputil.ReverseProxy{
		ErrorLog:  log.New(t.Output(), "", 0), // of clients that were killed
		Transport: real.transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "https", Host: real.host})
			r.Out.Host = r.In.Host // the registry tells of this host in its events
		},
	}
	front := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, digest, blob := strings.Cut(r.URL.Path, "/blobs/"); blob && r.Method == http.MethodGet && h.isLayer(digest) {
			h.waiting <- digest
			select {
			case <-h.gate():
			case <-r.Context().Done():
				return
			}
		}
		proxy.ServeHTTP(w, r)
	}))
	front.TLS = real.certificate(t)
	front.StartTLS()
	t.Cleanup(front.Close)
	h.notices = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var notice struct{ ID, Digest string }
		if err := json.NewDecoder(r.Body).Decode(&notice); err != nil {
			t.Error(err)
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.told[notice.Digest] == nil {
			h.told[notice.Digest] = map[string]bool{}
		}
		h.told[notice.Digest][notice.ID] = true
	}))
	t.Cleanup(h.notices.Close)
	host := front.Listener.Addr().String()
	h.distribution = &distribution{host: host, env: []string{real.env[0], "DOCKER_CONFIG=" + dockerConfig(t, host, password)}, transport: real.transport}
	return h
}

// isLayer counts who asks for a layer of a pushed image.
func (h *harbour) isLayer(digest string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	n, found := h.pulled[digest]
	if found {
		h.pulled[digest] = n + 1
	}
	return found
}

func (h *harbour) gate() chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.open
}

// hold keeps layers back from now on, until they are released.
func (h *harbour) hold() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.open = make(chan struct{})
}

func (h *harbour) release() { close(h.gate()) }

// cargo is an image that was pushed.
type cargo struct {
	ref   name.Digest
	layer string // the digest of its only layer
}

func (h *harbour) load(t *testing.T, app string) cargo {
	t.Helper()
	img := imagetest.Image(t, map[string]string{"app": app})
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	digest, err := layers[0].Digest()
	if err != nil {
		t.Fatal(err)
	}
	h.mu.Lock()
	h.pulled[digest.String()] = 0
	h.mu.Unlock()
	return cargo{digestOf(t, h.push(t, "shop/"+app+":1", img), img), digest.String()}
}

// pulls is how often the layers of images were asked for.
func (h *harbour) pulls(images ...cargo) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range images {
		n += h.pulled[c.layer]
	}
	return n
}

// toldOnce checks that each verdict comes to be told, by one notice.
func (h *harbour) toldOnce(t *testing.T, images ...cargo) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		h.mu.Lock()
		told := len(h.told)
		h.mu.Unlock()
		if told == len(images) || time.Now().After(deadline) {
			break
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range images {
		if n := len(h.told[c.ref.DigestStr()]); n != 1 {
			t.Errorf("the verdict on %s was told by %d notices", c.ref, n)
		}
	}
}

// server starts a server on this registry in a folder.
func (h *harbour) server(t *testing.T, address, dir, more string) *served {
	t.Helper()
	write(t, filepath.Join(dir, "tidewaiter.yaml"), fmt.Sprintf("registries: {%q: {privateHosts: [%q]}}\n", h.host, h.host))
	write(t, filepath.Join(dir, "notices"), h.notices.URL+"\n")
	return startServer(t, h.distribution, address, dir, "notices: [{name: ci, url: {file: notices}, secret: {file: hook}, internal: true}]\n"+more)
}

// TestServeReplicas: two servers on one PostgreSQL, both told of every push, judge each image once. One is killed in the
// middle of it: the other takes over what it was at.
func TestServeReplicas(t *testing.T) {
	postgres, err := storetest.Start(tool(t, storetest.Variable))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(postgres.Stop)
	dsn, err := postgres.Database(t.Context(), t.Name())
	if err != nil {
		t.Fatal(err)
	}
	addresses := []string{freeAddress(t), freeAddress(t)}
	h := startHarbour(t, notifications(addresses...))
	killed := h.server(t, addresses[0], t.TempDir(), fmt.Sprintf("database: %q\n", dsn))
	left := h.server(t, addresses[1], t.TempDir(), fmt.Sprintf("database: %q\n", dsn))
	h.hold()
	const images, busy, workers = 10, 4, 2 // by default a server judges two at once
	var all []cargo
	for i := range images {
		all = append(all, h.load(t, fmt.Sprint("app-", i)))
	}
	for range busy {
		<-h.waiting
	}
	if err := killed.process.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = killed.process.Wait()
	h.release()
	for _, c := range all {
		left.await(t, verdictPath(c.ref), http.StatusOK)
	}
	if n := h.pulls(all...); n != images+workers {
		t.Errorf("layers were asked for %d times: %d images, and again those %d that the dead server was at", n, images, workers)
	}
	h.toldOnce(t, all...)
	left.stop(t)
}

// SRV-10: a server that is told to stop refuses what comes and ends what it is at; told again, it hands that back; killed,
// it loses nothing.
func TestServeStops(t *testing.T) {
	address, dir := freeAddress(t), t.TempDir()
	h := startHarbour(t, notifications(address))
	start := func() *served { return h.server(t, address, dir, "") }
	judging := func(app string) cargo { // a server is in the middle of it
		t.Helper()
		h.hold()
		c := h.load(t, app)
		<-h.waiting
		return c
	}
	tell := func(s *served, signal os.Signal) {
		t.Helper()
		if err := s.process.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
	}

	s := start()
	once := judging("once")
	tell(s, syscall.SIGTERM)
	s.await(t, "/readyz", http.StatusServiceUnavailable)
	if status := s.event(t, h.host, once.ref.DigestStr()); status != http.StatusServiceUnavailable {
		t.Errorf("an event came while the server was stopping: got %d", status)
	}
	h.release()
	s.ended(t)
	s = start()
	if status, body := s.get(t, verdictPath(once.ref)); status != http.StatusOK || h.pulls(once) != 1 {
		t.Errorf("what was being judged when the server was told to stop: got %d after %d judgings: %s", status, h.pulls(once), body)
	}

	twice := judging("twice")
	tell(s, syscall.SIGTERM)
	s.await(t, "/readyz", http.StatusServiceUnavailable)
	tell(s, syscall.SIGTERM)
	s.ended(t) // although the layer is held back still
	h.release()
	s = start()
	s.await(t, verdictPath(twice.ref), http.StatusOK)
	if n := h.pulls(twice); n != 2 {
		t.Errorf("what was handed back was judged %d times", n)
	}

	thrice := judging("thrice")
	tell(s, syscall.SIGKILL)
	_ = s.process.Wait()
	h.release()
	s = start()
	s.await(t, verdictPath(thrice.ref), http.StatusOK)
	h.toldOnce(t, once, twice, thrice)
	s.stop(t)
}
