package sbom

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
)

// payloads are the places in a file where something else may begin: a program behind a picture, an archive
// behind a script, either of them as text.
type payloads struct {
	list []payload
	seen int
}

type payload struct {
	at      int64
	packing packing
}

// maxPayloads bounds the places of one file that are looked at.
const maxPayloads = 16

// name is what a payload is called: the place where it begins.
func (p payload) name() string { return fmt.Sprintf("+%d", p.at) }

func (p *payloads) waiting() bool { return len(p.list) > 0 }

// take returns the next place at or after base.
func (p *payloads) take(base int64) (payload, bool) {
	for len(p.list) > 0 {
		next := p.list[0]
		p.list = p.list[1:]
		if next.at >= base {
			return next, true
		}
	}
	return payload{}, false
}

// hiding is what a word betrays: that something begins skip bytes behind the word's begin.
type hiding struct {
	packing packing
	skip    int
	// begins says whether it does, at buf[at:].
	begins func(buf []byte, at int) bool
	// textOnly hidings are looked for in text alone.
	textOnly bool
}

// hidings are the words that something hidden begins with. Archives count behind a line's end, where a script
// has them; their magic numbers alone are too short to mean anything.
var hidings = map[string]hiding{
	"\x7fELF\x01\x01\x01":                    {plainPacking, 0, isELF, false},
	"\x7fELF\x02\x01\x01":                    {plainPacking, 0, isELF, false},
	"\x7fELF\x01\x02\x01":                    {plainPacking, 0, isELF, false},
	"\x7fELF\x02\x02\x01":                    {plainPacking, 0, isELF, false},
	"This program cannot be run in DOS mode": {plainPacking, -dosStub, isMZ, false},
	"\n\x1f\x8b\x08\x00":                     {gzipPacking, 1, nil, false},
	"\n\x1f\x8b\x08\x08":                     {gzipPacking, 1, nil, false},
	"\n\x28\xb5\x2f\xfd":                     {zstdPacking, 1, nil, false},
	"\n\xfd7zXZ\x00":                         {xzPacking, 1, nil, false},
	"\nBZh91AY&SY":                           {bzip2Packing, 1, nil, false},
	"\nPK\x03\x04":                           {zipPacking, 1, nil, false},
	"f0VMRgIBAQ":                             {base64Packing, 0, nil, true},
	"f0VMRgEBAQ":                             {base64Packing, 0, nil, true},
	"f0VMRgICAQ":                             {base64Packing, 0, nil, true},
	"f0VMRgECAQ":                             {base64Packing, 0, nil, true},
	"TVqQAAMAAAAEAAAA":                       {base64Packing, 0, nil, true},
	"H4sIA":                                  {base64Packing, 0, isBase64, true},
	"7f454c46010101":                         {hexPacking, 0, nil, true},
	"7f454c46020101":                         {hexPacking, 0, nil, true},
	"7F454C46010101":                         {hexPacking, 0, nil, true},
	"7F454C46020101":                         {hexPacking, 0, nil, true},
	"\\x7f\\x45\\x4c\\x46":                   {hexPacking, 0, nil, true},
	"\\x7F\\x45\\x4C\\x46":                   {hexPacking, 0, nil, true},
}

// dosStub is how far into a Windows program its sentence about DOS stands, in bytes.
const dosStub = 0x4e

// hides notes what begins at the word buf[at:], if anything does.
func (s *pass) hides(h hiding, at int) {
	text := s.found.kind.isText()
	if s.found.kind == program || h.textOnly && !text || at+h.skip < 0 {
		return
	}
	if h.begins != nil && !h.begins(s.buf, at) {
		return
	}
	if s.payloads.seen++; s.payloads.seen <= maxPayloads {
		s.payloads.list = append(s.payloads.list, payload{s.base + int64(at+h.skip), h.packing})
	}
}

// appended notes an archive behind the end of a program: that is how self-extracting ones are made.
func (s *pass) appended() {
	const enough = 16 // bytes, for the magic number of any but tar
	at := s.shape.end - s.base
	if s.shape.end == 0 || at > int64(len(s.buf)-enough) {
		return
	}
	s.shape.end = 0
	if at < 0 {
		return
	}
	if f := packingOf(s.buf[at:]); f != notPacked {
		s.payloads.list = append(s.payloads.list, payload{s.base + at, f})
	}
}

// isELF checks the header of a program or a library.
func isELF(buf []byte, at int) bool {
	head := buf[at:]
	if len(head) < 52 {
		return false
	}
	order, size := binary.ByteOrder(binary.LittleEndian), 40
	if head[5] == 2 {
		order = binary.BigEndian
	}
	want := uint16(52)
	if head[4] == 2 {
		size, want = 52, 64
	}
	if len(head) < size+2 {
		return false
	}
	kind := order.Uint16(head[16:])
	return (kind == 2 || kind == 3) && order.Uint32(head[20:]) == 1 && order.Uint16(head[size:]) == want
}

// isMZ tells whether the DOS stub before its sentence begins as it does.
func isMZ(buf []byte, at int) bool {
	return at >= dosStub && bytes.HasPrefix(buf[at-dosStub:], []byte("MZ"))
}

// isBase64 tells whether a word has long base64 around it, and not only letters.
func isBase64(buf []byte, at int) bool {
	if at > 0 && isBase64Byte(buf[at-1]) {
		return false
	}
	const enough = 64
	text := buf[at:]
	if len(text) < enough {
		return false
	}
	for _, c := range text[:enough] {
		if !isBase64Byte(c) {
			return false
		}
	}
	return true
}

func isBase64Byte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '+' || c == '/'
}

// decoded is what a text encodes, up to where the code ends.
func decoded(f packing, r io.Reader) io.Reader {
	in := bufio.NewReader(r)
	if f == hexPacking {
		return unbroken{hex.NewDecoder(&alphabet{in, isHexByte, "\\xX \t\r\n\"'+,.$;"})}
	}
	return unbroken{base64.NewDecoder(base64.RawStdEncoding, &alphabet{in, isBase64Byte, "\\= \t\r\n\"'"})}
}

// unbroken takes a code that breaks off for one that ends.
type unbroken struct{ r io.Reader }

func (e unbroken) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	if err != nil {
		err = io.EOF
	}
	return n, err
}

func isHexByte(c byte) bool {
	return c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' || c >= '0' && c <= '9'
}

// alphabet reads the letters of a code, without what stands between them in source texts, up to anything else.
type alphabet struct {
	r       *bufio.Reader
	letter  func(byte) bool
	between string
}

func (a *alphabet) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		c, err := a.r.ReadByte()
		switch {
		case err != nil:
			return n, io.EOF
		case a.letter(c):
			p[n] = c
			n++
		case bytes.IndexByte([]byte(a.between), c) < 0:
			return n, io.EOF
		}
	}
	return n, nil
}
