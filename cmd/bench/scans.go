package main

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// changed ends the name of an image that has one layer more.
const changed = "-changed"

// scanCases compare whole scans of the images that testdata/images/bench.sh makes, with everything on.
func scanCases(in inputs) []comparison {
	if len(in.scans) == 0 {
		return []comparison{{name: "scan images", lacks: "give those of testdata/images/bench.sh by -images FOLDER"}}
	}
	var cases []comparison
	for _, image := range in.scans {
		name := strings.TrimSuffix(filepath.Base(image), ":1")
		check := func(image string) []string { return []string{"tidewaiter", "check", "--plain-http", in.host, image} }
		cold := []string{"TIDEWAITER_CACHE=off"}
		warmed, used := filepath.Join(in.dir, "warmed-"+name), filepath.Join(in.dir, "used-"+name)
		next := strings.TrimSuffix(image, ":1") + changed + ":1"
		cases = append(cases,
			comparison{
				name: "scan the " + name + " image, no cache, against syft", ours: check(image), env: cold,
				peers: [][]string{{"syft", "scan", "-q", "-o", "cyclonedx-json", "registry:" + image}},
				limit: 0.35, memory: 0.4, disk: 0.2, worst: 2,
			},
			comparison{
				name: "scan the " + name + " image, no cache, against crane export", ours: check(image), env: cold,
				peers: [][]string{{"crane", "export", "--insecure", image, os.DevNull}}, limit: 1, worst: 2,
			},
			comparison{
				name: "scan the " + name + " image with one layer more, cache warm, against no cache",
				ours: check(next), env: []string{"TIDEWAITER_CACHE=" + used}, prepare: restore(warmed, used, check(image)),
				peers: [][]string{check(next)}, peerEnv: cold, limit: 0.15, worst: 2,
			},
		)
	}
	return cases
}

// restore makes the folder used what the cache is after a command. Only the first call runs it.
func restore(warmed, used string, command []string) func() error {
	return func() error {
		if _, err := os.Stat(warmed); os.IsNotExist(err) {
			resolved, err := resolve(command)
			if err != nil {
				return err
			}
			if _, err := (comparison{worst: 2}).measure(context.Background(), []string{"TIDEWAITER_CACHE=" + warmed}, [][]string{resolved}); err != nil {
				return err
			}
		}
		if err := os.RemoveAll(used); err != nil {
			return err
		}
		return os.CopyFS(used, os.DirFS(warmed))
	}
}

// push puts the images of a folder into the registry, and beside each one that has one layer more.
func (in *inputs) push(folder string) error {
	for _, size := range []string{"small", "middle", "large"} {
		index, err := layout.ImageIndexFromPath(filepath.Join(folder, size))
		if err != nil {
			return fmt.Errorf("%w: run testdata/images/bench.sh %s", err, folder)
		}
		manifest, err := index.IndexManifest()
		if err != nil {
			return err
		}
		img, err := index.Image(manifest.Manifests[0].Digest)
		if err != nil {
			return err
		}
		other, err := withSource(img)
		if err != nil {
			return err
		}
		ref := in.host + "/bench/" + size
		for name, img := range map[string]v1.Image{ref + ":1": img, ref + changed + ":1": other} {
			if err := write(name, img); err != nil {
				return err
			}
		}
		in.scans = append(in.scans, ref+":1")
	}
	return nil
}

func write(ref string, img v1.Image) error {
	tag, err := name.NewTag(ref, name.Insecure)
	if err != nil {
		return err
	}
	return remote.Write(tag, img)
}

// withSource puts a layer of source files over an image: what a build after a commit changes.
func withSource(img v1.Image) (v1.Image, error) {
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for i := range 200 {
		text := strings.Repeat(fmt.Sprintf("console.log(%d)\n", i), 100)
		if err := w.WriteHeader(&tar.Header{Name: fmt.Sprintf("app/src/%d.js", i), Mode: 0o644, Size: int64(len(text))}); err != nil {
			return nil, err
		}
		if _, err := io.WriteString(w, text); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive.Bytes())), nil })
	if err != nil {
		return nil, err
	}
	return mutate.AppendLayers(img, layer)
}
