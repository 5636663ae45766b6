package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/tidewaiter/tidewaiter/gate"
	"github.com/tidewaiter/tidewaiter/image"
	"github.com/tidewaiter/tidewaiter/sbom"
)

// TestProgressOfLayers: the line tells of the layers that are being read, and of no other.
func TestProgressOfLayers(t *testing.T) {
	var out bytes.Buffer
	var p *progress
	img := &image.Image{Reference: image.Reference{Transport: image.OCILayout, Path: "web"}, Platforms: []*image.Platform{{Name: "linux/amd64"}}}
	line := func() string { return out.String()[strings.LastIndex(out.String(), clearLine)+len(clearLine):] }
	g := &gate.Gate{
		Pull: func(context.Context, image.Reference) (*image.Image, error) { return img, nil },
		SBOM: func(ctx context.Context, _ *image.Platform, _ sbom.Started) (*sbom.SBOM, error) {
			tell := layersTold(ctx)
			p.drawn = time.Time{}
			tell(0, 10<<20, 10<<20) // done
			tell(2, 1<<20, 5<<20)
			p.drawn = time.Time{}
			tell(1, 3<<20, 40<<20)
			if want := "0 done · reading linux/amd64 of oci:web, layer 1: 3 of 40 MB, layer 2: 1 of 5 MB"; line() != want {
				t.Errorf("got %q, want %q", line(), want)
			}
			before := out.Len()
			tell(1, 4<<20, 40<<20)
			if out.Len() != before {
				t.Error("the line is drawn for every piece")
			}
			return nil, nil
		},
	}
	p = watch(g, &out, 200)
	if _, err := g.Pull(t.Context(), img.Reference); err != nil {
		t.Fatal(err)
	}
	if _, err := g.SBOM(t.Context(), img.Platforms[0], sbom.Started{}); err != nil {
		t.Fatal(err)
	}
	if want := "1 done"; line() != want {
		t.Errorf("in the end: got %q, want %q", line(), want)
	}
}
