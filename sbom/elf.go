package sbom

import "encoding/binary"

// What of an ELF header is read (System V ABI, chapter 4): places in bytes, for 32 and 64 bits.
const (
	elfSegmentLoad = 1
	elfExecutable  = 1 << 0
	elfRelocatable = 1
	maxSegments    = 64
)

// elfShape reads the segments of a program. It is not ok for what is no ELF file, or none that could be run.
func elfShape(head []byte) (s shape, ok bool) {
	if len(head) < 64 || string(head[:4]) != "\x7fELF" {
		return shape{}, false
	}
	e := elfHeader{head, binary.LittleEndian, head[4] == 2}
	if head[5] == 2 {
		e.order = binary.BigEndian
	}
	if e.order.Uint16(head[16:]) == elfRelocatable {
		return shape{}, false
	}
	sections, sectionSize, count := e.word(32, 40), int64(e.half(46, 58)), int64(e.half(48, 60))
	s.bare = sections == 0 || count == 0
	if !s.bare {
		s.end = max(e.sectionsEnd(sections, sectionSize, count), sections+sectionSize*count)
	}
	at, size := e.word(28, 32), int64(e.half(42, 54))
	for i := range int64(min(e.half(44, 56), maxSegments)) {
		p := at + i*size
		if p < 0 || size < 32 || p+56 > int64(len(head)) {
			break
		}
		kind, flags, offset, length := e.segment(p)
		if kind != elfSegmentLoad || offset < 0 || length <= 0 || offset+length < 0 {
			continue
		}
		s.end = max(s.end, offset+length)
		// A program without sections is packed as a whole: its code may well be the small rest that is not.
		if flags&elfExecutable != 0 || s.bare {
			s.code = append(s.code, span{offset, offset + length})
		}
	}
	return s, true
}

// sectionsEnd is where the last section ends, if their table is at the begin, as Go's linker puts it. Others put
// it at the end.
func (e elfHeader) sectionsEnd(table, size, count int64) (end int64) {
	const noContent = 8
	for i := range count {
		at := table + i*size
		if table < 0 || size < 40 || at+64 > int64(len(e.head)) {
			return 0
		}
		section := elfHeader{e.head[at:], e.order, e.wide}
		if e.order.Uint32(section.head[4:]) != noContent {
			end = max(end, section.word(16, 24)+section.word(20, 32))
		}
	}
	return end
}

// elfHeader reads fields of either size and order.
type elfHeader struct {
	head  []byte
	order binary.ByteOrder
	wide  bool
}

func (e elfHeader) half(narrow, wide int) uint16 {
	if e.wide {
		return e.order.Uint16(e.head[wide:])
	}
	return e.order.Uint16(e.head[narrow:])
}

func (e elfHeader) word(narrow, wide int) int64 {
	if e.wide {
		return int64(e.order.Uint64(e.head[wide:]))
	}
	return int64(e.order.Uint32(e.head[narrow:]))
}

// segment reads the entry of the program header at p: its type, its flags, and which part of the file it is.
func (e elfHeader) segment(p int64) (kind, flags uint32, offset, length int64) {
	at := elfHeader{e.head[p:], e.order, e.wide}
	flagsAt := 24
	if e.wide {
		flagsAt = 4
	}
	return e.order.Uint32(at.head), e.order.Uint32(at.head[flagsAt:]), at.word(4, 8), at.word(16, 32)
}
