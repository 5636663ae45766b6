package page

import (
	"net/netip"
	"sync"
	"time"

	"github.com/tidewaiter/tidewaiter/server/client"
)

// Guesses of a token: so many at once from one address, and then one each so often.
const (
	guesses       = 5
	guessInterval = 10 * time.Second
	maxGuessers   = 4096
)

// A throttle bounds how fast tokens can be guessed from an address. The zero throttle is ready. It remembers
// at most maxGuessers addresses; when that many guess at the same time, all others have to wait.
type throttle struct {
	mu       sync.Mutex
	guessers map[netip.Prefix]time.Time // when an address will have all its guesses back
}

// allow takes one guess from an address. A remote address that is none is one guesser with all others such.
func (t *throttle) allow(remote string, now time.Time) bool {
	from := client.Network(remote)
	t.mu.Lock()
	defer t.mu.Unlock()
	back := t.guessers[from]
	if back.Before(now) {
		back = now
	}
	if back = back.Add(guessInterval); back.Sub(now) > guesses*guessInterval {
		return false
	}
	if _, known := t.guessers[from]; !known && !t.room(now) {
		return false
	}
	if t.guessers == nil {
		t.guessers = map[netip.Prefix]time.Time{}
	}
	t.guessers[from] = back
	return true
}

// forgive gives an address its guesses back: it knew the token.
func (t *throttle) forgive(remote string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.guessers, client.Network(remote))
}

// room forgets who has all guesses back, once there are too many, and tells whether there is room for one more.
func (t *throttle) room(now time.Time) bool {
	if len(t.guessers) < maxGuessers {
		return true
	}
	for from, back := range t.guessers {
		if !back.After(now) {
			delete(t.guessers, from)
		}
	}
	return len(t.guessers) < maxGuessers
}
