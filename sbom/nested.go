package sbom

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Bounds of what archives unpack to. The memory of a decoder is bounded, too.
const (
	maxArchives  = 5        // archives in archives; a .deb counts for two: ar, and tar in it
	maxLayers    = 10       // archives and compressions around one file
	maxMembers   = 200_000  // files in one archive and all those in it
	nestedRatio  = 100      // to one: what a file may unpack to, of its own bytes
	nestedFloor  = 64 << 20 // bytes that any file may unpack to
	maxWindow    = 64 << 20 // bytes of one decoder's window
	commonWindow = 8 << 20  // of what the tools make that are not told to be slow
	maxWindows   = 96 << 20 // of the decoders around one file
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
	large  sync.Mutex // of the one file at a time that needs a large window
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
	hashed bool  // its digest is wanted, even if there is nothing to say of it
	// archives and layers are how deep it is in archives, and in archives and compressions.
	archives, layers int
	// guesses counts the payloads around it, which may be none: what is broken there says nothing.
	guesses  int
	members  int
	unpacked int64
	// windows are bytes of memory that its decoders have now; large tells that it holds bounds.large.
	windows int64
	large   bool
}

// window takes the memory of a decoder's window, for as long as it is used.
func (n *nest) window(large bool) (free func(), err error) {
	size := int64(commonWindow)
	if large {
		size = maxWindow
	}
	if n.windows+size > maxWindows {
		return nil, limitError(fmt.Sprintf("its decoders need more than %d bytes of memory", maxWindows))
	}
	if large && !n.large {
		n.bounds.large.Lock()
		n.large = true
	}
	n.windows += size
	return func() { n.windows -= size }, nil
}

// end lets the next file have a large window.
func (n *nest) end() {
	if n.large {
		n.bounds.large.Unlock()
	}
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

// unpack looks into what r is packed as. What is wrong with it is no error of the file's.
func (s *pass) unpack(inner string, f packing, r io.Reader) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("its decoder panicked: %v", p)
		}
	}()
	return s.unpackAs(inner, f, r)
}

// unpackPayload looks into what begins at a place of the file. What cannot be read there is a gap of a file that
// unpacks itself if it is sure to be something, and else it was none.
func (s *pass) unpackPayload(p payload, r io.Reader) {
	if !p.sure {
		s.nest.guesses++
		defer func() { s.nest.guesses-- }()
	}
	err := s.unpack(p.name(), p.packing, r)
	var limit limitError
	switch {
	case err == nil:
		s.opened = true
	case p.sure && !errors.As(err, &limit):
		s.sealed = append(s.sealed, Mark{By: byLayout, Text: fmt.Sprintf("what it carries: %.200s", err), Offset: p.at})
	default:
		s.gap(p.name(), err)
	}
}

// gap notes what could not be looked at to its end.
func (s *pass) gap(inner string, err error) {
	tool := gapBroken
	var limit limitError
	if errors.As(err, &limit) {
		tool = gapLimit
		s.payloads.end()
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
	case tarPacking, zipPacking, arPacking, cpioPacking, rpmPacking, asarPacking:
		if n.archives == maxArchives {
			return limitError(fmt.Sprintf("more than %d archives in each other", maxArchives))
		}
		n.archives++
		defer func() { n.archives-- }()
		return s.unarchive(inner, f, r)
	case unreadPacking:
		head, _ := readHead(r, make([]byte, blockSize))
		return notReadError(head)
	case plainPacking:
		return s.member(inner, 0o755, r)
	}
	return s.decompress(inner, f, r)
}

// unarchive looks at what is in an archive.
func (s *pass) unarchive(inner string, f packing, r io.Reader) error {
	switch f {
	case tarPacking:
		return s.untar(inner, r)
	case zipPacking:
		return s.unzip(inner, r)
	case arPacking:
		return s.unar(inner, r)
	case cpioPacking:
		return s.uncpio(inner, r)
	case rpmPacking:
		return s.unrpm(inner, r)
	default:
		return s.unasar(inner, r)
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

// memberName is a member's name as a path, which never leads out of the archive.
func memberName(name string) string {
	if len(name) > maxEntryName {
		name = name[:maxEntryName]
	}
	return strings.TrimPrefix(path.Clean("/"+strings.ReplaceAll(name, "\\", "/")), "/")
}
