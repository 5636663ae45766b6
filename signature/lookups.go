package signature

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/tidewaiter/tidewaiter/cache"
	"github.com/tidewaiter/tidewaiter/image"
)

// rememberedBytes bounds the signature material that a Verifier keeps in memory.
const rememberedBytes = 64 << 20

// lookups asks registries for signature material: once for all who want the same at the same time, and once in a
// while for who wants it again. Whoever gets the material must not change it.
type lookups struct {
	remember time.Duration
	running  cache.Flights[[]image.Attachment]

	mu    sync.Mutex
	known map[string]lookup
	size  int64 // of the payloads in known, in bytes
}

// lookup is material that was asked for.
type lookup struct {
	attachments []image.Attachment
	until       time.Time
}

// attachments returns what stands at a place.
func (l *lookups) attachments(ctx context.Context, img *image.Image, p place) ([]image.Attachment, error) {
	key := p.key(img.Reference)
	if found, ok := l.recall(key); ok {
		return found, nil
	}
	return l.running.Do(ctx, key, func(ctx context.Context) ([]image.Attachment, error) {
		if found, ok := l.recall(key); ok {
			return found, nil // meanwhile
		}
		found, err := img.Attachments(ctx, p.digest, p.repository)
		if err == nil && l.remember > 0 {
			l.keep(key, found)
		}
		return found, err
	})
}

// key tells the places apart at which material is kept.
func (p place) key(ref image.Reference) string {
	if p.repository == "" {
		return ref.Name() + "@" + p.digest
	}
	return p.repository + "@" + p.digest
}

func (l *lookups) recall(key string) ([]image.Attachment, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	known, ok := l.known[key]
	return known.attachments, ok && time.Now().Before(known.until)
}

// keep remembers material. What is old is forgotten, and everything if it becomes too much.
func (l *lookups) keep(key string, found []image.Attachment) {
	l.mu.Lock()
	defer l.mu.Unlock()
	maps.DeleteFunc(l.known, func(old string, known lookup) bool {
		forget := old == key || time.Now().After(known.until)
		if forget {
			l.size -= sizeOf(known.attachments)
		}
		return forget
	})
	if l.size += sizeOf(found); l.known == nil || l.size > rememberedBytes {
		l.known, l.size = map[string]lookup{}, sizeOf(found)
	}
	l.known[key] = lookup{found, time.Now().Add(l.remember)}
}

// sizeOf is about what material takes in memory, in bytes.
func sizeOf(attachments []image.Attachment) int64 {
	size := int64(1 << 10)
	for _, a := range attachments {
		size += int64(1<<10 + len(a.Payload))
		for key, value := range a.Annotations {
			size += int64(len(key) + len(value))
		}
	}
	return size
}
