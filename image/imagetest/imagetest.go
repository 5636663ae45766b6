// Package imagetest builds small images and runs a registry for the tests of other packages.
package imagetest

import (
	"archive/tar"
	"bytes"
	"io"
	"log"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// Host starts a registry with the referrers API on loopback, without TLS, and returns its host:port. It ends
// with the test.
func Host(t testing.TB) string {
	t.Helper()
	quiet := registry.Logger(log.New(io.Discard, "", 0))
	server := httptest.NewServer(registry.New(quiet, registry.WithReferrersSupport(true)))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// Image builds a linux/amd64 image with one layer for each map of path to content. A path that ends in a
// slash is a directory; content that begins with "-> " makes a symlink. Files have mode 0755. Equal maps make
// equal digests.
func Image(t testing.TB, layers ...map[string]string) v1.Image {
	t.Helper()
	img, err := Build(nil, layers...)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// Build is Image for who has no test: its configuration is what configure makes of a linux/amd64 one.
func Build(configure func(*v1.ConfigFile), layers ...map[string]string) (v1.Image, error) {
	img := v1.Image(empty.Image)
	for _, files := range layers {
		var headers []tar.Header
		var contents []string
		for _, path := range slices.Sorted(maps.Keys(files)) {
			h, content := header(path, files[path])
			headers, contents = append(headers, h), append(contents, content)
		}
		archive, err := archive(headers, contents)
		if err != nil {
			return nil, err
		}
		if img, err = appendLayer(img, archive); err != nil {
			return nil, err
		}
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", "amd64"
	if configure != nil {
		configure(config)
	}
	return mutate.ConfigFile(img, config)
}

func header(path, content string) (tar.Header, string) {
	h := tar.Header{Name: path, Mode: 0o755, Typeflag: tar.TypeReg}
	if strings.HasSuffix(path, "/") {
		h.Typeflag = tar.TypeDir
		return h, ""
	}
	if target, ok := strings.CutPrefix(content, "-> "); ok {
		h.Typeflag, h.Linkname = tar.TypeSymlink, target
		return h, ""
	}
	return h, content
}

// Tar writes a tar archive of headers; the size of each is that of the content at the same index.
func Tar(t testing.TB, headers []tar.Header, contents []string) []byte {
	t.Helper()
	b, err := archive(headers, contents)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func archive(headers []tar.Header, contents []string) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i, h := range headers {
		h.Size = int64(len(contents[i]))
		if err := w.WriteHeader(&h); err != nil {
			return nil, err
		}
		if _, err := io.WriteString(w, contents[i]); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// Append adds a layer, gzipped, that unpacks to archive.
func Append(t testing.TB, img v1.Image, archive []byte) v1.Image {
	t.Helper()
	img, err := appendLayer(img, archive)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func appendLayer(img v1.Image, archive []byte) (v1.Image, error) {
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(archive)), nil
	})
	if err != nil {
		return nil, err
	}
	return mutate.AppendLayers(img, layer)
}

// Push pushes an image or an index (anything that remote.Put takes) as ref, which must be of a registry that
// Host started, and returns its digest.
func Push(t testing.TB, ref string, img remote.Taggable) string {
	t.Helper()
	parsed, err := name.ParseReference(ref, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	switch img := img.(type) {
	case v1.ImageIndex:
		err = remote.WriteIndex(parsed, img)
	case v1.Image:
		err = remote.Write(parsed, img)
	default:
		err = remote.Put(parsed, img)
	}
	if err != nil {
		t.Fatal(err)
	}
	raw, err := img.RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	digest, _, err := v1.SHA256(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return digest.String()
}
