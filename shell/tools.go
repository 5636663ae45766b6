package shell

import (
	"path"
	"strings"
)

// textFilter is sed, head, cut and their like: what they print is a part of what they read.
func (in *interp) textFilter(c *call) effect {
	p := options{short: "efnckdtFS", long: "expression file lines bytes fields delimiter field-separator arg argjson "}.parse(c.args())
	if c.name() == "sed" {
		p = options{short: "ef", long: "expression file "}.parse(c.args())
	}
	files := p.args
	if takesProgram(c.name()) && !p.has("e", "f", "expression", "file") && len(files) > 0 {
		files = files[1:]
	}
	if c.name() == "sed" && (strings.HasPrefix(firstOption(p), "i") || p.has("i") || p.has("in-place")) {
		in.editFiles(files)
		return effect{}
	}
	text := in.inputs(c, files)
	if c.name() == "sed" {
		for _, program := range sedPrograms(p) {
			in.sedRuns(c, program, text)
		}
		if edited, ok := in.substituted(text, sedPrograms(p), p.has("E", "r", "regexp-extended")); ok && !p.has("n", "quiet", "silent") {
			in.print(c, edited)
			return effect{}
		}
	}
	in.print(c, in.derived(text, "$("+c.name()+")", "")+"\n")
	return effect{}
}

// takesProgram tells whether the first operand of a filter is what it does rather than a file.
func takesProgram(name string) bool { return name == "sed" || name == "jq" || name == "yq" }

func firstOption(p parsed) string {
	if len(p.opts) == 0 {
		return ""
	}
	return p.opts[0].name
}

// editFiles is sed -i: the files have other text than before, from the same origin.
func (in *interp) editFiles(files []string) {
	for _, f := range files {
		name := in.path(f)
		if old, ok := in.lookup(name); ok {
			old.text = in.derived(old.text, "<"+in.display(name), "")
		}
		in.hostWrite(name, "")
	}
}

// compile is cc, rustc and their like: the program is what its source was.
func (in *interp) compile(c *call) effect {
	p := options{short: "oxILlDWfmOstd", long: "std "}.parse(c.args())
	to := p.value("o")
	if to == "" {
		to = "a.out"
	}
	for _, a := range p.args {
		text := ""
		if a == "-" {
			text = in.stdin(c)
			in.code(c, text, cLang)
		} else if f, ok := in.lookup(in.path(a)); ok && in.known(f.text) {
			in.code(c, f.text, cLang)
		} else if h := in.fetchedOperand(a); h != nil {
			text, _ = in.content(c, a)
		}
		if in.fetched(text) != nil {
			in.writeFile(in.path(to), in.derived(text, "<"+in.display(to), c.name()+" compiles it"), false)
		}
	}
	return effect{}
}

// playbook is ansible-playbook and its like: they do what a file says.
func (in *interp) playbook(c *call) effect {
	p := options{short: "ieltCUdo", long: "inventory extra-vars limit tags connection url directory vault-password-file "}.parse(c.args())
	if url := p.value("U", "url"); c.name() == "ansible-pull" && url != "" {
		f := in.newFetch("ansible-pull", url, false)
		in.report(RuntimeDownload, "ansible-pull", url, []string{"ansible-pull gets " + url, "it does what that says"}, f)
		return effect{}
	}
	for _, a := range p.args {
		if h := in.fetchedOperand(a); h != nil {
			in.report(RuntimeDownload, h.fetch.tool, h.fetch.source, appendStep(h.steps, a+" is run by "+c.name()), h.fetch)
		}
	}
	return effect{}
}

// editor is vim, gdb and their like, which run a command or code that an option of theirs says.
func (in *interp) editor(c *call) effect {
	p := options{short: "c", long: "cmd ex eval-command command ", single: c.name() == "gdb"}.parse(c.args())
	for _, o := range p.opts {
		switch o.name {
		case "c", "cmd", "ex", "eval-command", "command":
			in.editorCommand(c, o.value)
		}
	}
	for _, a := range p.args {
		if command, ok := strings.CutPrefix(a, "+"); ok {
			in.editorCommand(c, command)
		}
	}
	return effect{}
}

// editorCommand is one command of an editor or a debugger: !command, r !command, py code.
func (in *interp) editorCommand(c *call, line string) {
	line = strings.TrimLeft(line, ": ")
	for _, word := range [...]string{"silent! ", "silent ", "sil ", "sil! ", "exe ", "execute ", "call ", "let x=", "echo "} {
		line = strings.TrimLeft(strings.TrimPrefix(line, word), "'\": ")
	}
	if rest, ok := strings.CutPrefix(line, "system"); ok {
		if i := strings.IndexAny(rest, `"'`); i >= 0 {
			command, _ := quotedText(rest[i:])
			in.later(command, c.name()+" runs it")
			return
		}
	}
	if i := strings.IndexByte(line, '!'); i >= 0 && i < 3 {
		in.childShell(line[i+1:], scriptRun{via: c.name() + " runs it", fds: c.fds})
		return
	}
	verb, rest, _ := strings.Cut(line, " ")
	switch verb {
	case "shell", "system":
		in.childShell(rest, scriptRun{via: c.name() + " runs it", fds: c.fds})
	case "py", "py3", "python", "python3", "pi":
		in.code(c, rest, python)
	case "lua":
		in.code(c, rest, lua)
	case "perl":
		in.code(c, rest, perl)
	case "ruby":
		in.code(c, rest, ruby)
	}
}

// xterm shows its shell on another machine's display.
func (in *interp) xterm(c *call) effect {
	p := options{single: true, long: "display e title T geometry fg bg "}.parse(c.args())
	host, _, ok := strings.Cut(p.value("display"), ":")
	if ok && host != "" && host != "localhost" && host != "unix" && !strings.HasPrefix(host, "/") {
		f := in.newFetch("xterm", p.value("display"), true)
		in.report(ReverseShell, "xterm", f.source, []string{"xterm shows a shell on the display of " + in.display(host)}, f)
	}
	return effect{}
}

// hasPlugins tells whether a program takes programs named after it for its subcommands.
func hasPlugins(name string) bool {
	switch name {
	case "docker", "kubectl", "git", "helm", "cargo", "gh", "podman", "terraform", "krew":
		return true
	}
	return false
}

// plugin finds what a program runs under the name of its first operand: docker-compose for docker compose.
func (in *interp) plugin(c *call) {
	if len(in.files) == 0 || len(c.argv) < 2 || !hasPlugins(c.name()) || strings.HasPrefix(c.argv[1], "-") || strings.ContainsAny(c.argv[1], "/ ") {
		return
	}
	name := c.name() + "-" + c.argv[1]
	for _, file := range in.fileNames() {
		f := in.files[file]
		if path.Base(file) == name && in.fetched(f.text) != nil && in.leading(f.text) != nil {
			in.executed(f.text, in.display(file)+" is run by "+c.name())
		}
	}
}
