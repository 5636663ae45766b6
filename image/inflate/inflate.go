// Package inflate unpacks gzip (RFC 1952) and the deflate in it (RFC 1951), which is most of the work of looking
// at an image: about twice as fast as the other decoders for Go, without assembly or unsafe. It accepts what
// compress/gzip accepts, and reads not one byte behind it.
//
// It is for files, not for conversations: what was unpacked is returned when much was, not when the input pauses.
package inflate

import (
	"bufio"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"sync"
)

// What is wrong with the data. Where they end too early, it is io.ErrUnexpectedEOF.
var (
	errHeader   = errors.New("gzip: the header is invalid")
	errData     = errors.New("gzip: the compressed data are invalid")
	errChecksum = errors.New("gzip: the data do not match their checksum")
)

// decoders are kept: one has more than 100 KiB.
var decoders = sync.Pool{New: func() any { return new(decoder) }}

// NewReader returns what the gzip members that r begins with unpack to; they are one stream. Its io.EOF means that
// all checksums were right, and that r stands behind the last member, where something else may follow. Until then
// r is not to be used, and what was read is not to be trusted. An error of r is returned as it is.
//
// Data that unpack to nothing are read until they end: a bound of r is the bound of that. The memory is the same
// for all. Close gives it back, and leaves r open.
func NewReader(r *bufio.Reader) (io.ReadCloser, error) {
	d := decoders.Get().(*decoder)
	d.in = r
	if err := d.begin(); err != nil {
		d.free()
		return nil, err
	}
	return &reader{d}, nil
}

// reader is a decoder until it is closed; then the decoder may be another's.
type reader struct{ *decoder }

func (r *reader) Read(p []byte) (int, error) {
	if r.decoder == nil {
		return 0, os.ErrClosed
	}
	return r.read(p)
}

func (r *reader) Close() error {
	if r.decoder != nil {
		r.free()
		r.decoder = nil
	}
	return nil
}

// Sizes of the window in bytes. All that a match can refer to is kept (RFC 1951, 2). Behind what is filled there is
// room for what one turn of the fast loop writes: some literals, a match, and what a word reaches beyond it.
const (
	history = 32 << 10
	filled  = history + 64<<10
	room    = 512
)

// decoder is the state of unpacking.
type decoder struct {
	in   *bufio.Reader
	data []byte // what in has buffered, of which the bytes before next are used
	next int
	// The bits that were read and not used, from the lowest, and how many they are; less than 8 between symbols, so
	// that no byte is read too early. Those above them are zeros, or what follows in the input.
	bits  uint64
	nbits uint

	block  block
	last   bool // it is the member's last block
	stored int  // bytes left of a stored block
	fixed  bool // the tables are those of a fixed block
	err    error

	// The window holds what the member unpacked to, from its begin or from history ago at the latest. What is
	// before given has been read, and up to made it is there.
	given, made int
	checksum    uint32
	size        uint32 // modulo 1<<32, as the member tells it

	lengths   [litSymbols + distSymbols]uint8
	metaTable [metaSize]entry
	litTable  [litSize]entry
	distTable [distSize]entry
	window    [filled + room]byte
}

// free gives the decoder back.
func (d *decoder) free() {
	d.in, d.data = nil, nil
	decoders.Put(d)
}

// begin reads the header of a member. Nothing of the one before can be referred to.
func (d *decoder) begin() error {
	d.data, d.next, d.bits, d.nbits = nil, 0, 0, 0
	d.block, d.last, d.err = noBlock, false, nil
	d.given, d.made, d.checksum, d.size = 0, 0, 0, 0
	return noEOF(d.header())
}

func (d *decoder) read(p []byte) (int, error) {
	for d.given == d.made && d.err == nil {
		d.err = d.more()
	}
	n := copy(p, d.window[d.given:d.made])
	if d.given += n; d.given < d.made || n > 0 {
		return n, nil
	}
	return 0, d.err
}

// more unpacks until there is much to be read or the member ends, or goes on to the next one.
func (d *decoder) more() error {
	if d.block != noneLeft {
		return noEOF(d.unpack())
	}
	if err := d.trailer(); err != nil {
		return noEOF(err)
	}
	if another, err := d.another(); err != nil {
		return err
	} else if !another {
		return io.EOF
	}
	return d.begin()
}

// unpack fills the window. What is there in spite of an error is right.
func (d *decoder) unpack() (err error) {
	if d.made >= filled {
		copy(d.window[:history], d.window[d.made-history:d.made])
		d.given, d.made = history, history
	}
	for err == nil && d.made < filled && d.block != noneLeft {
		switch d.block {
		case noBlock:
			err = d.nextBlock()
		case storedBlock:
			err = d.copyStored()
		case codedBlock:
			err = d.decode()
		}
	}
	made := d.window[d.given:d.made]
	d.checksum = crc32.Update(d.checksum, crc32.IEEETable, made)
	d.size += uint32(len(made))
	return err
}

// noEOF is the error where more has to follow.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
