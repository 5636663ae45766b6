package sbom

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"slices"
	"strconv"
)

// cpioForm is one of the headers of cpio archives (cpio(5)): magic, and where the fields stand that matter.
type cpioForm struct {
	magic            string
	size, base       int // of the header in bytes, and of its numbers
	mode, name, file [2]int
	pad              int // to which what follows the header and the file is padded, in bytes
}

// cpioForms are those of SVR4, which rpm and initramfs have, and of POSIX. The old binary one is readOldCpio's.
var cpioForms = []cpioForm{
	{"070701", 110, 16, [2]int{14, 22}, [2]int{94, 102}, [2]int{54, 62}, 4},
	{"070702", 110, 16, [2]int{14, 22}, [2]int{94, 102}, [2]int{54, 62}, 4},
	{"070707", 76, 8, [2]int{18, 24}, [2]int{59, 65}, [2]int{65, 76}, 1},
}

const (
	cpioTrailer    = "TRAILER!!!"
	oldCpioSize    = 26
	oldCpioLittle  = "\xc7\x71"
	oldCpioBig     = "\x71\xc7"
	cpioTypeMask   = 0o170000
	longestCpio    = 112 // with the begin of a name
	regularTypeBit = 0o100000
)

var errCpio = errors.New("its cpio archive is broken")

// cpioHeader is what one header says.
type cpioHeader struct {
	header     int // its own size in bytes
	mode       int64
	name, file int64 // sizes in bytes
	pad        int64
}

// isCpio knows the headers of cpio archives. The magic number of the old form is short: it has to make sense, too.
func isCpio(head []byte) bool {
	h, ok := cpioHead(head)
	if !ok || len(head) < h.header+1 {
		return false
	}
	end := h.header + int(h.name)
	return end > len(head) || head[end-1] == 0
}

// cpioHead reads a header. It is not ok if there is none.
func cpioHead(head []byte) (cpioHeader, bool) {
	for _, f := range cpioForms {
		if !bytes.HasPrefix(head, []byte(f.magic)) || len(head) < f.size {
			continue
		}
		h, ok := cpioHeader{header: f.size, pad: int64(f.pad)}, true
		number := func(at [2]int) int64 {
			n, err := strconv.ParseUint(string(head[at[0]:at[1]]), f.base, 40)
			ok = ok && err == nil
			return int64(n)
		}
		h.mode, h.name, h.file = number(f.mode), number(f.name), number(f.file)
		return h, ok && h.name > 0 && h.name <= maxEntryName
	}
	return oldCpioHead(head)
}

// oldCpioHead reads a header of shorts in either byte order, and of longs that are two of them, the high one first.
func oldCpioHead(head []byte) (cpioHeader, bool) {
	if len(head) < oldCpioSize || string(head[:2]) != oldCpioLittle && string(head[:2]) != oldCpioBig {
		return cpioHeader{}, false
	}
	order := binary.ByteOrder(binary.LittleEndian)
	if string(head[:2]) == oldCpioBig {
		order = binary.BigEndian
	}
	short := func(at int) int64 { return int64(order.Uint16(head[at:])) }
	h := cpioHeader{header: oldCpioSize, mode: short(6), name: short(20), file: short(22)<<16 | short(24), pad: 2}
	types := []int64{0o040000, 0o100000, 0o120000, 0o020000, 0o060000, 0o010000, 0o140000}
	return h, h.name > 0 && h.name <= maxEntryName && slices.Contains(types, h.mode&cpioTypeMask)
}

// uncpio reads cpio archives, also several behind each other, as an initramfs has them.
func (s *pass) uncpio(inner string, r io.Reader) error {
	in := bufio.NewReaderSize(r, 16<<10)
	for {
		if err := s.uncpioOne(inner, in); err != nil {
			return err
		}
		if err := skipZeros(in); err != nil {
			return nil
		}
		if head, _ := in.Peek(longestCpio); !isCpio(head) {
			return s.member(within(inner, afterEnd), 0, in)
		}
	}
}

// uncpioOne reads up to the end marker of one archive.
func (s *pass) uncpioOne(inner string, r *bufio.Reader) error {
	for {
		head, _ := r.Peek(longestCpio)
		h, ok := cpioHead(head)
		if !ok {
			return errCpio
		}
		name := make([]byte, h.header+int(h.name))
		if _, err := io.ReadFull(r, name); err != nil {
			return err
		}
		if err := skipPadding(r, int64(len(name)), h.pad); err != nil {
			return err
		}
		name = bytes.TrimRight(name[h.header:], "\x00")
		if string(name) == cpioTrailer {
			return nil
		}
		content := io.LimitReader(r, h.file)
		if h.mode&cpioTypeMask == regularTypeBit && h.file > 0 {
			if err := s.member(within(inner, memberName(string(name))), os.FileMode(h.mode&0o777), content); err != nil {
				return err
			}
		}
		if _, err := io.Copy(io.Discard, content); err != nil {
			return err
		}
		if err := skipPadding(r, h.file, h.pad); err != nil && err != io.EOF {
			return err
		}
	}
}

// skipPadding skips what follows size bytes up to a multiple of pad.
func skipPadding(r *bufio.Reader, size, pad int64) error {
	_, err := r.Discard(int((pad - size%pad) % pad))
	return err
}

// The parts of an rpm package before its payload (rpm file format, version 3): a lead, and two headers, each an
// index of entries and their data. The first is padded.
const (
	rpmLead        = 96
	rpmHeaderMagic = "\x8e\xad\xe8"
	rpmHeaderSize  = 16
	rpmIndexEntry  = 16
	rpmPadding     = 8
	maxRPMHeader   = 256 << 20 // bytes, as rpm has it
)

// unrpm looks at the payload of an rpm package: a cpio archive, compressed in one of several ways.
func (s *pass) unrpm(inner string, r io.Reader) error {
	in := bufio.NewReaderSize(r, 16<<10)
	if _, err := in.Discard(rpmLead); err != nil {
		return err
	}
	for _, pad := range []int64{rpmPadding, 1} {
		head := make([]byte, rpmHeaderSize)
		if _, err := io.ReadFull(in, head); err != nil {
			return err
		}
		size := rpmIndexEntry*int64(binary.BigEndian.Uint32(head[8:])) + int64(binary.BigEndian.Uint32(head[12:]))
		if !bytes.HasPrefix(head, []byte(rpmHeaderMagic)) || size > maxRPMHeader {
			return errors.New("its rpm headers are broken")
		}
		if _, err := in.Discard(int(size)); err != nil {
			return err
		}
		if err := skipPadding(in, size, pad); err != nil {
			return err
		}
	}
	return s.member(within(inner, "payload"), 0, in)
}
