package image

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/tidewaiter/tidewaiter/image/imagetest"
)

// stored is a layer as memory serves it: blobs that are what they are, whatever their digest.
type stored map[string][]byte

func (s stored) blob(_ context.Context, digest string) (io.ReadCloser, error) {
	b, ok := s[digest]
	if !ok {
		return nil, ErrNotFound
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

func (stored) manifest(context.Context, string) ([]byte, string, error) { return nil, "", ErrNotFound }
func (stored) referrers(context.Context, string) ([]descriptor, error)  { return nil, nil }

const plainLayer = "application/vnd.oci.image.layer.v1.tar"

// platform makes a platform of plain archives.
func platform(archives ...[]byte) *Platform {
	s := stored{}
	p := &Platform{Name: "linux/amd64", source: s, limits: DefaultLimits()}
	for _, a := range archives {
		d := digestOf(a)
		s[d] = a
		p.Layers = append(p.Layers, Layer{Digest: d, DiffID: d, MediaType: plainLayer, Size: int64(len(a))})
	}
	return p
}

// packed makes a platform of one layer that is stored as blob and unpacks to archive.
func packed(mediaType string, blob, archive []byte) *Platform {
	return &Platform{
		source: stored{digestOf(blob): blob}, limits: DefaultLimits(),
		Layers: []Layer{{Digest: digestOf(blob), DiffID: digestOf(archive), MediaType: mediaType, Size: int64(len(blob))}},
	}
}

// lookupLink is Lookup, but returns a symlink at the end of path itself.
func lookupLink(f *Files, path string) *Entry { return f.tree.lookup(path, false).visible() }

// file, link and whiteout are members of an archive.
func file(name, content string) tar.Header {
	return tar.Header{Name: name, Mode: 0o755, Typeflag: tar.TypeReg, Uname: content}
}
func dir(name string) tar.Header { return tar.Header{Name: name, Mode: 0o755, Typeflag: tar.TypeDir} }
func symlink(name, to string) tar.Header {
	return tar.Header{Name: name, Typeflag: tar.TypeSymlink, Linkname: to}
}
func hardlink(name, to string) tar.Header {
	return tar.Header{Name: name, Typeflag: tar.TypeLink, Linkname: to}
}

// layer makes an archive; the content of a file is carried in its Uname.
func layer(t testing.TB, members ...tar.Header) []byte {
	var contents []string
	for i := range members {
		contents = append(contents, members[i].Uname)
		members[i].Uname = ""
	}
	return imagetest.Tar(t, members, contents)
}

func gz(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(b)
	w.Close()
	return out.Bytes()
}

func zst(t testing.TB, b []byte) []byte {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(b, nil)
}

// view lists what a walk finds, one line for each entry: path, content, and what became of it.
func view(t testing.TB, p *Platform) (lines, notes []string, err error) {
	t.Helper()
	f, err := p.Files(t.Context(), Options{TempDir: t.TempDir(), Visit: func(m *Member, content *Content) (bool, error) {
		b, err := io.ReadAll(content)
		m.Facts = string(b)
		return true, err
	}})
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	for _, e := range f.All() {
		line := fmt.Sprintf("%d %s", e.Layer, e.Path)
		if e.Name != e.Path {
			line += " as " + e.Name
		}
		switch {
		case e.Type == Regular:
			line += "=" + e.Facts.(string)
		case e.Type == Hardlink && e.Target != nil:
			line += "=>" + e.Target.Path
		case e.Type != Directory:
			line += "->" + e.Linkname
		}
		if e.Duplicate {
			line += " duplicate"
		}
		if e.DeletedIn >= 0 {
			line += fmt.Sprintf(" deleted in %d", e.DeletedIn)
		}
		lines = append(lines, line)
	}
	return lines, f.Notes, nil
}
