package inflate

// block is what is being unpacked.
type block uint8

const (
	noBlock     block = iota // the next one has to begin
	storedBlock              // bytes as they are
	codedBlock               // symbols, for which there are tables
	noneLeft                 // the member's last one has ended
)

// fill waits until the input has a byte that is not used.
func (d *decoder) fill() error {
	if d.next < len(d.data) {
		return nil
	}
	d.in.Discard(d.next)
	d.data, d.next = nil, 0
	if _, err := d.in.Peek(1); err != nil {
		return err
	}
	d.data, _ = d.in.Peek(d.in.Buffered())
	return nil
}

// addByte reads one more byte.
func (d *decoder) addByte() error {
	if err := d.fill(); err != nil {
		return err
	}
	d.bits |= uint64(d.data[d.next]) << (d.nbits & 63)
	d.nbits += 8
	d.next++
	return nil
}

// take reads a number of so many bits.
func (d *decoder) take(n uint) (int, error) {
	for d.nbits < n {
		if err := d.addByte(); err != nil {
			return 0, err
		}
	}
	v := d.bits & (1<<n - 1)
	d.bits >>= n
	d.nbits -= n
	return int(v), nil
}

// symbol reads a code, for which table is looked up with so many bits, and nothing behind it. It returns the entry;
// extra bits are still to be read. An entry that takes no more bits than there are is the right one, whatever
// follows them.
func (d *decoder) symbol(table []entry, root uint) (entry, error) {
	for {
		e := table[d.bits&(1<<root-1)]
		n := e.code()
		if e&link != 0 {
			e = table[uint64(e.value())+d.bits>>root&(1<<n-1)]
			n = root + e.code()
		}
		if n <= d.nbits {
			d.bits >>= n
			d.nbits -= n
			return e, nil
		}
		if err := d.addByte(); err != nil {
			return 0, err
		}
	}
}

// nextBlock begins a block (RFC 1951, 3.2.3).
func (d *decoder) nextBlock() error {
	if d.last {
		d.block = noneLeft
		return nil
	}
	head, err := d.take(3)
	if err != nil {
		return err
	}
	d.last = head&1 != 0
	switch head >> 1 {
	case 0:
		d.block = storedBlock
		return d.storedHead()
	case 1:
		d.block = codedBlock
		d.fixedTables()
		return nil
	case 2:
		d.block = codedBlock
		return d.ownTables()
	}
	return errData
}

// storedHead reads how long a stored block is (RFC 1951, 3.2.4).
func (d *decoder) storedHead() (err error) {
	d.bits, d.nbits = 0, 0
	if d.stored, err = d.take(16); err != nil {
		return err
	}
	inverse, err := d.take(16)
	if err == nil && inverse != d.stored^0xffff {
		err = errData
	}
	return err
}

// copyStored copies what is there of a stored block, and fits.
func (d *decoder) copyStored() error {
	if d.stored == 0 {
		d.block = noBlock
		return nil
	}
	if err := d.fill(); err != nil {
		return err
	}
	data := d.data[d.next:]
	n := copy(d.window[d.made:filled], data[:min(d.stored, len(data))])
	d.made += n
	d.next += n
	d.stored -= n
	return nil
}

// fixedTables makes the tables of a fixed block (RFC 1951, 3.2.6), unless they are there.
func (d *decoder) fixedTables() {
	if d.fixed {
		return
	}
	d.fixed = true
	lengths := d.lengths[:fixedSymbols]
	for i := range lengths {
		switch {
		case i < 144, i >= 280:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		default:
			lengths[i] = 7
		}
	}
	build(d.litTable[:], litBits, lengths, litEntries[:])
	lengths = d.lengths[:len(distEntries)]
	for i := range lengths {
		lengths[i] = 5
	}
	build(d.distTable[:], distBits, lengths, distEntries[:])
}

// metaOrder is the order of the lengths of the codes that stand for lengths of codes (RFC 1951, 3.2.7).
var metaOrder = [metaSymbols]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// ownTables reads the tables of a block that has its own (RFC 1951, 3.2.7).
func (d *decoder) ownTables() error {
	head, err := d.take(14)
	if err != nil {
		return err
	}
	lits, dists, metas := head&31+257, head>>5&31+1, head>>10+4
	if lits > litSymbols || dists > distSymbols {
		return errData
	}
	var lengths [metaSymbols]uint8
	for _, symbol := range metaOrder[:metas] {
		n, err := d.take(3)
		if err != nil {
			return err
		}
		lengths[symbol] = uint8(n)
	}
	if !build(d.metaTable[:], metaBits, lengths[:], metaEntries[:]) {
		return errData
	}
	if err := d.codeLengths(d.lengths[:lits+dists]); err != nil {
		return err
	}
	d.fixed = false
	if !build(d.litTable[:], litBits, d.lengths[:lits], litEntries[:]) ||
		!build(d.distTable[:], distBits, d.lengths[lits:lits+dists], distEntries[:]) {
		return errData
	}
	return nil
}

// codeLengths reads the lengths of codes. Some symbols repeat them.
func (d *decoder) codeLengths(lengths []uint8) error {
	for i := 0; i < len(lengths); {
		e, err := d.symbol(d.metaTable[:], metaBits)
		if err != nil {
			return err
		}
		if e&stop != 0 {
			return errData
		}
		if e.value() <= maxCodeBits {
			lengths[i] = uint8(e.value())
			i++
			continue
		}
		repeat := metaRepeats[e.value()-maxCodeBits-1]
		var length uint8
		if repeat.last {
			if i == 0 {
				return errData
			}
			length = lengths[i-1]
		}
		n, err := d.take(repeat.bits)
		if err != nil {
			return err
		}
		n += repeat.least
		if n > len(lengths)-i {
			return errData
		}
		for range n {
			lengths[i] = length
			i++
		}
	}
	return nil
}

// metaRepeats are the symbols above maxCodeBits: they repeat the last length, or zero, at least so often, and
// more by a number of so many bits.
var metaRepeats = [...]struct {
	last  bool
	least int
	bits  uint
}{{true, 3, 2}, {false, 3, 3}, {false, 11, 7}}
