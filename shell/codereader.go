package shell

import (
	"net"
	"slices"
	"strings"
)

// reader answers questions about lexed code.
type reader struct {
	tokens  []token
	v       vocabulary
	lang    language
	aliases map[string]string // import subprocess as s
	// renamed are functions by the names that they are given besides: s = os.system.
	renamed map[string]string
	counted map[string]int // how often each string occurs
	runs    bool           // it names a module whose functions run commands
	source  string         // the first URL in the text
	flow    flow
	fetchAt map[int]bool        // the tokens that fetch
	hole    string              // what they get, as a value; "" if there are none
	origins map[string][][2]int // where names get their values from; nil until that is asked for
}

// What is looked at of one program.
const (
	maxFunctionWords = 10  // words that name a function: __import__("os").system
	maxUses          = 100 // calls that are looked at
	maxCallWords     = 500 // words of the arguments of one call
	maxLiterals      = 50  // strings of the arguments of one call
)

func newReader(tokens []token, v vocabulary, lang language) reader {
	r := reader{tokens: tokens, v: v, lang: lang, aliases: aliasesIn(tokens), renamed: functionsIn(tokens), counted: map[string]int{}}
	for _, t := range tokens {
		if t.kind == literal {
			r.counted[t.text]++
			r.runs = r.runs || strings.HasSuffix(t.text, "child_process")
		}
	}
	r.runs = r.runs || r.mentions("subprocess os pty")
	return r
}

// readsHandle tells whether perl reads from a handle: <$s>.
func (r *reader) readsHandle() bool {
	if r.lang != perl {
		return false
	}
	for i, t := range r.tokens {
		if t.text == "<" && tokenAt(r.tokens, i+1).kind == ident && tokenAt(r.tokens, i+2).text == ">" {
			return true
		}
	}
	return false
}

func aliasesIn(tokens []token) map[string]string {
	var m map[string]string
	for i := 2; i < len(tokens); i++ {
		renamed := tokens[i-1].text == "as" || tokens[i-1].text == ":" && i > 2 && (tokens[i-3].text == "{" || tokens[i-3].text == ",")
		if renamed && tokens[i].kind == ident && tokens[i-2].kind == ident {
			if m == nil {
				m = map[string]string{}
			}
			m[tokens[i].text] = tokens[i-2].text
		}
	}
	return m
}

// functionsIn are the names that functions of modules are assigned to: s = os.system, f = __import__("os").system,
// g = getattr(os, "system").
func functionsIn(tokens []token) map[string]string {
	var m map[string]string
	for i := 1; i+1 < len(tokens); i++ {
		if tokens[i].kind != punct || tokens[i].text != "=" || tokens[i-1].kind != ident {
			continue
		}
		if name := functionAt(tokens[i+1:]); name != "" {
			if m == nil {
				m = map[string]string{}
			}
			m[tokens[i-1].text] = name
		}
	}
	return m
}

// functionAt is the qualified name that an expression ends with, "" if it is more than the name of a function.
func functionAt(tokens []token) string {
	end := 0
	for end < min(len(tokens), maxFunctionWords) && tokens[end].text != "\n" && tokens[end].text != ";" {
		end++
	}
	if end == 0 {
		return ""
	}
	switch last := tokens[end-1]; {
	case last.kind == ident && strings.Contains(last.text, ".") && (end == 1 || strings.HasPrefix(last.text, ".")):
		return last.text
	case tokens[0].text == "getattr" && end > 2 && last.text == ")" && tokens[end-2].kind == literal:
		return "." + tokens[end-2].text
	}
	return ""
}

// nameParts are the parts of a qualified name.
func nameParts(name string) []string {
	return strings.FieldsFunc(name, func(c rune) bool { return strings.ContainsRune(".:->$@", c) })
}

// lastName returns what stands last in a qualified name, and what stands before it.
func lastName(name string) (qualifier, last string) {
	i := max(strings.LastIndexByte(name, '.'), strings.LastIndexByte(name, ':'), strings.LastIndexByte(name, '>'))
	return strings.TrimRight(name[:max(i, 0)], ".:->"), name[i+1:]
}

// anyModule says that a name counts whatever it belongs to.
const anyModule = "*"

// uses returns the calls of one of the names; from lists the modules that they must belong to.
func (r *reader) uses(names, from string) []codeUse {
	list, modules := strings.Fields(names), strings.Fields(from)
	var all []codeUse
	for i, t := range r.tokens {
		if len(all) >= maxUses {
			break
		}
		if t.kind == command && names == r.v.shell {
			all = append(all, r.commandUse(t.text))
			continue
		}
		if name, next := r.lookedUp(i); name != "" && slices.Contains(list, name) {
			u := r.arguments(next)
			u.name = name
			all = append(all, u)
			continue
		}
		qualifier, last := lastName(t.text)
		if original := r.aliases[last]; original != "" && qualifier == "" {
			_, last = lastName(original)
		}
		called := t.text
		if f := r.renamed[t.text]; f != "" && tokenAt(r.tokens, i+1).text == "(" {
			called = f
			qualifier, last = lastName(f)
		}
		if named := r.flow.values[t.text]; named != "" && r.lang == php && tokenAt(r.tokens, i+1).text == "(" {
			last = named // $f = "system"; $f("x")
		}
		if t.kind != ident || !slices.Contains(list, last) || from != anyModule && !r.counts(called, qualifier, last, modules) {
			continue
		}
		u := r.arguments(i + 1)
		if r.lang == javascript && i > 0 && r.tokens[i-1].text == "(" && i+1 < len(r.tokens) && r.tokens[i+1].text == ")" {
			u = codeUse{names: true, open: true, fetched: r.hole != ""} // it is handed to what calls it: then(eval)
		}
		if r.lang == perl && (last == "eval" || last == "do") && tokenAt(r.tokens, i+1).text == "{" {
			continue // a block
		}
		if u.names || len(u.literals) > 0 {
			u.name = t.text
			all = append(all, u)
		}
	}
	return all
}

// commandUse is a command between backquotes. Where it begins with a variable, its value is what is run.
func (r *reader) commandUse(text string) codeUse {
	u := codeUse{name: "`", literals: []string{text}, args: []string{text}}
	u.open = strings.HasPrefix(text, "$") || strings.HasPrefix(text, "#{") || strings.HasPrefix(text, "{$")
	name := strings.Trim(text, "#{} \n")
	if from := r.originsOf(originName(name)); u.open && len(from) > 0 && nameLength(name) == len(name) {
		u.from, u.to = from[0][0], from[0][1]
	}
	return u
}

// lookedUp is the name of a function that is called by a string, and where its arguments begin: getattr(os, "sys" + "tem")("x"),
// child_process["exec"]("x").
func (r *reader) lookedUp(i int) (name string, next int) {
	for ; tokenAt(r.tokens, i).kind == literal; i += 2 {
		name += r.tokens[i].text
		if sign := tokenAt(r.tokens, i+1).text; sign != "+" {
			if closes := sign == ")" || sign == "]"; closes && tokenAt(r.tokens, i+2).text == "(" && tokenAt(r.tokens, i+2).kind == punct {
				return name, i + 2
			}
			break
		}
	}
	return "", 0
}

// counts tells whether a name means what it seems to: exec is a method of JavaScript's regular expressions, too.
func (r *reader) counts(name, qualifier, last string, modules []string) bool {
	if a := r.aliases[qualifier]; a != "" {
		qualifier = a
	}
	_, module := lastName(qualifier)
	switch r.lang {
	case python:
		if len(modules) == 0 {
			return qualifier == "" && !strings.HasPrefix(name, ".") || qualifier == "builtins"
		}
		return slices.Contains(modules, module) || strings.HasPrefix(name, ".") && last != "run" ||
			qualifier == "" && r.runs && last != "call"
	case javascript:
		if strings.Contains(" "+r.v.shell+" ", " "+last+" ") {
			return r.runs
		}
	}
	return true
}

// arguments collects what stands in the parentheses at token i or, without any, up to the end of the statement.
func (r *reader) arguments(i int) codeUse {
	u := codeUse{from: i, to: i}
	depth := 0
	parens := i < len(r.tokens) && r.tokens[i].text == "(" && r.tokens[i].kind == punct
	for stop := min(len(r.tokens), i+maxCallWords); i < stop && len(u.literals) < maxLiterals; i++ {
		t := r.tokens[i]
		u.to = i + 1
		switch {
		case t.kind == punct && strings.Contains("([{", t.text):
			depth++
		case t.kind == punct && strings.Contains(")]}", t.text):
			if depth--; depth <= 0 && parens || depth < 0 {
				return u
			}
		case t.kind == punct && (t.text == ";" || t.text == "\n") && !parens:
			return u
		case t.kind == literal:
			u.literals = append(u.literals, t.text)
			r.argument(&u, i, t.text)
		case t.kind == command:
			u.open = u.open || len(u.literals) == 0 && !u.names
			u.names = true
		case t.kind == ident || r.fetchAt[i]:
			r.nameArgument(&u, i)
		}
	}
	return u
}

// nameArgument adds a name to the arguments: the string that it stands for, or what was fetched.
func (r *reader) nameArgument(u *codeUse, i int) {
	t := r.tokens[i]
	if i+1 < len(r.tokens) && r.tokens[i+1].text == "=" && r.tokens[i+1].kind == punct && (i+2 >= len(r.tokens) || r.tokens[i+2].text != "=") {
		u.input = u.input || t.text == "input" && r.mayBeFetched(i+2, r.endOf(i+2))
		u.open = u.open || len(u.literals) == 0 && !u.names && r.lang != python
		return
	}
	if v := r.flow.values[t.text]; v != "" && !r.isFetched(t.text) {
		u.literals = append(u.literals, v)
		r.argument(u, i, v)
		return
	}
	u.open = u.open || len(u.literals) == 0 && !u.names
	u.names = true
	if !r.fetchAt[i] && !r.isFetched(t.text) {
		return
	}
	u.fetched = true
	if r.hole != "" && !u.input {
		r.argument(u, i, r.hole)
	}
}

// argument adds text to the arguments: to the one before where the two are joined, else as one of its own.
func (r *reader) argument(u *codeUse, i int, text string) {
	if n := len(u.args); n > 0 && i > 0 && r.tokens[i-1].kind == punct && (r.tokens[i-1].text == "+" || r.tokens[i-1].text == ".") {
		u.args[n-1] += text
		return
	}
	u.args = append(u.args, text)
}

// namedURL is the first URL that code names. In perl and ruby, whose words for fetching are words for much else, one
// within a sentence that is printed is none.
func (r *reader) namedURL(code string) string {
	if r.lang != perl && r.lang != ruby {
		return firstURLIn(code)
	}
	for _, t := range r.tokens {
		url := firstURLIn(t.text)
		if before, _, ok := strings.Cut(t.text, url); ok && url != "" && !strings.Contains(strings.TrimSpace(before), " ") {
			return url
		}
	}
	return ""
}

func (r *reader) firstURL() string {
	for _, t := range r.tokens {
		if t.kind == literal && isURL(t.text) {
			return t.text
		}
	}
	return r.source
}

// peer finds HOST:PORT among the strings and numbers of code, as far as it is written there.
func (r *reader) peer() string {
	host := ""
	for i, t := range r.tokens {
		if t.kind == literal && host == "" && looksLikeHost(t.text) {
			host = t.text
			for _, n := range r.tokens[i:min(i+4, len(r.tokens))] {
				if n.kind == number {
					return net.JoinHostPort(host, n.text)
				}
			}
		}
	}
	if host != "" {
		return host
	}
	return "a peer"
}

func looksLikeHost(s string) bool {
	if net.ParseIP(s) != nil {
		return true
	}
	return strings.Contains(s, ".") && !strings.ContainsAny(s, "/ \n<>&%") && !strings.HasSuffix(s, ".py") && !strings.HasSuffix(s, ".exe")
}

// mentions tells whether one of the names occurs, as any part of a qualified one.
func (r *reader) mentions(names string) bool {
	list := strings.Fields(names)
	return slices.ContainsFunc(r.tokens, func(t token) bool {
		if t.kind != ident {
			return false
		}
		return slices.Contains(list, t.text) || slices.ContainsFunc(nameParts(t.text), func(part string) bool { return slices.Contains(list, part) })
	})
}

func (r *reader) count(kind tokenKind) int {
	n := 0
	for _, t := range r.tokens {
		if t.kind == kind {
			n++
		}
	}
	return n
}
