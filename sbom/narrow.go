package sbom

import (
	"bytes"
	"io"
	"path"
	"slices"
)

// narrowed are the large programs, by base name, of which syft's classifiers want but a few bytes, and the words
// that begin these: the classifier of node goes over its hundred megabytes with an expression that takes
// seconds, longer than all the rest of a scan. One test compares what it finds in either.
var narrowed = map[string][]string{
	"node": {"\x00v0.", "\x00v4.", "\x00v5.", "\x00v6.", "\x00node v", "node.js/v"},
}

// Bounds of narrowing, in bytes: what is left from a word on, how much is read at once, and how much is left of
// a program at most; of one that has more the whole is given.
const (
	narrowMargin = 64
	narrowChunk  = 1 << 20
	maxNarrowed  = 16 << 20
)

// narrow returns what begins with the words of a program's name, in its order and each place on a line of its own;
// false if the program is not one of narrowed or too much would be left.
func narrow(name string, content *io.SectionReader) ([]byte, bool) {
	words := narrowed[path.Base(name)]
	if words == nil {
		return nil, false
	}
	var left []byte
	buffer := make([]byte, narrowChunk+narrowMargin)
	for at := int64(0); at < content.Size(); at += narrowChunk {
		n, err := content.ReadAt(buffer, at)
		if err != nil && err != io.EOF {
			return nil, false // whoever reads the whole will see it, too
		}
		piece := buffer[:n]
		for _, place := range occurrences(piece, words, narrowChunk) {
			left = append(left, piece[place:min(n, place+narrowMargin)]...)
			left = append(left, '\n')
		}
		if len(left) > maxNarrowed {
			return nil, false
		}
	}
	return left, true
}

// occurrences returns where one of the words begins in the first length bytes of piece, sorted.
func occurrences(piece []byte, words []string, length int) []int {
	var all []int
	for _, word := range words {
		for at := 0; at < min(length, len(piece)); at++ {
			i := bytes.Index(piece[at:], []byte(word))
			if i < 0 || at+i >= length {
				break
			}
			at += i
			all = append(all, at)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
