package page

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/tidewaiter/tidewaiter/report"
	"github.com/tidewaiter/tidewaiter/server/store"
)

// Limits of what is passed on to browsers.
const (
	maxStreams = 256
	maxScans   = 256 // that progress is kept of
	maxLayers  = 6   // of a scan that are shown at once
	// beat is how often browsers are told at most: scans tell far more often.
	beat = 250 * time.Millisecond
)

// A message is what browsers are told in one beat. Nothing in it is markup.
type message struct {
	// Changed tells that lists are other ones now: the browser reads its page again.
	Changed bool `json:"changed"`
	// News is for who listens instead of looking: "registry.example/shop/web: denied".
	News text `json:"news,omitempty"`
	// Scans are those that got on.
	Scans []scanView `json:"scans,omitempty"`
}

// scanView is a judging that is going on.
type scanView struct {
	Key     string      `json:"key"` // the ID of the verdict to come
	Image   text        `json:"-"`
	Link    string      `json:"-"`
	Attempt int         `json:"-"`
	Since   moment      `json:"-"`
	Doing   text        `json:"doing"`
	Layers  []layerView `json:"layers"`
}

// layerView is a layer that is being read.
type layerView struct {
	Number int    `json:"number"`
	Read   int64  `json:"read"`
	Size   int64  `json:"size"`
	Words  string `json:"words"` // 12.3 of 40.1 MB
}

// progress is how far one scan is, as the hub keeps it.
type progress struct {
	step   text
	layers []layerView // that are being read, the one that got on last at the end
	done   int         // layers that were read
	bytes  int64       // of those
	seen   int64       // by its order among all changes
}

// hub follows the store once, for all browsers.
type hub struct {
	store *store.Store
	log   *slog.Logger

	mu      sync.Mutex
	streams map[chan message]bool
	scans   map[string]*progress
	changes int64
	lists   int64 // another number whenever lists became other ones; no two hubs begin with the same
	next    message
	moved   map[string]bool // scans that got on since the last beat
	judged  int             // verdicts since the last beat
	ended   bool
}

func newHub(s *store.Store, log *slog.Logger) *hub {
	return &hub{store: s, log: log, lists: time.Now().UnixNano(), streams: map[chan message]bool{}, scans: map[string]*progress{}, moved: map[string]bool{}}
}

func (h *hub) run(ctx context.Context) error {
	defer h.end()
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	changes := h.store.Watch(ctx)
	for {
		select {
		case change, open := <-changes:
			if !open {
				return ctx.Err()
			}
			h.take(change)
		case <-ticker.C:
			h.tell()
		}
	}
}

// take notes a change down until the next beat.
func (h *hub) take(c store.Change) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.changes++
	switch c.Kind {
	case store.Progressed:
		if c.Progress != nil && c.ID != "" {
			h.progress(c)
		}
		return
	case store.Judged:
		delete(h.scans, c.ID)
		delete(h.moved, c.ID)
		h.judged++
		h.next.News = show(c.Host+"/"+c.Repository+": "+viewVerdict(c.Verdict).Word) + "."
		if h.judged > 1 {
			h.next.News = text(report.Plural(h.judged, "new verdict") + ".")
		}
	}
	h.change()
}

// change notes that lists are other ones now. The caller holds the lock.
func (h *hub) change() {
	h.next.Changed = true
	h.lists++
}

// version is the number of the lists that a page shows which is read now, or of later ones.
func (h *hub) version() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.lists
}

// progress notes how far a scan is. The caller holds the lock.
func (h *hub) progress(c store.Change) {
	p := h.scans[c.ID]
	if p == nil {
		if len(h.scans) >= maxScans {
			h.forget()
		}
		p = &progress{}
		h.scans[c.ID] = p
		h.change()
	}
	p.seen = h.changes
	h.moved[c.ID] = true
	p.note(*c.Progress)
}

// forget drops the scan that was not heard of for longest: its process may have died. The caller holds the lock.
func (h *hub) forget() {
	oldest := ""
	for id, p := range h.scans {
		if oldest == "" || p.seen < h.scans[oldest].seen {
			oldest = id
		}
	}
	delete(h.scans, oldest)
	delete(h.moved, oldest)
}

// note puts one message of a scan to the others.
func (p *progress) note(now store.Progress) {
	if now.Size <= 0 {
		p.step = show(now.Step)
		return
	}
	p.step = "reading layers"
	kept := p.layers[:0]
	for _, l := range p.layers {
		if l.Number != now.Layer {
			kept = append(kept, l)
		}
	}
	p.layers = kept
	if now.Bytes >= now.Size {
		p.done++
		p.bytes += now.Size
		return
	}
	read := max(now.Bytes, 0)
	p.layers = append(p.layers, layerView{now.Layer, read, now.Size, megabytes(read) + " of " + megabytes(now.Size)})
	if len(p.layers) > maxLayers {
		p.layers = p.layers[1:]
	}
}

// words say what a scan is doing.
func (p *progress) words() text {
	words := p.step
	if words == "" {
		words = "beginning"
	}
	if p.done > 0 {
		words += text(fmt.Sprintf(" · %s read, %s", report.Plural(p.done, "layer"), megabytes(p.bytes)))
	}
	return words
}

// show returns a scan as it is now.
func (h *hub) show(id string) scanView {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.view(id)
}

// view is show for who holds the lock.
func (h *hub) view(id string) scanView {
	p := h.scans[id]
	if p == nil {
		p = &progress{}
	}
	return scanView{Key: id, Doing: p.words(), Layers: append([]layerView{}, p.layers...)}
}

// tell hands every browser what happened since the last beat. One that does not read is cut off: it comes back by
// itself and reads its page again.
func (h *hub) tell() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id := range h.moved {
		h.next.Scans = append(h.next.Scans, h.view(id))
	}
	if !h.next.Changed && len(h.next.Scans) == 0 {
		return
	}
	for stream := range h.streams {
		select {
		case stream <- h.next:
		default:
			delete(h.streams, stream)
			close(stream)
		}
	}
	h.next, h.judged = message{}, 0
	clear(h.moved)
}

// join returns a stream of messages, or none if there are too many or the server stops.
func (h *hub) join() (chan message, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended || len(h.streams) >= maxStreams {
		return nil, false
	}
	stream := make(chan message, 16)
	h.streams[stream] = true
	return stream, true
}

func (h *hub) leave(stream chan message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.streams[stream] {
		delete(h.streams, stream)
		close(stream)
	}
}

func (h *hub) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ended = true
	for stream := range h.streams {
		close(stream)
	}
	clear(h.streams)
}

// scan is a running image with how far it is.
func (p *Page) scan(pending store.Pending) scanView {
	view := p.hub.show(pending.ID)
	view.Image, view.Link = show(pending.Name()+"@"+report.ShortDigest(pending.Digest)), imageLink(pending.Image)
	view.Attempt, view.Since = pending.Attempt, when(pending.Since, p.now())
	if pending.State != store.Running {
		view.Doing = stateWords[pending.State]
	}
	return view
}
