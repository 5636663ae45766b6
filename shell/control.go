package shell

import (
	"slices"

	"mvdan.cc/sh/v3/syntax"
)

// binary walks a && b, a || b and a | b. Chains lean to the left and may be very long, so they are taken apart
// in a loop.
func (in *interp) binary(c *syntax.BinaryCmd) effect {
	if c.Op == syntax.Pipe || c.Op == syntax.PipeAll {
		return in.pipeline(c)
	}
	chain := []*syntax.BinaryCmd{c}
	first := c.X
	for {
		x, ok := first.Cmd.(*syntax.BinaryCmd)
		if !ok || x.Op == syntax.Pipe || x.Op == syntax.PipeAll || len(first.Redirs) > 0 || first.Negated || first.Background {
			break
		}
		chain, first = append(chain, x), x.X
	}
	e := in.condition(func() effect { return in.stmt(first) })
	for i, b := range slices.Backward(chain) {
		if in.budget.stopped {
			break
		}
		walk := func() effect { return in.link(e, b) }
		if i > 0 { // only the last command of a chain is under set -e
			e = in.condition(walk)
		} else {
			e = walk()
		}
	}
	return e
}

// link adds the right side of && or || to what is known of the left one.
func (in *interp) link(left effect, b *syntax.BinaryCmd) effect {
	if b.Op == syntax.AndStmt {
		return in.and(left, b.Y)
	}
	return in.or(left, b.Y)
}

// and is left && right: right runs under the checks of left, and the whole succeeds if both do.
func (in *interp) and(left effect, right *syntax.Stmt) effect {
	e := in.scoped(union(left.passed, left.always), func() effect { return in.maybe(right) })
	return effect{passed: union(left.passed, e.passed, e.always), loose: left.passed, always: in.ifExits(e, left.always, left.failed)}
}

// or is left || right: where right leaves the script, whatever comes after knows that left has succeeded.
func (in *interp) or(left effect, right *syntax.Stmt) effect {
	e := in.scoped(union(left.failed, left.always), func() effect { return in.maybe(right) })
	return effect{failed: union(left.failed, e.failed), always: in.ifExits(e, left.always, left.passed)}
}

// ifExits adds what is known after a branch that leaves the script was not taken.
func (in *interp) ifExits(branch effect, always, notTaken []*fetch) []*fetch {
	if branch.exits != stays {
		return union(always, notTaken)
	}
	return always
}

// maybe walks a statement that may not run: a variable that it changes has both values afterwards.
func (in *interp) maybe(s *syntax.Stmt) effect {
	var e effect
	in.branches(true, func() { e = in.stmt(s) })
	return e
}

// branches walks alternatives, each with the variables as they are now, and joins the variables after them.
// skip tells that none of them may run.
func (in *interp) branches(skip bool, bodies ...func()) {
	outer, params := in.env.vars, in.env.params
	var scopes []map[string]string
	for _, body := range bodies {
		in.env.vars = &scope{up: outer}
		body()
		in.otherParams(params)
		if v := in.env.vars.vars; v != nil || !skip {
			scopes = append(scopes, v)
		}
	}
	in.env.vars = outer
	for i, s := range scopes {
		for _, name := range sortedKeys(s) {
			if i > 0 && inAny(scopes[:i], name) {
				continue
			}
			in.join(name, scopes, skip)
		}
	}
}

// maxOthers is how many lists of positional parameters are told apart after branches have joined.
const maxOthers = 3

// otherParams notes what the positional parameters are if a branch that has set them was not taken.
func (in *interp) otherParams(params []string) {
	if !slices.Equal(params, in.env.params) && len(in.env.others) < maxOthers && !slices.ContainsFunc(in.env.others, func(o []string) bool { return slices.Equal(o, params) }) {
		in.env.others = append(in.env.others[:len(in.env.others):len(in.env.others)], params)
	}
}

func inAny(scopes []map[string]string, name string) bool {
	return slices.ContainsFunc(scopes, func(m map[string]string) bool { _, ok := m[name]; return ok })
}

// join sets a variable to the choice of what the branches made of it. A branch in which it was never set does not
// count: the use that matters is the one where it is.
func (in *interp) join(name string, scopes []map[string]string, skip bool) {
	var alts []string
	missing := skip
	for _, s := range scopes {
		if v, ok := s[name]; ok {
			alts = append(alts, v)
		} else {
			missing = true
		}
	}
	if before, ok := in.env.vars.get(name); ok && missing {
		alts = append(alts, before)
	}
	in.env.vars.set(name, in.choice(alts...))
}

func (in *interp) ifClause(c *syntax.IfClause) effect {
	cond := in.condition(func() effect { return in.list(c.Cond) })
	var then, els effect
	walkThen := func() {
		then = in.scoped(union(cond.always, cond.passed), func() effect { return in.list(c.Then) })
	}
	if c.Else == nil {
		in.branches(true, walkThen)
		return effect{always: in.ifExits(then, cond.always, cond.failed)}
	}
	in.branches(false, walkThen, func() {
		els = in.scoped(union(cond.always, cond.failed), func() effect {
			if len(c.Else.Cond) == 0 { // a plain else
				return in.list(c.Else.Then)
			}
			return in.ifClause(c.Else)
		})
	})
	always := in.ifExits(then, cond.always, union(cond.failed, els.always))
	always = in.ifExits(els, always, union(cond.passed, then.always))
	return effect{always: always, exits: min(then.exits, els.exits)}
}

func (in *interp) caseClause(c *syntax.CaseClause) effect {
	in.word(c.Word)
	bodies := make([]func(), 0, len(c.Items))
	for _, item := range c.Items {
		bodies = append(bodies, func() { in.scoped(nil, func() effect { return in.list(item.Stmts) }) })
	}
	in.branches(true, bodies...)
	return effect{}
}

const (
	loopRounds = 2  // how often a loop is walked, so that what one round leaves behind reaches the next
	loopItems  = 32 // how many words of a for loop, or lines of input, are walked one by one
	loopDepth  = 2  // below this, loops within loops are walked once
)

// whileClause walks the loop, again if it has changed what the next round may run, and once more for each line that its condition reads from known input.
func (in *interp) whileClause(c *syntax.WhileClause) {
	in.loop(func(round int) bool {
		input, flows := in.env.fds.get(0), in.flows
		left := input.remaining()
		cond := in.condition(func() effect { return in.list(c.Cond) })
		consumed := input.remaining() < left
		checks := cond.passed
		if c.Until {
			checks = cond.failed
		}
		in.branches(true, func() { in.scoped(checks, func() effect { return in.list(c.Do) }) })
		return consumed || round+1 < loopRounds && in.flows != flows && input.remaining() == 0
	})
}

func (in *interp) forClause(c *syntax.ForClause) {
	items, name := in.params(), ""
	if w, ok := c.Loop.(*syntax.WordIter); ok {
		name = w.Name.Value
		if w.InPos.IsValid() {
			items = in.fields(w.Items)
		}
	} else if c, ok := c.Loop.(*syntax.CStyleLoop); ok {
		for _, x := range [...]syntax.ArithmExpr{c.Init, c.Cond, c.Post} {
			if x != nil {
				in.arithmetic(x)
			}
		}
	}
	if len(items) == 0 {
		items = []string{""}
	}
	in.loop(func(round int) bool {
		flows := in.flows
		if name != "" {
			in.env.vars.set(name, items[min(round, len(items)-1)])
		}
		in.branches(true, func() { in.scoped(nil, func() effect { return in.list(c.Do) }) })
		return round+1 < len(items) || round+1 < loopRounds && in.flows != flows
	})
}

// loop walks rounds of a loop until body says that there is nothing more to see.
func (in *interp) loop(body func(round int) bool) {
	saved := in.env.inLoop
	in.env.inLoop = true
	in.loops++
	for round := 0; round < loopItems && !in.budget.stopped; round++ {
		if !body(round) || in.loops > loopDepth {
			break
		}
	}
	in.loops--
	in.env.inLoop = saved
}

func (in *interp) declare(name string, body *syntax.Stmt) {
	if in.functions == nil {
		in.functions = map[string]*function{}
	}
	f := &function{body: body, layer: in.layer}
	if old := in.functions[name]; old != nil {
		f.called = old.called
	}
	in.functions[name] = f
	in.order = append(in.order, f)
}

// maxActive is how many calls of one function are walked inside each other.
const maxActive = 2

// invoke walks the body of a function with its own parameters. Its own scope of return ends with it.
func (in *interp) invoke(f *function, c *call) effect {
	f.called = true
	if f.active >= maxActive {
		return effect{}
	}
	f.active++
	in.calling++
	params, layer, fds := in.env.params, in.layer, in.env.fds
	inCall, others := in.env.inCall, in.env.others
	in.env.others = nil
	in.env.params, in.layer, in.env.fds, in.env.inCall = c.args(), f.layer, *c.fds, true
	e := in.stmt(f.body)
	in.env.inCall, in.env.others = inCall, others
	in.env.params, in.layer, in.env.fds.standard = params, layer, fds.standard
	in.calling--
	f.active--
	if e.exits == leavesFunction {
		e.exits = stays
	}
	return e
}

// walkUncalled walks functions whose names are handed to something that was not seen calling them, once a script
// runs commands whose names are not known.
func (in *interp) walkUncalled() {
	if !in.dynamic {
		return
	}
	for _, f := range in.order {
		if !f.called && !in.budget.stopped {
			in.invoke(f, &call{argv: []string{"f"}, fds: &in.env.fds})
		}
	}
}

// pipeline walks a | b | c: what one prints is what the next reads. Each stage is a subshell but for the last,
// which some shells run themselves.
func (in *interp) pipeline(c *syntax.BinaryCmd) effect {
	stages := []*syntax.Stmt{c.Y}
	first := c.X
	for {
		x, ok := first.Cmd.(*syntax.BinaryCmd)
		if !ok || x.Op != syntax.Pipe && x.Op != syntax.PipeAll || len(first.Redirs) > 0 || first.Negated {
			break
		}
		stages, first = append(stages, x.Y), x.X
	}
	text := in.capture(func() { in.subshell(func() { in.stmt(first) }) })
	var e effect
	for i, s := range slices.Backward(stages) {
		saved := in.env.fds
		in.env.fds.set(0, &end{text: text, piped: true})
		if i == 0 {
			e = in.stmt(s)
		} else {
			text = in.capture(func() { in.subshell(func() { in.stmt(s) }) })
		}
		in.env.fds = saved
		if in.budget.stopped {
			break
		}
	}
	return e.ofChild()
}
