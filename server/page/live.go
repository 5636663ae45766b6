package page

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// Times of a stream.
const (
	heartbeat    = 20 * time.Second // proxies close what is silent for a minute
	writeTimeout = 10 * time.Second // for one message to somebody who has stopped reading
)

// live streams what happens to a browser (server-sent events), for as long as its session and the server last.
func (p *Page) live(w http.ResponseWriter, r *http.Request) {
	stream, ok := p.hub.join()
	if !ok {
		w.Header().Set("Retry-After", "30")
		http.Error(w, "too many pages are watching", http.StatusServiceUnavailable)
		return
	}
	defer p.hub.leave(stream)
	s, _ := p.session(r)
	ctx, cancel := context.WithTimeout(r.Context(), s.Until.Sub(p.now()))
	defer cancel()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would keep it to itself
	p.stream(w, r.WithContext(ctx), stream)
}

func (p *Page) stream(w http.ResponseWriter, r *http.Request, stream <-chan message) {
	control := http.NewResponseController(w)
	ticker := time.NewTicker(heartbeat)
	defer ticker.Stop()
	// A page that was read before the last change, and so before its stream began, is told to be read again.
	content := fmt.Appendf(nil, "retry: 3000\nevent: hello\ndata: %d\n\n", p.hub.version())
	for {
		// A server without deadlines, as in tests of handlers, is one that never waits.
		_ = control.SetWriteDeadline(time.Now().Add(writeTimeout))
		if _, err := w.Write(content); err != nil {
			return
		}
		if err := control.Flush(); err != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-ticker.C:
			if _, in := p.readSession(r); !in {
				return
			}
			content = []byte(": still here\n\n")
		case m, open := <-stream:
			if !open {
				return
			}
			data, err := json.Marshal(m)
			if err != nil {
				p.log.Error("a message to browsers cannot be written", "error", err)
				return
			}
			content = fmt.Appendf(nil, "data: %s\n\n", data)
		}
	}
}
