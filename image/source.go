package image

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
)

// source is where an image's manifests and blobs are read from. Nothing that it returns has been checked but
// for its size: its callers hash what they read.
type source interface {
	// manifest returns a manifest or index by its digest, or by a tag, and the media type that the source
	// says it has; empty if it says nothing. It may not be larger than Limits.Manifest.
	manifest(ctx context.Context, ref string) (raw []byte, mediaType string, err error)
	// blob opens a blob by its digest.
	blob(ctx context.Context, digest string) (io.ReadCloser, error)
	// referrers returns the manifests that are said to have digest as their subject.
	referrers(ctx context.Context, digest string) ([]descriptor, error)
}

// rawManifest reads a manifest, and checks that it is the one that was asked for. It returns the media type that the
// source says it has, too; empty if it says nothing.
func rawManifest(ctx context.Context, s source, digest string) (raw []byte, said string, err error) {
	raw, said, err = s.manifest(ctx, digest)
	if err != nil {
		return nil, "", err
	}
	if got := digestOf(raw); got != digest {
		return nil, "", fail(nil, "manifest %s: what was sent has the digest %s", digest, got)
	}
	return raw, said, nil
}

// manifestByDigest reads a manifest, and checks that it is the one that was asked for and of the media type
// that names it (any if empty). It returns its size, too.
func manifestByDigest(ctx context.Context, s source, digest, mediaType string) (*manifest, int64, error) {
	raw, said, err := rawManifest(ctx, s, digest)
	if err != nil {
		return nil, 0, err
	}
	m, err := parseNamed(raw, said, mediaType)
	if err != nil {
		return nil, 0, fail(err, "manifest %s: %v", digest, err)
	}
	return m, int64(len(raw)), nil
}

// parseNamed is parseManifest for a manifest that a descriptor names as mediaType (any if empty).
func parseNamed(raw []byte, said, mediaType string) (*manifest, error) {
	m, err := parseManifest(raw, cmp.Or(said, mediaType))
	if err == nil && mediaType != "" && m.MediaType != mediaType {
		return nil, unscannable("it is %s, and what names it says %s", quote(m.MediaType), quote(mediaType))
	}
	return m, err
}

// readBlob reads a whole blob of at most limit bytes into memory, and checks its size and digest.
func readBlob(ctx context.Context, s source, d descriptor, what string, limit int64) ([]byte, error) {
	if d.Size > limit {
		return nil, limited(what, limit, "bytes")
	}
	r, err := openBlob(ctx, s, d)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// openBlob opens a blob whose last Read fails unless its size and digest are those of d.
func openBlob(ctx context.Context, s source, d descriptor) (io.ReadCloser, error) {
	r, err := s.blob(ctx, d.Digest)
	if err != nil {
		return nil, err
	}
	return &verifiedBlob{ReadCloser: r, digest: d.Digest, size: d.Size, hash: sha256.New()}, nil
}

// verifiedBlob never returns io.EOF for anything but exactly the wanted bytes. A reader that stops earlier has
// not verified anything.
type verifiedBlob struct {
	io.ReadCloser
	digest string
	size   int64
	hash   hash.Hash
	read   int64
}

func (b *verifiedBlob) Read(p []byte) (int, error) {
	// One byte more than there should be is enough to know that there is too much.
	if room := b.size - b.read + 1; int64(len(p)) > room {
		p = p[:room]
	}
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	b.hash.Write(p[:n])
	switch {
	case b.read > b.size:
		return 0, fail(nil, "blob %s: more than the %d bytes that its descriptor says", b.digest, b.size)
	case err == io.EOF && b.read < b.size:
		return n, fail(nil, "blob %s: ends after %d of %d bytes", b.digest, b.read, b.size)
	case err == io.EOF:
		if got := digestPrefix + hex.EncodeToString(b.hash.Sum(nil)); got != b.digest {
			return n, fail(nil, "blob %s: what was sent has the digest %s", b.digest, got)
		}
	case err != nil:
		return n, fail(err, "blob %s: %v", b.digest, err)
	}
	return n, err
}

// readAll reads at most limit bytes.
func readAll(r io.Reader, what string, limit int64) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(raw)) > limit {
		return nil, limited(what, limit, "bytes")
	}
	return raw, nil
}
