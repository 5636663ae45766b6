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
	"sync/atomic"
)

// whiteouts hide what lower layers have (OCI image-spec, layer.md). aufsPrefix begins the metadata of AUFS,
// which is no part of the image.
const (
	whiteoutPrefix = ".wh."
	opaqueMarker   = ".wh..wh..opq"
	aufsPrefix     = ".wh..wh."
)

// record is what one layer holds, whatever lies below it.
type record struct {
	members     []*Member // in the order of the archive, whiteouts too
	compression compression
	unpacked    atomic.Int64 // bytes that it counts for in the budget
}

// isWhiteout tells that a member is no file, but hides some.
func (m *Member) isWhiteout() bool { return strings.HasPrefix(path.Base(m.Name), whiteoutPrefix) }

// recorder reads layers, one after the other, into records.
type recorder struct {
	source  source
	spell   spelling
	limits  Limits
	visit   Visit
	budget  *budget // of unpacked bytes
	entries *budget
	spool   *spool
	made    *record  // that is being made
	buffer  []byte   // for copying: one for all files, of which there may be a million
	slab    []Member // to be used: members are made many at a time
}

// record reads one layer.
func (r *recorder) record(ctx context.Context, l Layer, progress func(read int64)) (*record, error) {
	r.made = &record{}
	found, err := readLayer(ctx, r.source, l, r.spend, progress, r.archive)
	r.made.compression = found
	return r.made, err
}

// spend counts unpacked bytes. Those that come are counted while others are looked at.
func (r *recorder) spend(n int64) error {
	r.made.unpacked.Add(n)
	return r.budget.spend(n)
}

// archive reads one layer's tar archive up to its end marker.
func (r *recorder) archive(archive io.Reader) error {
	t := tar.NewReader(archive)
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
		if h.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		m, err := r.member(h)
		if err != nil {
			return err
		}
		if m.Type == Regular && !m.isWhiteout() {
			if err := r.content(m, t); err != nil {
				return fmt.Errorf("%s: %w", quote(m.Name), err)
			}
		}
		r.made.members = append(r.made.members, m)
	}
}

// slabSize is how many members are made at a time.
const slabSize = 64

// member takes in one member of an archive, within the limits.
func (r *recorder) member(h *tar.Header) (*Member, error) {
	if err := r.entries.spend(1); err != nil {
		return nil, err
	}
	if max(len(h.Name), len(h.Linkname)) > r.limits.Path {
		return nil, limited("the length of a path", r.limits.Path, "bytes")
	}
	if len(r.slab) == 0 {
		r.slab = make([]Member, slabSize)
	}
	m := &r.slab[0]
	r.slab = r.slab[1:]
	*m = memberOf(h, r.spell)
	if Sparse(h) {
		return m, r.spend(h.Size)
	}
	return m, nil
}

// content shows a regular file to the visitor, and keeps it if that wants it kept.
func (r *recorder) content(m *Member, archive io.Reader) error {
	if r.visit == nil {
		return nil
	}
	defer r.spool.drop()
	c := &Content{r: archive, spool: r.spool}
	keep, err := r.visit(m, c)
	c.done = true
	if err == nil {
		err = c.err
	}
	if err != nil || !keep {
		return err
	}
	if c.dropped {
		return errors.New("its content was dropped and then wanted")
	}
	if r.buffer == nil {
		r.buffer = make([]byte, 32<<10)
	}
	if _, err := io.CopyBuffer(r.spool, archive, r.buffer); err != nil {
		return err
	}
	m.kept, err = r.spool.commit()
	return err
}

// Content is the content of a file as a Visit gets it. It ends with the visit.
type Content struct {
	r       io.Reader
	spool   *spool
	dropped bool
	done    bool
	err     error // that reading ended with, which the visitor may swallow
}

// Read reads on.
func (c *Content) Read(p []byte) (int, error) {
	if c.done {
		return 0, os.ErrClosed
	}
	n, err := c.r.Read(p)
	if err != nil && err != io.EOF {
		c.err = err
	}
	if !c.dropped && n > 0 {
		if _, failed := c.spool.Write(p[:n]); failed != nil {
			c.err = failed
			return n, failed
		}
	}
	return n, err
}

// Drop tells that the content will not be kept, which spares writing it to disk while it is read.
func (c *Content) Drop() {
	c.dropped = true
	c.spool.drop()
}
