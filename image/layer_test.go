package image

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
	seen := map[*Entry]string{}
	f, err := p.Files(t.Context(), Options{TempDir: t.TempDir(), Visit: func(e *Entry, r io.Reader) (bool, error) {
		b, err := io.ReadAll(r)
		seen[e] = string(b)
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
			line += "=" + seen[e]
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

func TestView(t *testing.T) {
	for name, tt := range map[string]struct {
		layers [][]byte
		want   []string
		note   string
	}{
		"duplicate, last wins (LAY-03)": {
			[][]byte{layer(t, file("usr/bin/app", "good"), file("./usr/bin/app", "bad"), file("/usr/bin/app", "evil"))},
			[]string{"0 /usr/bin/app=good duplicate deleted in 0", "0 /usr/bin/app=bad duplicate deleted in 0", "0 /usr/bin/app=evil duplicate"}, "",
		},
		"whiteout of the same layer (LAY-04)": {
			[][]byte{layer(t, file("bin/evil", "old")), layer(t, file("bin/.wh.evil", ""), file("bin/evil", "new"))},
			[]string{"0 /bin/evil=old deleted in 1", "1 /bin/evil=new"}, "",
		},
		"whiteout after the file (LAY-04)": {
			[][]byte{layer(t, file("bin/evil", "new"), file("bin/.wh.evil", ""))},
			[]string{"0 /bin/evil=new"}, "",
		},
		"whiteout (LAY-07)": {
			[][]byte{layer(t, file("tmp/a/b", "x"), file("tmp/c", "y")), layer(t, file("tmp/.wh.a", ""))},
			[]string{"0 /tmp/a/b=x deleted in 1", "0 /tmp/c=y"}, "",
		},
		"opaque": {
			[][]byte{layer(t, file("d/old", "x"), file("d/s/old", "x")), layer(t, file("d/new", "y"), file("d/.wh..wh..opq", ""), file("d/s/new", "z"))},
			[]string{"0 /d/old=x deleted in 1", "0 /d/s/old=x deleted in 1", "1 /d/new=y", "1 /d/s/new=z"}, "",
		},
		"bare whiteout (LAY-15)": {
			[][]byte{layer(t, file("etc/passwd", "root")), layer(t, file("etc/.wh.", ""), file("etc/.wh..", ""), file("etc/.wh...", ""), file(".wh..wh.aufs", ""))},
			[]string{"0 /etc/passwd=root"}, "has no name",
		},
		"upper case is a name": {
			[][]byte{layer(t, file("a", "x")), layer(t, file(".WH.a", "y"))},
			[]string{"0 /a=x", "1 /.WH.a=y"}, "",
		},
		"whiteout with content": {
			[][]byte{layer(t, file(".wh.a", "hidden"))}, nil, "has content",
		},
		"below a whiteout's name": {
			[][]byte{layer(t, file(".wh.d/evil", "x"))}, []string{"0 /.wh.d/evil=x"}, "",
		},
		"names out of the root (LAY-12)": {
			[][]byte{layer(t, file("../../x", "1"), file("/abs", "2"), file("a/../../y", "3"), file(`C:\z`, "4"), file("c:x", "5"), file(`\w`, "6"))},
			[]string{"0 /x=1", "0 /abs=2", "0 /y=3", `0 /C:\z=4`, "0 /c:x=5", `0 /\w=6`}, "",
		},
		"a file for the root": {
			[][]byte{layer(t, file("..", "evil"), dir("./"), file("a", "x"))},
			[]string{"0 /=evil deleted in 0", "0 /", "0 /a=x"}, "place of the root",
		},
		"through a symlink (LAY-14)": {
			[][]byte{layer(t, symlink("lib", "usr/lib"), dir("usr/lib")), layer(t, file("lib/evil.so", "x"), file("lib/.wh.y", ""))},
			[]string{"0 /lib->usr/lib", "0 /usr/lib", "1 /usr/lib/evil.so as /lib/evil.so=x"}, "",
		},
		"through a symlink out of the root": {
			[][]byte{layer(t, symlink("a", "../../../tmp"), symlink("b", "/"), file("a/x", "1"), file("b/../y", "2"), file("b/z", "3"))},
			[]string{"0 /a->../../../tmp", "0 /b->/", "0 /tmp/x as /a/x=1", "0 /y=2", "0 /z as /b/z=3"}, "",
		},
		"through a loop (LAY-13)": {
			[][]byte{layer(t, symlink("a", "b"), symlink("b", "a"), symlink("s", "s"), file("a/x", "1"), file("s/y", "2"))},
			[]string{"0 /a->b duplicate deleted in 0", "0 /b->a", "0 /s->s duplicate deleted in 0", "0 /a/x=1", "0 /s/y=2"}, "",
		},
		"through a file": {
			[][]byte{layer(t, file("a", "1")), layer(t, file("a/b", "2"))},
			[]string{"0 /a=1 deleted in 1", "1 /a/b=2"}, "",
		},
		"file over directory, directory over link": {
			[][]byte{layer(t, file("d/x", "1"), symlink("l", "d")), layer(t, file("d", "2"), dir("l"), file("l/y", "3"))},
			[]string{"0 /d/x=1 deleted in 1", "0 /l->d deleted in 1", "1 /d=2", "1 /l", "1 /l/y=3"}, "",
		},
		"directory again": {
			[][]byte{layer(t, dir("d"), file("d/x", "1")), layer(t, dir("d"))},
			[]string{"0 /d deleted in 1", "0 /d/x=1", "1 /d"}, "",
		},
		"hard links": {
			[][]byte{layer(t, file("bin/busybox", "elf"), hardlink("bin/sh", "bin/busybox"), hardlink("bin/ash", "/bin/sh"), hardlink("up", "../../bin/sh"), hardlink("none", "etc/shadow"))},
			[]string{"0 /bin/busybox=elf", "0 /bin/sh=>/bin/busybox", "0 /bin/ash=>/bin/busybox", "0 /up=>/bin/busybox", "0 /none->/etc/shadow"}, "which is not there",
		},
		"unknown type": {
			[][]byte{layer(t, tar.Header{Name: "x", Typeflag: 'Z', Uname: "evil"})},
			[]string{"0 /x=evil"}, "unknown type 'Z'",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, notes, err := view(t, platform(tt.layers...))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
			if tt.note != "" {
				wantNote(t, notes, tt.note)
			} else if len(notes) > 0 {
				t.Errorf("notes %q", notes)
			}
		})
	}
}

func TestLookup(t *testing.T) {
	chain := []tar.Header{file("chain0", "end")}
	for i := range 50 {
		chain = append(chain, symlink(fmt.Sprint("chain", i+1), fmt.Sprint("chain", i)))
	}
	p := platform(layer(t, slices.Concat([]tar.Header{
		file("usr/bin/dash", "elf"), symlink("bin", "usr/bin"), symlink("usr/bin/sh", "dash"), symlink("abs", "/bin/sh"),
		symlink("out", "../../../../usr"), symlink("self", "self"), symlink("gone", "nowhere"), symlink("usr/up", ".."),
		hardlink("hardsh", "usr/bin/sh"),
	}, chain)...))
	f, err := p.Files(t.Context(), Options{Visit: keepAll})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for path, want := range map[string]string{
		"/bin/sh": "/usr/bin/dash", "bin/sh": "/usr/bin/dash", "/bin//./dash": "/usr/bin/dash", "/abs": "/usr/bin/dash",
		"/out/bin/dash": "/usr/bin/dash", "/bin/../bin/dash": "/usr/bin/dash", "/usr/up/bin": "/usr/bin", "/../../usr": "/usr",
		"/": "/", "": "/", ".": "/", "/usr/": "/usr", "/bin/": "/usr/bin", "/chain30": "/chain0",
		"/self": "", "/gone": "", "/none": "", "/bin/sh/x": "", "/chain50": "", "/usr/bin/dash/..": "",
	} {
		got := ""
		if e := f.Lookup(path); e != nil {
			got = e.Path
		}
		if got != want {
			t.Errorf("Lookup(%q) = %q, want %q", path, got, want)
		}
	}
	for path, want := range map[string]string{
		"/bin/sh": "/usr/bin/sh", "/bin": "/bin", "/bin/": "/bin", "/gone": "/gone", "/self": "/self", "/": "/", "/bin/..": "/usr", "/none": "",
	} {
		got := ""
		if e := f.LookupLink(path); e != nil {
			got = e.Path
		}
		if got != want {
			t.Errorf("LookupLink(%q) = %q, want %q", path, got, want)
		}
	}
	var names []string
	for _, e := range f.ReadDir("/bin") {
		names = append(names, e.Path)
	}
	if want := []string{"/usr/bin/dash", "/usr/bin/sh"}; !slices.Equal(names, want) {
		t.Errorf("ReadDir(/bin) = %q, want %q", names, want)
	}
	if f.ReadDir("/abs") != nil || f.ReadDir("/none") != nil {
		t.Error("ReadDir of what is no directory")
	}
	if usr := f.Lookup("/usr"); usr.Type != Directory || !usr.Mode.IsDir() {
		t.Errorf("an implied directory is %+v", usr)
	}
}

func TestEntry(t *testing.T) {
	p := platform(layer(t,
		tar.Header{Name: "su", Typeflag: tar.TypeReg, Mode: 0o4755, Uid: 0, Gid: 42, Uname: "elf"},
		tar.Header{Name: "wall", Typeflag: tar.TypeReg, Mode: 0o2711},
		tar.Header{Name: "tmp", Typeflag: tar.TypeDir, Mode: 0o1777},
		tar.Header{Name: "ping", Typeflag: tar.TypeReg, Mode: 0o755, PAXRecords: map[string]string{"SCHILY.xattr.security.capability": "\x01\x00\x00\x02"}},
		tar.Header{Name: "mem", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 1},
		tar.Header{Name: "sda", Typeflag: tar.TypeBlock},
		tar.Header{Name: "pipe", Typeflag: tar.TypeFifo},
	))
	f, err := p.Files(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var got []string
	for _, e := range f.All() {
		got = append(got, fmt.Sprintf("%s %v %s %d:%d %d %v", e.Path, e.Mode, e.Type, e.UID, e.GID, e.Size, e.Capabilities))
	}
	want := []string{
		"/su urwxr-xr-x file 0:42 3 false", "/wall grwx--x--x file 0:0 0 false", "/tmp dtrwxrwxrwx directory 0:0 0 false",
		"/ping -rwxr-xr-x file 0:0 0 true", "/mem Dc--------- char-device 0:0 0 false", "/sda D--------- block-device 0:0 0 false",
		"/pipe p--------- fifo 0:0 0 false",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestCompressions is MAN-08: the magic number counts, and a media type that says otherwise is noted.
func TestCompressions(t *testing.T) {
	archive := layer(t, file("bin/x", "elf"))
	half := len(archive) / 2
	skippable := append([]byte{0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0}, "toc!"...)
	blobs := map[string][]byte{
		"plain": archive, "gzip": gz(archive), "zstd": zst(t, archive),
		"gzip in two members": append(gz(archive[:half]), gz(archive[half:])...),
		"zstd in two frames":  append(zst(t, archive[:half]), zst(t, archive[half:])...),
		"zstd:chunked":        append(slices.Clone(skippable), append(zst(t, archive), skippable...)...),
	}
	for name, blob := range blobs {
		for mediaType, claimed := range layerTypes {
			got, notes, err := view(t, packed(mediaType, blob, archive))
			if err != nil || !slices.Equal(got, []string{"0 /bin/x=elf"}) {
				t.Errorf("%s as %s: %q, %v", name, mediaType, got, err)
			}
			if honest := strings.HasPrefix(name, string(claimed)); honest != (len(notes) == 0) {
				t.Errorf("%s as %s: notes %q", name, mediaType, notes)
			}
		}
	}
}

func TestLayerRefuses(t *testing.T) {
	archive := layer(t, file("bin/x", "elf"))
	evil := layer(t, file("bin/x", "miner"))
	lying := func(p *Platform, change func(*Layer)) *Platform {
		change(&p.Layers[0])
		return p
	}
	xz := append([]byte("\xfd7zXZ\x00"), make([]byte, 100)...)
	for name, tt := range map[string]struct {
		p    *Platform
		want string
	}{
		"other bytes of the same size (LAY-02)": {func() *Platform {
			p := platform(archive)
			p.source = stored{p.Layers[0].Digest: bytes.Replace(archive, []byte("elf"), []byte("ELF"), 1)}
			return p
		}(), "what was sent has the digest"},
		"other gzip (LAY-02)": {func() *Platform {
			p := packed(ociLayer, gz(evil), evil)
			p.source = stored{p.Layers[0].Digest: gz(archive)}
			p.Layers[0].Size = int64(len(gz(archive)))
			return p
		}(), "what was sent has the digest"},
		"diff ID":                 {packed(ociLayer, gz(archive), evil), "unpacks to"},
		"longer":                  {lying(platform(archive), func(l *Layer) { l.Size-- }), "more than the"},
		"shorter":                 {lying(platform(archive), func(l *Layer) { l.Size++ }), "ends after"},
		"second archive (LAY-11)": {platform(append(slices.Clone(archive), evil...)), "data after the end"},
		"second gzip (LAY-11)":    {packed(ociLayer, append(gz(archive), gz(evil)...), append(slices.Clone(archive), evil...)), "data after the end"},
		"after the gzip":          {packed(ociLayer, append(gz(archive), "evil"...), archive), "layer 0"},
		"truncated":               {platform(archive[:513]), "layer 0"},
		"truncated gzip":          {packed(ociLayer, gz(archive)[:60], archive), "layer 0"},
		"truncated zstd":          {packed(ociLayer, zst(t, archive)[:20], archive), "layer 0"},
		"no archive":              {platform(bytes.Repeat([]byte("junk"), 1000)), "not a tar archive"},
		"xz":                      {platform(xz), "layer 0"},
		"foreign (MAN-07)":        {packed("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", gz(archive), archive), "it is foreign"},
		"nondistributable":        {packed("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", gz(archive), archive), "it is foreign"},
		"encrypted":               {packed("application/vnd.oci.image.layer.v1.tar+gzip+encrypted", gz(archive), archive), "it is encrypted"},
		"unknown (MAN-06)":        {packed("application/x-foo", gz(archive), archive), "is unknown"},
		"missing":                 {lying(platform(archive), func(l *Layer) { l.Digest = digestA }), "not found"},
		"path":                    {platform(layer(t, file(strings.Repeat("a/", 2049)+"a", ""))), "the length of a path exceeds the limit of 4096 bytes"},
		"link":                    {platform(layer(t, symlink("a", strings.Repeat("b", 4097)))), "the length of a path exceeds the limit of 4096 bytes"},
		"path through a link":     {platform(layer(t, symlink("a", strings.Repeat("b/", 2000)), file("a/"+strings.Repeat("c", 200), ""))), "the length of a path exceeds the limit of 4096 bytes"},
		"bomb (LAY-08)":           {packed(ociLayer, gz(make([]byte, 101<<20)), make([]byte, 101<<20)), "the unpacked size of all layers exceeds the limit of 200:1"},
		"sparse bomb":             {platform(sparseBomb(t)), "the unpacked size of all layers exceeds the limit"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := view(t, tt.p)
			wantError(t, err, tt.want)
		})
	}
}

// sparseBomb is an archive whose one file is a hole of a terabyte (GNU tar's format 1.0 in PAX records).
func sparseBomb(t testing.TB) []byte {
	t.Helper()
	// archive/tar writes no such records, so they are put in under a name of the same length.
	b := imagetest.Tar(t, []tar.Header{{Name: "x", Typeflag: tar.TypeReg, Format: tar.FormatPAX, PAXRecords: map[string]string{
		"XXX.sparse.major": "1", "XXX.sparse.minor": "0", "XXX.sparse.realsize": "1099511627776", "XXX.sparse.name": "x",
	}}}, []string{"1\n1099511627776\n0\n" + strings.Repeat("\x00", 512-18)})
	return bytes.ReplaceAll(b, []byte("XXX.sparse"), []byte("GNU.sparse"))
}

func TestWalkLimits(t *testing.T) {
	many := layer(t, file("a", "1"), file("b", "2"), file("c", "3"))
	deep := layer(t, file("a/b/c/d", ""))
	for name, tt := range map[string]struct {
		p      *Platform
		limits Limits
		want   string
	}{
		"entries":         {platform(many), Limits{Entries: 2}, "the number of files exceeds the limit of 2"},
		"over two layers": {platform(many, many), Limits{Entries: 5}, "the number of files exceeds the limit of 5"},
		"implied":         {platform(deep, deep), Limits{Entries: 3}, "the number of files exceeds the limit of 3"},
		"bytes":           {platform(many), Limits{Uncompressed: 1000}, "exceeds the limit of 1000 bytes"},
		"kept":            {platform(many), Limits{Kept: 2}, "kept on disk exceeds the limit of 2 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tt.p.Files(t.Context(), Options{Limits: tt.limits, Visit: keepAll})
			wantError(t, err, tt.want)
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := platform(many).Files(ctx, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}

func TestVisit(t *testing.T) {
	large := strings.Repeat("0123456789", 300_000) // larger than what stays in memory
	p := platform(layer(t, file("drop", large), file("large", large), file("small", "s"), file("empty", ""), file("unread", large), hardlink("link", "large")))
	tempDir := t.TempDir()
	var escaped io.Reader
	f, err := p.Files(t.Context(), Options{TempDir: tempDir, Visit: func(e *Entry, r io.Reader) (bool, error) {
		escaped = r
		if e.Path == "/unread" {
			return true, nil
		}
		half := make([]byte, e.Size/2)
		_, err := io.ReadFull(r, half)
		return e.Path != "/drop", err
	}})
	if err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(tempDir, "*")); len(left) > 0 {
		t.Errorf("files that a killed process would leave: %q", left)
	}
	if _, err := escaped.Read(make([]byte, 1)); !errors.Is(err, os.ErrClosed) {
		t.Errorf("content after the visit: %v", err)
	}
	for path, want := range map[string]string{"/large": large, "/small": "s", "/empty": "", "/unread": large, "/link": large} {
		r, err := f.Open(f.Lookup(path))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || string(got) != want {
			t.Errorf("%s: %d bytes, %v, want %d", path, len(got), err, len(want))
		}
	}
	if _, err := f.Open(f.Lookup("/drop")); err == nil {
		t.Error("content that was not kept could be opened")
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}

	stop := errors.New("stop")
	if _, err := p.Files(t.Context(), Options{Visit: func(*Entry, io.Reader) (bool, error) { return false, stop }}); !errors.Is(err, stop) {
		t.Errorf("error %v, want the visitor's", err)
	}
	// A visitor that swallows a broken stream changes nothing.
	broken := platform(layer(t, file("x", large))[:1<<20])
	if _, err := broken.Files(t.Context(), Options{Visit: func(_ *Entry, r io.Reader) (bool, error) {
		io.Copy(io.Discard, r)
		return false, nil
	}}); err == nil {
		t.Error("a truncated layer was accepted")
	}
}

// TestLinkExplosion is LAY-13: directories full of links to each other.
func TestLinkExplosion(t *testing.T) {
	var members []tar.Header
	for i := range 12 {
		for j := range 12 {
			members = append(members, symlink(fmt.Sprintf("d%d/l%d", i, j), fmt.Sprintf("../d%d", j)))
		}
	}
	members = append(members, symlink("e0", "d0/l0"))
	for i := range 100 {
		members = append(members, symlink(fmt.Sprint("e", i+1), strings.Repeat(fmt.Sprintf("../e%d/", i), 100)), file(fmt.Sprintf("e%d/f", i), "x"))
	}
	members = append(members, file(strings.Repeat("d0/l1/../", 200)+"f", "x"))
	if _, _, err := view(t, platform(layer(t, members...))); err != nil {
		t.Error(err)
	}
}
