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
	// sayings are what the table's expressions find in a text.
	sayings []saying
	// about tells that the text of the sayings is documentation, or rules that find such things.
	about bool
	// modules has the main package of a Go program, applets what a multicall program can do, packed why its
	// layout says that it was packed.
	modules, applets, packed []Mark
	// crates are the packages of a Rust program.
	crates []crate
	// members has the classes of what is inside: members of an archive, and what is hidden in other files.
	members []Class
	// gaps are what was not looked at, and why.
	gaps []Class
	// cataloged tells that syft's cataloguers may say more about it than its name.
	cataloged bool
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
	crateStream
)

// captureAnchors are the words that begin a capture, where one does; captureSizes how much of it is kept, in bytes.
var (
	captureAnchors = map[captureKind]string{
		goBuildInfo: "\xff Go buildinf:",
		appletTable: "[\x00[[\x00",
	}
	captureSizes = map[captureKind]int{goBuildInfo: 256 << 10, appletTable: 8 << 10, crateStream: 256 << 10}
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
	table  *table
	name   string
	bounds *bounds
	nest   *nest
	sum    hash.Hash
	// buf holds the content from offset base on; what lies before the place next was probed, and what lies before
	// the place hashed is in sum. Most files are small and say nothing: they are never hashed.
	buf    []byte
	base   int64
	next   int
	hashed int
	// nextCrate is the offset up to which a list of crates was looked for.
	nextCrate int64
	// quiet tells that the content is an archive's, of which the members are looked at.
	quiet bool

	captures []capture
	payloads payloads
	shape    shape
	// hashBang tells that it is a script by its first line; opened, that what it carries was looked at; sealed
	// are why something that it carries was not.
	hashBang, opened bool
	sealed           []Mark
	inflater         io.ReadCloser // of zlib, to try what may be a stream
	// text is what was dropped from buf of a script or configuration, up to maxText bytes.
	text  []byte
	found content
}

func newPass(t *table, name string, buf []byte) *pass {
	return &pass{table: t, name: name, sum: sha256.New(), buf: buf[:0]}
}

// begin tells a pass what the file is by its first bytes.
func (s *pass) begin(k kind, head []byte) {
	s.found.kind = k
	switch k {
	case program:
		s.shape = shapeOf(head)
	case script:
		s.hashBang = hashBang(head)
	}
}

// readFrom scans r until something hidden turns up, or to its end, but no more than the limit of bytes. More
// than that is counted in size, not looked at. It says whether it is done.
func (s *pass) readFrom(r io.Reader) (done bool, err error) {
	limit := s.bounds.file
	for s.found.scanned < limit {
		if s.payloads.waiting() {
			return false, nil
		}
		room := s.room()
		n, err := r.Read(room[:min(int64(len(room)), limit-s.found.scanned)])
		s.advance(n)
		if err == io.EOF {
			s.appended(1)
			s.probe(len(s.buf))
			return !s.payloads.waiting(), nil
		}
		if err != nil {
			return true, err
		}
	}
	s.hash(len(s.buf))
	rest, err := io.Copy(s.sum, r)
	s.found.size += rest
	return true, err
}

// write scans the next piece.
func (s *pass) write(p []byte) {
	if s.quiet {
		s.sum.Write(p)
		s.base += int64(len(p))
		s.found.size += int64(len(p))
		s.found.scanned += int64(len(p))
		return
	}
	for rest := p; len(rest) > 0; {
		n := copy(s.room(), rest)
		s.advance(n)
		rest = rest[n:]
	}
}

// room returns where the next bytes go; it is never empty.
func (s *pass) room() []byte {
	const keep = lookBehind + longestWord + crateWindow
	if len(s.buf)+readSize > cap(s.buf) {
		if drop := s.next - keep; drop > 0 {
			s.hash(drop)
			if s.found.kind.isText() {
				s.text = append(s.text, s.buf[:min(drop, maxText-len(s.text))]...)
			}
			s.buf = s.buf[:copy(s.buf, s.buf[drop:])]
			s.base += int64(drop)
			s.next -= drop
			s.hashed -= drop
		}
	}
	return s.buf[len(s.buf):cap(s.buf)]
}

// hash takes buf up to a place into the sum.
func (s *pass) hash(to int) {
	if to > s.hashed {
		s.sum.Write(s.buf[s.hashed:to])
		s.hashed = to
	}
}

// whole returns the text, up to maxText bytes.
func (s *pass) whole() []byte {
	if s.text == nil {
		return s.buf[:min(len(s.buf), maxText)]
	}
	return append(s.text, s.buf[:min(len(s.buf), maxText-len(s.text))]...)
}

func (s *pass) advance(n int) {
	fresh := s.buf[len(s.buf) : len(s.buf)+n]
	s.found.size += int64(n)
	s.found.scanned += int64(n)
	for i := range s.captures {
		c := &s.captures[i]
		c.data = append(c.data, fresh[:min(n, captureSizes[c.kind]-len(c.data))]...)
	}
	if s.hashBang && s.shape.end == 0 {
		if at := bytes.IndexByte(fresh, 0); at >= 0 {
			s.shape.end, s.shape.ended = s.base+int64(len(s.buf)+at), true
		}
	}
	s.shape.add(fresh, s.base+int64(len(s.buf)))
	s.buf = s.buf[:len(s.buf)+n]
	s.appended(blockSize)
	s.probe(len(s.buf) - longestWord)
	if s.found.kind == program {
		s.findCrates(len(s.buf) - crateWindow)
	}
}

func (s *pass) probe(to int) {
	if s.next < to {
		s.next = s.table.words.find(s.buf, s.next, to, s.hit)
	}
}

// finish looks at the last bytes and returns what was found. What says nothing of itself has no digest, unless it
// is named.
func (s *pass) finish(named bool) *content {
	s.probe(len(s.buf))
	if s.found.kind == program {
		s.findCrates(len(s.buf))
	}
	c := &s.found
	if c.kind.isText() {
		s.readText(s.whole())
	}
	for _, p := range s.captures {
		switch p.kind {
		case goBuildInfo:
			if info := buildInfo(p.data, p.offset); info != nil {
				c.modules = append(c.modules, Mark{By: byBuildInfo, Text: info.Path, Offset: p.offset})
			}
		case crateStream:
			c.crates = append(c.crates, crates(p.data)...)
		case appletTable:
			for _, name := range applets(p.data) {
				c.applets = append(c.applets, Mark{By: byApplet, Text: name, Offset: p.offset})
			}
		}
	}
	c.packed = append(s.shape.packed(), s.sealed...)
	if !s.opened && len(s.sealed) == 0 {
		c.packed = append(c.packed, s.shape.carries()...)
	}
	if named || c.says() {
		s.hash(len(s.buf))
		c.sha256 = hex.EncodeToString(s.sum.Sum(nil))
	}
	return c
}

// says tells whether there is anything in the file that classes are made of.
func (c *content) says() bool {
	return len(c.hits)+len(c.sayings)+len(c.modules)+len(c.applets)+len(c.packed)+len(c.members)+len(c.gaps) > 0 ||
		c.size > c.scanned
}

// hit notes that word stands at buf[at:].
func (s *pass) hit(word, at int) {
	use := s.table.uses[word]
	if use.capture != noCapture {
		s.capture(use.capture, at)
	}
	if use.hides != nil {
		s.hides(*use.hides, at)
	}
	if use.cataloged {
		s.found.cataloged = true
	}
	if !use.mark {
		return
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
	if len(s.captures) == maxCaptures {
		return
	}
	data := bytes.Clone(s.buf[at:min(len(s.buf), at+captureSizes[kind])])
	s.captures = append(s.captures, capture{kind, s.base + int64(at), data})
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
