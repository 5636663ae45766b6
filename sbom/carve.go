package sbom

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/klauspost/compress/zlib"
)

// zlibHeaders are the second bytes of streams of zlib with a window of 32 KiB and no dictionary, behind an 'x'
// (RFC 1950, 2.2).
var zlibHeaders = []byte{0x01, 0x5e, 0x9c, 0xda}

// carveWindow is how many bytes of what may be a stream are tried, before the stream itself is read.
const carveWindow = 4 << 10

// errNoStreams tells that there was nothing to carve out.
var errNoStreams = errors.New("it holds no streams of zlib")

// carve looks at every stream of zlib in r, whatever is between them. A program that PyInstaller made has its
// files so, one behind the other, and its modules: the list of them comes last.
func (s *pass) carve(inner string, r io.Reader) error {
	in := &counting{r: bufio.NewReaderSize(r, 4*carveWindow)}
	streams := 0
	for in.skipToZlib() {
		if !s.inflates(in) {
			in.discard(1)
			continue
		}
		z, err := zlib.NewReader(in)
		if err != nil {
			continue
		}
		streams++
		at := in.n - 2 // the header was read
		// As for what may be executed: Python's modules are code without the header that such a file has.
		err = s.member(within(inner, fmt.Sprintf("+%d", at)), 0o111, &spending{z, s.nest})
		var limit limitError
		if errors.As(err, &limit) {
			return err
		}
	}
	if streams == 0 {
		return errNoStreams
	}
	return nil
}

// inflates tries whether what r begins with is a stream of zlib, or the begin of one.
func (s *pass) inflates(r *counting) bool {
	head, _ := r.r.Peek(carveWindow)
	if !s.resetInflater(head) {
		return false
	}
	n, err := io.Copy(io.Discard, s.inflater)
	return n > 0 && (err == nil || errors.Is(err, io.ErrUnexpectedEOF) && len(head) == carveWindow)
}

// counting is a reader that knows how far it came, and gives single bytes, so that a decoder takes no more than it needs.
type counting struct {
	r *bufio.Reader
	n int64
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

func (c *counting) ReadByte() (byte, error) {
	b, err := c.r.ReadByte()
	if err == nil {
		c.n++
	}
	return b, err
}

func (c *counting) discard(n int) {
	n, _ = c.r.Discard(n)
	c.n += int64(n)
}

// skipToZlib goes to where a stream of zlib may begin.
func (c *counting) skipToZlib() bool {
	for {
		ahead, err := c.r.Peek(max(c.r.Buffered(), 2))
		if at := zlibAt(ahead); at >= 0 {
			c.discard(at)
			return true
		}
		if err != nil {
			return false
		}
		c.discard(len(ahead) - 1)
	}
}

// zlibAt is where the header of a stream of zlib first stands in b, or -1.
func zlibAt(b []byte) int {
	for from := 0; ; {
		at := bytes.IndexByte(b[from:], 'x')
		if at < 0 || from+at+1 >= len(b) {
			return -1
		}
		from += at
		if slices.Contains(zlibHeaders, b[from+1]) && binary.BigEndian.Uint16(b[from:])%31 == 0 {
			return from
		}
		from++
	}
}
