package sbom

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// What of the headers of a Windows program is read (PE format): sizes and places in bytes.
const (
	peOffsetAt     = 0x3c // where the place of the PE header stands
	peHeaderSize   = 24
	peSectionSize  = 40
	peExecutable   = 0x20000000 // of a section's characteristics
	maxSections    = 96
	peSectionNames = 8
)

// packerSections are the names that packers give to their sections.
var packerSections = []string{"UPX0", "UPX1", "UPX2", ".aspack", ".adata", ".MPRESS1", ".MPRESS2", ".vmp0", ".vmp1", ".themida", ".petite", ".nsp0", ".nsp1", ".enigma1"}

// peShape reads the sections of a Windows program.
func peShape(head []byte) (s shape, ok bool) {
	if len(head) < peOffsetAt+4 || string(head[:2]) != "MZ" {
		return shape{}, false
	}
	at := int64(binary.LittleEndian.Uint32(head[peOffsetAt:]))
	if at+peHeaderSize > int64(len(head)) || string(head[at:at+4]) != "PE\x00\x00" {
		return shape{}, false
	}
	header := head[at:]
	count, optional := binary.LittleEndian.Uint16(header[6:]), int64(binary.LittleEndian.Uint16(header[20:]))
	s.end = peSignatureEnd(header, optional)
	for i := range int64(min(count, maxSections)) {
		begin := at + peHeaderSize + optional + i*peSectionSize
		if begin+peSectionSize > int64(len(head)) {
			break
		}
		section := head[begin : begin+peSectionSize]
		length, offset := int64(binary.LittleEndian.Uint32(section[16:])), int64(binary.LittleEndian.Uint32(section[20:]))
		name := string(bytes.TrimRight(section[:peSectionNames], "\x00"))
		if slices.Contains(packerSections, name) {
			s.packer = name
		}
		s.end = max(s.end, offset+length)
		if binary.LittleEndian.Uint32(section[36:])&peExecutable != 0 && length > 0 {
			s.code = append(s.code, span{offset, offset + length})
		}
	}
	return s, true
}

// peSignatureEnd is where the signature ends, which stands behind the sections: the fifth of the directories at
// the end of the optional header is, unlike the others, a place in the file.
func peSignatureEnd(header []byte, optional int64) int64 {
	const narrow, wide, directories, signature = 0x10b, 0x20b, 96, 4
	if int64(len(header)) < peHeaderSize+optional || optional < 2 {
		return 0
	}
	header = header[peHeaderSize : peHeaderSize+optional]
	at := directories + 8*signature
	switch binary.LittleEndian.Uint16(header) {
	case wide:
		at += 16
	case narrow:
	default:
		return 0
	}
	if len(header) < at+8 {
		return 0
	}
	return int64(binary.LittleEndian.Uint32(header[at:])) + int64(binary.LittleEndian.Uint32(header[at+4:]))
}
