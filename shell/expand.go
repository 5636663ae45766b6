package shell

import (
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// fields expands words to arguments: braces, variables, substitutions, then splitting.
func (in *interp) fields(words []*syntax.Word) []string {
	out := make([]string, 0, len(words))
	for _, w := range words {
		if lit := plainWord(w); lit != "" {
			out = append(out, lit)
			continue
		}
		for _, b := range in.braces(w) {
			out = in.wordFields(out, b)
			if len(out) > maxArguments {
				in.stop("more than %d arguments", maxArguments)
				return nil
			}
		}
	}
	return out
}

// plainWord returns the text of a word in which nothing is expanded, "" for any other.
func plainWord(w *syntax.Word) string {
	if len(w.Parts) != 1 {
		return ""
	}
	lit, ok := w.Parts[0].(*syntax.Lit)
	if !ok || strings.ContainsAny(lit.Value, "\\{~") {
		return ""
	}
	return lit.Value
}

// splitter collects the fields of one word.
type splitter struct {
	fields []string
	cur    strings.Builder
	open   bool // there is a field, be it empty
}

func (s *splitter) add(text string) {
	s.cur.WriteString(text)
	s.open = true
}

func (s *splitter) end() {
	if s.open {
		s.fields = append(s.fields, s.cur.String())
		s.cur.Reset()
		s.open = false
	}
}

// split adds text with the separators in ifs ending fields.
func (s *splitter) split(text, ifs string) {
	for text != "" {
		i := strings.IndexAny(text, ifs)
		if i < 0 {
			s.add(text)
			return
		}
		if i > 0 {
			s.add(text[:i])
		}
		s.end()
		text = text[i+1:]
	}
}

func (in *interp) wordFields(out []string, w *syntax.Word) []string {
	if !in.step() {
		return out
	}
	s := splitter{fields: out}
	for i, part := range w.Parts {
		switch p := part.(type) {
		case *syntax.ParamExp:
			if list, ok := in.listParam(p); ok {
				in.addList(&s, list, p.Param.Value != "*")
				continue
			}
			s.split(in.param(p), in.ifs())
		case *syntax.CmdSubst:
			s.split(in.substitute(p), in.ifs())
		case *syntax.DblQuoted:
			in.quoted(&s, p)
		default:
			s.add(in.part(part, i == 0))
		}
	}
	s.end()
	for i := len(out); i < len(s.fields); i++ {
		in.bounded(s.fields[i])
	}
	return s.fields
}

// addList adds the elements of $@ or ${a[@]}: each begins a field of its own.
func (in *interp) addList(s *splitter, list []string, split bool) {
	for i, v := range list {
		if i > 0 {
			s.end()
		}
		if split {
			s.split(v, in.ifs())
		} else {
			s.add(v)
		}
	}
}

// quoted adds a double-quoted part; only "$@" and its like make several fields of it.
func (in *interp) quoted(s *splitter, q *syntax.DblQuoted) {
	if len(q.Parts) == 1 {
		if p, ok := q.Parts[0].(*syntax.ParamExp); ok && isAt(p) {
			if list, ok := in.listParam(p); ok {
				in.addList(s, list, false)
				return
			}
		}
	}
	s.add(in.parts(q.Parts))
}

func (in *interp) ifs() string {
	if v, ok := in.env.vars.get("IFS"); ok {
		return v
	}
	return " \t\n"
}

// word expands a word to one string, without splitting: an assigned value, the target of a redirection.
func (in *interp) word(w *syntax.Word) string {
	if w == nil {
		return ""
	}
	if lit := plainWord(w); lit != "" {
		return lit
	}
	if !in.step() {
		return ""
	}
	var b strings.Builder
	for i, p := range w.Parts {
		b.WriteString(in.part(p, i == 0))
	}
	return in.bounded(b.String())
}

// document expands a here-document; raw tells that its delimiter was quoted.
func (in *interp) document(w *syntax.Word, raw bool) string {
	if !raw {
		return in.parts(w.Parts)
	}
	var b strings.Builder
	for _, p := range w.Parts {
		if l, ok := p.(*syntax.Lit); ok {
			b.WriteString(l.Value)
		}
	}
	return in.bounded(b.String())
}

func quotedWord(w *syntax.Word) bool {
	for _, p := range w.Parts {
		switch p := p.(type) {
		case *syntax.SglQuoted, *syntax.DblQuoted:
			return true
		case *syntax.Lit:
			if strings.Contains(p.Value, `\`) {
				return true
			}
		}
	}
	return false
}

// parts expands what stands between double quotes.
func (in *interp) parts(parts []syntax.WordPart) string {
	if len(parts) == 1 {
		if l, ok := parts[0].(*syntax.Lit); ok {
			return unescape(l.Value, "$`\"\\")
		}
	}
	var b strings.Builder
	for _, p := range parts {
		if l, ok := p.(*syntax.Lit); ok {
			b.WriteString(unescape(l.Value, "$`\"\\"))
			continue
		}
		b.WriteString(in.part(p, false))
	}
	return in.bounded(b.String())
}

// part expands one part of a word to a string.
func (in *interp) part(p syntax.WordPart, first bool) string {
	switch p := p.(type) {
	case *syntax.Lit:
		if first && strings.HasPrefix(p.Value, "~") {
			return in.home(p.Value)
		}
		return unescape(p.Value, "")
	case *syntax.SglQuoted:
		if p.Dollar {
			return escapes(p.Value, false)
		}
		return p.Value
	case *syntax.DblQuoted:
		return in.parts(p.Parts)
	case *syntax.ParamExp:
		if list, ok := in.listParam(p); ok {
			return strings.Join(list, " ")
		}
		return in.param(p)
	case *syntax.CmdSubst:
		return in.substitute(p)
	case *syntax.ArithmExp:
		return in.arithmetic(p.X)
	case *syntax.ProcSubst:
		return in.process(p)
	case *syntax.ExtGlob:
		return p.Op.String() + p.Pattern.Value + ")"
	}
	return ""
}

// home expands ~ and ~/x.
func (in *interp) home(lit string) string {
	if lit == "~" || strings.HasPrefix(lit, "~/") {
		return in.variable("HOME") + unescape(lit[1:], "")
	}
	return unescape(lit, "")
}

// unescape removes backslashes: all of them, or, within double quotes, those before the characters in only.
func unescape(s, only string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && (only == "" || s[i+1] == '\n' || strings.IndexByte(only, s[i+1]) >= 0) {
			if i++; s[i] == '\n' {
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// substitute walks $(commands) and returns what they print.
func (in *interp) substitute(c *syntax.CmdSubst) string {
	out := in.capture(func() {
		in.subshell(func() { in.deeper(func() { in.list(c.Stmts) }) })
	})
	return strings.TrimRight(out, "\n")
}

// process walks <(commands), and gives what they print a name; what is written to >(commands) goes to them later.
func (in *interp) process(p *syntax.ProcSubst) string {
	name := "/proc/self/fd/pipe" + strconv.Itoa(len(in.files))
	f := in.file(name)
	if p.Op == syntax.CmdOut {
		fds := in.env.fds
		f.consumer, f.fds = p, &fds
		return name
	}
	out := in.capture(func() {
		in.subshell(func() { in.deeper(func() { in.list(p.Stmts) }) })
	})
	in.file(name).text = out
	return name
}
