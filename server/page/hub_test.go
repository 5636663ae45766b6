package page

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidewaiter/tidewaiter/gate"
	"github.com/tidewaiter/tidewaiter/server/store"
	"github.com/tidewaiter/tidewaiter/server/webhook"
)

func progressed(id string, layer int, read, size int64) store.Change {
	return store.Change{Kind: store.Progressed, ID: id, Progress: &store.Progress{Step: "layer", Layer: layer, Bytes: read, Size: size}}
}

func TestHubTellsHowFarScansAre(t *testing.T) {
	h := newHub(nil, slog.New(slog.DiscardHandler))
	stream, _ := h.join()
	h.take(store.Change{Kind: store.Progressed, ID: "a", Progress: &store.Progress{Step: "resolving\x1b"}})
	h.tell()
	if m := <-stream; !m.Changed || len(m.Scans) != 1 || m.Scans[0].Doing != `resolving\x1b` {
		t.Errorf("the first news of a scan is %+v", m)
	}
	h.take(progressed("a", 0, 10, 10))
	h.take(progressed("a", 1, 5, 10))
	h.take(progressed("a", 1, 7, 10))
	h.tell()
	m := <-stream
	if m.Changed || m.Scans[0].Doing != "reading layers · 1 layer read, 10 B" || len(m.Scans[0].Layers) != 1 || m.Scans[0].Layers[0].Read != 7 {
		t.Errorf("the second is %+v", m)
	}
	for _, id := range []string{"a", "b"} {
		h.take(store.Change{Kind: store.Judged, ID: id, Host: "r.example", Repository: "shop/web", Verdict: gate.Deny})
		h.tell()
		if m := <-stream; !m.Changed || m.News != "r.example/shop/web: Denied." || len(m.Scans) != 0 {
			t.Errorf("the verdict is told as %+v", m)
		}
	}
	h.tell()
	if len(stream) != 0 {
		t.Error("where nothing happens something is told")
	}
}

func TestHubIsBounded(t *testing.T) {
	h := newHub(nil, slog.New(slog.DiscardHandler))
	for i := range 3 * maxScans {
		for layer := range 3 * maxLayers {
			h.take(progressed(fmt.Sprint(i), layer, 1, 2))
		}
	}
	if len(h.scans) != maxScans || len(h.moved) != maxScans || len(h.scans[fmt.Sprint(3*maxScans-1)].layers) != maxLayers {
		t.Errorf("%d scans, %d moved, %d layers", len(h.scans), len(h.moved), len(h.scans[fmt.Sprint(3*maxScans-1)].layers))
	}
	for range maxStreams {
		if _, ok := h.join(); !ok {
			t.Fatal("there is no room for a stream")
		}
	}
	if _, ok := h.join(); ok {
		t.Error("there is room for any number of streams")
	}
	for range 20 { // nobody reads
		h.take(store.Change{Kind: store.Arrived})
		h.tell()
	}
	if len(h.streams) != 0 {
		t.Errorf("%d streams that nobody reads are kept", len(h.streams))
	}
	h.end()
	if _, ok := h.join(); ok {
		t.Error("a server that stops takes a stream")
	}
}

// emptyStore is one that nobody works at.
func emptyStore(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{
		DSN: filepath.Join(t.TempDir(), "tidewaiter.db"), Policy: "policy",
		Judge: func(context.Context, store.Job, func(store.Progress)) (store.Result, error) {
			return store.Result{}, nil
		},
		Resolve: func(context.Context, webhook.Event) (store.Resolved, error) { return store.Resolved{}, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// A stream ends with the session that it was asked for by, and with the server.
func TestStreamEnds(t *testing.T) {
	for name, end := range map[string]func(*Page){"with the server": func(p *Page) { p.hub.end() }, "with the session": func(*Page) {}} {
		t.Run(name, func(t *testing.T) {
			seal, err := newCookies(make([]byte, 32), false)
			if err != nil {
				t.Fatal(err)
			}
			p := &Page{store: emptyStore(t), cookies: seal, hub: newHub(nil, slog.New(slog.DiscardHandler)), log: slog.New(slog.DiscardHandler), now: time.Now}
			given := httptest.NewRecorder()
			until := time.Now().Add(time.Hour)
			if name == "with the session" {
				until = time.Now().Add(300 * time.Millisecond)
			}
			if err := seal.setSealed(given, sessionCookie, session{"1", "Ada", until}, time.Hour); err != nil {
				t.Fatal(err)
			}
			server := httptest.NewServer(http.HandlerFunc(p.live))
			defer server.Close()
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			request.AddCookie(given.Result().Cookies()[0])
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			lines := bufio.NewScanner(response.Body)
			for lines.Scan() {
				if strings.HasPrefix(lines.Text(), "event: hello") {
					end(p)
				}
			}
			p.hub.mu.Lock()
			defer p.hub.mu.Unlock()
			if len(p.hub.streams) != 0 {
				t.Error("the stream is kept")
			}
		})
	}
}

// A page that was read before something happened, and whose stream begins after it, hears that it is an old one; others do not.
func TestStreamTellsAnOldPage(t *testing.T) {
	h := newHub(nil, slog.New(slog.DiscardHandler))
	read := h.version()
	h.take(progressed("a", 0, 5, 10))
	h.tell()
	if h.version() == read {
		t.Error("the page does not hear that a scan has begun")
	}
	read = h.version()
	h.take(progressed("a", 0, 6, 10))
	if h.version() != read {
		t.Error("the page is read again because a scan got on")
	}
	for _, kind := range []store.ChangeKind{store.Arrived, store.Enqueued, store.Judged, store.Lost} {
		if h.take(store.Change{Kind: kind, ID: "a"}); h.version() == read {
			t.Errorf("the page does not hear of %v", kind)
		}
		read = h.version()
	}
}

// That the queue is full is told as that, and is no fault of the server.
func TestBusyIsTold(t *testing.T) {
	var log bytes.Buffer
	p, err := New(Options{
		Store: emptyStore(t), URL: "http://127.0.0.1", Log: slog.New(slog.NewTextHandler(&log, nil)),
		Login: Login{Tokens: []Token{{Name: "Ada", SHA256: [32]byte{1}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	answer := httptest.NewRecorder()
	p.fail(answer, httptest.NewRequest(http.MethodPost, "/again", nil), fmt.Errorf("again: %w", store.ErrBusy))
	if answer.Code != http.StatusServiceUnavailable || answer.Header().Get("Retry-After") == "" || !strings.Contains(answer.Body.String(), "The queue is full") || log.Len() > 0 {
		t.Errorf("got %d %v %s, log %s", answer.Code, answer.Header(), answer.Body, &log)
	}
}

func TestThrottleForgetsNobodyTooEarly(t *testing.T) {
	var th throttle
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for range guesses {
		if !th.allow("[2001:db8::1]:1", now) {
			t.Fatal("the first guesses are not allowed")
		}
	}
	if th.allow("[2001:db8::ffff]:2", now) {
		t.Error("another address of the same network has guesses of its own")
	}
	if !th.allow("[2001:db8:0:1::1]:1", now) || !th.allow("192.0.2.1:1", now) || !th.allow("[::ffff:192.0.2.2]:1", now) {
		t.Error("other networks have none")
	}
	if !th.allow("[2001:db8::1]:1", now.Add(guessInterval)) || th.allow("[2001:db8::1]:1", now.Add(guessInterval)) {
		t.Error("one guess should be back after a while, and no more")
	}
	for i := range 2 * maxGuessers {
		th.allow(fmt.Sprintf("10.0.%d.%d:1", i/256, i%256), now)
	}
	if len(th.guessers) > maxGuessers {
		t.Errorf("%d guessers are remembered", len(th.guessers))
	}
	if th.allow("203.0.113.1:1", now) || !th.allow("203.0.113.1:1", now.Add(time.Hour)) {
		t.Error("a crowd should make others wait, and be forgotten later")
	}
}

// What was sealed as one cookie is not taken as another, whatever is in it.
func TestCookiesAreBoundToTheirNames(t *testing.T) {
	c, err := newCookies(make([]byte, 32), false)
	if err != nil {
		t.Fatal(err)
	}
	given := httptest.NewRecorder()
	if err := c.setSealed(given, flowCookie, session{"1", "Eve", time.Now().Add(time.Hour)}, time.Hour); err != nil {
		t.Fatal(err)
	}
	for name, known := range map[string]bool{flowCookie: true, sessionCookie: false} {
		request := httptest.NewRequest(http.MethodGet, "/", nil)
		request.AddCookie(&http.Cookie{Name: name, Value: given.Result().Cookies()[0].Value})
		var s session
		if err := c.sealed(request, name, &s); (err == nil) != known {
			t.Errorf("as %s it is read with %v", name, err)
		}
	}
}
