package inflate

import (
	"bytes"
	"hash/crc32"
	"math/bits"
	"strings"
	"testing"
)

// bitWriter writes deflate by hand (RFC 1951, 3.1.1): numbers from the lowest bit, codes from the highest.
type bitWriter struct {
	out []byte
	n   int
}

func (w *bitWriter) write(v, n int) {
	for i := range n {
		if w.n%8 == 0 {
			w.out = append(w.out, 0)
		}
		w.out[w.n/8] |= byte(v>>i&1) << (w.n % 8)
		w.n++
	}
}

func (w *bitWriter) code(v, n int) { w.write(int(bits.Reverse16(uint16(v)))>>(16-n), n) }

// written is what write writes.
func written(write func(w *bitWriter)) []byte {
	var w bitWriter
	write(&w)
	return w.out
}

// fixed begins a last block with fixed codes.
func (w *bitWriter) fixed() { w.write(1, 1); w.write(1, 2) }

// literal writes one below 144, and length a symbol for a length below 280, both in a fixed block.
func (w *bitWriter) literal(b byte)    { w.code(int(b)+0x30, 8) }
func (w *bitWriter) length(symbol int) { w.code(symbol-256, 7) }

// own begins a last block with codes of its own. Lengths of codes are written with a code of 4 bits for each of the
// symbols 0 to 15.
func (w *bitWriter) own(lits, dists []int) {
	w.write(1, 1)
	w.write(2, 2)
	w.write(len(lits)-257, 5)
	w.write(len(dists)-1, 5)
	w.write(metaSymbols-4, 4)
	for _, symbol := range metaOrder {
		n := 4
		if symbol > 15 {
			n = 0
		}
		w.write(n, 3)
	}
	for _, n := range append(append([]int{}, lits...), dists...) {
		w.code(n, 4)
	}
}

// lengthsOf are lengths of codes of so many symbols.
func lengthsOf(n int, of map[int]int) []int {
	lengths := make([]int, n)
	for symbol, length := range of {
		lengths[symbol] = length
	}
	return lengths
}

// headerWith is the header of a member with flags, and the fields that these say.
func headerWith(flags byte) []byte {
	h := append([]byte(magic), flags, 1, 2, 3, 4, 0, 255)
	if flags&flagExtra != 0 {
		h = append(h, 200, 0)
		h = append(h, bytes.Repeat([]byte("x"), 200)...)
	}
	if flags&flagName != 0 {
		h = append(h, "n\xe4me\x00"...)
	}
	if flags&flagComment != 0 {
		h = append(h, "\x00"...)
	}
	if flags&flagChecksum != 0 {
		h = le.AppendUint16(h, uint16(crc32.ChecksumIEEE(h)))
	}
	return h
}

// streams are blocks that no packer makes, and what they unpack to; those without are invalid.
var streams = []struct {
	name  string
	write func(w *bitWriter)
	want  string
	valid bool
}{
	{"fixed", func(w *bitWriter) { w.fixed(); w.literal('a'); w.length(256) }, "a", true},
	{"fixed, 9 bits", func(w *bitWriter) { w.fixed(); w.code(0x1ff, 9); w.length(256) }, "\xff", true},
	{"overlapping", func(w *bitWriter) {
		w.fixed()
		w.literal('a')
		w.literal('b')
		w.length(264)
		w.code(1, 5)
		w.length(256)
	}, "abababababab", true},
	{"length 258 as 227 and 31", func(w *bitWriter) {
		w.fixed()
		w.literal('a')
		w.code(0xc0+4, 8)
		w.write(31, 5)
		w.code(0, 5)
		w.length(256)
	}, strings.Repeat("a", 259), true},
	{"too far", func(w *bitWriter) { w.fixed(); w.literal('a'); w.length(257); w.code(1, 5); w.length(256) }, "", false},
	{"distance symbol 30", func(w *bitWriter) { w.fixed(); w.literal('a'); w.length(257); w.code(30, 5); w.length(256) }, "", false},
	{"length symbol 286", func(w *bitWriter) { w.fixed(); w.literal('a'); w.code(0xc6, 8); w.length(256) }, "", false},
	{"block type 3", func(w *bitWriter) { w.write(7, 3) }, "", false},
	{"stored", func(w *bitWriter) {
		w.write(0, 8)
		w.write(2, 16)
		w.write(0xfffd, 16)
		w.write(0x6261, 16)
		w.write(1, 8)
		w.write(0, 16)
		w.write(0xffff, 16)
	}, "ab", true},
	{"stored, other length", func(w *bitWriter) { w.write(1, 8); w.write(2, 16); w.write(0xfffc, 16); w.write(0x6261, 16) }, "", false},
	{"empty stored blocks", func(w *bitWriter) {
		for range 5000 {
			w.write(0, 8)
			w.write(0, 16)
			w.write(0xffff, 16)
		}
		w.fixed()
		w.length(256)
	}, "", true},
	{"one distance", func(w *bitWriter) {
		w.own(lengthsOf(258, map[int]int{'a': 2, 'b': 2, 256: 2, 257: 2}), []int{1})
		w.code(0, 2)
		w.code(3, 2)
		w.code(0, 1)
		w.code(2, 2)
	}, "aaaa", true},
	{"the other of one distance", func(w *bitWriter) {
		w.own(lengthsOf(258, map[int]int{'a': 2, 'b': 2, 256: 2, 257: 2}), []int{1})
		w.code(0, 2)
		w.code(3, 2)
		w.code(1, 1)
		w.code(2, 2)
	}, "", false},
	{"one distance of two bits", func(w *bitWriter) {
		w.own(lengthsOf(258, map[int]int{'a': 2, 'b': 2, 256: 2, 257: 2}), []int{2})
		w.code(0, 2)
		w.code(2, 2)
	}, "", false},
	{"no distance", func(w *bitWriter) {
		w.own(lengthsOf(257, map[int]int{'a': 1, 256: 1}), []int{0})
		w.code(0, 1)
		w.code(1, 1)
	}, "a", true},
	{"none of no distance", func(w *bitWriter) {
		w.own(lengthsOf(258, map[int]int{'a': 2, 'b': 2, 256: 2, 257: 2}), []int{0})
		w.code(0, 2)
		w.code(3, 2)
		w.write(0, 32)
	}, "", false},
	{"only the end", func(w *bitWriter) { w.own(lengthsOf(257, map[int]int{256: 1}), []int{0}); w.code(0, 1) }, "", true},
	{"no symbol", func(w *bitWriter) { w.own(lengthsOf(257, nil), []int{0}); w.write(0, 64) }, "", false},
	{"no end", func(w *bitWriter) { w.own(lengthsOf(257, map[int]int{'a': 1, 'b': 1}), []int{0}); w.write(0, 64) }, "", false},
	{"too few codes", func(w *bitWriter) { w.own(lengthsOf(257, map[int]int{'a': 2, 256: 1}), []int{0}); w.write(0, 64) }, "", false},
	{"too many codes", func(w *bitWriter) {
		w.own(lengthsOf(257, map[int]int{'a': 1, 'b': 1, 256: 1}), []int{0})
		w.write(0, 64)
	}, "", false},
	{"longest codes", func(w *bitWriter) {
		lits, dists := lengthsOf(286, map[int]int{256: 15, 285: 15}), lengthsOf(30, map[int]int{0: 15, 1: 15})
		for n := 1; n < 15; n++ {
			lits[n], dists[n+1] = n, n
		}
		w.own(lits, dists)
		for n := 1; n < 15; n++ {
			w.code(1<<n-2, n) // literal n
		}
		w.code(0x7fff, 15)
		w.code(0x7ffe, 15)
		w.code(0x7ffe, 15)
	}, "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e" + strings.Repeat("\x0e", 258), true},
	{"287 lengths", func(w *bitWriter) { w.own(lengthsOf(287, map[int]int{'a': 1, 256: 1}), []int{0}); w.write(2, 2) }, "a", false},
	{"31 distances", func(w *bitWriter) {
		w.own(lengthsOf(257, map[int]int{'a': 1, 256: 1}), lengthsOf(31, nil))
		w.write(2, 2)
	}, "a", false},
	{"repeat of nothing", func(w *bitWriter) { w.repeats(257, 16, 0, 2); w.write(0, 64) }, "", false},
	{"repeat of too many", func(w *bitWriter) { w.repeats(257, 18, 127, 7, 18, 127, 7); w.write(0, 64) }, "", false},
}

// repeats begins a last block whose lengths of codes are written with one of the symbols 16 to 18, each with a
// number behind it of so many bits. The symbols have codes of 2 bits, as has 0.
func (w *bitWriter) repeats(lits int, symbols ...int) {
	w.write(1, 1)
	w.write(2, 2)
	w.write(lits-257, 5)
	w.write(0, 5)
	w.write(0, 4)
	for range 4 { // 16, 17, 18, 0
		w.write(2, 3)
	}
	for ; len(symbols) > 0; symbols = symbols[3:] {
		w.code(symbols[0]-15, 2)
		w.write(symbols[1], symbols[2])
	}
}

func TestStreams(t *testing.T) {
	for _, c := range streams {
		t.Run(c.name, func(t *testing.T) {
			trailer := le.AppendUint32(nil, crc32.ChecksumIEEE([]byte(c.want)))
			trailer = le.AppendUint32(trailer, uint32(len(c.want)))
			// Padding, to be in the fast loop as well as out of it.
			for _, padding := range []int{0, 1000} {
				got := same(t, join(headerWith(0), written(c.write), trailer, make([]byte, padding)))
				if (got.err == nil) != c.valid || c.valid && string(got.out) != c.want {
					t.Errorf("padding %d: %q, %v; want %q, valid: %v", padding, got.out, got.err, c.want, c.valid)
				}
			}
		})
	}
}

// TestMostBits has literals, lengths and distances of as many bits as there can be, behind each other.
func TestMostBits(t *testing.T) {
	want := samples()["noise"][:history]
	stored := le.AppendUint16([]byte{0}, history)
	stored = append(le.AppendUint16(stored, ^uint16(history)), want...)
	lits, dists := lengthsOf(285, map[int]int{litBits: litBits, 256: 15, 284: 15}), lengthsOf(30, map[int]int{28: 15, 29: 15})
	for n := 1; n < 15; n++ {
		lits[n], dists[n] = n, n
	}
	coded := written(func(w *bitWriter) {
		w.own(lits, dists)
		for i := range 1000 {
			for range 1 + i%3 {
				w.code(1<<litBits-2, litBits)
				want = append(want, litBits)
			}
			w.code(0x7fff, 15)
			w.write(30-i%2, 5)
			w.code(0x7fff, 15)
			w.write(0x1fff-i, 13)
			for range 257 - i%2 {
				want = append(want, want[len(want)-history+i])
			}
		}
		w.code(0x7ffe, 15)
	})
	trailer := le.AppendUint32(nil, crc32.ChecksumIEEE(want))
	trailer = le.AppendUint32(trailer, uint32(len(want)))
	if got := same(t, join(headerWith(0), stored, coded, trailer)); got.err != nil || !bytes.Equal(got.out, want) {
		t.Errorf("%d bytes, %v; want %d", len(got.out), got.err, len(want))
	}
}

// TestHeaders has all fields of the header, and wrong ones.
func TestHeaders(t *testing.T) {
	rest := pack(t, []byte("one"), 6)[10:]
	all := headerWith(flagExtra | flagName | flagComment | flagChecksum)
	wrong := bytes.Clone(all)
	wrong[len(wrong)-1] ^= 1
	name := func(n int) []byte {
		return join(headerWith(0)[:3], []byte{flagName}, make([]byte, 6), bytes.Repeat([]byte("n"), n), []byte{0})
	}
	for what, c := range map[string]struct {
		header []byte
		valid  bool
	}{
		"all fields":     {all, true},
		"is text":        {headerWith(1), true},
		"wrong checksum": {wrong, false},
		"reserved flag":  {headerWith(1 << 5), false},
		"long name":      {name(maxText - 1), true},
		"longer name":    {name(maxText), false},
		"long extra":     {join(headerWith(0)[:3], []byte{flagExtra}, make([]byte, 6), []byte{0xff, 0xff}, make([]byte, 0xffff)), true},
		"not deflate":    {join(headerWith(0)[:2], []byte{7}, headerWith(0)[3:]), false},
	} {
		t.Run(what, func(t *testing.T) {
			if got := same(t, join(c.header, rest)); (got.err == nil) != c.valid {
				t.Errorf("error %v, valid: %v", got.err, c.valid)
			}
		})
	}
}
