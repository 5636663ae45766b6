package shell

import (
	"path"
	"strings"
)

// awk has a network of its own in /inet/tcp, and pipes to and from commands. A program that reads from a peer, and
// from a command as well or by system, does what the peer says.
func (in *interp) awk(c *call) effect {
	p := options{short: "Ffv", first: true}.parse(c.args())
	program, files := firstOr(p.args, ""), p.args[min(1, len(p.args)):]
	if f := p.value("f"); f != "" {
		program, _ = in.content(c, f)
		files = p.args
	}
	if h := in.leading(program); h != nil && h.fetch != nil {
		in.executedHole(h, "its output is run by awk")
		return effect{}
	}
	text := in.inputs(c, files)
	a := in.awkProgram(c, program, p.opts)
	if read := in.fetched(text + a.read); a.system && read != nil {
		in.executedHole(read, "awk runs it by system")
	}
	if a.shell && in.fetched(text) != nil {
		in.executedHole(in.fetched(text), "awk prints it into a shell")
	}
	if in.remarkable(text+a.read) == nil && strings.Contains(program, "printf") && strings.Contains(program, "%c") {
		in.print(c, in.newHole(hole{spelling: "$(awk)", opaque: "awk puts characters together, which cannot be read here"}))
		return effect{}
	}
	in.print(c, in.derived(text+a.read, "$(awk)", "")+"\n")
	return effect{}
}

// awkFacts is what a program in awk does.
type awkFacts struct {
	system bool   // it hands something to system that is not written in it
	shell  bool   // it prints into a shell
	read   string // what the commands print that it reads from
}

// awkProgram walks the commands that are written in a program, and reports one that does what a peer says.
func (in *interp) awkProgram(c *call, program string, values []option) awkFacts {
	var facts awkFacts
	code := lex(program, awkLang)
	awkValues(code, values)
	peer, network := "", false
	for _, t := range code {
		if t.kind == literal && (strings.HasPrefix(t.text, "/inet/") || strings.HasPrefix(t.text, "/inet4/") || strings.HasPrefix(t.text, "/inet6/")) {
			network = true
			parts := strings.Split(path.Clean(t.text), "/") // "", inet, tcp, 0, HOST, PORT
			peer = strings.Join(parts[min(4, len(parts)):], ":")
		}
	}
	readers := map[string]bool{} // what stands left of | getline
	runs := false
	for i, t := range code {
		switch next := tokenAt(code, i+1); {
		case t.kind == ident && t.text == "system":
			runs = runs || tokenAt(code, i+2).kind != literal
			in.awkCommand(c, code, i+2, network)
		case t.kind == ident && t.text == "getline" && i >= 2 && (code[i-1].text == "|" || code[i-1].text == "&" && i >= 3):
			k := i - 2
			if code[i-1].text == "&" {
				k--
			}
			readers[code[k].text] = true
			if code[k].kind == literal && !network {
				facts.read += in.capture(func() { in.awkCommand(c, code, k, network) })
			}
		case t.kind == punct && t.text == "|" && next.kind == literal:
			facts.shell = facts.shell || startsShell(next.text)
			in.awkPrints(code, i, next.text)
			in.awkCommand(c, code, i+1, network)
		}
	}
	if facts.system = runs; network && (len(readers) > 1 || runs && len(readers) > 0) {
		if peer = strings.TrimPrefix(peer, "0:"); peer == "" {
			peer = "a peer"
		}
		in.report(ReverseShell, "awk", peer, []string{"awk connects to " + peer, "it runs what it receives"}, nil)
	}
	return facts
}

// awkValues puts the strings in place of the variables that they are assigned to: cmd = "…", -v cmd=….
func awkValues(code []token, given []option) {
	values := map[string]string{}
	for _, o := range given {
		if name, value, ok := strings.Cut(o.value, "="); ok && o.name == "v" {
			values[name] = value
		}
	}
	for i, t := range code {
		if t.kind == ident && tokenAt(code, i+1).text == "=" && tokenAt(code, i+2).kind == literal {
			values[t.text] = code[i+2].text
		}
	}
	for i, t := range code {
		if value, ok := values[t.text]; ok && t.kind == ident && tokenAt(code, i+1).text != "=" {
			code[i] = token{literal, value}
		}
	}
}

// awkPrints walks what print hands to a command at the token i, which is a pipe.
func (in *interp) awkPrints(code []token, i int, command string) {
	text := ""
	for i--; i >= 0 && !(code[i].kind == ident && (code[i].text == "print" || code[i].text == "printf")); i-- {
		if code[i].kind != literal {
			return
		}
		text = code[i].text + text
	}
	if i >= 0 {
		fds := in.env.fds
		fds.set(0, &end{text: text + "\n", piped: true})
		in.childShell(command, scriptRun{via: "awk runs it", fds: &fds})
	}
}

func tokenAt(code []token, i int) token {
	if i < 0 || i >= len(code) {
		return token{kind: punct}
	}
	return code[i]
}

// awkCommand walks the command that a literal is, unless the program talks to a peer: then it is the peer's prompt.
func (in *interp) awkCommand(c *call, code []token, i int, network bool) {
	if t := tokenAt(code, i); t.kind == literal && !network {
		in.childShell(t.text, scriptRun{via: "awk runs it", fds: &in.env.fds})
	}
}
