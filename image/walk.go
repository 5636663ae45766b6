package image

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
)

// whiteouts hide what lower layers have (OCI image-spec, layer.md). aufsPrefix begins the metadata of AUFS,
// which is no part of the image.
const (
	whiteoutPrefix = ".wh."
	opaqueMarker   = ".wh..wh..opq"
	aufsPrefix     = ".wh..wh."
)

// impliedMode is the mode that runtimes give to directories that no layer spells out.
const impliedMode = os.ModeDir | 0o755

// walker builds Files layer by layer.
type walker struct {
	ctx     context.Context
	limits  Limits
	visit   Visit
	files   *Files
	entries int
	budget  *budget
	buffer  []byte // for copying: one for all files, of which there may be a million
}

// layer reads one layer.
func (w *walker) layer(s source, i int, l Layer) error {
	found, err := readLayer(w.ctx, s, l, w.budget, func(r io.Reader) error { return w.archive(r, i) })
	if err != nil {
		return fail(err, "layer %d (%s): %v", i, l.Digest, err)
	}
	if claimed := layerTypes[l.MediaType]; claimed != found {
		w.note("layer %d: its media type says %s, and it is %s", i, claimed, found)
	}
	return nil
}

func (w *walker) note(format string, args ...any) {
	w.files.Notes = addNote(w.files.Notes, format, args...)
}

// archive reads one layer's tar archive up to its end marker.
func (w *walker) archive(r io.Reader, layer int) error {
	t := tar.NewReader(r)
	for {
		h, err := t.Next()
		switch {
		case err == io.EOF:
			return nil
		case errors.Is(err, tar.ErrInsecurePath): // names are made safe below
		case errors.Is(err, tar.ErrHeader):
			return unscannable("it is not a tar archive, or a broken one")
		case err != nil:
			return err
		}
		if err := w.member(h, t, layer); err != nil {
			return err
		}
	}
}

// member takes in one member of an archive.
func (w *walker) member(h *tar.Header, content io.Reader, layer int) error {
	if h.Typeflag == tar.TypeXGlobalHeader {
		return nil
	}
	w.entries++
	if max(w.entries, w.files.tree.nodes) > w.limits.Entries {
		return limited("the number of files", w.limits.Entries, "files")
	}
	if max(len(h.Name), len(h.Linkname)) > w.limits.Path {
		return limited("the length of a path", w.limits.Path, "bytes")
	}
	name := path.Clean("/" + h.Name)
	if strings.HasPrefix(path.Base(name), whiteoutPrefix) {
		w.whiteout(name, layer, h)
		return nil
	}
	e := w.entry(h, name, layer)
	if err := w.files.tree.place(e); err != nil {
		w.note("layer %d: %s: %v", layer, quote(h.Name), err)
	}
	if len(e.Path) > w.limits.Path {
		return limited("the length of a path", w.limits.Path, "bytes")
	}
	w.files.entries = append(w.files.entries, e)
	if e.Type != Regular {
		return nil
	}
	if sparse(h) {
		if err := w.budget.spend(h.Size); err != nil {
			return err
		}
	}
	if err := w.content(e, content); err != nil {
		return fmt.Errorf("%s: %w", quote(e.Path), err)
	}
	return nil
}

// sparse tells that a member's content has holes: zeros that do not stand in the archive, where the budget
// would count them.
func sparse(h *tar.Header) bool {
	if h.Typeflag == tar.TypeGNUSparse {
		return true
	}
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return false
}

func (w *walker) whiteout(name string, layer int, h *tar.Header) {
	dir, base := path.Split(name)
	if h.Size > 0 {
		w.note("layer %d: the whiteout %s has content", layer, quote(name))
	}
	switch hidden := strings.TrimPrefix(base, whiteoutPrefix); {
	case base == opaqueMarker:
		w.files.tree.opaque(dir, layer)
	case hidden == "" || hidden == "." || hidden == "..":
		w.note("layer %d: the whiteout %s hides nothing: it has no name", layer, quote(name))
	case strings.HasPrefix(base, aufsPrefix):
		w.note("layer %d: %s is left over from AUFS", layer, quote(name))
	default:
		w.files.tree.whiteout(dir, hidden, layer)
	}
}

// memberTypes says what members make. What is not in it has content, like a regular file, and is treated as one.
var memberTypes = map[byte]FileType{
	tar.TypeReg:       Regular,
	tar.TypeGNUSparse: Regular,
	tar.TypeCont:      Regular,
	tar.TypeLink:      Hardlink,
	tar.TypeSymlink:   Symlink,
	tar.TypeChar:      CharDevice,
	tar.TypeBlock:     BlockDevice,
	tar.TypeDir:       Directory,
	tar.TypeFifo:      FIFO,
}

// typeBits are the bits of os.FileMode for a type.
var typeBits = map[FileType]os.FileMode{
	Symlink:     os.ModeSymlink,
	CharDevice:  os.ModeDevice | os.ModeCharDevice,
	BlockDevice: os.ModeDevice,
	Directory:   os.ModeDir,
	FIFO:        os.ModeNamedPipe,
}

// specialBits are the bits of a tar mode above the permissions.
var specialBits = map[int64]os.FileMode{0o4000: os.ModeSetuid, 0o2000: os.ModeSetgid, 0o1000: os.ModeSticky}

func (w *walker) entry(h *tar.Header, name string, layer int) *Entry {
	kind, ok := memberTypes[h.Typeflag]
	if !ok {
		kind = Regular
		w.note("layer %d: %s is of the unknown type %q", layer, quote(h.Name), h.Typeflag)
	}
	e := &Entry{
		Name:      name,
		Type:      kind,
		Mode:      os.FileMode(h.Mode&0o777) | typeBits[kind],
		UID:       h.Uid,
		GID:       h.Gid,
		ModTime:   h.ModTime,
		Layer:     layer,
		DeletedIn: -1,
		offset:    -1,
	}
	for bit, mode := range specialBits {
		if h.Mode&bit != 0 {
			e.Mode |= mode
		}
	}
	_, e.Capabilities = h.PAXRecords["SCHILY.xattr.security.capability"]
	switch kind {
	case Regular:
		e.Size = h.Size
	case Symlink:
		e.Linkname = h.Linkname
	case Hardlink:
		w.link(e, h)
	case CharDevice, BlockDevice:
		e.Major, e.Minor = h.Devmajor, h.Devminor
	}
	return e
}

// link finds what a hard link shares: names in an archive are from the image's root, and nowhere else
// (CVE-2026-50163).
func (w *walker) link(e *Entry, h *tar.Header) {
	e.Linkname = path.Clean("/" + h.Linkname)
	if n := w.files.tree.lookup(e.Linkname, false); n != nil && n.entry != nil && !n.isDir() {
		e.Target = n.entry
		if n.entry.Type == Hardlink {
			e.Target = n.entry.Target
		}
	}
	if e.Target == nil {
		w.note("layer %d: %s is a hard link to %s, which is not there", e.Layer, quote(h.Name), quote(h.Linkname))
	}
}

// content shows a regular file to the visitor, and keeps it if that wants it kept.
func (w *walker) content(e *Entry, r io.Reader) error {
	if w.visit == nil {
		return nil
	}
	s := &w.files.spool
	defer s.drop()
	c := &visited{r: io.TeeReader(r, s)}
	keep, err := w.visit(e, c)
	c.done = true
	if err == nil {
		err = c.err
	}
	if err != nil || !keep {
		return err
	}
	if w.buffer == nil {
		w.buffer = make([]byte, 32<<10)
	}
	if _, err := io.CopyBuffer(s, r, w.buffer); err != nil {
		return err
	}
	e.offset, err = s.commit()
	return err
}

// visited is the content as a visitor gets it: it remembers an error that the visitor may swallow, and ends
// with the visit.
type visited struct {
	r    io.Reader
	err  error
	done bool
}

func (v *visited) Read(p []byte) (int, error) {
	if v.done {
		return 0, os.ErrClosed
	}
	n, err := v.r.Read(p)
	if err != nil && err != io.EOF {
		v.err = err
	}
	return n, err
}
