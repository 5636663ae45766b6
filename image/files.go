package image

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"sync"
	"time"
)

// FileType is what a member of a layer makes.
type FileType string

// The types of members.
const (
	Regular     FileType = "file"
	Directory   FileType = "directory"
	Symlink     FileType = "symlink"
	Hardlink    FileType = "hardlink"
	CharDevice  FileType = "char-device"
	BlockDevice FileType = "block-device"
	FIFO        FileType = "fifo"
)

// Member is one file as the archive of a layer has it.
type Member struct {
	// Name is how the layer spells it, cleaned and made absolute. Of a Windows layer it is the place in the
	// file system, which such layers hold below Files.
	Name string
	Type FileType
	// Mode has permissions, type, and os.ModeSetuid, os.ModeSetgid and os.ModeSticky.
	Mode     os.FileMode
	UID, GID int
	// Major and Minor are the numbers of a device.
	Major, Minor int64
	// Size is of a regular file's content, in bytes.
	Size int64
	// Linkname is the target of a symlink as it is written, and of a hard link as a clean, absolute path.
	Linkname string
	ModTime  time.Time
	// Capabilities tells that the file carries a security.capability attribute.
	Capabilities bool
	// Facts are what Options.Visit left there.
	Facts any

	typeflag byte // of the archive
	kept     kept
}

// Entry is one file of one layer of a platform. A layer that the platform lists twice has two for each of its
// members. Whiteouts are not entries: they show in DeletedIn of what they hide.
type Entry struct {
	*Member
	// Path is where the file is when the image runs: clean, absolute, symlinks among its parents resolved. It
	// differs from Name only where a parent is a symlink: a rule about places has to look at both.
	Path string
	// Target is the file that a hard link shares its content with; nil if there was none, or in other types.
	Target *Entry
	// Layer is the index of the layer that holds the entry, the lowest is 0.
	Layer int
	// DeletedIn is the index of the layer that hides the entry by a whiteout, an opaque directory or another
	// entry in its place; -1 if the entry is visible. With Duplicate it may be the entry's own layer.
	DeletedIn int
	// Duplicate tells that its layer holds more than one entry for this path, directories excepted. The last
	// one is what a runtime keeps.
	Duplicate bool
}

// Visit is called by Platform.Files for every regular file of every layer, visible or not, while its content
// streams by: in the order of the layer, but for several layers at the same time. It need not read all of
// content, and must not use it after the call. With keep, the whole content can be read again by Files.Open.
// An error ends the walk and is returned by Files.
type Visit func(m *Member, content *Content) (keep bool, err error)

// Options are the options of Platform.Files. The zero value keeps nothing and uses the defaults.
type Options struct {
	// TempDir is where kept contents are spooled; the system's folder for temporary files if empty.
	TempDir string
	// Limits bound the walk; zero fields mean the limits of the Client.
	Limits Limits
	// Visit may be nil.
	Visit Visit
	// Memory remembers layers, with what Facts says of their files; it may be nil.
	Memory *Memory
	Facts  Facts
	// Progress, if it is set, is told how many of a layer's bytes as stored were read, of how many. It is
	// called for several layers at the same time.
	Progress func(layer int, read, size int64)
}

// Files are the files of all layers of a platform, and the tree that they make. Close it.
type Files struct {
	// Notes are oddities that are no errors: a media type that lies, a whiteout without a name. There are at
	// most 100; text from the image is quoted.
	Notes []string

	entries []*Entry
	tree    *tree
	spools  []*spool
	walk    walk

	opening sync.Mutex // large contents may have to be put back first
}

// Files reads every layer once and to its last byte, several at the same time, and verifies the digest of each
// layer and of what it unpacks to. A layer that cannot be read to its end, or whose media type is foreign,
// encrypted or unknown, is an error: then nothing is known about the image.
func (p *Platform) Files(ctx context.Context, o Options) (*Files, error) {
	limits := o.Limits.orDefault(p.limits)
	for i, l := range p.Layers {
		if err := checkLayerType(l.MediaType); err != nil {
			return nil, layerError(i, l, err)
		}
	}
	f := &Files{tree: newTree(), walk: newWalk(p, limits, o)}
	err := f.read(ctx)
	if err == nil {
		err = f.merge()
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func layerError(index int, l Layer, err error) error {
	return fail(err, "layer %d (%s): %v", index, l.Digest, err)
}

// All returns the entries of all layers, hidden ones too: lowest layer first, in the order of each layer.
func (f *Files) All() []*Entry { return f.entries }

// Lookup returns the visible file at path, following symlinks as the image's own root would resolve them; nil
// if there is none or the symlinks go in circles. A directory that no layer spells out has an Entry, too,
// which is not among All.
func (f *Files) Lookup(path string) *Entry { return f.tree.lookup(path, true).visible() }

// ReadDir returns the visible files in the directory at path (symlinks followed), sorted by name; nil if it
// is not a directory.
func (f *Files) ReadDir(path string) []*Entry {
	n := f.tree.find(path)
	if n == nil {
		return nil
	}
	return n.sorted()
}

// Open returns the kept content of a regular file, or of the target of a hard link. It stays valid until
// Close, and several may be read at once. Content that was not kept is ErrNotKept; what is empty need not be kept.
func (f *Files) Open(e *Entry) (*io.SectionReader, error) {
	if e.Type == Hardlink && e.Target != nil {
		e = e.Target
	}
	f.opening.Lock()
	defer f.opening.Unlock()
	if !e.kept.here() && e.Size > 0 && (e.kept.sha256 == "" || !f.recallContent(e.Member)) {
		return nil, fail(ErrNotKept, "%s: %v", quote(e.Path), ErrNotKept)
	}
	return e.kept.section(e.Size), nil
}

// SHA256 returns the digest, in hexadecimal, of the content of a regular file that was kept.
func (f *Files) SHA256(e *Entry) (string, error) {
	if e.kept.sha256 != "" {
		return e.kept.sha256, nil
	}
	section, err := f.Open(e)
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, section); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// Close removes the kept contents from disk.
func (f *Files) Close() error {
	var errs []error
	for _, s := range f.spools {
		errs = append(errs, s.close())
	}
	return errors.Join(errs...)
}

// symlink returns the target of a symlink, or of a hard link to one.
func (e *Entry) symlink() (string, bool) {
	if e.Type == Hardlink && e.Target != nil {
		e = e.Target
	}
	return e.Linkname, e.Type == Symlink
}
