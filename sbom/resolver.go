package sbom

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	stereofile "github.com/anchore/stereoscope/pkg/file"
	"github.com/anchore/syft/syft/file"

	"github.com/tidewaiter/tidewaiter/image"
)

// resolver shows syft the merged tree of an image's layers.
type resolver struct {
	tree *tree
	// layer gives the digest that stands for a layer in syft's locations.
	layer func(index int) string
	open  func(*image.Entry) (*io.SectionReader, error)
	// asked writes down what is asked and answered; nil if nobody wants to know. digest is of a file's content.
	asked  *transcript
	digest func(*image.Entry) (string, error)

	mu      sync.RWMutex // held for reading while a file is opened
	stopped error        // why no file can be opened any more

	asking sync.Mutex
	missed []*image.Entry // that were asked for and not kept
	narrow map[*node]func() ([]byte, bool)
}

// stop lets every later opening of a file fail with err. When it returns, no file is being opened.
func (r *resolver) stop(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopped = err
}

var _ file.Resolver = (*resolver)(nil)

// HasPath says whether there is anything at the path.
func (r *resolver) HasPath(p string) bool {
	has := r.hasPath(p)
	r.asked.note(ask(askHasPath, p), func() string { return strconv.FormatBool(has) })
	return has
}

func (r *resolver) hasPath(p string) bool { return r.tree.lookup(p, false) != nil }

// FilesByPath returns the files that the paths lead to, each once.
func (r *resolver) FilesByPath(paths ...string) ([]file.Location, error) {
	locations := r.filesByPath(paths)
	r.asked.note(ask(askPaths, paths...), func() string { return locationsAnswer(locations, nil) })
	return locations, nil
}

func (r *resolver) filesByPath(paths []string) []file.Location {
	files := r.collector()
	for _, p := range paths {
		if n := r.tree.lookup(p, true); n != nil && !n.isDir() {
			files.add(n, p)
		}
	}
	return files.locations
}

// FilesByGlob returns the files that match any of the patterns, each once.
func (r *resolver) FilesByGlob(patterns ...string) ([]file.Location, error) {
	locations, err := r.filesByGlob(patterns)
	r.asked.note(ask(askGlobs, patterns...), func() string { return locationsAnswer(locations, err) })
	return locations, err
}

func (r *resolver) filesByGlob(patterns []string) ([]file.Location, error) {
	files := r.collector()
	for _, pattern := range patterns {
		results, err := r.tree.glob(pattern)
		if err != nil {
			return nil, fmt.Errorf("search %q: %w", pattern, err)
		}
		for _, f := range results {
			files.add(f.node, f.path)
		}
	}
	return files.locations, nil
}

// FilesByMIMEType returns the regular files whose content is of one of the types.
func (r *resolver) FilesByMIMEType(types ...string) ([]file.Location, error) {
	locations := r.filesByMIMEType(types)
	r.asked.note(ask(askTypes, types...), func() string { return locationsAnswer(locations, nil) })
	return locations, nil
}

func (r *resolver) filesByMIMEType(types []string) []file.Location {
	var nodes []*node
	for _, mime := range types {
		nodes = append(nodes, r.tree.byMIME[mime]...)
	}
	slices.SortFunc(nodes, func(a, b *node) int { return strings.Compare(a.path, b.path) })
	files := r.collector()
	for _, n := range nodes {
		files.add(n, n.path)
	}
	return files.locations
}

// RelativeFileByPath is FilesByPath for one path: in the merged tree all files are of one layer.
func (r *resolver) RelativeFileByPath(_ file.Location, p string) *file.Location {
	if found, _ := r.FilesByPath(p); len(found) > 0 {
		return &found[0]
	}
	return nil
}

// FileContentsByLocation opens a file for reading at any place.
func (r *resolver) FileContentsByLocation(at file.Location) (io.ReadCloser, error) {
	r.asked.note(ask(askContents, at.RealPath), func() string { return r.contentsAnswer(at.RealPath) })
	n, err := r.contentAt(at.RealPath)
	if err != nil {
		return nil, err
	}
	if n.entry.Type != image.Regular && n.entry.Type != image.Hardlink {
		return openContent{io.NewSectionReader(strings.NewReader(""), 0, 0)}, nil
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.stopped != nil {
		return nil, r.stopped
	}
	section, err := r.open(n.entry)
	if errors.Is(err, image.ErrNotKept) {
		r.miss(n.entry)
	}
	if err != nil {
		return nil, fmt.Errorf("open %q: %w", at.RealPath, err)
	}
	if left, ok := r.narrowed(n, section); ok {
		return openContent{io.NewSectionReader(bytes.NewReader(left), 0, int64(len(left)))}, nil
	}
	return openContent{section}, nil
}

// contentAt returns the file at a path of which the content may be read.
func (r *resolver) contentAt(real string) (*node, error) {
	n := r.tree.lookup(real, true)
	switch {
	case n == nil:
		return nil, fmt.Errorf("no file at %q", real)
	case n.isDir():
		return nil, fmt.Errorf("%q is a directory", real)
	case isLicense(n.path):
		return nil, fmt.Errorf("%q holds a licence, which nobody asks for", real)
	}
	return n, nil
}

func (r *resolver) miss(e *image.Entry) {
	r.asking.Lock()
	defer r.asking.Unlock()
	r.missed = append(r.missed, e)
}

// narrowed returns what narrow leaves of a file, which it makes once.
func (r *resolver) narrowed(n *node, content *io.SectionReader) ([]byte, bool) {
	if n.mime != "" {
		return nil, false // others than the classifiers ask for it, too
	}
	r.asking.Lock()
	once := r.narrow[n]
	if once == nil {
		once = sync.OnceValues(func() ([]byte, bool) { return narrow(n.path, content) })
		if r.narrow == nil {
			r.narrow = map[*node]func() ([]byte, bool){}
		}
		r.narrow[n] = once
	}
	r.asking.Unlock()
	return once()
}

// openContent can be read from the start and at any place, which spares syft a copy in memory.
type openContent struct{ *io.SectionReader }

func (openContent) Close() error { return nil }

// AllLocations sends every file, links not followed, until ctx is done.
func (r *resolver) AllLocations(ctx context.Context) <-chan file.Location {
	r.asked.note(ask(askAll), r.allAnswer)
	locations := make(chan file.Location)
	go func() {
		defer close(locations)
		for _, n := range r.tree.all {
			if n.entry == nil {
				continue
			}
			select {
			case locations <- r.location(n, n.path):
			case <-ctx.Done():
				return
			}
		}
	}()
	return locations
}

var fileTypes = map[image.FileType]stereofile.Type{
	image.Regular:     stereofile.TypeRegular,
	image.Directory:   stereofile.TypeDirectory,
	image.Symlink:     stereofile.TypeSymLink,
	image.Hardlink:    stereofile.TypeHardLink,
	image.CharDevice:  stereofile.TypeCharacterDevice,
	image.BlockDevice: stereofile.TypeBlockDevice,
	image.FIFO:        stereofile.TypeFIFO,
}

// FileMetadataByLocation tells what the layers say of a file.
func (r *resolver) FileMetadataByLocation(at file.Location) (file.Metadata, error) {
	r.asked.note(ask(askMetadata, at.RealPath), func() string { return r.metadataAnswer(at.RealPath) })
	n := r.tree.nodes[path.Clean("/"+at.RealPath)]
	if n == nil || n.entry == nil {
		return file.Metadata{}, errors.New("no such file")
	}
	e := n.entry
	return file.Metadata{
		FileInfo: stereofile.ManualInfo{
			NameValue:    path.Base(n.path),
			SizeValue:    e.Size,
			ModeValue:    e.Mode,
			ModTimeValue: e.ModTime,
		},
		Path:            n.path,
		LinkDestination: e.Linkname,
		UserID:          e.UID,
		GroupID:         e.GID,
		Type:            fileTypes[e.Type],
		MIMEType:        n.mime,
	}, nil
}

// location says where a file is, and by which path it was reached.
func (r *resolver) location(n *node, access string) file.Location {
	l := file.NewVirtualLocationFromDirectory(n.path, access, n.ref)
	if n.entry != nil {
		l.FileSystemID = r.layer(n.entry.Layer)
	}
	return l
}

// collector gathers locations, one for each file.
type collector struct {
	resolver  *resolver
	seen      map[*node]bool
	locations []file.Location
}

func (r *resolver) collector() *collector {
	return &collector{r, map[*node]bool{}, []file.Location{}}
}

func (c *collector) add(n *node, access string) {
	if !c.seen[n] {
		c.seen[n] = true
		c.locations = append(c.locations, c.resolver.location(n, access))
	}
}
