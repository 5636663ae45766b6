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

	"github.com/tidewaiter/tidewaiter/image/imagetest"
)

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
	cut := archive[:1024] // without the end marker
	zstd41 := slices.Clone(zst(t, archive))
	zstd41[4] |= 1 // names a dictionary, in the byte that follows
	zstd41 = slices.Insert(zstd41, 6, 41)
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
		"after the gzip":          {packed(ociLayer, append(gz(archive), "evil"...), archive), "data after the end"},
		"zeros after the gzip":    {packed(ociLayer, append(gz(archive), make([]byte, 512)...), archive), "data after the end"},
		"half a second gzip":      {packed(ociLayer, append(gz(archive), gz(nil)[:9]...), archive), "layer 0"},
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
		"no end marker in gzip":   {packed(ociLayer, gz(cut)[:len(gz(cut))-9], cut), "layer 0"},
		"zstd with a dictionary":  {packed(ociLayer, zstd41, archive), "layer 0"},
		"a size below nothing":    {platform(patched(t, func(h []byte) { copy(h[124:136], "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xf0") })), "not a tar archive"},
		"a size beyond all":       {platform(patched(t, func(h []byte) { copy(h[124:136], "\x80\x00\x00\x00\x7f\xff\xff\xff\xff\xff\xff\xff") })), "layer 0"},
		"a PAX size beyond all":   {platform(paxSize(t, "9223372036854775807")), "layer 0"},
		"a PAX size below zero":   {platform(paxSize(t, "-1")), "not a tar archive"},
		"sparse map bomb":         {platform(sparseMap(t)), "sparse map too long"},
		"sparse bomb of GNU":      {platform(gnuSparse(t)), "the unpacked size of all layers exceeds the limit"},
		"sparse bomb of PAX 0.0":  {platform(oldSparse(t)), "the unpacked size of all layers exceeds the limit"},
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
	return sparsePAX(t, map[string]string{"major": "1", "minor": "0", "realsize": "1099511627776", "name": "x"},
		"1\n1099511627776\n0\n"+strings.Repeat("\x00", 512-18))
}

// sparseMap has a map of as many parts as nobody needs.
func sparseMap(t testing.TB) []byte {
	t.Helper()
	return sparsePAX(t, map[string]string{"major": "1", "minor": "0", "realsize": "1099511627776", "name": "x"},
		"2000000\n"+strings.Repeat("1\n1\n", 2_000_000))
}

// oldSparse is a hole of a terabyte in format 0.1.
func oldSparse(t testing.TB) []byte {
	t.Helper()
	return sparsePAX(t, map[string]string{"size": "1099511627776", "numblocks": "1", "map": "0,1", "name": "x"}, "x")
}

// sparsePAX is an archive of a file with GNU's records. archive/tar writes no such records, so they are put in
// under a name of the same length.
func sparsePAX(t testing.TB, records map[string]string, content string) []byte {
	t.Helper()
	named := map[string]string{}
	for key, value := range records {
		named["XXX.sparse."+key] = value
	}
	b := imagetest.Tar(t, []tar.Header{{Name: "x", Typeflag: tar.TypeReg, Format: tar.FormatPAX, PAXRecords: named}}, []string{content})
	return bytes.ReplaceAll(b, []byte("XXX.sparse"), []byte("GNU.sparse"))
}

// gnuSparse is a hole of 8 GiB in GNU's own header.
func gnuSparse(t testing.TB) []byte {
	t.Helper()
	return patched(t, func(h []byte) {
		copy(h[257:], "ustar  \x00")
		h[156] = tar.TypeGNUSparse
		copy(h[386:], "000000000000\x00000000000001\x00") // one byte at 0
		copy(h[483:], "77777777777\x00")
	})
}

// patched is an archive of one file of a byte, with its header changed.
func patched(t testing.TB, change func(header []byte)) []byte {
	t.Helper()
	b := layer(t, file("x", "x"))
	change(b)
	copy(b[148:156], "        ")
	sum := 0
	for _, c := range b[:512] {
		sum += int(c)
	}
	copy(b[148:], fmt.Sprintf("%06o\x00 ", sum))
	return b
}

// paxSize is an archive of one file with a size that its PAX record says.
func paxSize(t testing.TB, size string) []byte {
	t.Helper()
	b := imagetest.Tar(t, []tar.Header{{Name: "x", Typeflag: tar.TypeReg, Format: tar.FormatPAX, PAXRecords: map[string]string{"SIZX": size}}}, []string{"x"})
	return bytes.ReplaceAll(b, []byte("SIZX="), []byte("size="))
}

// TestNoEndMarker: an archive that ends behind its last file is whole, as runtimes see it.
func TestNoEndMarker(t *testing.T) {
	archive := layer(t, file("bin/x", "elf"))[:1024]
	got, _, err := view(t, packed(ociLayer, gz(archive), archive))
	if want := []string{"0 /bin/x=elf"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
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
	f, err := p.Files(t.Context(), Options{TempDir: tempDir, Visit: func(m *Member, r *Content) (bool, error) {
		escaped = r
		if m.Name == "/unread" {
			return true, nil
		}
		half := make([]byte, m.Size/2)
		_, err := io.ReadFull(r, half)
		return m.Name != "/drop", err
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
	if _, err := p.Files(t.Context(), Options{Visit: func(*Member, *Content) (bool, error) { return false, stop }}); !errors.Is(err, stop) {
		t.Errorf("error %v, want the visitor's", err)
	}
	// A visitor that swallows a broken stream changes nothing.
	broken := platform(layer(t, file("x", large))[:1<<20])
	if _, err := broken.Files(t.Context(), Options{Visit: func(_ *Member, r *Content) (bool, error) {
		io.Copy(io.Discard, r)
		return false, nil
	}}); err == nil {
		t.Error("a truncated layer was accepted")
	}
}
