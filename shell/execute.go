package shell

import (
	"path"
	"slices"
	"strings"
)

// runFetched handles a program whose file the script has made, or that is among those of the container: one that was
// fetched, or a script. It tells whether there is no more to say about the command; a fetched program does what its
// name says, too, and so does the container's own script of a name that is known.
func (in *interp) runFetched(c *call) bool {
	ran := false
	in.eachOf(c.argv[0], func(name string) {
		ran = in.runFile(c.with(append([]string{name}, c.args()...))) || ran
	})
	return ran
}

func (in *interp) runFile(c *call) bool {
	f := in.madeProgram(c.argv[0])
	if f == nil {
		if strings.Contains(c.argv[0], "/") || in.leadingHole(c.argv[0]) != nil {
			in.seek(in.path(c.argv[0]))
		}
		return false
	}
	in.childShell(f.text, scriptRun{via: in.display(c.argv[0]) + " is run", zero: c.argv[0], params: c.args(), fds: c.fds, at: place{file: f.name, line: 1}})
	if h := in.leading(f.text); h != nil && h.fetch != nil || f.given && in.recognised(c.name()) {
		return false
	}
	return in.remarkable(f.text) != nil || !in.merelyUnknown(f.text)
}

// madeProgram finds the file that a command name leads to among those that the script has made or unpacked, or found;
// nil if it is none.
func (in *interp) madeProgram(name string) *file {
	if strings.Contains(name, "/") || in.leadingHole(name) != nil {
		at := in.path(name)
		if f, ok := in.lookup(at); ok && f.program == "" {
			return f
		}
		if t := in.treeOf(at); t != nil {
			return &file{text: t.text}
		}
		if in.leadingHole(at) == nil {
			return nil
		}
		name = path.Base(at) // $(go env GOPATH)/bin/x
	}
	if len(in.files) == 0 && len(in.trees) == 0 {
		return nil
	}
	for _, dir := range in.searchPath() {
		at := path.Join(dir, name)
		if f, ok := in.files[at]; ok && f.program == "" && f.text != "" {
			return f
		}
		for _, t := range slices.Backward(in.trees) {
			if rel, ok := within(t.dir, at); ok && in.namedAfter(&t, rel) {
				return &file{text: t.text}
			}
		}
	}
	return nil
}

// searchPath is the folders in which programs are looked for.
func (in *interp) searchPath() []string {
	dirs := []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin", "/go/bin"}
	if v, ok := in.env.vars.get("PATH"); ok {
		for _, d := range strings.Split(v, ":") {
			if d != "" && len(dirs) < maxBraces {
				dirs = append(dirs, in.path(d))
			}
		}
	}
	return dirs
}

// interpreter is a program that runs code in a language of its own.
type interpreter struct {
	lang     language
	code     string // short options whose value is code: python -c
	longCode string // the same, long: node --eval
	valued   string // short options that take a value
	file     string // long or one-dash options whose value is a file that is run: java -jar
	stdin    bool   // without operands it runs what it reads
}

// interpreters are those programs; versions are cut off their names before they are looked up.
var interpreters = map[string]interpreter{
	"python":     {lang: python, code: "c", valued: "WXm", stdin: true},
	"pypy":       {lang: python, code: "c", valued: "WXm", stdin: true},
	"perl":       {lang: perl, code: "eE", valued: "", stdin: true},
	"ruby":       {lang: ruby, code: "e", valued: "rICEK", stdin: true},
	"jruby":      {lang: ruby, code: "e", valued: "rIC", stdin: true},
	"node":       {lang: javascript, code: "ep", longCode: "eval print ", valued: "r", stdin: true},
	"nodejs":     {lang: javascript, code: "ep", longCode: "eval print ", valued: "r", stdin: true},
	"deno":       {lang: javascript, stdin: true},
	"bun":        {lang: javascript, code: "ep", longCode: "eval print ", stdin: true},
	"ts-node":    {lang: javascript, code: "ep", longCode: "eval print ", stdin: true},
	"irb":        {lang: ruby, code: "e", valued: "rIC", stdin: true},
	"php":        {lang: php, code: "rBRE", valued: "dczS", stdin: true},
	"lua":        {lang: lua, code: "e", valued: "l", stdin: true},
	"luajit":     {lang: lua, code: "e", valued: "l", stdin: true},
	"tclsh":      {lang: tcl, stdin: true},
	"expect":     {lang: tcl, code: "c", stdin: true},
	"Rscript":    {lang: rlang, code: "e"},
	"R":          {lang: rlang, code: "e", stdin: true},
	"java":       {file: "jar javaagent agentpath cp classpath ", valued: ""},
	"groovy":     {lang: java, code: "e"},
	"jshell":     {lang: java, stdin: true},
	"jjs":        {lang: java, stdin: true},
	"jrunscript": {lang: java, code: "ef", stdin: true},
	"julia":      {lang: julia, code: "eE", stdin: true},

	// in /usr/libexec, what Red Hat's own tools run under
	"platform-python": {lang: python, code: "c", valued: "WXm", stdin: true},
}

func interpreterOf(name string) (interpreter, bool) {
	i, ok := interpreters[name]
	return i, ok
}

// interpret walks an interpreter: code on its command line, in a file, or on its input.
func (in *interp) interpret(c *call, name string, i interpreter) effect {
	args := c.args()
	in.startInterpreter(c, i.lang)
	if i.file != "" {
		in.java(c, args)
		return effect{}
	}
	for k := 0; k < len(args); k++ {
		a := args[k]
		next := firstOr(args[min(k+1, len(args)):], "")
		switch {
		case a == "-" || a == "/dev/stdin":
			in.runCode(c, in.stdin(c), i.lang, "its output is piped into "+name)
			return effect{}
		case !strings.HasPrefix(a, "-"):
			return in.interpretFile(c, name, i, a)
		case strings.HasPrefix(a, "--"):
			long, value, has := strings.Cut(a[2:], "=")
			if takesValue(i.longCode, long) {
				if !has {
					value = next
				}
				return in.inlineCode(c, value, i.lang)
			}
		default:
			if code, ok := inlineOf(i, a[1:], next); ok {
				return in.inlineCode(c, code, i.lang)
			}
			if i.lang == python && strings.HasPrefix(a, "-m") {
				return in.module(c, args[k:])
			}
			if i.valued != "" && strings.Contains(i.valued, a[len(a)-1:]) && len(a) == 2 {
				k++
			}
		}
	}
	if i.stdin {
		how := "its output is read by "
		if e := c.fds.get(0); e != nil && e.piped {
			how = "its output is piped into "
		}
		in.runCode(c, in.stdin(c), i.lang, how+name)
	}
	return effect{}
}

// inlineOf finds the code in a bundle of short options: -c CODE, -cCODE, -lane CODE.
func inlineOf(i interpreter, bundle, next string) (string, bool) {
	for k := range len(bundle) {
		switch b := bundle[k]; {
		case strings.IndexByte(i.code, b) >= 0:
			if rest := bundle[k+1:]; rest != "" && i.lang != javascript {
				return rest, true
			}
			return next, true
		case b == 'M' || b == 'I' || strings.IndexByte(i.valued, b) >= 0:
			return "", false // the rest is the value of this one
		}
	}
	return "", false
}

// inlineCode runs code from the command line.
func (in *interp) inlineCode(c *call, code string, lang language) effect {
	in.runCode(c, code, lang, "its output is run by "+c.name())
	return effect{}
}

// module is python -m NAME.
func (in *interp) module(c *call, args []string) effect {
	name, rest := strings.TrimPrefix(args[0], "-m"), args[1:]
	if name == "" && len(rest) > 0 {
		name, rest = rest[0], rest[1:]
	}
	if isInstaller(name) {
		in.install(c.with(append([]string{name}, rest...)), name)
	}
	if name == "base64" && (firstOr(rest, "") == "-d" || firstOr(rest, "") == "-u") {
		in.print(c, in.convert(in.inputs(c, rest[1:]), "python", decodeBase64))
	}
	if (name == "zipfile" || name == "tarfile") && len(rest) > 1 && (rest[0] == "-e" || rest[0] == "--extract") {
		text, _ := in.content(c, rest[1])
		in.unpack(in.path(firstOr(rest[2:], ".")), text)
	}
	return effect{}
}

// interpretFile runs a file. In the folder where the container starts, the image's own files are the likelier ones.
func (in *interp) interpretFile(c *call, name string, i interpreter, arg string) effect {
	if name == "bun" && arg == "run" || name == "deno" && (arg == "run" || arg == "eval" || arg == "serve" || arg == "test") {
		return in.scriptVerb(c, arg, i)
	}
	if isURL(arg) {
		in.report(RuntimeDownload, name, arg, []string{name + " fetches " + arg, "it is run"}, in.newFetch(name, arg, false))
		return effect{}
	}
	if base := programName(arg); base == "composer.phar" && i.lang == php {
		in.install(c.with(append([]string{"composer"}, c.args()[slices.Index(c.args(), arg)+1:]...)), "composer")
		return effect{}
	}
	file := in.path(arg)
	if _, ok := in.lookup(file); !ok {
		if t := in.treeOf(file); t == nil || t.home && !in.namedAfter(t, file) {
			in.seek(file)
			return effect{}
		}
	}
	text, shown := in.content(c, arg)
	in.runCode(c, text, i.lang, in.via(shown, "run by "+name))
	return effect{}
}

// runCode runs text as a program in some language.
func (in *interp) runCode(c *call, text string, lang language, via string) {
	if h := in.leading(text); h != nil {
		if !in.remoteInput(c, text, c.name()) {
			in.executed(text, via)
		}
		return
	}
	if text != "" {
		in.code(c, text, lang)
	}
}

// foreign handles a script whose #! line names something other than a shell, and tells whether it was one.
func (in *interp) foreign(text string, r scriptRun) bool {
	if !strings.HasPrefix(text, "#!") {
		return false
	}
	line, _, _ := strings.Cut(text[2:], "\n")
	argv := strings.Fields(line)
	if len(argv) > 1 && path.Base(argv[0]) == "env" {
		argv = argv[1:]
		if argv[0] == "-S" {
			argv = argv[1:]
		}
	}
	for len(argv) > 1 && isWrapper(programName(argv[0])) { // with-contenv bash
		argv = argv[1:]
	}
	if len(argv) == 0 {
		return false
	}
	name := programName(argv[0])
	fds := r.fds
	if fds == nil {
		fds = &in.env.fds
	}
	if name == "execlineb" {
		in.within(&layer{src: text, outer: in.layer, via: r.via, at: r.at}, func() {
			in.subshell(func() { in.execline(&call{argv: argv, fds: fds}, text) })
		})
		return true
	}
	if i, ok := interpreterOf(strings.TrimRight(name, "0123456789.")); ok {
		in.within(&layer{src: text, outer: in.layer, via: r.via}, func() {
			script := &call{argv: argv, fds: fds}
			in.startInterpreter(script, i.lang)
			in.code(script, text, i.lang)
		})
		return true
	}
	if isShell(name) || name == "busybox" || !in.known(name) || name == "openrc-run" || name == "runscript" {
		return false
	}
	in.unreadable("a script for %s, which is not understood here", name)
	return true
}

// runOperand is a program that loads or runs its first operand: insmod, ld.so, dotnet, systemd-run.
func (in *interp) runOperand(c *call) effect {
	p := options{first: true, long: "library-path preload unit "}.parse(c.args())
	if f := p.value("preload"); f != "" {
		in.preloaded("--preload", f)
	}
	if len(p.args) == 0 {
		return effect{}
	}
	if operands, ok := phraseOf(installers[c.name()], c.args(), p); ok {
		in.installs(c, c.name(), operands)
		return effect{}
	}
	if c.name() == "insmod" || c.name() == "dotnet" || c.name() == "run-parts" {
		h := in.fetchedOperand(p.args[0])
		if name := in.foundIn(in.path(p.args[0])); h == nil && c.name() == "run-parts" {
			h = in.fetched(in.fileText(name))
		}
		if h != nil {
			in.report(RuntimeDownload, h.fetch.tool, h.fetch.source, appendStep(h.steps, p.args[0]+" is run by "+c.name()), h.fetch)
		}
		return effect{}
	}
	return in.run(c.with(p.args))
}
