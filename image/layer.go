package image

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
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

// maxWindow bounds the memory of a zstd decoder, in bytes: what zstd's own tool needs without being told.
const maxWindow = 128 << 20

// decompress returns what r unpacks to, by its magic number.
func decompress(r *bufio.Reader) (io.ReadCloser, compression, error) {
	head, err := r.Peek(4)
	if err != nil && err != io.EOF {
		return nil, plain, err
	}
	switch c := sniff(head); c {
	case gzipped:
		z, err := gzip.NewReader(r)
		return z, c, err
	case zstdized:
		z, err := zstd.NewReader(r, zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, c, err
		}
		return z.IOReadCloser(), c, nil
	default:
		return io.NopCloser(r), c, nil
	}
}

// budget bounds what all layers of a platform may unpack to: decompression bombs are small (CVE-2026-48702).
type budget struct {
	left int64
	over error
}

// newBudget allows what the limits allow for so many bytes as stored.
func newBudget(l Limits, stored int64) *budget {
	b := &budget{l.Uncompressed, limited("the unpacked size of all layers", l.Uncompressed, "bytes")}
	if byRatio := max(l.RatioFloor, l.Ratio*stored); byRatio < b.left {
		b.left, b.over = byRatio, limited("the unpacked size of all layers", fmt.Sprintf("%d:1, that is %d", l.Ratio, byRatio), "bytes")
	}
	return b
}

func (b *budget) spend(n int64) error {
	if b.left -= n; b.left < 0 {
		return b.over
	}
	return nil
}

// unpacked is the tar archive that a layer unpacks to: hashed, and bounded by a budget.
type unpacked struct {
	ctx    context.Context
	r      io.Reader
	budget *budget
	hash   hash.Hash
}

func (u *unpacked) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := u.r.Read(p)
	u.hash.Write(p[:n])
	if over := u.budget.spend(int64(n)); over != nil {
		return 0, over
	}
	return n, err
}

// readLayer opens a layer, calls read with the tar archive that it unpacks to, and then reads the rest: only
// at the end of the stream are the digests known. It returns the compression that was found.
func readLayer(ctx context.Context, s source, l Layer, b *budget, read func(io.Reader) error) (compression, error) {
	if err := checkLayerType(l.MediaType); err != nil {
		return plain, err
	}
	blob, err := openBlob(ctx, s, descriptor{Digest: l.Digest, Size: l.Size})
	if err != nil {
		return plain, err
	}
	defer blob.Close()
	stored := bufio.NewReaderSize(blob, 64<<10)
	z, found, err := decompress(stored)
	if err != nil {
		return found, err
	}
	defer z.Close()
	u := &unpacked{ctx: ctx, r: z, budget: b, hash: sha256.New()}
	if err := read(u); err != nil {
		return found, err
	}
	if err := drain(u); err != nil {
		return found, err
	}
	if n, err := io.Copy(io.Discard, stored); err != nil || n > 0 {
		return found, trailing(err)
	}
	if got := digestPrefix + hex.EncodeToString(u.hash.Sum(nil)); got != l.DiffID {
		return found, fail(nil, "it unpacks to %s, and the configuration says %s", got, l.DiffID)
	}
	return found, nil
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
