package sbom

import (
	"bytes"
	"encoding/binary"
)

// Lengths of a word in bytes. The shortest bounds how far apart the matcher may probe, the longest how much
// of a file it has to hold.
const (
	shortestWord = 5
	longestWord  = 128
)

// A matcher finds any of many words in one pass. It looks at four bytes at every second place of the text: of
// any five bytes of a word, wherever it stands, four are at such a place, beginning at the first or the second
// of them, and nowhere else does the same occurrence show. Which five of a word, rarest says. A filter that fits the first-level
// cache says for nearly every place that none of the words' bytes are there.
type matcher struct {
	words  [][]byte
	filter [1 << (filterBits - 6)]uint64
	// buckets[starts[h]:starts[h+1]] are the grams with the hash h.
	starts  [1<<bucketBits + 1]uint16
	buckets []gram
}

// gram is four bytes of a word, from its byte number shift on.
type gram struct {
	word  int
	shift int
}

const (
	gramSize   = 4
	stride     = shortestWord - gramSize + 1
	filterBits = 17
	bucketBits = 12
)

func newMatcher(words []string) *matcher {
	m := &matcher{}
	var counts [1 << bucketBits]uint16
	for _, w := range words {
		m.words = append(m.words, []byte(w))
		for shift := range stride {
			h := hashGram([]byte(w[rarest(w)+shift:]))
			m.filter[h>>6] |= 1 << (h & 63)
			counts[h>>(filterBits-bucketBits)]++
		}
	}
	for i, n := range counts {
		m.starts[i+1] = m.starts[i] + n
	}
	m.buckets = make([]gram, m.starts[len(counts)])
	next := m.starts
	for i, w := range m.words {
		for shift := range stride {
			shift += rarest(string(w))
			b := hashGram(w[shift:]) >> (filterBits - bucketBits)
			m.buckets[next[b]] = gram{i, shift}
			next[b]++
		}
	}
	return m
}

// rarest returns where the five bytes of a word begin that other texts are least likely to have: letters and
// spaces are everywhere, and words begin alike.
func rarest(word string) int {
	best, lowest := 0, 0
	for at := 0; at+shortestWord <= len(word); at++ {
		common := 0
		for _, c := range []byte(word[at : at+shortestWord]) {
			if c >= 'a' && c <= 'z' || c == ' ' || c == 0 {
				common++
			}
		}
		if at == 0 || common < lowest {
			best, lowest = at, common
		}
	}
	return best
}

func hashGram(b []byte) uint32 {
	return binary.LittleEndian.Uint32(b) * 0x9E3779B1 >> (32 - filterBits)
}

// find probes text from the place from up to, not including, the place to, and calls found for every word
// that has one of its probed bytes there. It returns the place to go on from. A word that reaches out of text
// is not found: a caller that has more text to come must leave longestWord bytes behind to.
func (m *matcher) find(text []byte, from, to int, found func(word, at int)) int {
	last := min(to, len(text)-gramSize+1)
	for ; from < last; from += stride {
		h := hashGram(text[from : from+gramSize])
		if m.filter[h>>6&(1<<(filterBits-6)-1)]>>(h&63)&1 != 0 {
			m.verify(text, from, h, found)
		}
	}
	return from
}

// verify compares the words whose four bytes have the hash h with what is around the place at.
func (m *matcher) verify(text []byte, at int, h uint32, found func(word, at int)) {
	b := h >> (filterBits - bucketBits)
	for _, g := range m.buckets[m.starts[b]:m.starts[b+1]] {
		if begin := at - g.shift; begin >= 0 && bytes.HasPrefix(text[begin:], m.words[g.word]) {
			found(g.word, begin)
		}
	}
}
