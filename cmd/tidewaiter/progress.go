package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

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
	active map[string]string                // what is being done, by the image's name
	layers map[string]map[int]layerProgress // of the layers that are being read, by the image's name
	names  map[*image.Platform]string
	drawn  time.Time
}

// layerProgress is how much of a layer was read, in bytes as stored.
type layerProgress struct{ read, size int64 }

// redraw is how long a line stays at least while nothing but bytes change.
const redraw = 100 * time.Millisecond

// watch decorates the gate's seams so that progress is told on w.
func watch(g *gate.Gate, w io.Writer, width int) *progress {
	p := &progress{w: w, width: width, active: map[string]string{}, layers: map[string]map[int]layerProgress{}, names: map[*image.Platform]string{}}
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
	g.SBOM = func(ctx context.Context, platform *image.Platform, started sbom.Started) (*sbom.SBOM, error) {
		name := p.nameOf(platform)
		p.begin(name, "reading "+platform.Name+" of")
		defer p.end(name)
		return scan(tellLayers(ctx, func(layer int, read, size int64) { p.layer(name, layer, layerProgress{read, size}) }), platform, started)
	}
	return p
}

// layersKey is the key of a context for who is told of the layers that a scan reads.
type layersKey struct{}

// tellLayers is a context that makes a scan tell how much it read of which layer.
func tellLayers(ctx context.Context, tell func(layer int, read, size int64)) context.Context {
	return context.WithValue(ctx, layersKey{}, tell)
}

// layersTold is who is told of layers; nil if nobody is.
func layersTold(ctx context.Context) func(layer int, read, size int64) {
	tell, _ := ctx.Value(layersKey{}).(func(layer int, read, size int64))
	return tell
}

// layer takes down how much of a layer was read. One that is done is not shown.
func (p *progress) layer(name string, layer int, now layerProgress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.layers[name] == nil {
		p.layers[name] = map[int]layerProgress{}
	}
	if p.layers[name][layer] = now; now.read >= now.size {
		delete(p.layers[name], layer)
	}
	if time.Since(p.drawn) >= redraw {
		p.draw()
	}
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
	delete(p.layers, name)
	p.done++
	p.draw()
}

// draw writes the line anew. The caller holds the lock.
func (p *progress) draw() {
	p.drawn = time.Now()
	line := fmt.Sprintf("%d done", p.done)
	for _, name := range slices.Sorted(maps.Keys(p.active)) {
		line += fmt.Sprintf(" · %s %s", p.active[name], report.Clean(name))
		for _, layer := range slices.Sorted(maps.Keys(p.layers[name])) {
			l := p.layers[name][layer]
			line += fmt.Sprintf(", layer %d: %d of %d MB", layer, l.read>>20, max(l.size>>20, 1))
		}
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
