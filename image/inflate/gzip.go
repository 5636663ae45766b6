package inflate

import (
	"encoding/binary"
	"hash/crc32"
	"io"
)

var le = binary.LittleEndian

// Parts of a member's header (RFC 1952, 2.3.1): how it begins, and what its flags say.
const (
	magic = "\x1f\x8b\x08" // with the compression, deflate

	flagChecksum = 1 << 1
	flagExtra    = 1 << 2
	flagName     = 1 << 3
	flagComment  = 1 << 4
	flagReserved = 7 << 5

	// maxText bounds the bytes of a name or a comment, with the zero behind it, as compress/gzip does.
	maxText = 512
)

// header reads the header of a member. Nothing in it is of use.
func (d *decoder) header() error {
	var fixed [10]byte
	sum := uint32(0)
	if err := d.field(fixed[:], &sum); err != nil {
		return err
	}
	if string(fixed[:len(magic)]) != magic {
		return errHeader
	}
	flags := fixed[3]
	if flags&flagExtra != 0 {
		if err := d.extra(&sum); err != nil {
			return err
		}
	}
	for _, flag := range []byte{flagName, flagComment} {
		if flags&flag != 0 {
			if err := d.text(&sum); err != nil {
				return err
			}
		}
	}
	if flags&flagChecksum != 0 {
		want := uint16(sum)
		if err := d.field(fixed[:2], &sum); err != nil {
			return err
		}
		if le.Uint16(fixed[:]) != want {
			return errHeader
		}
	}
	if flags&flagReserved != 0 {
		return errHeader
	}
	return nil
}

// field reads a field of the header, and adds it to the header's checksum.
func (d *decoder) field(f []byte, sum *uint32) error {
	_, err := io.ReadFull(d.in, f)
	*sum = crc32.Update(*sum, crc32.IEEETable, f)
	return err
}

// extra reads the extra field, piece by piece.
func (d *decoder) extra(sum *uint32) error {
	var piece [64]byte
	if err := d.field(piece[:2], sum); err != nil {
		return err
	}
	for left := int(le.Uint16(piece[:])); left > 0; {
		n := min(left, len(piece))
		if err := d.field(piece[:n], sum); err != nil {
			return err
		}
		left -= n
	}
	return nil
}

// text reads a name or a comment, to the zero behind it.
func (d *decoder) text(sum *uint32) error {
	var b [1]byte
	for range maxText {
		if err := d.field(b[:], sum); err != nil || b[0] == 0 {
			return err
		}
	}
	return errHeader
}

// trailer checks what was unpacked against the end of the member (RFC 1952, 2.3.1).
func (d *decoder) trailer() error {
	d.in.Discard(d.next)
	d.data, d.next = nil, 0
	var t [8]byte
	if _, err := io.ReadFull(d.in, t[:]); err != nil {
		return err
	}
	if le.Uint32(t[:]) != d.checksum || le.Uint32(t[4:]) != d.size {
		return errChecksum
	}
	return nil
}

// another reports whether another member follows.
func (d *decoder) another() (bool, error) {
	head, err := d.in.Peek(len(magic))
	if err != nil && err != io.EOF {
		return false, err
	}
	return string(head) == magic, nil
}
