package sbom

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"encoding/binary"
	"errors"
	"io"
	"sync"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zstd"
	"github.com/mikelolasagasti/xz"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz/lzma"

	"github.com/tidewaiter/tidewaiter/image/inflate"
)

// decompress looks at the one file that r unpacks to.
func (s *pass) decompress(inner string, f packing, r io.Reader) error {
	switch f {
	case gzipPacking:
		return s.gunzip(inner, r)
	case zlibPacking:
		return s.carve(inner, r)
	case base64Packing, hexPacking:
		return s.member(inner, 0, &spending{decoded(f, r), s.nest})
	}
	z, err := s.decoder(f, r)
	if err != nil {
		return err
	}
	defer z.Close()
	return s.member(inner, 0, &spending{z, s.nest})
}

// decoder unpacks r in bounded memory, until it is closed.
func (s *pass) decoder(f packing, r io.Reader) (io.ReadCloser, error) {
	in := bufio.NewReaderSize(r, 16<<10)
	head, _ := in.Peek(maxHeader)
	large := windowOf(f, head) > commonWindow
	free, err := s.nest.window(large)
	if err != nil {
		return nil, err
	}
	window := commonWindow
	if large {
		window = maxWindow
	}
	z, err := newDecoder(f, in, window)
	if err != nil {
		free()
		return nil, err
	}
	return &decoder{z, free}, nil
}

// decoder gives the memory of its window back when it is closed.
type decoder struct {
	io.ReadCloser
	free func()
}

func (d *decoder) Close() error {
	defer d.free()
	return d.ReadCloser.Close()
}

// newDecoder unpacks r with a window of so many bytes at most.
func newDecoder(f packing, r io.Reader, window int) (io.ReadCloser, error) {
	switch f {
	case bzip2Packing:
		return io.NopCloser(bzip2.NewReader(r)), nil
	case xzPacking:
		z, err := xz.NewReader(r, uint32(window))
		return io.NopCloser(z), err
	case lzmaPacking:
		z, err := unlzma(r, window)
		return io.NopCloser(z), err
	case lzmaZipPacking:
		z, err := unlzmaZip(r, window)
		return io.NopCloser(z), err
	case lz4Packing:
		return io.NopCloser(lz4.NewReader(r)), nil
	case zstdPacking:
		// The memory, not the window: a frame of a single segment says how large it is, and has none.
		d, err := zstd.NewReader(r, zstd.WithDecoderMaxMemory(uint64(window)), zstd.WithDecoderLowmem(true), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	}
	return nil, errors.New("nothing here unpacks it")
}

// maxHeader is how many of the first bytes tell the size of a window.
const maxHeader = 64

// windowOf is the size of the window that the begin of r asks for, in bytes. If that cannot be told, it is large.
func windowOf(f packing, head []byte) uint64 {
	const large = 1 << 62
	switch f {
	case xzPacking:
		return xzWindow(head)
	case lzmaPacking:
		if len(head) >= 5 {
			return uint64(binary.LittleEndian.Uint32(head[1:]))
		}
	case lzmaZipPacking:
		if len(head) >= 9 {
			return uint64(binary.LittleEndian.Uint32(head[5:]))
		}
	case zstdPacking:
		var first zstd.Header
		if first.Decode(head) == nil && !first.Skippable {
			if first.SingleSegment {
				return first.FrameContentSize
			}
			return first.WindowSize
		}
	default:
		return 0
	}
	return large
}

// xzWindow reads the size of the dictionary from the header of the first block (xz file format 3.1 and 5.3.1): it
// is the last of at most four filters.
func xzWindow(head []byte) uint64 {
	const block, lzma2, large = 12, 0x21, 1 << 62
	if len(head) < block+2 {
		return large
	}
	at := block + 2
	for _, flag := range []byte{0x40, 0x80} { // sizes, packed and unpacked
		if head[block+1]&flag != 0 {
			_, n := binary.Uvarint(head[min(at, len(head)):])
			if n <= 0 {
				return large
			}
			at += n
		}
	}
	for at+2 < len(head) {
		id, size := head[at], int(head[at+1])
		if id == lzma2 && size == 1 {
			bits := uint64(head[at+2])
			return (2 | bits&1) << (bits/2 + 11)
		}
		at += 2 + size
	}
	return large
}

// unlzma reads what has LZMA's own header of 13 bytes: properties, the size of the dictionary, the size unpacked.
func unlzma(r io.Reader, window int) (io.Reader, error) {
	return lzma.ReaderConfig{DictCap: window}.NewReader(r)
}

// unlzmaZip reads a member of a zip archive (APPNOTE 5.8.8): a version, and the properties after their size. How
// large it is unpacked, its code may say.
func unlzmaZip(r io.Reader, window int) (io.Reader, error) {
	var head [9]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	header := binary.LittleEndian.AppendUint64(bytes.Clone(head[4:]), 1<<64-1)
	return unlzma(io.MultiReader(bytes.NewReader(header), r), window)
}

var inflaters = sync.Pool{New: func() any { return flate.NewReader(nil) }}

// deflated unpacks r with a decoder that others use again when it is closed: archives of many small files would
// make as many.
func deflated(r io.Reader) io.ReadCloser {
	z := inflaters.Get().(io.ReadCloser)
	if err := z.(flate.Resetter).Reset(r, nil); err != nil {
		return flate.NewReader(r)
	}
	return &decoder{z, func() { inflaters.Put(z) }}
}

// gunzip looks at what r unpacks to, and at what is behind it: others stop there, or go on, as they like.
func (s *pass) gunzip(inner string, r io.Reader) error {
	in := bufio.NewReaderSize(r, 16<<10)
	z, err := inflate.NewReader(in)
	if err != nil {
		return err
	}
	defer z.Close()
	if err := s.member(inner, 0, &spending{z, s.nest}); err != nil {
		return err
	}
	if skipZeros(in) != nil {
		return nil
	}
	return s.member(within(inner, afterEnd), 0, in)
}

// afterEnd is what the bytes behind an archive are called.
const afterEnd = "after the end"
