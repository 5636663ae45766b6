package shell

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// found is an action, and what it takes to tell that it was already found.
type found struct {
	Action
	fetch  *fetch
	quoted string // the text that Action.Text stands in
}

func (in *interp) result() Result {
	r := Result{Unreadable: in.why, Actions: make([]Action, 0, len(in.actions)), Fetched: in.leaves(), Sought: in.seekingNames()}
	for _, f := range in.actions {
		r.Actions = append(r.Actions, f.Action)
	}
	return r
}

// newFetch notes that the statement being walked gets data from elsewhere.
func (in *interp) newFetch(tool, source string, socket bool) *fetch {
	in.flows++
	f := &fetch{tool: tool, source: source, socket: socket, layer: in.layer}
	if top := in.layer.top(); top != nil {
		f.offset = int(top.Pos().Offset())
	}
	return f
}

// same tells that two fetches are the same place in the source, walked twice.
func (f *fetch) same(g *fetch) bool {
	return f != nil && g != nil && f.tool == g.tool && f.source == g.source && f.offset == g.offset && f.layer.src == g.layer.src
}

// executed reports that text runs as code, if it begins with something that was fetched. via says how it is run,
// unless the text that is being walked was itself handed over by an outer one.
func (in *interp) executed(text, via string) {
	h := in.leading(text)
	if h == nil {
		h = in.fetched(text)
	}
	if h != nil {
		in.executedHole(h, via)
	}
}

// executedHole is executed for a hole that may stand anywhere in a script.
func (in *interp) executedHole(h *hole, via string) {
	if h.fetch == nil {
		in.executedUnknown(h)
		return
	}
	if in.layer.via != "" && h.fetch.layer != in.layer {
		via = in.layer.via
	}
	if h.fetch.store && (strings.Contains(via, " by eval") || strings.Contains(via, "sourced")) {
		return // export NAME=value
	}
	kind := RuntimeDownload
	if h.fetch.socket && h.lines {
		kind = ReverseShell
	}
	in.report(kind, h.fetch.tool, h.fetch.source, appendStep(h.steps, via), h.fetch)
}

// executedUnknown handles code that was not fetched, as far as can be told.
func (in *interp) executedUnknown(h *hole) {
	switch {
	case h.opaque != "":
		in.unreadable("%s, and runs the result", h.opaque)
	case h.fifo != "":
		in.file(h.fifo).reader = "a shell"
	}
}

// report adds an action that the statement being walked completes, and returns its index. One that is already
// there is not added again; it is verified only if it is every time.
func (in *interp) report(kind Kind, tool, source string, steps []string, f *fetch) int {
	if i := in.reported(kind, f); i >= 0 {
		return i
	}
	a := found{fetch: f, Action: Action{Kind: kind, Tool: in.display(tool), Source: in.display(source), Verified: f != nil && in.verified[f] > 0}}
	a.Text, a.File, a.Line, a.quoted = in.quote(f)
	for i, b := range in.actions {
		if b.Kind == kind && b.Text == a.Text && b.Line == a.Line && b.Source == a.Source {
			in.actions[i].Verified = b.Verified && a.Verified
			return i
		}
	}
	if len(in.actions) >= in.budget.limits.Actions {
		in.stop("more than %d actions", in.budget.limits.Actions)
		return -1
	}
	for _, s := range steps {
		a.Steps = append(a.Steps, in.display(s))
	}
	in.actions = append(in.actions, a)
	return len(in.actions) - 1
}

// reported finds the action that the same fetch has led to before, -1 if there is none. A shell on a connection
// also runs what comes over it, which is no action of its own.
func (in *interp) reported(kind Kind, f *fetch) int {
	for i, b := range in.actions {
		if (b.Kind == kind || b.Kind == ReverseShell) && f.same(b.fetch) {
			in.actions[i].Verified = b.Verified && in.verified[f] > 0
			return i
		}
	}
	return -1
}

// maxText is the length of Action.Text in bytes.
const maxText = 200

// quote returns the source of the statement being walked and its line. Where a statement around it is short and
// has the fetch in it as well, that one is returned; where it is short and the pipe that the statement reads from, that
// one: "sh" alone says little, and stands in many places. A text with unknown parts stands nowhere in the source;
// the statement that runs it is quoted instead.
func (in *interp) quote(f *fetch) (text, file string, line int, source string) {
	l := in.layer
	for l.outer != nil && !in.known(l.src) {
		l = l.outer
	}
	from, to := l.span(l.top())
	if f != nil && f.layer == l {
		piped := true
		for i, s := range slices.Backward(l.stack) {
			a, b := l.span(s)
			if b-a > maxText {
				break
			}
			if a <= f.offset && f.offset < b {
				from, to = a, b
				break
			}
			if piped = piped && (i == len(l.stack)-1 || pipes(s)); piped {
				from, to = a, b
			}
		}
	}
	text = strings.TrimRight(l.src[from:to], "; \t\n")
	file, line = l.place(from)
	return shorten(text, maxText), file, line, l.src
}

func pipes(s *syntax.Stmt) bool {
	b, ok := s.Cmd.(*syntax.BinaryCmd)
	return ok && (b.Op == syntax.Pipe || b.Op == syntax.PipeAll)
}

func (l *layer) top() *syntax.Stmt {
	if l == nil || len(l.stack) == 0 {
		return nil
	}
	return l.stack[len(l.stack)-1]
}

// span returns where a statement stands in the source; without one, all of it.
func (l *layer) span(s *syntax.Stmt) (from, to int) {
	if s == nil {
		return 0, len(l.src)
	}
	from = min(int(s.Pos().Offset()), len(l.src))
	to = max(from, min(int(s.End().Offset()), len(l.src)))
	return from, to
}

// place returns the line of an offset in the script itself, or in the file that holds it. A layer that stands in its
// outer one as it is, as the argument of sh -c mostly does, is found there.
func (l *layer) place(offset int) (file string, line int) {
	if l.outer == nil || l.at.file != "" {
		return l.at.file, max(l.at.line, 1) + strings.Count(l.src[:offset], "\n")
	}
	from, to := l.outer.span(l.outer.top())
	if i := strings.Index(l.outer.src[from:to], l.src); i >= 0 {
		return l.outer.place(from + i + offset)
	}
	return l.outer.place(from)
}
