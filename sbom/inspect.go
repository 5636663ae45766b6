package sbom

import (
	"bytes"
	"errors"
	"io"
	"os"
	"sync"
)

// buffers are reused between the files of a scan.
var buffers = sync.Pool{New: func() any { return new(make([]byte, 2*readSize)) }}

// inspect makes the one pass over a file, and over what is in it, as far as b allows. It returns nil for files
// of which there is nothing to say, whoever owns them and whatever they are called. head are the first bytes,
// rest what follows.
func (t *table) inspect(name string, mode os.FileMode, head []byte, rest io.Reader, b *bounds) (*content, error) {
	c, err := t.inspectAny(name, mode, head, rest, b, false)
	if err != nil || !t.matters(name, mode, c) {
		return nil, err
	}
	return c, nil
}

// inspectAny is inspect for files of which there is nothing to say, too. With hashed, it says their digest.
func (t *table) inspectAny(name string, mode os.FileMode, head []byte, rest io.Reader, b *bounds, hashed bool) (*content, error) {
	n := &nest{bounds: b, hashed: hashed}
	defer n.end()
	return t.look(name, mode, head, rest, b, n)
}

// matters says whether there may be anything to say of a file: by what is in it, or by its name.
func (t *table) matters(name string, mode os.FileMode, c *content) bool {
	return t.tellsByName(c.kind, name, mode) || c.says()
}

// tellsByName says whether a file is one of which the name or the owner may say what it is.
func (t *table) tellsByName(k kind, name string, mode os.FileMode) bool {
	return k.isCode() || k.isText() && (mode&0o111 != 0 || t.telling(name))
}

// look is inspect at any depth of archives in archives. It returns what there was, even with an error.
func (t *table) look(name string, mode os.FileMode, head []byte, rest io.Reader, b *bounds, n *nest) (*content, error) {
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	s := newPass(t, name, *buf)
	s.bounds, s.nest = b, n
	s.begin(kindOf(name, mode, head), head)
	err := s.read(io.MultiReader(bytes.NewReader(head), rest), packingOf(head))
	return s.finish(n.outer == s && n.hashed || t.tellsByName(s.found.kind, name, mode)), err
}

// read scans r to its end, and looks into what it is an archive of and into what is hidden in it.
func (s *pass) read(r io.Reader, f packing) error {
	if s.nest.outer == nil {
		s.nest.outer = s
	}
	if f != notPacked {
		s.quiet = true
		in := &counted{r: r, to: s}
		if err := s.unpack("", f, in); err != nil {
			s.gap("", err)
		}
		s.quiet = false
		if in.err != nil {
			return in.err
		}
	}
	for {
		done, err := s.readFrom(r)
		if err != nil {
			return err
		}
		for p, ok := s.payloads.take(s.base); ok; p, ok = s.payloads.take(s.base) {
			in := &counted{r: r, to: s, ahead: bytes.Clone(s.buf[p.at-s.base:])}
			s.unpackPayload(p, in)
			if in.err != nil {
				return in.err
			}
		}
		if done {
			return nil
		}
	}
}

// counted gives an unpacker what the pass has read ahead, and then what follows, which it writes to the pass.
// It keeps an error of the source: unpackers take that for one of the archive.
type counted struct {
	r     io.Reader
	to    *pass
	ahead []byte
	err   error
}

func (c *counted) Read(p []byte) (int, error) {
	if len(c.ahead) > 0 {
		n := copy(p, c.ahead)
		c.ahead = c.ahead[n:]
		return n, nil
	}
	left := c.to.bounds.file - c.to.found.scanned
	if left <= 0 || c.err != nil {
		return 0, io.EOF
	}
	n, err := c.r.Read(p[:min(int64(len(p)), left)])
	c.to.write(p[:n])
	if err != nil && err != io.EOF {
		c.err = err
	}
	return n, err
}

// readHead reads the first bytes of a file into buffer, as many as there are.
func readHead(r io.Reader, buffer []byte) ([]byte, error) {
	n, err := io.ReadFull(r, buffer)
	if errors.Is(err, io.ErrUnexpectedEOF) || err == io.EOF {
		err = nil
	}
	return buffer[:n], err
}
