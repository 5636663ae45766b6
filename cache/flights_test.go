package cache

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// TestFlights: all who ask meanwhile get the one answer, and who asks later another.
func TestFlights(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var (
			f       Flights[int]
			calls   atomic.Int32
			wait    sync.WaitGroup
			release = make(chan struct{})
			failed  = errors.New("failed")
		)
		for range 10 {
			wait.Go(func() {
				n, err := f.Do(t.Context(), "k", func(context.Context) (int, error) { <-release; return int(calls.Add(1)), failed })
				if n != 1 || err != failed {
					t.Errorf("got %d, %v", n, err)
				}
			})
		}
		synctest.Wait()
		if n, err := f.Do(t.Context(), "other", func(context.Context) (int, error) { return 7, nil }); n != 7 || err != nil {
			t.Errorf("another key: %d, %v", n, err)
		}
		close(release)
		wait.Wait()
		if n, err := f.Do(t.Context(), "k", func(context.Context) (int, error) { return int(calls.Add(1)), nil }); n != 2 || err != nil {
			t.Errorf("afterwards: %d, %v", n, err)
		}
	})
}

// TestFlightsAbandoned: neither who waits nor who works fails because the other gave up.
func TestFlightsAbandoned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f Flights[int]
		var wait sync.WaitGroup
		impatient, cancel := context.WithCancel(t.Context())
		slow := func(ctx context.Context) (int, error) { <-ctx.Done(); return 0, ctx.Err() }
		wait.Go(func() {
			if _, err := f.Do(impatient, "k", slow); !errors.Is(err, context.Canceled) {
				t.Errorf("who gave up got %v", err)
			}
		})
		synctest.Wait()
		for range 5 {
			wait.Go(func() {
				n, err := f.Do(t.Context(), "k", func(context.Context) (int, error) { return 5, nil })
				if n != 5 || err != nil {
					t.Errorf("who waited got %d, %v", n, err)
				}
			})
		}
		synctest.Wait()
		gone, leave := context.WithCancel(t.Context())
		leave()
		if _, err := f.Do(gone, "k", slow); !errors.Is(err, context.Canceled) {
			t.Errorf("who would not wait got %v", err)
		}
		cancel()
		wait.Wait()
	})
}

func TestFlightsPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f Flights[int]
		var wait sync.WaitGroup
		release := make(chan struct{})
		wait.Go(func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic was lost")
				}
			}()
			f.Do(t.Context(), "k", func(context.Context) (int, error) { <-release; panic("x") })
		})
		synctest.Wait()
		wait.Go(func() {
			if n, err := f.Do(t.Context(), "k", func(context.Context) (int, error) { return 5, nil }); n != 5 || err != nil {
				t.Errorf("who waited got %d, %v", n, err)
			}
		})
		synctest.Wait()
		close(release)
		wait.Wait()
	})
}
