package shell

import (
	"slices"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// interp walks scripts. It lives for one analysis.
type interp struct {
	budget  budget
	holes   []hole
	env     env
	layer   *layer
	actions []found
	ended   effect // of the whole command
	why     string // Result.Unreadable

	files     map[string]*file
	sought    map[string]bool // Result.Sought
	begun     map[string]bool // files that interpreters have read as they started
	trees     []tree
	disks     []string // folders on which a disk or a folder of the node was mounted
	functions map[string]*function
	order     []*function // functions as they were declared
	aliases   map[string]string
	arrays    map[string][]string
	names     map[string]string // of variables that are other names of others
	unset     map[string]string // the holes of variables that nothing has set
	verified  map[*fetch]int    // how many checks that have passed hold for it
	dynamic   bool              // a command was run whose name is not known
	keysFrom  *hole             // where imported signing keys were fetched from, if they were

	flows   int // how often something that might be run was fetched, assigned or written
	loops   int // how deep in loops
	calling int // how deep in functions
}

// env is what a subshell gets a copy of.
type env struct {
	vars    *scope
	cwd     string // "" is the folder in which the container starts
	before  string // the folder before the last cd
	fds     fdTable
	params  []string   // $1, $2 ...
	others  [][]string // what they are if a branch was not taken
	zero    string     // $0
	errexit bool
	tested  bool // within a condition, where set -e has no effect
	inCall  bool // within a function or a sourced file, where return means something
	inLoop  bool // within a loop, where break and continue mean something
}

// scope holds the variables that were set since it was opened; up is the one outside.
type scope struct {
	up   *scope
	vars map[string]string
}

func (s *scope) get(name string) (string, bool) {
	for ; s != nil; s = s.up {
		if v, ok := s.vars[name]; ok {
			return v, true
		}
	}
	return "", false
}

func (s *scope) set(name, value string) {
	if s.vars == nil {
		s.vars = map[string]string{}
	}
	s.vars[name] = value
}

// function is a declared shell function.
type function struct {
	body   *syntax.Stmt
	layer  *layer
	called bool
	active int // how many calls of it are being walked
}

// effect is what is known once a statement has ended: checks that have passed.
type effect struct {
	passed []*fetch // verified if the statement succeeded
	failed []*fetch // verified if it failed: ! sha256sum -c f
	loose  []*fetch // those of passed that set -e does not insist on: the left side of &&
	always []*fetch // verified if the script is still running: sha256sum -c f || exit 1
	exits  leaving  // whether the script goes on after it
}

// leaving says what a statement leaves for good.
type leaving int

const (
	stays          leaving = iota
	leavesFunction         // return, break, continue
	leavesScript           // exit, exec
)

func newInterp(l Limits) *interp {
	return &interp{budget: budget{limits: l.orDefaults()}, env: env{vars: &scope{}, zero: "sh"}}
}

// subshell runs body with a copy of the environment; files and findings stay.
func (in *interp) subshell(body func()) {
	saved := in.env
	in.env.vars = &scope{up: saved.vars}
	body()
	in.env = saved
}

// list walks statements in order. A check that has passed stays passed for the rest of the list, where the script
// would not have got there otherwise.
func (in *interp) list(stmts []*syntax.Stmt) effect {
	var all effect
	for _, s := range stmts {
		e := in.stmt(s)
		sure := e.always
		if in.env.errexit && !in.env.tested {
			sure = union(sure, e.enforced())
		}
		in.assume(sure, 1)
		all.always = append(all.always, sure...) // as often as it was assumed
		all.passed, all.failed, all.loose = e.passed, e.failed, e.loose
		if e.exits != stays {
			all.exits = e.exits
			break
		}
	}
	in.assume(all.always, -1)
	return all
}

// enforced returns the checks without which set -e would have ended the script.
func (e effect) enforced() []*fetch {
	return slices.DeleteFunc(slices.Clone(e.passed), func(f *fetch) bool { return slices.Contains(e.loose, f) })
}

// ofChild is what a shell knows once a subshell, which ended with e, has succeeded or failed.
func (e effect) ofChild() effect {
	return effect{passed: union(e.always, e.passed), failed: e.failed}
}

// union joins lists of fetches. It is cut off where it is long: a check that is forgotten is no harm.
func union(lists ...[]*fetch) []*fetch {
	var all []*fetch
	for _, l := range lists {
		if len(all) == 0 {
			all = l[:len(l):len(l)]
			continue
		}
		for _, f := range l {
			if len(all) < maxChecks && !slices.Contains(all, f) {
				all = append(all, f)
			}
		}
	}
	return all
}

// assume adds n to the number of checks that hold for each of these.
func (in *interp) assume(fetches []*fetch, n int) {
	for _, f := range fetches {
		if in.verified == nil {
			in.verified = map[*fetch]int{}
		}
		in.verified[f] += n
	}
}

// scoped walks body while the checks hold.
func (in *interp) scoped(fetches []*fetch, body func() effect) effect {
	in.assume(fetches, 1)
	e := body()
	in.assume(fetches, -1)
	return e
}

// condition walks what only decides what is done next.
func (in *interp) condition(body func() effect) effect {
	saved := in.env.tested
	in.env.tested = true
	e := body()
	in.env.tested = saved
	return e
}

func (in *interp) stmt(s *syntax.Stmt) effect {
	if s == nil || !in.step() {
		return effect{}
	}
	if s.Negated {
		saved := in.env.tested
		in.env.tested = true
		defer func() { in.env.tested = saved }()
	}
	var e effect
	in.deeper(func() {
		top := len(in.layer.stack)
		in.layer.stack = append(in.layer.stack, s)
		l := in.layer
		e = in.redirected(s)
		l.stack = l.stack[:top]
	})
	if s.Negated {
		e.passed, e.failed = e.failed, e.passed
		e.loose = e.passed // set -e does not look at what is negated
	}
	return e
}

// redirected walks a statement with its redirections in place.
func (in *interp) redirected(s *syntax.Stmt) effect {
	if call, ok := s.Cmd.(*syntax.CallExpr); ok {
		if s.Background || s.Coprocess {
			in.subshell(func() { in.simple(call, s.Redirs) })
			return effect{}
		}
		return in.simple(call, s.Redirs)
	}
	if len(s.Redirs) > 0 {
		fds := in.env.fds
		defer func() { in.env.fds = fds }()
		in.redirect(&in.env.fds, s.Redirs)
	}
	if s.Cmd == nil {
		in.bareRedirect(s)
		return effect{}
	}
	if s.Background || s.Coprocess {
		in.subshell(func() { in.command(s.Cmd) })
		return effect{}
	}
	return in.command(s.Cmd)
}

// bareRedirect gives the meaning of $(<file): the content of the file.
func (in *interp) bareRedirect(s *syntax.Stmt) {
	for _, r := range s.Redirs {
		if (r.Op == syntax.RdrIn || r.Op == syntax.DplIn) && r.N == nil {
			in.write(in.env.fds.get(1), in.read(in.env.fds.get(0)))
		}
	}
}

func (in *interp) command(c syntax.Command) effect {
	switch c := c.(type) {
	case *syntax.Block:
		return in.list(c.Stmts)
	case *syntax.Subshell:
		var e effect
		in.subshell(func() { e = in.list(c.Stmts) })
		return e.ofChild()
	case *syntax.BinaryCmd:
		return in.binary(c)
	case *syntax.IfClause:
		return in.ifClause(c)
	case *syntax.WhileClause:
		in.whileClause(c)
	case *syntax.ForClause:
		in.forClause(c)
	case *syntax.CaseClause:
		return in.caseClause(c)
	case *syntax.FuncDecl:
		in.declare(c.Name.Value, c.Body)
	case *syntax.TestClause:
		return in.testClause(c)
	case *syntax.DeclClause:
		in.declClause(c)
	case *syntax.TimeClause:
		return in.stmt(c.Stmt)
	case *syntax.ArithmCmd:
		in.arithmetic(c.X)
	case *syntax.LetClause:
		for _, x := range c.Exprs {
			in.arithmetic(x)
		}
	case *syntax.CoprocClause:
		in.coproc(c)
	}
	return effect{}
}

// coproc leaves the descriptors of a command in an array; what it prints can be read from the first.
func (in *interp) coproc(c *syntax.CoprocClause) {
	out := in.capture(func() { in.subshell(func() { in.stmt(c.Stmt) }) })
	name := in.word(c.Name)
	if name == "" {
		name = "COPROC"
	}
	n := firstFree + len(in.env.fds.more)
	in.env.fds.set(n, &end{text: out, piped: true})
	if h := in.leading(out); h != nil && h.fetch != nil && h.fetch.socket {
		in.env.fds.set(n+1, &end{socket: h.fetch}) // what is written to it goes to the peer
	} else { // to the command
		input, fds := "/proc/self/fd/pipe"+strconv.Itoa(len(in.files)), in.env.fds
		f := in.file(input)
		f.consumer, f.fds = &syntax.ProcSubst{Op: syntax.CmdOut, Stmts: []*syntax.Stmt{c.Stmt}}, &fds
		in.env.fds.set(n+1, &end{path: input})
	}
	in.setArray(name, []string{strconv.Itoa(n), strconv.Itoa(n + 1)})
}

// capture runs body with its standard output caught.
func (in *interp) capture(body func()) string {
	saved := in.env.fds
	var out strings.Builder
	in.env.fds.set(1, &end{sink: &out})
	body()
	in.env.fds = saved
	return in.bounded(out.String())
}
