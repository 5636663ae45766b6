package sbom

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"

	"github.com/klauspost/compress/zlib"
)

// A Rust program that was built with "cargo auditable" holds the list of its crates: JSON, as a stream of zlib,
// in a section called .dep-v0. Where that is, the headers say, which come last: the stream is known by how its
// text begins.
const (
	crateList     = `{"packages":[`
	crateWindow   = 512 // bytes of a stream that its first bytes can be read of: the codes come first
	maxCrateList  = 8 << 20
	buildTimeKind = "build"
)

// crate is one of a Rust program's packages. Its root is what was built; the others are linked with it.
type crate struct {
	Name string `json:"name"`
	Kind string `json:"kind"` // runtime if empty
	Root bool   `json:"root"`
}

// findCrates looks for the list of crates between two places of buf.
func (s *pass) findCrates(to int) {
	for from := max(0, int(s.nextCrate-s.base)); from < to; {
		at := zlibAt(s.buf[from:min(len(s.buf), to+1)])
		if at < 0 {
			break
		}
		from += at
		if s.beginsCrates(s.buf[from:min(len(s.buf), from+crateWindow)]) {
			s.capture(crateStream, from)
		}
		from++
	}
	s.nextCrate = max(s.nextCrate, s.base+int64(to))
}

// beginsCrates says whether a stream of zlib begins as a list of crates does.
func (s *pass) beginsCrates(stream []byte) bool {
	const blockType, dynamic = 6, 4 // what codes of its own are made for, as for all long texts (RFC 1951, 3.2.3)
	if len(stream) < 3 || stream[2]&blockType != dynamic || !s.resetInflater(stream) {
		return false
	}
	var begin [len(crateList)]byte
	_, err := io.ReadFull(s.inflater, begin[:])
	return err == nil && string(begin[:]) == crateList
}

// resetInflater makes the inflater read a stream of zlib. It says whether that begins as one.
func (s *pass) resetInflater(stream []byte) bool {
	if s.inflater == nil {
		z, err := zlib.NewReader(bytes.NewReader(stream))
		s.inflater = z
		return err == nil
	}
	return s.inflater.(zlib.Resetter).Reset(bytes.NewReader(stream), nil) == nil
}

// crates reads a list of crates, but for those that only the build needed.
func crates(stream []byte) []crate {
	z, err := zlib.NewReader(bytes.NewReader(stream))
	if err != nil {
		return nil
	}
	var list struct {
		Packages []crate `json:"packages"`
	}
	if json.NewDecoder(io.LimitReader(z, maxCrateList)).Decode(&list) != nil {
		return nil
	}
	return slices.DeleteFunc(list.Packages, func(c crate) bool { return c.Kind == buildTimeKind })
}
