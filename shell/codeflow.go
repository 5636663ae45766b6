package shell

import (
	"slices"
	"strings"
)

// flow is what is known of the names in a program: it is followed from assignment to assignment, without scopes
// and in any order.
type flow struct {
	values  map[string]string // names of strings that are written out
	fetched map[string]bool   // names of what came from a URL, and of the functions that return it
}

// flowRounds is how often the assignments are followed, so that a name that is used before it is set counts too.
const flowRounds = 3

// follow fills in the flow of a program.
func (r *reader) follow() {
	r.flow = flow{values: map[string]string{}, fetched: map[string]bool{}}
	r.fetchAt = r.fetchCalls()
	for round := range flowRounds {
		before := len(r.flow.fetched)
		r.assignments(round == 0)
		if len(r.fetchAt) > 0 {
			r.callbacks()
			r.functions()
		}
		if round > 0 && len(r.flow.fetched) == before {
			break
		}
	}
}

// assignments follows name = expression, and its spellings in other languages.
func (r *reader) assignments(first bool) {
	for i, t := range r.tokens {
		from, to, ok := r.assigned(i, t)
		if !ok {
			continue
		}
		name := r.tokens[from].text
		if r.mayBeFetched(to, r.endOf(to)) {
			r.setFetched(name)
			continue
		}
		if !first {
			continue
		}
		text, _ := r.text(to, r.endOf(to))
		if _, twice := r.flow.values[name]; twice {
			text = "" // nobody knows which
		}
		r.flow.values[name] = text
	}
}

// assigned tells whether token i assigns something: to the name at from what begins at to.
func (r *reader) assigned(i int, t token) (from, to int, ok bool) {
	if i+1 >= len(r.tokens) {
		return 0, 0, false
	}
	next := r.tokens[i+1]
	switch {
	case t.kind == ident && r.lang == tcl && t.text == "set" && next.kind == ident:
		return i + 1, i + 2, true
	case t.kind == ident && t.text == "as" && i > 1 && next.kind == ident: // with expression as name:
		return i + 1, r.lineStart(i), true
	case t.kind == ident && t.text == "for" && next.kind == ident && i+3 < len(r.tokens) && r.tokens[i+2].text == "in":
		return i + 1, i + 3, true
	case t.kind == punct && t.text == "-" && r.lang == rlang && i > 1 && r.tokens[i-1].text == "<" && r.tokens[i-2].kind == ident:
		return i - 2, i + 1, true
	case t.kind != punct || t.text != "=" || i == 0 || next.kind == punct && strings.Contains("=>~", next.text):
		return 0, 0, false
	}
	from = i - 1
	if p := r.tokens[from]; p.kind == punct && strings.Contains("+.:|", p.text) && from > 0 {
		from--
	}
	return from, i + 1, r.tokens[from].kind == ident
}

// lineStart returns the first token of the line on which token i stands.
func (r *reader) lineStart(i int) int {
	for i > 0 && r.tokens[i-1].text != "\n" && r.tokens[i-1].text != ";" {
		i--
	}
	return i
}

// endOf returns where the expression at token i ends.
func (r *reader) endOf(i int) int {
	depth := 0
	for stop := min(len(r.tokens), i+maxCallWords); i < stop; i++ {
		t := r.tokens[i]
		if t.kind != punct {
			continue
		}
		switch {
		case strings.Contains("([{", t.text):
			depth++
		case strings.Contains(")]}", t.text):
			if depth--; depth < 0 {
				return i
			}
		case t.text == ";", depth == 0 && (t.text == "\n" || t.text == ","):
			return i
		}
	}
	return i
}

// mayBeFetched tells whether what stands between two tokens calls what fetches, or names what was fetched.
func (r *reader) mayBeFetched(from, to int) bool {
	for i := from; i < to; i++ {
		if r.fetchAt[i] || r.tokens[i].kind == ident && r.isFetched(r.tokens[i].text) {
			return true
		}
	}
	return false
}

// isFetched tells whether a name, or what it is a part of, was fetched.
func (r *reader) isFetched(name string) bool {
	return len(r.flow.fetched) > 0 && r.flow.fetched[baseName(name)]
}

func (r *reader) setFetched(name string) {
	if base := baseName(name); len(base) > 0 && base != "self" && base != "this" {
		r.flow.fetched[base] = true
	}
}

// baseName is the first part of a qualified name: r of r.text, $x of $x->y.
func baseName(name string) string {
	if i := strings.IndexAny(name, ".:-"); i > 0 {
		name = name[:i]
	}
	return strings.TrimLeft(name, "$@.")
}

// text puts together the string that stands between two tokens, if all of it is written out.
func (r *reader) text(from, to int) (string, bool) {
	var b strings.Builder
	parts := 0
	for i := from; i < to; i++ {
		switch t := r.tokens[i]; {
		case t.kind == literal:
			b.WriteString(t.text)
			parts++
		case t.kind == ident && r.flow.values[t.text] != "":
			b.WriteString(r.flow.values[t.text])
			parts++
		case t.kind == punct && (t.text == "+" || t.text == "." || t.text == "(" || t.text == ")"):
		default:
			return "", false
		}
	}
	return b.String(), parts > 0
}

// callbacks takes the parameters of functions that are written where they are used for what was fetched.
func (r *reader) callbacks() {
	if r.lang != javascript && r.lang != ruby {
		return
	}
	for i, t := range r.tokens {
		switch {
		case t.text == "=" && i+1 < len(r.tokens) && r.tokens[i+1].text == ">" && i > 0:
			r.takeNames(i-1, -1)
		case t.kind == ident && t.text == "function" && i+1 < len(r.tokens):
			r.takeNames(i+1, 1)
		case r.lang == ruby && t.text == "|" && i > 0 && (r.tokens[i-1].text == "{" || r.tokens[i-1].text == "do"):
			r.takeNames(i+1, 1)
		}
	}
}

// takeNames marks the names from token i on, in the direction, up to the end of the list.
func (r *reader) takeNames(i, direction int) {
	for n := 0; n < 8 && i >= 0 && i < len(r.tokens); n, i = n+1, i+direction {
		t := r.tokens[i]
		switch {
		case t.kind == ident:
			r.setFetched(t.text)
			if direction < 0 && n == 0 {
				return // name => ...
			}
		case t.kind == punct && strings.Contains(",()", t.text):
			if n > 0 && (t.text == "(" || t.text == ")") {
				return
			}
		default:
			return
		}
	}
}

// functions marks a function that returns what was fetched, and the parameters of one that is given it.
func (r *reader) functions() {
	params := map[string][]string{}
	current := ""
	for i, t := range r.tokens {
		if t.kind != ident {
			continue
		}
		switch t.text {
		case "def", "function", "func", "sub":
			if i+1 < len(r.tokens) && r.tokens[i+1].kind == ident {
				current = r.tokens[i+1].text
				params[current] = r.names(i+2, r.endOf(i+2))
			}
		case "return":
			if current != "" && r.mayBeFetched(i+1, r.endOf(i+1)) {
				r.setFetched(current)
			}
		}
	}
	for i, t := range r.tokens {
		p, ok := params[t.text]
		if !ok || i == 0 || slices.Contains([]string{"def", "function", "func", "sub"}, r.tokens[i-1].text) || i+1 >= len(r.tokens) {
			continue
		}
		if r.tokens[i+1].text == "(" && r.mayBeFetched(i+2, r.endOf(i+2)) {
			for _, name := range p {
				r.setFetched(name)
			}
		}
	}
}

// names returns the names in the parentheses at token i.
func (r *reader) names(i, end int) []string {
	var all []string
	for _, t := range r.tokens[min(i, len(r.tokens)):min(end, len(r.tokens))] {
		if t.kind == ident && len(all) < maxLiterals {
			all = append(all, t.text)
		}
	}
	return all
}

// fetchCalls returns the tokens that get something from a URL.
func (r *reader) fetchCalls() map[int]bool {
	list, verbs, modules := strings.Fields(r.v.fetch), strings.Fields(r.v.fetchVerbs), strings.Fields(r.v.fetchFrom)
	bare, url := r.mentions(r.v.fetchFrom), r.firstURL() != ""
	var calls map[int]bool
	for i, t := range r.tokens {
		if t.kind != ident {
			continue
		}
		qualifier, last := lastName(t.text)
		if alias := r.aliases[last]; alias != "" && qualifier == "" {
			_, last = lastName(alias)
		}
		if !slices.Contains(list, last) && !(slices.Contains(verbs, last) && (qualifier == "" && bare || r.fromModule(qualifier, modules))) {
			continue
		}
		u := r.arguments(i + 1)
		if !u.names && len(u.literals) == 0 || r.lang != python && !url && !slices.ContainsFunc(u.literals, isURL) {
			continue
		}
		if calls == nil {
			calls = map[int]bool{}
		}
		calls[i] = true
	}
	return calls
}

// fromModule tells whether a qualified name belongs to one of the modules.
func (r *reader) fromModule(qualifier string, modules []string) bool {
	for part := range strings.FieldsFuncSeq(qualifier, func(c rune) bool { return strings.ContainsRune(".:->", c) }) {
		if alias := r.aliases[part]; alias != "" {
			part = alias
		}
		if slices.Contains(modules, part) {
			return true
		}
	}
	return false
}
