package image

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/zstd"

	"github.com/tidewaiter/tidewaiter/image/inflate"
)

// compression is how a layer is packed.
type compression string

const (
	plain    compression = "plain"
	gzipped  compression = "gzip"
	zstdized compression = "zstd"
)

// layerTypes are the media types of layers that are read, with the compression that each claims. Runtimes go
// by the magic number, and so do we.
var layerTypes = map[string]compression{
	"application/vnd.oci.image.layer.v1.tar":            plain,
	"application/vnd.oci.image.layer.v1.tar+gzip":       gzipped,
	"application/vnd.oci.image.layer.v1.tar+zstd":       zstdized,
	"application/vnd.docker.image.rootfs.diff.tar":      plain,
	"application/vnd.docker.image.rootfs.diff.tar.gzip": gzipped,
	"application/vnd.docker.image.rootfs.diff.tar.zstd": zstdized,
}

// checkLayerType refuses layers that nothing could be said about.
func checkLayerType(mediaType string) error {
	if _, ok := layerTypes[mediaType]; ok {
		return nil
	}
	switch {
	case strings.Contains(mediaType, "+encrypted"):
		return unscannable("it is encrypted")
	case strings.Contains(mediaType, ".foreign."), strings.Contains(mediaType, ".nondistributable."):
		return unscannable("it is foreign (%s): a runtime would download it from elsewhere", quote(mediaType))
	}
	return unscannable("its media type %s is unknown", quote(mediaType))
}

// magics begin what is compressed. The skippable frames of zstd come before a frame in zstd:chunked.
var magics = []struct {
	magic []byte
	compression
}{
	{[]byte{0x1f, 0x8b}, gzipped},
	{[]byte{0x28, 0xb5, 0x2f, 0xfd}, zstdized},
}

func sniff(head []byte) compression {
	for _, m := range magics {
		if bytes.HasPrefix(head, m.magic) {
			return m.compression
		}
	}
	if len(head) >= 4 && head[0]&0xf0 == 0x50 && bytes.Equal(head[1:4], []byte{0x2a, 0x4d, 0x18}) {
		return zstdized
	}
	return plain
}

// Bounds of the memory of a zstd decoder, in bytes: what zstd's own tool needs without being told, and what it
// needs for all but the strongest of its levels. Of those that need more, one works at a time.
const (
	maxWindow    = 128 << 20
	commonWindow = 8 << 20
)

var largeWindow sync.Mutex

// unzstd returns what r unpacks to.
func unzstd(r *bufio.Reader) (io.ReadCloser, error) {
	head, err := r.Peek(zstd.HeaderMaxSize)
	if err != nil && err != io.EOF {
		return nil, err
	}
	var first zstd.Header
	window, unlock := uint64(commonWindow), func() {}
	if first.Decode(head) != nil || first.Skippable || first.WindowSize > window || first.SingleSegment && first.FrameContentSize > window {
		largeWindow.Lock()
		window, unlock = maxWindow, largeWindow.Unlock
	}
	// The memory, not the window: a frame of a single segment says how large it is, and has none.
	z, err := zstd.NewReader(r, zstd.WithDecoderMaxMemory(window), zstd.WithDecoderLowmem(true), zstd.WithDecoderConcurrency(1))
	if err != nil {
		unlock()
		return nil, err
	}
	return &zstdReader{z.IOReadCloser(), sync.OnceFunc(unlock)}, nil
}

// zstdReader is a decoder that lets the next one work when it is closed.
type zstdReader struct {
	io.ReadCloser
	unlock func()
}

func (z *zstdReader) Close() error {
	defer z.unlock()
	return z.ReadCloser.Close()
}

// decompress returns what r unpacks to, by its magic number.
func decompress(r *bufio.Reader) (io.ReadCloser, compression, error) {
	head, err := r.Peek(4)
	if err != nil && err != io.EOF {
		return nil, plain, err
	}
	switch c := sniff(head); c {
	case gzipped:
		z, err := inflate.NewReader(r)
		return z, c, err
	case zstdized:
		z, err := unzstd(r)
		return z, c, err
	default:
		return io.NopCloser(r), c, nil
	}
}

// budget bounds what all layers of a platform may make together, whichever is read first.
type budget struct {
	left atomic.Int64
	over error
}

// newBudget allows what the limits allow all layers to unpack to, for so many bytes as stored: decompression
// bombs are small (CVE-2026-48702).
func newBudget(l Limits, stored int64) *budget {
	b := limitedTo(l.Uncompressed, limited("the unpacked size of all layers", l.Uncompressed, "bytes"))
	if byRatio := max(l.RatioFloor, l.Ratio*stored); byRatio < l.Uncompressed {
		b = limitedTo(byRatio, limited("the unpacked size of all layers", fmt.Sprintf("%d:1 (limits.ratio), that is %d", l.Ratio, byRatio), "bytes"))
	}
	return b
}

// newEntryBudget allows so many files in all layers. A layer of nothing but names is small, too: the header of a
// file is the shortest that a tar archive can hold, and all headers are alike.
func newEntryBudget(l Limits, stored int64) *budget {
	if byBytes := max(int64(l.EntryFloor), stored/l.EntryBytes); byBytes < int64(l.Entries) {
		return limitedTo(byBytes, limited("the number of files", fmt.Sprintf("one for %d stored bytes (limits.entryBytes), that is %d", l.EntryBytes, byBytes), "files"))
	}
	return limitedTo(int64(l.Entries), tooManyEntries(l))
}

func limitedTo(n int64, over error) *budget {
	b := &budget{over: over}
	b.left.Store(n)
	return b
}

func (b *budget) spend(n int64) error {
	if b.left.Add(-n) < 0 {
		return b.over
	}
	return nil
}

// readLayer opens a layer, calls read with the tar archive that it unpacks to, and then reads the rest: only
// at the end of the stream are the digests known. It returns the compression that was found. Progress is told
// how many bytes as stored were read, spend how many were unpacked.
func readLayer(ctx context.Context, s source, l Layer, spend func(n int64) error, progress func(read int64), read func(io.Reader) error) (compression, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	blob, err := openBlob(ctx, s, descriptor{Digest: l.Digest, Size: l.Size})
	if err != nil {
		return plain, err
	}
	defer blob.Close()
	stored := bufio.NewReaderSize(&counted{r: blob, tell: progress}, 64<<10)
	z, found, err := decompress(stored)
	if err != nil {
		return found, err
	}
	defer z.Close()
	diffID := sha256.New()
	unpacked := readAhead(ctx, z, func(piece []byte) error {
		diffID.Write(piece)
		return spend(int64(len(piece)))
	})
	defer unpacked.close()
	defer cancel() // before that waits for a network
	if err := read(unpacked); err != nil {
		return found, err
	}
	if err := drain(unpacked); err != nil {
		return found, err
	}
	if n, err := io.Copy(io.Discard, stored); err != nil || n > 0 {
		return found, trailing(err)
	}
	if got := digestPrefix + hex.EncodeToString(diffID.Sum(nil)); got != l.DiffID {
		return found, fail(nil, "it unpacks to %s, and the configuration says %s", got, l.DiffID)
	}
	return found, nil
}

// counted is a reader that tells how much was read.
type counted struct {
	r    io.Reader
	n    int64
	tell func(n int64)
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	c.tell(c.n)
	return n, err
}

// drain reads the rest after the archive's end, which has to be zeros: GNU tar with -i, and some builders, go
// on reading there, and others do not.
func drain(r io.Reader) error {
	buffer := make([]byte, 32<<10)
	for {
		n, err := r.Read(buffer)
		if len(bytes.Trim(buffer[:n], "\x00")) > 0 {
			return trailing(nil)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func trailing(err error) error {
	if err != nil {
		return err
	}
	return unscannable("data after the end of the archive")
}
