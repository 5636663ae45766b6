package inflate

import (
	"bytes"
	"math/bits"
)

// An entry of a decoding table says what the next bits of the input are. From the lowest bit up:
//
//	 0-5   how many bits it takes: its code, and the extra bits behind it
//	 8-11  how many of them are the code
//	12     it is a literal
//	13     it is a link to a table for longer codes
//	14     it is the end of the block, or no code
//	16-31  the literal, the least length or distance, where the linked table begins, or 1 for the end of the block
//
// A link takes the bits that its table is looked up with. Its bits 8-11 are how many more the linked one is.
type entry uint32

const (
	literal entry = 1 << 12
	link    entry = 1 << 13
	stop    entry = 1 << 14
	special       = link | stop

	endOfBlock = stop | 1<<16
	noCode     = stop

	// oneBit is what a bit of its code adds to an entry.
	oneBit entry = 1<<8 | 1
)

// Taken and code are in bits, value is what stands in the upper half.
func (e entry) taken() uint { return uint(e & 63) }
func (e entry) code() uint  { return uint(e >> 8 & 15) }
func (e entry) value() int  { return int(e >> 16) }

// Bounds of codes (RFC 1951, 3.2.5 to 3.2.7), and the bits that tables are looked up with. The sizes of the
// latter have room for the linked tables: of longer codes at least two share a link, or the code is incomplete.
const (
	maxCodeBits  = 15
	litSymbols   = 286
	distSymbols  = 30
	fixedSymbols = 288 // the last two never occur
	metaSymbols  = 19

	litBits  = 10
	distBits = 9
	metaBits = 7

	litSize  = 1<<litBits + fixedSymbols/2<<(maxCodeBits-litBits)
	distSize = 1<<distBits + distSymbols/2<<(maxCodeBits-distBits)
	metaSize = 1 << metaBits
)

// What symbols mean, as entries without a code.
var (
	litEntries  = newLitEntries()
	distEntries = newDistEntries()
	metaEntries = newMetaEntries()
)

// newLitEntries are the literals, the end of a block, and the lengths (RFC 1951, 3.2.5).
func newLitEntries() (entries [fixedSymbols]entry) {
	for i := range entries[:256] {
		entries[i] = literal | entry(i)<<16
	}
	entries[256] = endOfBlock
	length := 3
	for i := range 28 {
		extra := max(0, i/4-1)
		entries[257+i] = entry(length<<16 | extra)
		length += 1 << extra
	}
	entries[285] = 258 << 16
	entries[286], entries[287] = noCode, noCode
	return entries
}

// newDistEntries are the distances (RFC 1951, 3.2.5).
func newDistEntries() (entries [32]entry) {
	distance := 1
	for i := range distSymbols {
		extra := max(0, i/2-1)
		entries[i] = entry(distance<<16 | extra)
		distance += 1 << extra
	}
	entries[30], entries[31] = noCode, noCode
	return entries
}

// newMetaEntries are the lengths of codes, and how they are repeated (RFC 1951, 3.2.7).
func newMetaEntries() (entries [metaSymbols]entry) {
	for i := range entries {
		entries[i] = entry(i) << 16
	}
	return entries
}

// build fills a table that is looked up with so many bits for the code with these lengths, which are of the
// symbols that entries mean. It reports whether the code can be used: it has to be complete. As in compress/flate,
// two others are fine: that of one symbol, of one bit, and that of none.
func build(table []entry, root uint, lengths []uint8, entries []entry) bool {
	var count [maxCodeBits + 1]int
	for _, n := range lengths {
		count[n]++
	}
	var next [maxCodeBits + 2]int // where the symbols of a length stand, sorted
	next[1] = count[0]
	free, longest := 1, uint(0) // free are the codes of a length that neither is used nor begins with one
	for n := uint(1); n <= maxCodeBits; n++ {
		next[n+1] = next[n] + count[n]
		free = free<<1 - count[n]
		if count[n] > 0 {
			longest = n
		}
	}
	if used := len(lengths) - count[0]; free != 0 {
		table = table[:1<<root]
		switch {
		case used == 0:
			alternate(table, noCode, noCode)
		case used == 1 && longest == 1:
			alternate(table, entries[bytes.IndexByte(lengths, 1)]+oneBit, noCode+oneBit)
		default:
			return false
		}
		return true
	}
	var sorted [fixedSymbols]uint16
	for symbol, n := range lengths {
		sorted[next[n]] = uint16(symbol)
		next[n]++
	}
	assign(table, root, longest, sorted[count[0]:len(lengths)], lengths, entries)
	return true
}

// alternate fills a table for a code of at most one bit.
func alternate(table []entry, zero, one entry) {
	for i := 0; i < len(table); i += 2 {
		table[i], table[i+1] = zero, one
	}
}

// assign gives the symbols, which are sorted by the lengths of their codes, their codes in a complete code, and
// fills the table. Codes stand in the input from their first bit up, so that the next one is found by adding one
// to them from above. A table for codes of n bits, doubled, is one for those of n+1 bits.
func assign(table []entry, root, longest uint, sorted []uint16, lengths []uint8, entries []entry) {
	var (
		code, prefix = 0, -1 // prefix is what of the code leads to the linked table
		n, size      = uint(0), 1
		linked       []entry
		free         = table[1<<root:]
	)
	for _, symbol := range sorted {
		for n < uint(lengths[symbol]) {
			if n++; n <= root {
				copy(table[size:2*size], table[:size])
				size *= 2
			}
		}
		if n <= root {
			table[code] = entries[symbol] + entry(n)*oneBit
		} else {
			if p := code & (1<<root - 1); p != prefix {
				prefix = p
				width := longest - root
				table[p] = link | entry(len(table)-len(free))<<16 | entry(width)<<8 | entry(root)
				linked, free = free[:1<<width], free[1<<width:]
			}
			e := entries[symbol] + entry(n-root)*oneBit
			for i := code >> root; i < len(linked); i += 1 << (n - root) {
				linked[i] = e
			}
		}
		if zeros := code ^ (1<<n - 1); zeros != 0 {
			highest := 1 << (bits.Len(uint(zeros)) - 1)
			code = code&(highest-1) | highest
		}
	}
	for ; size < 1<<root; size *= 2 {
		copy(table[size:2*size], table[:size])
	}
}
