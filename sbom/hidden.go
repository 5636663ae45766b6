package sbom

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
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
	// sure tells that nothing else begins so: that it cannot be read is told.
	sure bool
}

// maxPayloads bounds the places of one file that are looked at.
const maxPayloads = 64

// name is what a payload is called: the place where it begins.
func (p payload) name() string { return fmt.Sprintf("+%d", p.at) }

func (p *payloads) waiting() bool { return len(p.list) > 0 }

// add notes a place, once: several words may begin there.
func (p *payloads) add(found payload) {
	if i := slices.IndexFunc(p.list, func(known payload) bool { return known.at == found.at }); i >= 0 {
		p.list[i].sure = p.list[i].sure || found.sure
		return
	}
	if p.seen++; p.seen <= maxPayloads {
		p.list = append(p.list, found)
	}
}

// end gives up: a limit was reached.
func (p *payloads) end() { p.list, p.seen = nil, maxPayloads }

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
	in     place
}

// sure says whether nothing but what is meant begins so: in a script with a first line, what is no text.
func (h hiding) sure(first bool) bool {
	return first && h.packing != plainPacking && h.in != inText
}

// place is in which files a hiding is looked for.
type place int

const (
	outsidePrograms place = iota
	inText
	inScripts // with a first line that says so: what it holds besides is for itself
	inPrograms
)

// has says whether a file of the kind, which begins as head does, is such a place.
func (p place) has(k kind, first bool) bool {
	switch p {
	case inText:
		return k.isText()
	case inScripts:
		return k == script && first
	case inPrograms:
		return k == program
	}
	return k != program
}

// hidings are the words that something hidden begins with. The magic numbers of some archives are too short to
// mean anything, but behind a line's end, where a script has them.
var hidings = map[string]hiding{
	"\x7fELF\x01\x01\x01":                    {plainPacking, 0, isELF, outsidePrograms},
	"\x7fELF\x02\x01\x01":                    {plainPacking, 0, isELF, outsidePrograms},
	"\x7fELF\x01\x02\x01":                    {plainPacking, 0, isELF, outsidePrograms},
	"\x7fELF\x02\x02\x01":                    {plainPacking, 0, isELF, outsidePrograms},
	"This program cannot be run in DOS mode": {plainPacking, -dosStub, isMZ, outsidePrograms},
	"\n\x1f\x8b\x08\x00":                     {gzipPacking, 1, nil, outsidePrograms},
	"\n\x1f\x8b\x08\x08":                     {gzipPacking, 1, nil, outsidePrograms},
	"\x1f\x8b\x08\x00\x00\x00\x00\x00":       {gzipPacking, 0, nil, outsidePrograms},
	"\n\x28\xb5\x2f\xfd":                     {zstdPacking, 1, nil, outsidePrograms},
	"\n\x04\x22\x4d\x18":                     {lz4Packing, 1, nil, outsidePrograms},
	"\xfd7zXZ\x00":                           {xzPacking, 0, nil, outsidePrograms},
	"BZh91AY&SY":                             {bzip2Packing, 0, nil, outsidePrograms},
	"\nPK\x03\x04":                           {zipPacking, 1, nil, outsidePrograms},
	"PK\x03\x04\x0a\x00":                     {zipPacking, 0, isZip, outsidePrograms},
	"PK\x03\x04\x14\x00":                     {zipPacking, 0, isZip, outsidePrograms},
	"PK\x03\x04\x2d\x00":                     {zipPacking, 0, isZip, outsidePrograms},
	"\n]\x00\x00\x80\x00":                    {lzmaPacking, 1, nil, outsidePrograms},
	"\n]\x00\x00\x00\x02":                    {lzmaPacking, 1, nil, outsidePrograms},
	"\n]\x00\x00\x00\x04":                    {lzmaPacking, 1, nil, outsidePrograms},
	"\n7z\xbc\xaf\x27\x1c":                   {unreadPacking, 1, nil, inScripts},
	"\nRar!\x1a\x07":                         {unreadPacking, 1, nil, inScripts},
	"\nSalted__":                             {unreadPacking, 1, nil, inScripts},
	"\nLZIP\x01":                             {unreadPacking, 1, nil, inScripts},
	"\n\x89LZO\x00\x0d\x0a\x1a\x0a":          {unreadPacking, 1, nil, inScripts},
	"_MEI·PASS":                              {zlibPacking, 0, nil, inPrograms}, // PyInstaller
	"KAY·\x28\xb5\x2f\xfd":                   {zstdPacking, 3, nil, inPrograms}, // Nuitka
	"f0VMRgIBAQ":                             {base64Packing, 0, nil, inText},
	"f0VMRgEBAQ":                             {base64Packing, 0, nil, inText},
	"f0VMRgICAQ":                             {base64Packing, 0, nil, inText},
	"f0VMRgECAQ":                             {base64Packing, 0, nil, inText},
	"TVqQAAMAAAAEAAAA":                       {base64Packing, 0, nil, inText},
	"H4sIA":                                  {base64Packing, 0, isBase64, inText},
	"/Td6WFoAA":                              {base64Packing, 0, nil, inText},      // xz
	"QlpoOTFBWSZTW":                          {base64Packing, 0, nil, inText},      // bzip2 -9
	"KLUv/":                                  {base64Packing, 0, isBase64, inText}, // zstd
	"BCJNGG":                                 {base64Packing, 0, isBase64, inText}, // lz4
	"UEsDBAoA":                               {base64Packing, 0, isBase64, inText}, // zip, stored
	"UEsDBBQA":                               {base64Packing, 0, isBase64, inText},
	"ZjBWTVJnSUJBU":                          {base64Packing, 0, nil, inText}, // base64 of base64 of a program
	"7f454c46010101":                         {hexPacking, 0, nil, inText},
	"7f454c46020101":                         {hexPacking, 0, nil, inText},
	"7F454C46010101":                         {hexPacking, 0, nil, inText},
	"7F454C46020101":                         {hexPacking, 0, nil, inText},
	"\\x7f\\x45\\x4c\\x46":                   {hexPacking, 0, nil, inText},
	"\\x7F\\x45\\x4C\\x46":                   {hexPacking, 0, nil, inText},
}

// dosStub is how far into a Windows program its sentence about DOS stands, in bytes.
const dosStub = 0x4e

// hides notes what begins at the word buf[at:], if anything does.
func (s *pass) hides(h hiding, at int) {
	if !h.in.has(s.found.kind, s.hashBang) || at+h.skip < 0 {
		return
	}
	if h.begins != nil && !h.begins(s.buf, at) {
		return
	}
	s.payloads.add(payload{s.base + int64(at+h.skip), h.packing, h.sure(s.hashBang)})
}

// appended notes an archive behind the end of a program, of which enough bytes are there: that is how
// self-extracting ones are made.
func (s *pass) appended(enough int) {
	end := s.shape.end
	if end == 0 || s.shape.ended || end > s.base+int64(len(s.buf)-enough) {
		return
	}
	s.shape.ended = true
	if end < s.base {
		return
	}
	if f := packingOf(s.buf[end-s.base:]); f != notPacked {
		s.payloads.add(payload{end, f, true})
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

// isZip checks the header of the first member of a zip archive.
func isZip(buf []byte, at int) bool {
	_, ok := readZipHead(buf[at:])
	return ok
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
