package signature

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/tidewaiter/tidewaiter/cache"
)

// memory finds things out: once for all who want the same at the same time, and once in a while for who wants it
// again. Failures are not remembered. Whoever gets something must not change it.
type memory[T any] struct {
	remember time.Duration // how long something is good enough not to be found out again
	size     func(T) int64 // about what something takes in memory, in bytes
	running  cache.Flights[T]

	mu    sync.Mutex
	known map[string]remembered[T]
	bytes int64 // of all that is known
}

// remembered is something that was found out.
type remembered[T any] struct {
	value T
	until time.Time
}

// rememberedBytes bounds what one memory holds, in bytes.
const rememberedBytes = 64 << 20

// do returns what is known under the key, or else what work finds out.
func (m *memory[T]) do(ctx context.Context, key string, work func(context.Context) (T, error)) (T, error) {
	if found, ok := m.recall(key); ok {
		return found, nil
	}
	return m.running.Do(ctx, key, func(ctx context.Context) (T, error) {
		if found, ok := m.recall(key); ok {
			return found, nil // meanwhile
		}
		found, err := work(ctx)
		if err == nil && m.remember > 0 {
			m.keep(key, found)
		}
		return found, err
	})
}

func (m *memory[T]) recall(key string) (T, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	known, ok := m.known[key]
	return known.value, ok && time.Now().Before(known.until)
}

// keep remembers something. What is old is forgotten, and everything if it becomes too much.
func (m *memory[T]) keep(key string, found T) {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.known, func(old string, known remembered[T]) bool {
		forget := old == key || time.Now().After(known.until)
		if forget {
			m.bytes -= m.size(known.value)
		}
		return forget
	})
	if m.bytes += m.size(found); m.known == nil || m.bytes > rememberedBytes {
		m.known, m.bytes = map[string]remembered[T]{}, m.size(found)
	}
	m.known[key] = remembered[T]{found, time.Now().Add(m.remember)}
}
