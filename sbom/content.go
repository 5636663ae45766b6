package sbom

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
)

// content is what one pass over a file found.
type content struct {
	kind kind
	// size is how much there was, in bytes; scanned is how much of it was looked at.
	size, scanned int64
	sha256        string
	// hits has the offset of the first place of every word that was found, by the word's number; quoted has
	// how often a pooled word stood in a detection rule before, or instead.
	hits, quoted map[int]int64
	captures     []capture
	// text is the whole of a script or configuration, up to maxText bytes.
	text []byte
}

// Bounds of one pass.
const (
	readSize   = 256 << 10 // bytes that are read at once
	lookBehind = 96        // bytes before a word that are looked at for what quotes it
	maxQuoted  = 1000      // places in detection rules until a word counts wherever it stands
	maxText    = 1 << 20   // bytes of a script or configuration
)

// captureKind is a piece of a file that is kept for a closer look, because a word that begins it was found.
type captureKind int

const (
	noCapture captureKind = iota
	goBuildInfo
	appletTable
)

// captureAnchors are the words that begin a capture, captureSizes how much of it is kept, in bytes.
var (
	captureAnchors = map[captureKind]string{
		goBuildInfo: "\xff Go buildinf:",
		appletTable: "[\x00[[\x00",
	}
	captureSizes = map[captureKind]int{goBuildInfo: 256 << 10, appletTable: 8 << 10}
)

// maxCaptures bounds the captures of one file.
const maxCaptures = 8

type capture struct {
	kind   captureKind
	offset int64
	data   []byte
}

// pass is one reading of a file's content, which is written to it in pieces of any size.
type pass struct {
	table *table
	sum   hash.Hash
	// buf holds the content from offset base on; what lies before the place next was probed.
	buf  []byte
	base int64
	next int

	found content
}

func newPass(t *table, buf []byte) *pass {
	return &pass{table: t, sum: sha256.New(), buf: buf[:0]}
}

// readFrom scans at most limit bytes of r. More than that is counted in size, not looked at.
func (s *pass) readFrom(r io.Reader, limit int64) error {
	for s.found.scanned < limit {
		room := s.room()
		n, err := r.Read(room[:min(int64(len(room)), limit-s.found.scanned)])
		s.advance(n)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
	rest, err := io.Copy(s.sum, r)
	s.found.size += rest
	return err
}

// Write scans the next piece.
func (s *pass) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		n := copy(s.room(), rest)
		s.advance(n)
		rest = rest[n:]
	}
	return len(p), nil
}

// room returns where the next bytes go; it is never empty.
func (s *pass) room() []byte {
	const keep = lookBehind + longestWord
	if len(s.buf)+readSize > cap(s.buf) {
		if drop := s.next - keep; drop > 0 {
			s.buf = s.buf[:copy(s.buf, s.buf[drop:])]
			s.base += int64(drop)
			s.next -= drop
		}
	}
	return s.buf[len(s.buf):cap(s.buf)]
}

func (s *pass) advance(n int) {
	fresh := s.buf[len(s.buf) : len(s.buf)+n]
	s.sum.Write(fresh)
	for i := range s.found.captures {
		c := &s.found.captures[i]
		c.data = append(c.data, fresh[:min(n, captureSizes[c.kind]-len(c.data))]...)
	}
	if s.found.kind.isText() {
		s.found.text = append(s.found.text, fresh[:min(n, maxText-len(s.found.text))]...)
	}
	s.buf = s.buf[:len(s.buf)+n]
	s.found.size += int64(n)
	s.found.scanned += int64(n)
	s.probe(len(s.buf) - longestWord)
}

func (s *pass) probe(to int) {
	if s.next < to {
		s.next = s.table.words.find(s.buf, s.next, to, s.hit)
	}
}

// finish looks at the last bytes and returns what was found.
func (s *pass) finish() *content {
	s.probe(len(s.buf))
	s.found.sha256 = hex.EncodeToString(s.sum.Sum(nil))
	return &s.found
}

// hit notes that word stands at buf[at:].
func (s *pass) hit(word, at int) {
	use := s.table.uses[word]
	if use.capture != noCapture {
		s.capture(use.capture, at)
	}
	if _, known := s.found.hits[word]; known {
		return
	}
	if use.pooled && s.found.quoted[word] < maxQuoted && s.inRuleText(at) {
		s.found.quoted = put(s.found.quoted, word, s.found.quoted[word]+1)
		return
	}
	s.found.hits = put(s.found.hits, word, s.base+int64(at))
}

func put(m map[int]int64, key int, value int64) map[int]int64 {
	if m == nil {
		m = map[int]int64{}
	}
	m[key] = value
	return m
}

func (s *pass) capture(kind captureKind, at int) {
	if len(s.found.captures) == maxCaptures {
		return
	}
	data := bytes.Clone(s.buf[at:min(len(s.buf), at+captureSizes[kind])])
	s.found.captures = append(s.found.captures, capture{kind, s.base + int64(at), data})
}

// inRuleText says whether what stands before the place on its line makes it a detection rule's text.
func (s *pass) inRuleText(at int) bool {
	before := s.buf[max(0, at-lookBehind):at]
	if i := bytes.LastIndexAny(before, "\n\x00"); i >= 0 {
		before = before[i+1:]
	}
	for _, rule := range s.table.ruleText {
		if rule.Match(before) {
			return true
		}
	}
	return false
}
