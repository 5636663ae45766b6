package image

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/s2"

	"github.com/tidewaiter/tidewaiter/cache"
)

// Memory keeps what layers hold from one image to the next, and from run to run. A layer is found again by the
// digest of its blob and by what it unpacks to, both of which were computed when it was read: what a registry
// says of it, or sends for it, counts for nothing then. Nil remembers nothing.
type Memory struct {
	cache   *cache.Cache
	reading cache.Flights[struct{}] // so that a layer of several images is read once
}

// NewMemory keeps what is remembered in c.
func NewMemory(c *cache.Cache) *Memory {
	if c == nil {
		return nil
	}
	return &Memory{cache: c}
}

// Cache is where the memory keeps things; nil if it does not.
func (m *Memory) Cache() *cache.Cache {
	if m == nil {
		return nil
	}
	return m.cache
}

// Facts says how what a Visit finds is remembered.
type Facts struct {
	// Key changes with everything that a visit's findings depend on beside the name, the mode and the content of
	// a file: the rules, the program, the limits.
	Key string
	// Encode returns the facts of a member as bytes; false if they depend on more than Key, and must not be kept.
	Encode func(facts any) ([]byte, bool)
	// Decode is its inverse.
	Decode func([]byte) (any, error)
}

// Kinds of entries in the cache.
const (
	layerEntry   = "layer 1"   // a record with the small contents that were kept; the number changes with its form
	contentEntry = "content 1" // of one large file that was kept, by its SHA-256
)

// Bounds of what is remembered, in bytes: of a content that is part of its layer's entry, of all of these
// together, and of a content that is an entry of its own, compressed.
const (
	smallContent  = 1 << 20
	smallContents = 64 << 20
	largeContent  = 64 << 20
)

// key is what a layer is found by.
func (w *walk) key(l Layer) string {
	return fmt.Sprintf("%q %q %q %q", w.options.Facts.Key, w.platform.Config.OS, l.Digest, l.DiffID)
}

// layer returns the record of a layer: the one that is remembered, or what reading it gives.
func (r *recorder) layer(ctx context.Context, w *walk, l Layer, progress func(read int64)) (*record, error) {
	m := w.options.Memory
	if m == nil {
		return r.record(ctx, l, progress)
	}
	key := w.key(l)
	var made *record
	var failed error
	read := func(ctx context.Context) (struct{}, error) {
		if made = r.recall(w, key); made != nil {
			progress(l.Size)
			return struct{}{}, nil
		}
		if made, failed = r.record(ctx, l, progress); failed == nil {
			r.remember(w, key, made)
		}
		return struct{}{}, nil // who waits for it tries for himself: another registry may send the right bytes
	}
	if _, err := m.reading.Do(ctx, key, read); err != nil {
		return nil, err
	}
	if made == nil && failed == nil { // somebody else has read it
		_, _ = read(ctx)
	}
	return made, failed
}

// recall returns the record that was kept under the key, or nil. It costs the budgets what reading the layer would.
func (r *recorder) recall(w *walk, key string) *record {
	packed, ok := w.options.Memory.cache.Get(layerEntry, key)
	if !ok {
		return nil
	}
	const most = smallContents + maxRecord
	raw, err := io.ReadAll(io.LimitReader(s2.NewReader(bytes.NewReader(packed)), most+1))
	if err != nil || len(raw) > most {
		return nil
	}
	made, err := decodeRecord(raw, w.options.Facts)
	if err != nil {
		return nil
	}
	for _, m := range made.members {
		if max(len(m.Name), len(m.Linkname)) > w.limits.Path {
			return nil // and reading it says so
		}
	}
	if r.entries.spend(int64(len(made.members))) != nil || r.budget.spend(made.unpacked.Load()) != nil {
		// Reading it would end the same way: let it, for the error.
		return nil
	}
	return made
}

// remember keeps the record. What cannot be kept is read again the next time.
func (r *recorder) remember(w *walk, key string, made *record) {
	for _, m := range made.members {
		if m.kept.spool == nil || m.Size == 0 {
			continue
		}
		sum := sha256.New()
		if _, err := io.Copy(sum, m.kept.section(m.Size)); err != nil {
			return
		}
		m.kept.sha256 = hex.EncodeToString(sum.Sum(nil))
		if m.Size > smallContent {
			rememberContent(w.options.Memory.cache, m)
		}
	}
	w.options.Memory.cache.PutFrom(layerEntry, key, func(out io.Writer) error {
		z := s2.NewWriter(out, s2.WriterConcurrency(1))
		return errors.Join(encodeRecord(z, made, w.options.Facts), z.Close())
	})
}

// rememberContent keeps the content of a large file.
func rememberContent(c *cache.Cache, m *Member) {
	c.PutFrom(contentEntry, m.kept.sha256, func(out io.Writer) error {
		z := s2.NewWriter(&limitedWriter{out, largeContent}, s2.WriterConcurrency(1))
		_, err := io.Copy(z, m.kept.section(m.Size))
		return errors.Join(err, z.Close())
	})
}

// limitedWriter fails to take more than some bytes.
type limitedWriter struct {
	io.Writer
	left int
}

func (w *limitedWriter) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, io.ErrShortWrite
	}
	return w.Writer.Write(p)
}

// recallContent puts a large content that is remembered back onto the disk; false if it is not. It is called by one
// at a time.
func (f *Files) recallContent(m *Member) bool {
	packed, ok := f.walk.options.Memory.Cache().Get(contentEntry, m.kept.sha256)
	if !ok {
		return false
	}
	own := &spool{dir: f.walk.options.TempDir, budget: f.walk.kept}
	f.spools = append(f.spools, own)
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(own, sum), io.LimitReader(s2.NewReader(bytes.NewReader(packed)), m.Size+1))
	if err != nil || n != m.Size || hex.EncodeToString(sum.Sum(nil)) != m.kept.sha256 {
		own.drop()
		return false
	}
	at, err := own.commit()
	if err != nil {
		return false
	}
	at.sha256 = m.kept.sha256
	m.kept = at
	return true
}
