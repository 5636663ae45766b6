package shell

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// What is known of a piece of data is a string in which every unknown part is one rune, a hole. Concatenation,
// field splitting, path cleaning, here-documents and parsing again thereby carry holes along without being told:
// in `eval "$(curl u); exit"` the text that eval parses is <hole>"; exit", and its first command word is the hole
// that curl left. Holes are runes of the last private plane but one. A script that writes such a rune itself gains
// nothing: at most it makes a text of its own unknown.
const (
	firstHole = 0xF0000
	maxHoles  = 0xFFFD
	holeBytes = 4
	holeByte  = 0xF3 // every hole begins with this byte in UTF-8
)

// hole is an unknown part of a value.
type hole struct {
	spelling string // how it is shown: $HOST, $(mktemp)

	fetch *fetch   // where it was fetched from; nil if from nowhere remote
	steps []string // how it came from there to here
	lines bool     // it is one line of what was fetched, taken by read

	unset  bool     // it is a variable that nothing has set
	file   string   // it is what is in the file of that name, or made of it
	below  string   // it is the name of a file below this folder
	alts   []string // it is one of these, depending on the branch that was taken
	digest []*fetch // it is a checksum of these
	fifo   string   // it is what comes out of the named pipe at this path
	shell  *shellIO // it is what a shell prints that takes its commands from a peer or a named pipe
	opaque string   // it is something decoded that cannot be decoded here: says why
}

// fetch is one act of getting data from elsewhere.
type fetch struct {
	tool   string
	source string // URL, or host:port; may contain holes
	socket bool   // from a plain connection to a peer rather than from a file server
	store  bool   // from a store of settings, whose output is mostly evaluated for its variables
	layer  *layer // where it stands
	offset int
}

// shellIO is a shell whose input somebody else feeds; what it prints tells where it goes.
type shellIO struct {
	tool  string
	from  *hole
	at    *fetch // where it stands
	index int    // of the action that was already reported for its input, or -1
}

// newHole returns the text that stands for h.
func (in *interp) newHole(h hole) string {
	if len(in.holes) >= maxHoles {
		in.stop("more than %d unknown values", maxHoles)
		return ""
	}
	in.holes = append(in.holes, h)
	return string(rune(firstHole + len(in.holes) - 1))
}

// unknown returns a value of which only the spelling is known.
func (in *interp) unknown(spelling string) string { return in.newHole(hole{spelling: spelling}) }

// leadingHole returns the hole that s begins with, nil if it begins with a known character.
func (in *interp) leadingHole(s string) *hole {
	if s == "" || s[0] != holeByte {
		return nil
	}
	r, _ := utf8.DecodeRuneInString(s)
	if i := int(r) - firstHole; i >= 0 && i < len(in.holes) {
		return &in.holes[i]
	}
	return nil
}

// leading returns the hole that matters among those that s begins with, nil if it begins with something known.
func (in *interp) leading(s string) *hole {
	var first *hole
	for {
		s = strings.TrimLeft(s, " \t\n")
		h := in.leadingHole(s)
		if h == nil {
			return first
		}
		if first == nil || first.fetch == nil && h.fetch != nil {
			first = h
		}
		s = s[holeBytes:]
	}
}

// findHole returns the first hole in s for which ok holds.
func (in *interp) findHole(s string, ok func(*hole) bool) *hole {
	for {
		i := strings.IndexByte(s, holeByte)
		if i < 0 {
			return nil
		}
		s = s[i:]
		if h := in.leadingHole(s); h != nil && ok(h) {
			return h
		}
		s = s[1:]
	}
}

// known tells that s has no holes.
func (in *interp) known(s string) bool {
	return in.findHole(s, func(*hole) bool { return true }) == nil
}

// fetched returns the first hole in s that was fetched from elsewhere.
func (in *interp) fetched(s string) *hole {
	return in.findHole(s, func(h *hole) bool { return h.fetch != nil })
}

// remarkable returns the hole in s that says most of where s comes from: fetched, fed by a peer, undecodable.
func (in *interp) remarkable(s string) *hole {
	if h := in.fetched(s); h != nil {
		return h
	}
	return in.findHole(s, func(h *hole) bool { return h.shell != nil || h.fifo != "" || h.opaque != "" })
}

// derived is the unknown result of doing something to s. It keeps the origin of s; step, unless empty, tells what
// was done.
func (in *interp) derived(s, spelling, step string) string {
	h := hole{spelling: spelling}
	if from := in.leadingHole(s); from != nil {
		h.file, h.below = from.file, from.below
	}
	if from := in.remarkable(s); from != nil {
		h = *from
		h.spelling, h.alts, h.digest = spelling, nil, nil
		h.steps = appendStep(h.steps, step)
	}
	if sum := in.findHole(s, func(h *hole) bool { return h.digest != nil }); sum != nil {
		h.digest = sum.digest // cut out of the output of sha256sum
	}
	return in.newHole(h)
}

// moved returns s with the step added to where it came from, if s is nothing but fetched data.
func (in *interp) moved(s, step string) string {
	h := in.leadingHole(s)
	if h == nil || h.fetch == nil || utf8.RuneCountInString(strings.TrimSpace(s)) != 1 {
		return s
	}
	next := *h
	next.steps = appendStep(h.steps, step)
	return in.newHole(next)
}

// appendStep appends to a copy, since holes that branched off share their beginnings.
func appendStep(steps []string, step string) []string {
	if step == "" || len(steps) >= maxSteps {
		return steps
	}
	return append(steps[:len(steps):len(steps)], step)
}

// display returns s as a person should see it, holes as they were spelled.
func (in *interp) display(s string) string {
	if strings.IndexByte(s, holeByte) < 0 {
		return shorten(s, maxShown)
	}
	var b strings.Builder
	for i, r := range s {
		if b.Len() > maxShown {
			break
		}
		if h := in.leadingHole(s[i:]); h != nil {
			b.WriteString(h.spelling)
			continue
		}
		b.WriteRune(r)
	}
	return shorten(b.String(), maxShown)
}

// maxShown is the length, in bytes, of a name or URL within Steps and Source.
const maxShown = 300

// shorten cuts s to at most n bytes, between two characters.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// choice is a value that is one of alts, depending on the branch.
func (in *interp) choice(alts ...string) string {
	var all []string
	for _, a := range alts {
		inner := []string{a}
		if h := in.leadingHole(a); h != nil && h.alts != nil && utf8.RuneCountInString(a) == 1 {
			inner = h.alts
		}
		for _, b := range inner {
			if !slices.Contains(all, b) && len(all) < maxAlts {
				all = append(all, b)
			}
		}
	}
	if len(all) == 1 {
		return all[0]
	}
	h := hole{spelling: in.display(all[0]), alts: all}
	for _, a := range all {
		if f := in.remarkable(a); f != nil {
			h.fetch, h.steps, h.lines, h.opaque = f.fetch, f.steps, f.lines, f.opaque
			break
		}
	}
	return in.newHole(h)
}

// maxAlts is how many values of a variable are told apart after its branches have joined.
const maxAlts = 4

// maxChoices is how many choices within choices are followed.
const maxChoices = 3

// resolve replaces every choice in s by its k-th alternative, and tells how many alternatives there were.
func (in *interp) resolve(s string, k int) (text string, most int) {
	most = 1
	for range maxChoices {
		if strings.IndexByte(s, holeByte) < 0 {
			break
		}
		var b strings.Builder
		for i, r := range s {
			if b.Len() > in.budget.limits.ValueBytes {
				break // bounded, below, ends the analysis
			}
			h := in.leadingHole(s[i:])
			if h == nil || h.alts == nil {
				b.WriteRune(r)
				continue
			}
			most = max(most, len(h.alts))
			b.WriteString(h.alts[min(k, len(h.alts)-1)])
		}
		s = in.bounded(b.String())
	}
	return s, most
}
