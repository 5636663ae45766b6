package cache

import (
	"context"
	"sync"
)

// Flights does work once for all who want the same at the same time. The zero value is ready, and remembers
// nothing of work that is done.
type Flights[T any] struct {
	mu   sync.Mutex
	work map[string]*flight[T]
}

// flight is work that somebody has begun.
type flight[T any] struct {
	done  chan struct{} // closed when the rest is set
	value T
	err   error
	// abandoned tells that whoever began it gave up: who waited has to begin anew.
	abandoned bool
}

// Do returns what work returns, or what the work that somebody else has begun for the key returns. Work runs in the
// context of whoever began it. If that is cancelled, another who waits begins again: nobody fails by the
// impatience of others.
func (f *Flights[T]) Do(ctx context.Context, key string, work func(context.Context) (T, error)) (T, error) {
	for {
		f.mu.Lock()
		running := f.work[key]
		if running == nil {
			return f.begin(ctx, key, work)
		}
		f.mu.Unlock()
		select {
		case <-ctx.Done():
			var none T
			return none, ctx.Err()
		case <-running.done:
		}
		if !running.abandoned {
			return running.value, running.err
		}
	}
}

// begin does the work. It is called with the lock held, and releases it.
func (f *Flights[T]) begin(ctx context.Context, key string, work func(context.Context) (T, error)) (T, error) {
	own := &flight[T]{done: make(chan struct{}), abandoned: true} // by a panic, until work has returned
	if f.work == nil {
		f.work = map[string]*flight[T]{}
	}
	f.work[key] = own
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		delete(f.work, key)
		f.mu.Unlock()
		close(own.done)
	}()
	own.value, own.err = work(ctx)
	own.abandoned = own.err != nil && ctx.Err() != nil
	return own.value, own.err
}
