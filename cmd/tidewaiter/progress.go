package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"

	"github.com/tidewaiter/tidewaiter/gate"
	"github.com/tidewaiter/tidewaiter/image"
	"github.com/tidewaiter/tidewaiter/report"
	"github.com/tidewaiter/tidewaiter/sbom"
	"github.com/tidewaiter/tidewaiter/signature"
)

// clearLine returns to the beginning of a terminal's line and empties it (ECMA-48, EL).
const clearLine = "\r\x1b[K"

// progress tells on a terminal which images are looked at, in one line that disappears at the end.
type progress struct {
	w     io.Writer
	width int

	mu     sync.Mutex
	done   int
	active map[string]string // what is being done, by the image's name
	names  map[*image.Platform]string
}

// watch decorates the gate's seams so that progress is told on w.
func watch(g *gate.Gate, w io.Writer, width int) *progress {
	p := &progress{w: w, width: width, active: map[string]string{}, names: map[*image.Platform]string{}}
	pull, verify, scan := g.Pull, g.Verify, g.SBOM
	g.Pull = func(ctx context.Context, ref image.Reference) (*image.Image, error) {
		p.begin(ref.String(), "resolving")
		img, err := pull(ctx, ref)
		if err != nil {
			p.end(ref.String())
			return nil, err
		}
		p.name(img)
		return img, nil
	}
	g.Verify = func(ctx context.Context, img *image.Image) (signature.Result, error) {
		p.begin(img.Reference.String(), "asking who signed")
		return verify(ctx, img)
	}
	g.SBOM = func(ctx context.Context, platform *image.Platform) (*sbom.SBOM, error) {
		name := p.nameOf(platform)
		p.begin(name, "reading "+platform.Name+" of")
		defer p.end(name)
		return scan(ctx, platform)
	}
	return p
}

func (p *progress) name(img *image.Image) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, platform := range img.Platforms {
		p.names[platform] = img.Reference.String()
	}
}

func (p *progress) nameOf(platform *image.Platform) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.names[platform]
}

func (p *progress) begin(name, doing string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.active[name] = doing
	p.draw()
}

func (p *progress) end(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.active, name)
	p.done++
	p.draw()
}

// draw writes the line anew. The caller holds the lock.
func (p *progress) draw() {
	line := fmt.Sprintf("%d done", p.done)
	for _, name := range slices.Sorted(maps.Keys(p.active)) {
		line += fmt.Sprintf(" · %s %s", p.active[name], report.Clean(name))
	}
	if runes := []rune(line); p.width > 1 && len(runes) >= p.width {
		line = string(runes[:p.width-2]) + "…"
	}
	fmt.Fprint(p.w, clearLine+line)
}

// finish removes the line.
func (p *progress) finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprint(p.w, clearLine)
}
