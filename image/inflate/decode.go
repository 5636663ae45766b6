package inflate

// decode unpacks coded data until the block ends or the window is filled.
func (d *decoder) decode() (err error) {
	for err == nil && d.made < filled && d.block == codedBlock {
		if len(d.data)-d.next < fastInput {
			err = d.decodeOne()
		} else {
			err = d.decodeFast()
		}
	}
	return err
}

// decodeOne unpacks a literal or a match, where the input may end: it reads no byte too many.
func (d *decoder) decodeOne() error {
	e, err := d.symbol(d.litTable[:], litBits)
	if err != nil {
		return err
	}
	if e&literal != 0 {
		d.window[d.made] = byte(e.value())
		d.made++
		return nil
	}
	if e&stop != 0 {
		return d.stopAt(e)
	}
	length, err := d.number(e)
	if err != nil {
		return err
	}
	if e, err = d.symbol(d.distTable[:], distBits); err != nil {
		return err
	}
	if e&stop != 0 {
		return d.stopAt(e)
	}
	distance, err := d.number(e)
	if err != nil {
		return err
	}
	if distance > d.made {
		return errData
	}
	d.repeat(uint(d.made), uint(length), uint(distance))
	d.made += length
	return nil
}

// number is a length or a distance, of whose entry the extra bits are still to be read.
func (d *decoder) number(e entry) (int, error) {
	more, err := d.take(e.taken() - e.code())
	return e.value() + more, err
}

// stopAt ends the block, or is an error where the entry is no code.
func (d *decoder) stopAt(e entry) error {
	if e.value() == 0 {
		return errData
	}
	d.block = noBlock
	return nil
}

// repeat makes length bytes at a position of the window, each the same as the one at distance before it. It writes
// words, and so up to 7 bytes more. What repeats with a short distance repeats with its double as well.
func (d *decoder) repeat(at, length, distance uint) {
	end := at + length
	for distance < 8 {
		copyWord(d.window[at:at+8], d.window[at-distance:at-distance+8])
		at += distance
		distance *= 2
	}
	for ; at < end; at += 8 {
		copyWord(d.window[at:at+8], d.window[at-distance:at-distance+8])
	}
}

func copyWord(to, from []byte) { le.PutUint64(to, le.Uint64(from)) }

// The fast loop reads words, and no byte behind the input. In a turn it reads two, and the second up to 7 bytes
// behind the first; before the first turn it reads one more.
const (
	turnInput = 7 + 8
	fastInput = 7 + turnInput
	minBits   = 56 // in the bit buffer behind refill
)

// refill fills the bit buffer, of which the lowest bits, as many as the lowest 6 bits of n say, are not used yet.
// Those above them are what follows in the input, so that setting them twice does no harm. It returns the position
// of the first byte of which no bit is counted.
func refill(data []byte, next uint, bits uint64, n uint32) (uint, uint64, uint32) {
	bits |= le.Uint64(data[next:next+8]) << (n & 63)
	return next + uint(63-n)>>3&7, bits, n | minBits
}

// decodeFast is decodeOne for as long as there is enough input, and the window is not filled. All that changes is in
// registers, so it is one function: what it calls is inlined, but for matches that are long or near. Bits are
// sufficient without a look at their number: two literals and a length are at most 2*litBits+20 of the 56, and a
// distance is at most 28. An entry is taken from n as a whole: only the lowest 6 bits of either count.
func (d *decoder) decodeFast() error {
	data, next, made := d.data, uint(d.next), uint(d.made)
	bits, n := d.bits, uint32(d.nbits)
	var err error

	next, bits, n = refill(data, next, bits, n)
	e := d.litTable[bits&(1<<litBits-1)]
	for made < filled && next+turnInput <= uint(len(data)) {
		here := bits
		bits >>= e & 63
		n -= uint32(e)
		if e&literal != 0 {
			d.window[made] = byte(e >> 16)
			made++
			e = d.litTable[bits&(1<<litBits-1)]
			here = bits
			bits >>= e & 63
			n -= uint32(e)
			if e&literal != 0 {
				d.window[made] = byte(e >> 16)
				made++
				e = d.litTable[bits&(1<<litBits-1)]
				here = bits
				bits >>= e & 63
				n -= uint32(e)
			}
		}
		if e&special != 0 {
			if e&link != 0 {
				e = d.litTable[uint(e>>16)+uint(bits&(1<<(e>>8&15)-1))]
				here = bits
				bits >>= e & 63
				n -= uint32(e)
			}
			if e&stop != 0 {
				err = d.stopAt(e)
				break
			}
		}
		if e&literal != 0 {
			d.window[made] = byte(e >> 16)
			made++
			next, bits, n = refill(data, next, bits, n)
			e = d.litTable[bits&(1<<litBits-1)]
			continue
		}
		length := uint(e>>16) + uint(here&(1<<(e&63)-1)>>(e>>8&63))
		if n&63 < 28 {
			next, bits, n = refill(data, next, bits, n)
		}
		e = d.distTable[bits&(1<<distBits-1)]
		here = bits
		bits >>= e & 63
		n -= uint32(e)
		if e&special != 0 {
			if e&link != 0 {
				e = d.distTable[uint(e>>16)+uint(bits&(1<<(e>>8&15)-1))]
				here = bits
				bits >>= e & 63
				n -= uint32(e)
			}
			if e&stop != 0 {
				err = d.stopAt(e)
				break
			}
		}
		distance := uint(e>>16) + uint(here&(1<<(e&63)-1)>>(e>>8&63))
		from := made - distance
		if from >= made {
			err = errData
			break
		}
		// What comes next is looked up before the match is copied: neither has to wait for the other.
		next, bits, n = refill(data, next, bits, n)
		e = d.litTable[bits&(1<<litBits-1)]
		if distance >= 8 && length <= 32 {
			to, from := d.window[made:made+32], d.window[from:from+32]
			copyWord(to, from)
			copyWord(to[8:], from[8:])
			copyWord(to[16:], from[16:])
			copyWord(to[24:], from[24:])
		} else {
			d.repeat(made, length, distance)
		}
		made += length
	}
	n &= 63
	d.bits, d.nbits = bits, uint(n%8)
	d.next, d.made = int(next)-int(n/8), int(made)
	return err
}
