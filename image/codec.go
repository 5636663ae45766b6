package image

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"time"
)

// maxRecord bounds a record without the contents in it, in bytes.
const maxRecord = 512 << 20

// How the content of a member stands in a record.
const (
	noContent    = iota
	inRecord     // behind the member
	outsideEntry // its digest is, and it is perhaps an entry of its own
)

// encodeRecord writes a record, with the small contents that were kept. It is an error if the facts must not be kept,
// or the record is too large.
func encodeRecord(w io.Writer, r *record, facts Facts) error {
	raw := appendText(nil, string(r.compression))
	raw = binary.AppendVarint(raw, r.unpacked.Load())
	raw = binary.AppendUvarint(raw, uint64(len(r.members)))
	record, contents := int64(0), int64(0)
	for _, m := range r.members {
		known, ok := facts.Encode(m.Facts)
		if !ok {
			return errors.New("the facts about a file must not be kept")
		}
		raw = appendMember(raw, m)
		raw = appendText(raw, string(known))
		var content io.Reader = bytes.NewReader(nil)
		switch {
		case m.kept.sha256 == "":
			raw = append(raw, noContent)
		case m.Size <= smallContent && contents+m.Size <= smallContents:
			contents += m.Size
			raw = appendText(append(raw, inRecord), m.kept.sha256)
			content = m.kept.section(m.Size)
		default:
			raw = appendText(append(raw, outsideEntry), m.kept.sha256)
		}
		if record += int64(len(raw)); record > maxRecord {
			return errors.New("the record is too large")
		}
		if _, err := w.Write(raw); err != nil {
			return err
		}
		if _, err := io.Copy(w, content); err != nil {
			return err
		}
		raw = raw[:0]
	}
	_, err := w.Write(raw)
	return err
}

func appendText(raw []byte, text string) []byte {
	return append(binary.AppendUvarint(raw, uint64(len(text))), text...)
}

func appendMember(raw []byte, m *Member) []byte {
	raw = append(raw, m.typeflag, boolByte(m.Capabilities))
	raw = appendText(raw, m.Name)
	raw = appendText(raw, m.Linkname)
	for _, n := range []int64{
		int64(m.Mode), int64(m.UID), int64(m.GID), m.Major, m.Minor, m.Size, m.ModTime.Unix(), int64(m.ModTime.Nanosecond()),
	} {
		raw = binary.AppendVarint(raw, n)
	}
	return raw
}

func boolByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}

var errRecord = errors.New("not a record of a layer")

// decoder reads what encodeRecord wrote. After the first error everything is zero.
type decoder struct {
	raw []byte
	err error
}

func (d *decoder) take(n uint64) []byte {
	if d.err != nil || n > uint64(len(d.raw)) {
		d.err = errRecord
		return nil
	}
	taken := d.raw[:n:n]
	d.raw = d.raw[n:]
	return taken
}

func (d *decoder) byte() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) uint() uint64 {
	n, size := binary.Uvarint(d.raw)
	if size <= 0 {
		d.err = errRecord
		return 0
	}
	d.take(uint64(size))
	return n
}

func (d *decoder) int() int64 {
	n, size := binary.Varint(d.raw)
	if size <= 0 {
		d.err = errRecord
		return 0
	}
	d.take(uint64(size))
	return n
}

func (d *decoder) text() string { return string(d.take(d.uint())) }

// decodeRecord is the inverse of encodeRecord.
func decodeRecord(raw []byte, facts Facts) (*record, error) {
	d := &decoder{raw: raw}
	r := &record{compression: compression(d.text())}
	r.unpacked.Store(d.int())
	count := d.uint()
	if count > uint64(len(d.raw)) {
		return nil, errRecord
	}
	members := make([]Member, count)
	r.members = make([]*Member, count)
	for i := range members {
		m := &members[i]
		r.members[i] = m
		d.member(m)
		known := d.take(d.uint())
		if d.err != nil {
			return nil, d.err
		}
		var err error
		if m.Facts, err = facts.Decode(known); err != nil {
			return nil, err
		}
		d.content(m)
	}
	if d.err == nil && len(d.raw) > 0 {
		d.err = errRecord
	}
	return r, d.err
}

func (d *decoder) member(m *Member) {
	m.typeflag = d.byte()
	m.Capabilities = d.byte() == 1
	m.Type = typeOf(m.typeflag)
	m.Name, m.Linkname = d.text(), d.text()
	m.Mode = os.FileMode(d.int())
	m.UID, m.GID = int(d.int()), int(d.int())
	m.Major, m.Minor, m.Size = d.int(), d.int(), d.int()
	m.ModTime = time.Unix(d.int(), d.int())
}

func (d *decoder) content(m *Member) {
	switch d.byte() {
	case noContent:
	case inRecord:
		m.kept.sha256 = d.text()
		if m.kept.data = d.take(uint64(m.Size)); m.kept.data == nil {
			m.kept.data = []byte{}
		}
	case outsideEntry:
		m.kept.sha256 = d.text()
	default:
		d.err = errRecord
	}
}
