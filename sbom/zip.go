package sbom

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// The header before each member of a zip archive (APPNOTE 4.3.7), and what may follow the member.
const (
	zipHeaderSize  = 30
	zipHeader      = "PK\x03\x04"
	zipDescriptor  = "PK\x07\x08"
	zipEncrypted   = 1 << 0 // of the flags
	zipSizesFollow = 1 << 3
	zip64Extra     = 1
	zip64          = 0xffffffff
)

// How a member of a zip archive is compressed (APPNOTE 4.4.5).
const (
	zipStored  = 0
	zipDeflate = 8
	zipBzip2   = 12
	zipLZMA    = 14
	zipZstd    = 93
	zipXZ      = 95
)

// zipMethods are all methods that there are: a header with another is none.
var zipMethods = []uint16{0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 14, 16, 18, 19, 20, 93, 94, 95, 96, 97, 98, 99}

// zipPackings are the methods of members that are compressed as files of their own are.
var zipPackings = map[uint16]packing{zipBzip2: bzip2Packing, zipLZMA: lzmaZipPacking, zipZstd: zstdPacking, zipXZ: xzPacking}

type zipMember struct {
	name          string
	flags, method uint16
	packed        int64 // bytes; -1 if only what follows the member tells
}

// unzip reads a zip archive from its beginning, by the headers before the members. They are all there is in a
// stream, and they show members, too, that the directory at the end leaves out.
func (s *pass) unzip(inner string, r io.Reader) error {
	in := bufio.NewReaderSize(r, 16<<10)
	var errs []error
	for {
		m, err := nextZipMember(in)
		if err == io.EOF {
			return errors.Join(errs...)
		}
		if err == nil {
			err = s.zipMember(inner, m, in)
		}
		var limit limitError
		if errors.As(err, &limit) {
			return err
		}
		if err != nil && len(errs) < maxMarks {
			errs = append(errs, fmt.Errorf("%.100q: %w", m.name, err))
		}
	}
}

// nextZipMember goes to the next header, wherever it is: io.EOF if there is none.
func nextZipMember(r *bufio.Reader) (zipMember, error) {
	for {
		if err := skipTo(r, zipHeader); err != nil {
			return zipMember{}, err
		}
		head, err := r.Peek(zipHeaderSize)
		if err != nil {
			return zipMember{}, io.EOF
		}
		h, ok := readZipHead(head)
		if !ok {
			if _, err := r.Discard(len(zipHeader)); err != nil {
				return zipMember{}, io.EOF
			}
			continue
		}
		m, nameSize, extraSize := h.zipMember, h.nameSize, h.extraSize
		rest := make([]byte, zipHeaderSize+nameSize+extraSize)
		if _, err := io.ReadFull(r, rest); err != nil {
			return zipMember{}, io.EOF
		}
		m.name = memberName(string(rest[zipHeaderSize : zipHeaderSize+nameSize]))
		if m.packed == zip64 {
			m.packed = zip64Size(rest[zipHeaderSize+nameSize:])
		}
		if m.flags&zipSizesFollow != 0 && m.packed == 0 {
			m.packed = -1
		}
		return m, nil
	}
}

// zipHead is what a member's header says.
type zipHead struct {
	zipMember
	nameSize, extraSize int
}

// readZipHead reads the header of a member. It is not ok for what only begins as one.
func readZipHead(head []byte) (h zipHead, ok bool) {
	if len(head) < zipHeaderSize {
		return zipHead{}, false
	}
	field := func(at int) uint16 { return binary.LittleEndian.Uint16(head[at:]) }
	h.zipMember = zipMember{flags: field(6), method: field(8), packed: int64(binary.LittleEndian.Uint32(head[18:]))}
	h.nameSize, h.extraSize = int(field(26)), int(field(28))
	return h, slices.Contains(zipMethods, h.method) && h.nameSize > 0 && h.nameSize <= maxEntryName
}

// zip64Size is the packed size that a header's extra fields have.
func zip64Size(extra []byte) int64 {
	for len(extra) >= 4 {
		id, size := binary.LittleEndian.Uint16(extra), int(binary.LittleEndian.Uint16(extra[2:]))
		extra = extra[4:]
		if size > len(extra) {
			break
		}
		if id == zip64Extra && size >= 16 {
			if packed := int64(binary.LittleEndian.Uint64(extra[8:])); packed >= 0 {
				return packed
			}
		}
		extra = extra[size:]
	}
	return -1
}

// zipMember looks at a member whose content r begins with.
func (s *pass) zipMember(inner string, m zipMember, r *bufio.Reader) error {
	packed := io.Reader(&untilMark{r: r, mark: zipDescriptor})
	if m.packed >= 0 {
		limited := io.LimitReader(r, m.packed)
		// What nobody read of the member is skipped, so that the next header is where it should be.
		defer func() { _, _ = io.Copy(io.Discard, limited) }()
		packed = limited
	}
	if m.flags&zipEncrypted != 0 {
		return errEncrypted
	}
	content, err := s.unzipped(m, r, packed)
	if err != nil {
		return err
	}
	defer content.Close()
	return s.member(within(inner, m.name), os.FileMode(0), &spending{content, s.nest})
}

// unzipped is what a member unpacks to. Deflate knows its end, so it reads from the archive itself: that keeps
// the place where nothing says how large the member is.
func (s *pass) unzipped(m zipMember, archive *bufio.Reader, packed io.Reader) (io.ReadCloser, error) {
	switch m.method {
	case zipStored:
		return io.NopCloser(packed), nil
	case zipDeflate:
		if m.packed < 0 {
			return deflated(archive), nil
		}
		return deflated(packed), nil
	}
	f, ok := zipPackings[m.method]
	if !ok {
		return nil, fmt.Errorf("it is compressed in a way that is not read (method %d)", m.method)
	}
	return s.decoder(f, packed)
}

// skipTo goes to where mark stands, or returns io.EOF.
func skipTo(r *bufio.Reader, mark string) error {
	for {
		ahead, err := r.Peek(max(r.Buffered(), len(mark)))
		if at := bytes.Index(ahead, []byte(mark)); at >= 0 {
			_, err := r.Discard(at)
			return err
		}
		if err != nil {
			return io.EOF
		}
		if _, err := r.Discard(len(ahead) - len(mark) + 1); err != nil {
			return io.EOF
		}
	}
}

// untilMark reads up to where mark stands.
type untilMark struct {
	r    *bufio.Reader
	mark string
}

func (u *untilMark) Read(p []byte) (int, error) {
	ahead, err := u.r.Peek(max(u.r.Buffered(), len(u.mark)))
	end := bytes.Index(ahead, []byte(u.mark))
	switch {
	case end == 0 || len(ahead) == 0:
		return 0, io.EOF
	case end < 0 && err != nil:
		end = len(ahead)
	case end < 0:
		end = len(ahead) - len(u.mark) + 1
	}
	return u.r.Read(p[:min(len(p), end)])
}
