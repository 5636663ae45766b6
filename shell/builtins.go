package shell

import (
	"path"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

func (in *interp) cd(c *call) effect {
	args := options{}.parse(c.args()).args
	to := in.variable("HOME")
	switch {
	case len(args) > 0 && args[0] == "-":
		to = in.env.before
	case len(c.argv) > 1 && c.argv[len(c.argv)-1] == "-":
		to = in.env.before
	case len(args) > 0:
		to = in.path(args[0])
	}
	in.env.before, in.env.cwd = in.env.cwd, to
	return effect{}
}

func (in *interp) popd(*call) effect {
	in.env.before, in.env.cwd = in.env.cwd, in.env.before
	return effect{}
}

// declClause is export, local, declare and their like as the parser sees them.
func (in *interp) declClause(c *syntax.DeclClause) {
	reference, integer := c.Variant.Value == "nameref", false
	for _, a := range c.Args {
		if a.Name == nil {
			if a.Value != nil {
				field := in.word(a.Value)
				reference = reference || strings.HasPrefix(field, "-") && strings.Contains(field, "n")
				integer = integer || strings.HasPrefix(field, "-") && strings.Contains(field, "i")
				in.assignField(field)
			}
			continue
		}
		in.assign(a)
		value, _ := in.env.vars.get(a.Name.Value)
		if reference && syntax.ValidName(value) {
			in.refer(a.Name.Value, value)
		}
		if integer {
			in.subscript(value)
		}
	}
}

// declareArgs is the same after "command", where the parser sees plain words.
func (in *interp) declareArgs(c *call) effect {
	for _, a := range c.args() {
		in.assignField(a)
	}
	return effect{}
}

// refer makes a variable another name of a second one.
func (in *interp) refer(name, to string) {
	if in.names == nil {
		in.names = map[string]string{}
	}
	in.names[name] = to
}

// assignField is an assignment that only expansion made one: export "$NAME=$VALUE".
func (in *interp) assignField(field string) {
	in.subscript(field)
	if name, value, ok := strings.Cut(field, "="); ok && syntax.ValidName(name) {
		in.env.vars.set(name, value)
		in.promised(name, value)
		if strings.HasPrefix(value, "(") {
			in.interpolated(value) // declare -a 'a=($(command))'
		}
	}
}

// readLine is read and mapfile. Known input is read line by line; from any other, each variable becomes one line of it.
func (in *interp) readLine(c *call) effect {
	o := options{short: "adinNptu"}
	if c.name() != "read" {
		o.short = "dnOsuCc" // of mapfile, -t is no timeout
	}
	p := o.parse(c.args())
	fd := 0
	if n, err := strconv.Atoi(p.value("u")); err == nil {
		fd = n
	}
	e := c.fds.get(fd)
	names := p.args
	if a := p.value("a"); a != "" {
		names = []string{a}
	}
	if len(names) == 0 {
		names = []string{"REPLY"}
	}
	line := in.nextLine(e)
	if c.name() != "read" {
		line += in.read(e)
		if callback := p.value("C"); callback != "" {
			in.later(callback+" 0 x", c.name()+" runs it")
		}
	}
	for i, name := range names {
		in.subscript(name)
		value := line
		if in.known(line) && len(names) > 1 {
			value, line, _ = strings.Cut(strings.TrimLeft(line, in.ifs()), " ")
			if i == len(names)-1 {
				value = strings.TrimSpace(value + " " + line)
			}
		}
		in.env.vars.set(name, value)
		if p.has("a") || c.name() != "read" {
			in.setArray(name, strings.Fields(value))
		}
	}
	return effect{}
}

// nextLine takes one line from e.
func (in *interp) nextLine(e *end) string {
	if e == nil {
		return in.unknown("$(read)")
	}
	if e.socket == nil {
		line, rest, more := strings.Cut(e.text, "\n")
		if more && (in.known(line) || rest != "") {
			e.text = rest
			return in.byLine(line)
		}
		if h := in.leadingHole(e.text); h == nil || h.fetch == nil {
			e.text = "" // of what was fetched, nobody knows how many lines there are
		}
		return in.byLine(line)
	}
	return in.byLine(in.received(e.socket))
}

// byLine marks a line of fetched data as one line of a stream.
func (in *interp) byLine(line string) string {
	h := in.leadingHole(line)
	if h == nil || in.remarkable(line) == nil {
		return line
	}
	next := *h
	next.lines, next.steps = true, appendStep(h.steps, "it is read line by line")
	return in.newHole(next)
}

// set handles -e, and the positional parameters after --.
func (in *interp) set(c *call) effect {
	for i, a := range c.args() {
		switch {
		case a == "--":
			in.env.params = c.args()[i+1:]
			return effect{}
		case strings.HasPrefix(a, "-") && strings.Contains(a, "e"), a == "errexit" && i > 0 && strings.HasSuffix(c.args()[i-1], "o"):
			in.env.errexit = !strings.HasPrefix(c.args()[max(i-1, 0)], "+")
		case strings.HasPrefix(a, "+") && strings.Contains(a, "e"):
			in.env.errexit = false
		case !strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "+") && (i == 0 || !strings.HasSuffix(c.args()[i-1], "o")):
			in.env.params = c.args()[i:]
			return effect{}
		}
	}
	return effect{}
}

func (in *interp) shift(c *call) effect {
	n := 1
	if len(c.argv) > 1 {
		if v, err := strconv.Atoi(c.argv[1]); err == nil {
			n = max(v, 0)
		}
	}
	if len(in.env.params) > 0 {
		in.env.params = in.env.params[min(n, len(in.env.params)):]
	}
	return effect{}
}

// hash is hash -p FILE NAME, after which NAME is that file.
func (in *interp) hash(c *call) effect {
	p := options{short: "p"}.parse(c.args())
	if file := p.value("p"); file != "" && len(p.args) > 0 {
		return in.defineAlias(c.with([]string{"alias", p.args[0] + "=" + file}))
	}
	return effect{}
}

func (in *interp) defineAlias(c *call) effect {
	for _, a := range c.args() {
		if name, text, ok := strings.Cut(a, "="); ok {
			if in.aliases == nil {
				in.aliases = map[string]string{}
			}
			in.aliases[name] = text
		}
	}
	return effect{}
}

// trap walks the command that is to run later; when does not matter.
func (in *interp) trap(c *call) effect {
	if args := (options{}).parse(c.args()).args; len(args) > 1 {
		in.subshell(func() { in.runText(args[0], scriptRun{via: "trap runs it"}) })
	}
	return effect{}
}

func (in *interp) eval(c *call) effect {
	return in.runText(strings.Join(c.args(), " "), scriptRun{via: "its output is evaluated by eval"})
}

// source runs a file in the shell itself.
func (in *interp) source(c *call) effect {
	if len(c.argv) < 2 { // fish
		return in.runText(in.stdin(c), scriptRun{via: "its output is sourced by the shell"})
	}
	var e effect
	in.eachOf(c.argv[1], func(name string) { e = in.sourceFile(c, name) })
	return e
}

func (in *interp) sourceFile(c *call, arg string) effect {
	text, name := in.content(c, arg)
	params, inCall := in.env.params, in.env.inCall
	if len(c.argv) > 2 {
		in.env.params = c.argv[2:]
	}
	in.env.inCall = true
	e := in.runText(text, scriptRun{via: in.via(name, "sourced by the shell"), at: in.placeOf(name)})
	in.env.params, in.env.inCall = params, inCall
	if e.exits == leavesFunction {
		e.exits = stays
	}
	return e
}

// via says how the content of a file is run; output of a substitution has no name worth showing.
func (in *interp) via(name, how string) string {
	if strings.HasPrefix(name, "/proc/self/fd/") || name == "" {
		return "its output is " + how
	}
	return in.display(name) + " is " + how
}

// content is what a program reads from the file that it is given as an argument.
func (in *interp) content(c *call, arg string) (text, name string) {
	if n, ok := devFD(arg); ok {
		return in.read(c.fds.get(n)), ""
	}
	if host, ok := devTCP(arg); ok {
		return in.received(in.newFetch("/dev/tcp", host, true)), ""
	}
	name = in.path(arg)
	return in.readFile(name), name
}

func (in *interp) exec(c *call) effect {
	p := options{short: "a", first: true}.parse(c.args())
	e := in.run(c.with(p.args))
	e.exits = leavesScript
	return e
}

// builtin is "command": with -v it tells where a program is.
func (in *interp) builtin(c *call) effect {
	p := options{first: true}.parse(c.args())
	if p.has("v", "V") {
		return in.which(c.with(append([]string{"which"}, p.args...)))
	}
	saved := in.functions
	in.functions = nil
	e := in.run(c.with(p.args))
	in.functions = saved
	return e
}

// which prints names of programs; the name is as good as the path.
func (in *interp) which(c *call) effect {
	for _, a := range (options{}).parse(c.args()).args {
		in.print(c, a+"\n")
	}
	return effect{}
}

// preloaded reports a fetched file that every program from here on loads.
func (in *interp) preloaded(variable, value string) {
	name := in.path(value)
	if f, ok := in.lookup(name); ok && in.fetched(f.text) != nil {
		in.executed(f.text, in.display(path.Base(name))+" is loaded by "+variable)
	}
}
