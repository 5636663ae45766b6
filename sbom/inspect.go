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

// inspect makes the one pass over a file: it reads as much as the file's kind asks for, and at most limit
// bytes. It returns nil for files that are not looked into. head are the first bytes, content what follows.
func (t *table) inspect(name string, mode os.FileMode, size int64, head []byte, rest io.Reader, limit int64) (*content, error) {
	k := t.kindOf(name, mode, size, head)
	if k == data {
		return nil, nil
	}
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	s := newPass(t, *buf)
	s.found.kind = k
	if err := s.readFrom(io.MultiReader(bytes.NewReader(head), rest), limit); err != nil {
		return nil, err
	}
	return s.finish(), nil
}

// readHead reads the first bytes of a file into buffer, as many as there are.
func readHead(r io.Reader, buffer []byte) ([]byte, error) {
	n, err := io.ReadFull(r, buffer)
	if errors.Is(err, io.ErrUnexpectedEOF) || err == io.EOF {
		err = nil
	}
	return buffer[:n], err
}
