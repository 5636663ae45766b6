package sbom

import (
	"bytes"
	"io"
	"path"
	"slices"
)

// narrowed are the large programs, by base name, of which syft's classifiers want but a few bytes, and the words
// that begin or end these: the classifier of node goes over its hundred megabytes with an expression that takes
// seconds, longer than all the rest of a scan. One test compares what it finds in either.
var narrowed = map[string][]string{
	"node": {"\x00v0.", "\x00v4.", "\x00v5.", "\x00v6.", "\x00node v", "node.js/v"},
}

// Bounds of narrowing, in bytes: what is left around a word, how much is read at once, and how much is left of
// a program at most; of one that has more the whole is given.
const (
	narrowMargin = 64
	narrowChunk  = 1 << 20
	maxNarrowed  = 16 << 20
)

// narrow returns what is around the words of a program's name, in its order and each place on a line of its own;
// false if the program is not one of narrowed or too much would be left.
func narrow(name string, content *io.SectionReader) ([]byte, bool) {
	words := narrowed[path.Base(name)]
	if words == nil {
		return nil, false
	}
	var left []byte
	buffer := make([]byte, narrowChunk+2*narrowMargin)
	for at := int64(0); at < content.Size(); at += narrowChunk {
		// Each chunk is read with a margin on either side; places in the margins are those of other chunks.
		begin := max(0, at-narrowMargin)
		n, err := content.ReadAt(buffer[:min(int64(len(buffer)), at+narrowChunk+narrowMargin-begin)], begin)
		if err != nil && err != io.EOF {
			return nil, false // whoever reads the whole will see it, too
		}
		piece := buffer[:n]
		for _, place := range occurrences(piece, words, int(at-begin), narrowChunk) {
			left = append(left, piece[max(0, place-narrowMargin):min(n, place+narrowMargin)]...)
			left = append(left, '\n')
		}
		if len(left) > maxNarrowed {
			return nil, false
		}
	}
	return left, true
}

// occurrences returns where one of the words begins in the length bytes from begin on, sorted.
func occurrences(piece []byte, words []string, begin, length int) []int {
	var all []int
	for _, word := range words {
		for at := begin; at < begin+length; at++ {
			i := bytes.Index(piece[min(at, len(piece)):], []byte(word))
			if i < 0 || at+i >= begin+length {
				break
			}
			at += i
			all = append(all, at)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
