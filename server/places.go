package server

import (
	"net/netip"
	"slices"
	"sync"
)

// placesOfEndpoint is how many requests of one endpoint are read at once: their bodies are what takes memory.
const placesOfEndpoint = 64

// places are where requests of one endpoint are read. Who cannot be told from a stranger before the body is there gives way to
// others: strangers who send theirs slowly would keep the sender out.
type places struct {
	mu    sync.Mutex
	taken []*place // who has been there longest comes first
}

// place is that of one request.
type place struct {
	from   netip.Prefix
	hangUp func() // ends the reading of the body; nil if nobody may
	lost   bool
}

// take takes a place for a client, nil if there is none. hangUp ends the reading of the body of who has proved nothing yet, and
// is nil for who has.
func (p *places) take(from netip.Prefix, hangUp func()) *place {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.taken) >= placesOfEndpoint && (hangUp == nil || !p.clear()) {
		return nil
	}
	one := &place{from: from, hangUp: hangUp}
	p.taken = append(p.taken, one)
	return one
}

// clear takes a place away: of the client that is waited for at most of them, the one where that takes longest.
func (p *places) clear() bool {
	waiting := map[netip.Prefix]int{}
	for _, one := range p.taken {
		if one.hangUp != nil {
			waiting[one.from]++
		}
	}
	var longest *place
	for _, one := range p.taken {
		if one.hangUp != nil && (longest == nil || waiting[one.from] > waiting[longest.from]) {
			longest = one
		}
	}
	if longest == nil {
		return false
	}
	longest.hangUp()
	longest.lost = true
	p.remove(longest)
	return true
}

// keep makes a place one that nobody takes away: its body was read. It is false if somebody has.
func (p *places) keep(one *place) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	one.hangUp = nil
	return !one.lost
}

// leave gives a place back. hangUp is not called any more.
func (p *places) leave(one *place) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.remove(one)
}

func (p *places) remove(one *place) {
	p.taken = slices.DeleteFunc(p.taken, func(o *place) bool { return o == one })
}
