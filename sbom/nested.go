package sbom

import (
	"archive/tar"
	"bufio"
	"bytes"
	"cmp"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/xi2/xz"

	"github.com/tidewaiter/tidewaiter/image"
)

// Bounds of what archives unpack to. The memory of a decoder is bounded, too.
const (
	maxArchives  = 5        // archives in archives; a .deb counts for two: ar, and tar in it
	maxLayers    = 10       // archives and compressions around one file
	maxMembers   = 200_000  // files in one archive and all those in it
	nestedRatio  = 100      // to one: what a file may unpack to, of its own bytes
	nestedFloor  = 64 << 20 // bytes that any file may unpack to
	maxWindow    = 64 << 20 // bytes of a zstd or xz decoder's window
	maxSparse    = 16 << 20 // bytes of a file with holes in a tar archive
	maxMarks     = 16       // marks that are kept of one tool inside an archive
	blockSize    = 512      // of a tar archive
	arHeaderSize = 60       // of a member of an ar archive
	maxEntryName = 4096     // bytes of a member's name
)

// bounds are what one scan may look at. They are shared by all that look at its files.
type bounds struct {
	file   int64 // bytes of one file, or of one member of an archive
	nested atomic.Int64
}

// newBounds are the bounds for one scan.
func newBounds(l Limits) *bounds {
	b := &bounds{file: l.File}
	b.nested.Store(l.Nested)
	return b
}

// nest is what the archives in one file have in common.
type nest struct {
	bounds *bounds
	outer  *pass // over the file itself
	// archives and layers are how deep it is in archives, and in archives and compressions.
	archives, layers int
	// guesses counts the payloads around it, which may be none: what is broken there says nothing.
	guesses  int
	members  int
	unpacked int64
}

// A gap of one of these tools is a limit that was reached. Any other is an archive that cannot be read.
const (
	gapLimit  = "limit"
	gapBroken = "archive"
)

// limitError is a limit that was reached: nothing more of the file is unpacked.
type limitError string

func (e limitError) Error() string { return string(e) }

// errEncrypted is what a member of an archive is that needs a password.
var errEncrypted = errors.New("it is encrypted")

// packing is how something is packed.
type packing int

const (
	notPacked packing = iota
	tarPacking
	zipPacking
	arPacking
	gzipPacking
	bzip2Packing
	xzPacking
	zstdPacking
	unreadPacking // of a kind that nothing here reads
	plainPacking  // a program as it is
	base64Packing
	hexPacking
)

// magics begin what is packed; a tar archive has its magic number elsewhere.
var magics = []struct {
	magic string
	packing
}{
	{"\x1f\x8b\x08", gzipPacking}, {"\x28\xb5\x2f\xfd", zstdPacking}, {"\xfd7zXZ\x00", xzPacking},
	{"PK\x03\x04", zipPacking}, {"!<arch>\n", arPacking},
	{"7z\xbc\xaf\x27\x1c", unreadPacking}, {"Rar!\x1a\x07", unreadPacking}, {"MSCF\x00\x00\x00\x00", unreadPacking},
}

const (
	tarMagicAt = 257
	tarMagic   = "ustar"
)

// packingOf says what head begins.
func packingOf(head []byte) packing {
	for _, m := range magics {
		if bytes.HasPrefix(head, []byte(m.magic)) {
			return m.packing
		}
	}
	switch {
	case len(head) >= 10 && string(head[:3]) == "BZh" && string(head[4:10]) == "1AY&SY":
		return bzip2Packing
	case len(head) >= blockSize && string(head[tarMagicAt:tarMagicAt+len(tarMagic)]) == tarMagic:
		return tarPacking
	}
	return notPacked
}

// unpack looks into what r is packed as. Nothing that is wrong with it is an error: it is a gap, but for what is
// only a guess, which then was wrong.
func (s *pass) unpack(inner string, f packing, guess bool, r io.Reader) {
	if guess {
		s.nest.guesses++
		defer func() { s.nest.guesses-- }()
	}
	err := func() (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("its decoder panicked: %v", p)
			}
		}()
		return s.unpackAs(inner, f, r)
	}()
	if err != nil {
		s.gap(inner, err)
	}
}

// gap notes what could not be looked at to its end.
func (s *pass) gap(inner string, err error) {
	tool := gapBroken
	var limit limitError
	if errors.As(err, &limit) {
		tool = gapLimit
	} else if s.nest.guesses > 0 {
		return
	}
	mark := Mark{By: byContent, Text: fmt.Sprintf("%.200s", err), Offset: -1, In: inner}
	s.found.gaps = adopt(s.found.gaps, Class{Unscanned, tool, []Mark{mark}})
}

func (s *pass) unpackAs(inner string, f packing, r io.Reader) error {
	n := s.nest
	if n.layers == maxLayers {
		return limitError(fmt.Sprintf("more than %d archives and compressions in each other", maxLayers))
	}
	n.layers++
	defer func() { n.layers-- }()
	switch f {
	case tarPacking, zipPacking, arPacking:
		if n.archives == maxArchives {
			return limitError(fmt.Sprintf("more than %d archives in each other", maxArchives))
		}
		n.archives++
		defer func() { n.archives-- }()
		return map[packing]func(string, io.Reader) error{tarPacking: s.untar, zipPacking: s.unzip, arPacking: s.unar}[f](inner, r)
	case unreadPacking:
		return errors.New("it is an archive of a kind that is not read")
	case plainPacking:
		return s.member(inner, 0o755, r)
	}
	return s.decompress(inner, f, r)
}

// decompress looks at the one file that r unpacks to.
func (s *pass) decompress(inner string, f packing, r io.Reader) error {
	var z io.Reader
	switch f {
	case gzipPacking:
		return s.gunzip(inner, r)
	case bzip2Packing:
		z = bzip2.NewReader(r)
	case xzPacking:
		x, err := xz.NewReader(r, maxWindow)
		if err != nil {
			return err
		}
		z = x
	case zstdPacking:
		d, err := zstd.NewReader(r, zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return err
		}
		defer d.Close()
		z = d
	default:
		z = decoded(f, r)
	}
	return s.member(inner, 0, &spending{z, s.nest})
}

var gzips = sync.Pool{New: func() any { return new(gzip.Reader) }}

// gunzip looks at what r unpacks to, and at what is behind it: others stop there, or go on, as they like.
func (s *pass) gunzip(inner string, r io.Reader) error {
	z := gzips.Get().(*gzip.Reader)
	defer gzips.Put(z)
	in := bufio.NewReaderSize(r, 16<<10)
	if err := z.Reset(in); err != nil {
		return err
	}
	z.Multistream(false)
	if err := s.member(inner, 0, &spending{&gzipStreams{z, in}, s.nest}); err != nil {
		return err
	}
	if skipZeros(in) != nil {
		return nil
	}
	return s.member(within(inner, afterEnd), 0, in)
}

// afterEnd is what the bytes behind an archive are called.
const afterEnd = "after the end"

// gzipStreams reads streams that stand behind each other, which together are one.
type gzipStreams struct {
	z  *gzip.Reader
	in *bufio.Reader
}

func (g *gzipStreams) Read(p []byte) (int, error) {
	for {
		n, err := g.z.Read(p)
		if n > 0 || err != io.EOF {
			return n, err
		}
		if head, _ := g.in.Peek(3); packingOf(head) != gzipPacking {
			return 0, io.EOF
		}
		if err := g.z.Reset(g.in); err != nil {
			return 0, err
		}
		g.z.Multistream(false)
	}
}

// spending counts what is unpacked, and ends it where there is more than is allowed.
type spending struct {
	r io.Reader
	n *nest
}

func (s *spending) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.n.unpacked += int64(n)
	if s.n.unpacked > max(nestedFloor, nestedRatio*s.n.outer.found.scanned) {
		return n, limitError(fmt.Sprintf("it unpacks to more than %d times its size", nestedRatio))
	}
	if s.n.bounds.nested.Add(int64(-n)) < 0 {
		return n, limitError("the archives of the image unpack to more than limits.nested")
	}
	return n, err
}

// member looks at one file inside. inner is empty for what is only compressed.
func (s *pass) member(inner string, mode os.FileMode, r io.Reader) error {
	if s.nest.members++; s.nest.members > maxMembers {
		return limitError(fmt.Sprintf("it holds more than %d files", maxMembers))
	}
	buffer := heads.Get().(*[headSize]byte)
	defer heads.Put(buffer)
	head, err := readHead(r, buffer[:])
	name := inner
	if inner == "" {
		name = strings.TrimSuffix(s.name, path.Ext(s.name))
	}
	if err != nil && len(head) == 0 {
		return err
	}
	c, lookErr := s.table.look(name, mode, head, r, s.bounds, s.nest)
	for _, class := range s.table.classify(name, mode, c, nil) {
		class.Marks = slices.Clone(class.Marks)
		for i := range class.Marks {
			class.Marks[i].In = within(inner, class.Marks[i].In)
			if class.Marks[i].SHA256 == "" {
				class.Marks[i].SHA256 = c.sha256
			}
		}
		s.found.members = adopt(s.found.members, class)
	}
	return cmp.Or(err, lookErr)
}

// within is the path of what is at inner in the archive at outer.
func within(outer, inner string) string {
	if outer == "" || inner == "" {
		return outer + inner
	}
	return outer + "!/" + inner
}

// adopt puts a class among others, beside what is known of the same tool.
func adopt(classes []Class, c Class) []Class {
	i := slices.IndexFunc(classes, func(old Class) bool { return old.Class == c.Class && old.Tool == c.Tool })
	if i < 0 {
		return append(classes, c)
	}
	room := max(0, maxMarks-len(classes[i].Marks))
	classes[i].Marks = append(classes[i].Marks, c.Marks[:min(room, len(c.Marks))]...)
	return classes
}

// untar reads tar archives, also several behind each other, as an .apk has them.
func (s *pass) untar(inner string, r io.Reader) error {
	in := bufio.NewReaderSize(r, 4*blockSize)
	for {
		if err := s.untarOne(inner, in); err != nil {
			return err
		}
		if err := skipZeros(in); err != nil {
			return nil // nothing but zeros to the end
		}
		if head, _ := in.Peek(blockSize); packingOf(head) != tarPacking {
			return s.member(within(inner, afterEnd), 0, in)
		}
	}
}

func (s *pass) untarOne(inner string, r io.Reader) error {
	t := tar.NewReader(r)
	for {
		h, err := t.Next()
		switch {
		case err == io.EOF:
			return nil
		case errors.Is(err, tar.ErrInsecurePath): // names only show where it was
		case err != nil:
			return err
		}
		if h.Size == 0 || h.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		name, content := within(inner, memberName(h.Name)), io.Reader(t)
		// Holes stand nowhere and cost nothing: what is behind such a member is not far away, however large it is.
		if image.Sparse(h) {
			content = io.LimitReader(&spending{t, s.nest}, maxSparse)
			if h.Size > maxSparse {
				s.gap(name, fmt.Errorf("it has holes, and more than %d bytes with them", maxSparse))
			}
		}
		if err := s.member(name, os.FileMode(h.Mode&0o777), content); err != nil {
			return err
		}
	}
}

// skipZeros skips to the first byte that is not zero; the error is io.EOF if there is none.
func skipZeros(r *bufio.Reader) error {
	for {
		b, err := r.ReadByte()
		if err != nil {
			return err
		}
		if b != 0 {
			return r.UnreadByte()
		}
	}
}

// memberName is a member's name as a path, which never leads out of the archive.
func memberName(name string) string {
	if len(name) > maxEntryName {
		name = name[:maxEntryName]
	}
	return strings.TrimPrefix(path.Clean("/"+strings.ReplaceAll(name, "\\", "/")), "/")
}
