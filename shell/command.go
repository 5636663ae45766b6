package shell

import (
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// call is one command about to run: an argument vector and its descriptors.
type call struct {
	argv []string
	fds  *fdTable
}

// args returns the arguments after the name.
func (c *call) args() []string { return c.argv[1:] }

// name is the program's base name.
func (c *call) name() string { return programName(c.argv[0]) }

// programName strips folder and .exe from the name of a program.
func programName(arg string) string {
	return strings.TrimSuffix(path.Base(strings.ReplaceAll(arg, `\`, "/")), ".exe")
}

// with returns a call of another vector with the same descriptors.
func (c *call) with(argv []string) *call { return &call{argv: argv, fds: c.fds} }

// stdin reads what the command gets as its input.
func (in *interp) stdin(c *call) string { return in.read(c.fds.get(0)) }

// print writes what the command prints.
func (in *interp) print(c *call, text string) { in.write(c.fds.get(1), text) }

// simple walks a simple command. Where one of its words depends on the branch that was taken, it is walked once
// for each possibility.
func (in *interp) simple(c *syntax.CallExpr, redirs []*syntax.Redirect) effect {
	if len(c.Args) == 0 {
		for _, a := range c.Assigns {
			in.assign(a)
		}
		fds := in.env.fds
		in.redirect(&fds, redirs)
		return effect{}
	}
	e, redirects := in.expanded(c, redirs)
	if redirects || len(in.env.others) == 0 || !usesParams(c.Args) {
		return e
	}
	params, others := in.env.params, in.env.others
	in.env.others = nil
	for _, in.env.params = range others {
		in.expanded(c, redirs)
	}
	in.env.params, in.env.others = params, others
	return e
}

// usesParams tells whether all positional parameters are among the words: exec "$@".
func usesParams(words []*syntax.Word) bool {
	return slices.ContainsFunc(words, func(w *syntax.Word) bool {
		if len(w.Parts) != 1 {
			return false
		}
		parts := w.Parts
		if q, ok := parts[0].(*syntax.DblQuoted); ok {
			parts = q.Parts
		}
		if len(parts) != 1 {
			return false
		}
		p, ok := parts[0].(*syntax.ParamExp)
		return ok && (p.Param.Value == "@" || p.Param.Value == "*")
	})
}

// expanded walks a simple command with its words expanded. It tells whether the command only changes the descriptors of
// the shell.
func (in *interp) expanded(c *syntax.CallExpr, redirs []*syntax.Redirect) (e effect, redirects bool) {
	argv := in.fields(c.Args)
	restore := in.prefixed(c.Assigns)
	defer restore()
	for k, n := 0, 1; k < n && !in.budget.stopped; k++ {
		var vector []string
		vector, n = in.alternative(c.Args, argv, k)
		fds := in.env.fds
		in.redirect(&fds, redirs)
		if len(vector) == 1 && vector[0] == "exec" {
			in.env.fds = fds
			return effect{}, true
		}
		e = in.run(&call{argv: vector, fds: &fds})
	}
	return e, false
}

// alternative is the k-th of the n possibilities for an argument vector. The arguments of a function stay open until
// a command in it uses them: nested functions would multiply them.
func (in *interp) alternative(words []*syntax.Word, argv []string, k int) (vector []string, n int) {
	if len(argv) > 0 && in.functions[argv[0]] != nil {
		return argv, 1
	}
	vector, n = make([]string, 0, len(argv)), 1
	for i, a := range argv {
		text, alts := in.resolve(a, k)
		n = max(n, alts)
		if alts > 1 && !wholeWord(words, i) {
			vector = append(vector, strings.Fields(text)...)
			continue
		}
		vector = append(vector, text)
	}
	return vector, n
}

// wholeWord tells that the i-th word was quoted, so that its value is one field. Where fields and words do not
// correspond one to one, it is taken to be unquoted.
func wholeWord(words []*syntax.Word, i int) bool {
	if i >= len(words) || len(words[i].Parts) != 1 {
		return true
	}
	_, bare := words[i].Parts[0].(*syntax.ParamExp)
	return !bare
}

// run does what a command does: a function, an alias, a program that the script has fetched, or one that is known.
func (in *interp) run(c *call) effect {
	if len(c.argv) > maxArguments {
		in.stop("more than %d arguments", maxArguments)
	}
	if len(c.argv) == 0 || !in.step() {
		return effect{}
	}
	var e effect
	in.deeper(func() { e = in.dispatch(c) })
	return e
}

func (in *interp) dispatch(c *call) effect {
	name := c.argv[0]
	if h := in.leading(name); h != nil && in.runHole(c, h) {
		return effect{}
	}
	if plain := in.withoutUnset(name); plain != name && plain != "" && in.recognised(programName(plain)) {
		return in.run(c.with(append([]string{plain}, c.args()...)))
	}
	if f := in.functions[name]; f != nil {
		return in.invoke(f, c)
	}
	if text, ok := in.aliases[name]; ok {
		return in.alias(c, name, text)
	}
	if in.runFetched(c) {
		return effect{}
	}
	if program := globbed(name); program != "" {
		return in.run(c.with(append([]string{program}, c.args()...)))
	}
	in.plugin(c)
	in.helper(c)
	in.startedBy(c)
	if h := handlerOf(c.name()); h != nil {
		return h(in, c)
	}
	return in.program(c)
}

// globbed is the program that a shell finds for a command with wildcards in its name: /???/b??h.
func globbed(name string) string {
	if !strings.ContainsAny(name, "?*[") || !strings.Contains(name, "/") {
		return ""
	}
	for _, program := range [...]string{"/bin/bash", "/bin/busybox", "/bin/dash", "/bin/nc", "/bin/sh", "/usr/bin/bash", "/usr/bin/curl", "/usr/bin/perl", "/usr/bin/python3",
		"/usr/bin/sh", "/usr/bin/wget"} {
		if ok, err := path.Match(name, program); ok && err == nil {
			return program
		}
	}
	return ""
}

// runHole handles a command whose name is not known. It tells whether there is no more to say.
func (in *interp) runHole(c *call, h *hole) bool {
	rest := c.argv[0][holeBytes:]
	if h.fetch == nil && h.opaque == "" && h.fifo == "" {
		in.dynamic = in.dynamic || rest == ""
		return false
	}
	if strings.HasPrefix(rest, "/") {
		return false // a folder whose name was fetched, not a command
	}
	in.executed(c.argv[0], "its output is run as a command")
	in.print(c, in.derived(in.stdin(c), "("+h.spelling+")", ""))
	return true
}

// withoutUnset takes variables that nothing has set out of a name: ba${x}sh is bash.
func (in *interp) withoutUnset(name string) string {
	if strings.IndexByte(name, holeByte) < 0 {
		return name
	}
	var b strings.Builder
	for i, r := range name {
		if h := in.leadingHole(name[i:]); h == nil || !h.unset {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// program handles a program that no handler knows: one of the data tables, or a stranger.
func (in *interp) program(c *call) effect {
	name := c.name()
	if alias := in.linkedProgram(c.argv[0]); alias != "" && alias != name {
		argv := append([]string{alias}, c.args()...)
		return in.run(c.with(argv))
	}
	if !in.bunScript(c, name) && in.install(c, name) {
		return effect{}
	}
	if f, ok := fetchers[name]; ok {
		in.fetch(c, name, f)
		return effect{}
	}
	if w, ok := wrappers[name]; ok {
		return in.wrapped(c, w)
	}
	if !speaksOf(name) {
		in.minerArguments(c, name)
	}
	if i, ok := interpreterOf(name); ok {
		return in.interpret(c, name, i)
	}
	if unversioned := strings.TrimRight(name, "0123456789.-"); unversioned != name && unversioned != "" {
		if in.recognised(unversioned) {
			folder, ok := strings.CutSuffix(c.argv[0], name)
			if !ok { // a name of Windows
				folder = ""
			}
			return in.run(c.with(append([]string{folder + unversioned}, c.args()...)))
		}
	}
	return in.stranger(c)
}

// recognised tells whether a table knows the program.
func (in *interp) recognised(name string) bool {
	if handlerOf(name) != nil || isInstaller(name) || isStarter(name) {
		return true
	}
	_, fetcher := fetchers[name]
	_, wrapper := wrappers[name]
	_, interpreter := interpreterOf(name)
	return fetcher || wrapper || interpreter
}

// stranger handles a program that nothing is known of. It may pass on what it reads; if it is handed a shell with
// a script, it is taken to run that; if it is handed a URL, what it prints may come from there.
func (in *interp) stranger(c *call) effect {
	args := c.args()
	in.seekProgram(c.argv[0])
	for i, a := range args {
		if isShell(programName(a)) && i+1 < len(args) && strings.HasPrefix(args[i+1], "-") && strings.HasSuffix(args[i+1], "c") {
			return in.run(c.with(args[i:]))
		}
	}
	if f := in.functions["command_not_found_handle"]; f != nil && !strings.Contains(c.argv[0], "/") {
		in.invoke(f, c.with(append([]string{"command_not_found_handle"}, c.argv...)))
	}
	spelling := "$(" + shorten(in.display(strings.Join(c.argv, " ")), 60) + ")"
	input := in.stdin(c)
	if in.remarkable(input) == nil {
		for _, a := range args {
			if isURL(a) {
				f := in.newFetch(in.display(c.name()), a, false)
				in.print(c, in.newHole(hole{spelling: spelling, fetch: f, steps: []string{in.display(c.name() + " is given " + a)}}))
				return effect{}
			}
		}
	}
	in.print(c, in.derived(input, spelling, ""))
	return effect{}
}

// isURL tells whether arg is the URL of something on another machine.
func isURL(arg string) bool {
	for _, scheme := range []string{"http://", "https://", "ftp://", "ftps://"} {
		if len(arg) > len(scheme) && strings.EqualFold(arg[:len(scheme)], scheme) {
			return true
		}
	}
	return false
}

// alias puts the text of an alias in place of the command's name.
func (in *interp) alias(c *call, name, text string) effect {
	saved := in.aliases
	in.work(len(saved))
	in.aliases = map[string]string{}
	for k, v := range saved {
		if k != name { // an alias is not expanded within itself
			in.aliases[k] = v
		}
	}
	defer func() { in.aliases = saved }()
	if strings.ContainsAny(text, "|;&<>$`()'\"") {
		return in.runText(text+" "+quoteAll(c.args()), scriptRun{fds: c.fds})
	}
	return in.run(c.with(append(strings.Fields(text), c.args()...)))
}

// quoteAll quotes arguments so that they can be parsed again.
func quoteAll(args []string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		quoted[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
	}
	return strings.Join(quoted, " ")
}
