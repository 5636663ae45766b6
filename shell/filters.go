package shell

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// echo prints its arguments; with -e, and in shells where that is the default, it knows escapes.
func (in *interp) echo(c *call) effect {
	args := c.args()
	newline, escaped := "\n", false
	for len(args) > 0 && len(args[0]) > 1 && strings.Trim(args[0], "neE") == "-" && args[0][0] == '-' {
		if strings.Contains(args[0], "n") {
			newline = ""
		}
		escaped = escaped || strings.Contains(args[0], "e")
		args = args[1:]
	}
	text := strings.Join(args, " ")
	if escaped {
		text = escapes(text, false)
	}
	in.print(c, text+newline)
	return effect{}
}

// printf formats its arguments; -v puts the result into a variable.
func (in *interp) printf(c *call) effect {
	args := c.args()
	target := ""
	if len(args) > 2 && args[0] == "-v" {
		target, args = args[1], args[2:]
	} else if len(args) > 1 && strings.HasPrefix(args[0], "-v") {
		target, args = args[0][2:], args[1:]
	}
	in.subscript(target)
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		return effect{}
	}
	text := in.bounded(in.format(args[0], args[1:]))
	if target != "" {
		in.env.vars.set(target, text)
		return effect{}
	}
	in.print(c, text)
	return effect{}
}

// format is printf's: the format is used again until no arguments are left.
func (in *interp) format(format string, args []string) string {
	var b strings.Builder
	for round := 0; round == 0 || len(args) > 0; round++ {
		before := len(args)
		args = formatOnce(&b, format, args)
		if len(args) == before || b.Len() > in.budget.limits.ValueBytes {
			break
		}
	}
	return b.String()
}

func formatOnce(b *strings.Builder, format string, args []string) []string {
	for format != "" {
		i := strings.IndexByte(format, '%')
		if i < 0 {
			b.WriteString(escapes(format, true))
			break
		}
		b.WriteString(escapes(format[:i], true))
		rest := strings.TrimLeft(format[i+1:], "0123456789.-+ #*")
		flags := strings.TrimRight(format[i+1:len(format)-len(rest)], "*")
		format = rest
		if format == "" {
			break
		}
		verb := format[0]
		format = format[1:]
		if verb == '%' {
			b.WriteByte('%')
			continue
		}
		if len(args) > 0 {
			arg := args[0]
			args = args[1:]
			switch n, err := strconv.Atoi(arg); {
			case verb == 'b':
				arg = escapes(arg, false)
			case strings.IndexByte("doxX", verb) >= 0 && err == nil && len(flags) < 4:
				arg = fmt.Sprintf("%"+flags+string(verb), n)
			case verb == 'c':
				arg = shorten(arg, 1)
			}
			b.WriteString(arg)
		}
	}
	return args
}

// inputs is what a filter reads: the files that it is given, or else its standard input.
func (in *interp) inputs(c *call, files []string) string {
	if len(files) == 0 {
		return in.stdin(c)
	}
	var all []string
	for _, f := range files {
		if f == "-" {
			all = append(all, in.stdin(c))
			continue
		}
		text, _ := in.content(c, f)
		all = append(all, text)
	}
	return in.bounded(strings.Join(all, ""))
}

func (in *interp) cat(c *call) effect {
	text := in.inputs(c, options{}.parse(c.args()).args)
	if c.name() == "tac" && in.known(text) {
		lines := strings.SplitAfter(text, "\n")
		slices.Reverse(lines)
		text = strings.Join(lines, "")
	}
	in.print(c, text)
	return effect{}
}

func (in *interp) tee(c *call) effect {
	p := options{}.parse(c.args())
	text := in.stdin(c)
	for _, f := range p.args {
		if n, ok := devFD(f); ok {
			in.write(c.fds.get(n), text)
			continue
		}
		in.writeFile(in.path(f), text, p.has("a", "append"))
	}
	if c.name() == "tee" {
		in.print(c, text)
	}
	return effect{}
}

// copyFiles is cp, mv, ln and install: the copy has the content, and if it is a program, does what that does.
func (in *interp) copyFiles(c *call) effect {
	p := options{short: "mogtS", long: "mode owner group target-directory suffix "}.parse(c.args())
	dir := p.value("t", "target-directory")
	sources := p.args
	if dir == "" {
		if len(p.args) < 2 {
			return effect{}
		}
		dir, sources = p.args[len(p.args)-1], p.args[:len(p.args)-1]
	}
	for _, s := range sources {
		in.copyFile(in.path(s), in.path(dir), strings.HasSuffix(dir, "/") || len(sources) > 1 || p.has("t", "target-directory"))
	}
	return effect{}
}

func (in *interp) copyFile(from, to string, intoFolder bool) {
	targets := []string{to}
	if intoFolder || systemFolder(to) || scratch(to+"/") && strings.Count(to, "/") == 1 {
		targets = []string{path.Join(to, path.Base(from))}
	} else if !strings.Contains(path.Base(to), ".") {
		targets = append(targets, path.Join(to, path.Base(from))) // to may be a folder
	}
	text := in.readFile(from)
	for _, t := range targets {
		if in.remarkable(text) == nil && in.merelyUnknown(text) {
			f := in.file(t)
			*f = file{text: text, program: in.linkedProgram(from)}
			in.hostWrite(t, text)
			continue
		}
		in.truncate(t)
		in.writeFile(t, text, false)
	}
	for _, t := range in.trees {
		if rel, ok := within(from, t.dir); ok || t.dir == from {
			in.addTree(tree{dir: path.Join(to, rel), text: t.text})
		}
	}
}

// linkedProgram returns the name of the program that name is a copy of or a link to; without any, its own.
func (in *interp) linkedProgram(name string) string {
	if f, ok := in.files[in.path(name)]; ok && f.program != "" {
		return f.program
	}
	if strings.HasPrefix(name, "/") && in.known(name) {
		return programName(name)
	}
	return ""
}

func (in *interp) remove(c *call) effect {
	for _, a := range (options{}).parse(c.args()).args {
		delete(in.files, in.path(a))
	}
	return effect{}
}

// dd is dd if=FILE of=FILE.
func (in *interp) dd(c *call) effect {
	var from, to string
	for _, a := range c.args() {
		if v, ok := strings.CutPrefix(a, "if="); ok {
			from = v
		} else if v, ok := strings.CutPrefix(a, "of="); ok {
			to = v
		}
	}
	var text string
	if from == "" {
		text = in.stdin(c)
	} else {
		text, _ = in.content(c, from)
	}
	if to == "" {
		in.print(c, text)
		return effect{}
	}
	in.writeFile(in.path(to), text, false)
	return effect{}
}

func (in *interp) mkfifo(c *call) effect {
	args := options{short: "m", long: "mode "}.parse(c.args()).args
	if c.name() == "mknod" {
		if len(args) < 2 || args[1] != "p" {
			return effect{}
		}
		args = args[:1]
	}
	for _, a := range args {
		in.file(in.path(a)).fifo = true
	}
	return effect{}
}

// grep passes on what it reads. Finding a known checksum in the output of sha256sum is a check.
func (in *interp) grep(c *call) effect {
	p := options{short: "eABCmf", long: "regexp after-context before-context context max-count file "}.parse(c.args())
	pattern, files := p.value("e", "regexp"), p.args
	if pattern == "" && len(files) > 0 && !p.has("f", "file") {
		pattern, files = files[0], files[1:]
	}
	text := in.inputs(c, files)
	in.print(c, in.derived(text, "$(grep)", "")+"\n")
	return effect{passed: in.digestOf(text, pattern)}
}
