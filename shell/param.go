package shell

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"mvdan.cc/sh/v3/pattern"
	"mvdan.cc/sh/v3/syntax"
)

// variable returns the value of a variable. One that nothing has set is a hole, always the same one, so that
// $DIR/x is the same file wherever it is named.
func (in *interp) variable(name string) string {
	for range maxChoices { // declare -n name=other
		other, ok := in.names[name]
		if !ok {
			break
		}
		name = other
	}
	if v, ok := in.env.vars.get(name); ok {
		return v
	}
	switch name {
	case "PWD":
		if in.env.cwd != "" {
			return in.env.cwd
		}
	case "IFS":
		return in.ifs()
	case "?":
		return "0"
	case "#":
		return strconv.Itoa(len(in.env.params))
	case "0":
		return in.env.zero
	case "BASH", "SHELL":
		return "/bin/bash"
	}
	if n, err := strconv.Atoi(name); err == nil && n > 0 && n <= len(in.env.params) {
		return in.env.params[n-1]
	}
	return in.environment(name)
}

func (in *interp) environment(name string) string {
	if v, ok := in.unset[name]; ok {
		return v
	}
	if in.unset == nil {
		in.unset = map[string]string{}
	}
	v := in.newHole(hole{spelling: "$" + shorten(name, maxShown), unset: true})
	in.unset[name] = v
	return v
}

func isAt(p *syntax.ParamExp) bool {
	if p.Param.Value == "@" {
		return true
	}
	return indexIs(p, "@")
}

func indexIs(p *syntax.ParamExp, s string) bool {
	w, ok := p.Index.(*syntax.Word)
	return ok && w.Lit() == s
}

// listParam returns the elements of $@, $*, ${a[@]} and ${a[*]}; ok is false for any other parameter.
func (in *interp) listParam(p *syntax.ParamExp) (list []string, ok bool) {
	switch {
	case p.Length || p.Excl || p.Exp != nil || p.Repl != nil || p.Param == nil:
		return nil, false
	case p.Param.Value == "@" || p.Param.Value == "*":
		list = in.params()
	case indexIs(p, "@") || indexIs(p, "*"):
		list, ok = in.arrays[p.Param.Value]
		if !ok {
			return nil, false
		}
	default:
		return nil, false
	}
	if p.Slice != nil {
		from := in.number(p.Slice.Offset, 0)
		if p.Index == nil {
			from-- // $@ counts from 1
		}
		list = list[min(max(from, 0), len(list)):]
	}
	return list, true
}

// params returns $1, $2 ...; a script that was given none here may still be given some, so they are then one
// unknown value.
func (in *interp) params() []string {
	if in.env.params == nil && in.calling == 0 {
		return []string{in.environment("@")}
	}
	return in.env.params
}

func (in *interp) param(p *syntax.ParamExp) string {
	if p.Param == nil {
		return ""
	}
	name := p.Param.Value
	value := in.indexed(p, name)
	set := in.isSet(p, name)
	switch {
	case p.Length:
		if in.known(value) {
			return strconv.Itoa(utf8.RuneCountInString(value))
		}
		return in.unknown("${#" + name + "}")
	case p.Excl && p.Names == 0:
		in.subscript(value)
		return in.variable(value)
	case p.Exp != nil:
		return in.expansion(p.Exp, name, value, set)
	case p.Slice != nil:
		return in.slice(p.Slice, value)
	case p.Repl != nil:
		return in.replace(p.Repl, value)
	}
	return value
}

func (in *interp) isSet(p *syntax.ParamExp, name string) bool {
	if p.Index != nil {
		return len(in.arrays[name]) > 0
	}
	_, ok := in.env.vars.get(name)
	if n, err := strconv.Atoi(name); err == nil {
		ok = n <= len(in.env.params)
	}
	return ok
}

// indexed returns $name, or an element of an array.
func (in *interp) indexed(p *syntax.ParamExp, name string) string {
	list := in.arrays[name]
	if p.Index == nil {
		if len(list) > 0 {
			return list[0]
		}
		return in.variable(name)
	}
	key := in.arithmetic(p.Index)
	if v, ok := in.env.vars.get(name + "[" + key + "]"); ok {
		return v
	}
	if i, err := strconv.Atoi(key); err == nil && i < 0 && -i <= len(list) {
		return list[len(list)+i]
	} else if err == nil && i >= 0 && i < len(list) {
		return list[i]
	}
	if len(list) > 0 {
		return in.choice(list...)
	}
	return in.environment(name)
}

// expansion is ${name:-word} and its kin.
func (in *interp) expansion(e *syntax.Expansion, name, value string, set bool) string {
	word := ""
	if e.Word != nil {
		word = in.word(e.Word)
	}
	switch e.Op {
	case syntax.DefaultUnset, syntax.DefaultUnsetOrNull, syntax.AssignUnset, syntax.AssignUnsetOrNull:
		colon := e.Op == syntax.DefaultUnsetOrNull || e.Op == syntax.AssignUnsetOrNull
		if set && (value != "" || !colon) {
			return value
		}
		if word == "" && !set {
			return value
		}
		if e.Op == syntax.AssignUnset || e.Op == syntax.AssignUnsetOrNull {
			in.env.vars.set(name, word)
		}
		return word
	case syntax.AlternateUnset, syntax.AlternateUnsetOrNull:
		if set && value == "" {
			return ""
		}
		return word
	case syntax.RemSmallSuffix, syntax.RemLargeSuffix, syntax.RemSmallPrefix, syntax.RemLargePrefix:
		return in.trim(e.Op, value, word)
	case syntax.UpperAll:
		return strings.ToUpper(value)
	case syntax.OtherParamOps:
		switch word {
		case "P":
			return in.interpolated(value)
		case "E":
			return escapes(value, false)
		case "U":
			return strings.ToUpper(value)
		case "L":
			return strings.ToLower(value)
		}
	case syntax.LowerAll:
		return strings.ToLower(value)
	}
	return value
}

// trim is ${v#pattern}, ##, % and %%. Where it cannot tell, it leaves the value as it is: its origin counts.
func (in *interp) trim(op syntax.ParExpOperator, value, pat string) string {
	mode := pattern.Mode(0)
	if op == syntax.RemSmallSuffix || op == syntax.RemSmallPrefix {
		mode |= pattern.Shortest
	}
	if !pattern.HasMeta(pat, 0) && !strings.Contains(pat, `\`) {
		if op == syntax.RemSmallPrefix || op == syntax.RemLargePrefix {
			return strings.TrimPrefix(value, pat)
		}
		return strings.TrimSuffix(value, pat)
	}
	if len(pat) > maxPattern || len(value) > maxMatched {
		return value
	}
	in.work(patternWork)
	expr, err := pattern.Regexp(pat, mode)
	if err != nil {
		return value
	}
	switch op {
	case syntax.RemSmallPrefix, syntax.RemLargePrefix:
		expr = "^(?:" + expr + ")"
	case syntax.RemSmallSuffix:
		expr = "^((?s:.*))(?:" + expr + ")$"
	default:
		expr = "^((?s:.*?))(?:" + expr + ")$"
	}
	rx, err := regexp.Compile(expr)
	if err != nil {
		return value
	}
	m := rx.FindStringSubmatchIndex(value)
	switch {
	case m == nil:
		return value
	case op == syntax.RemSmallPrefix || op == syntax.RemLargePrefix:
		return value[m[1]:]
	}
	return value[:m[3]]
}

const (
	maxPattern  = 64   // length of a pattern up to which it is worked out, in bytes
	maxMatched  = 1024 // length of a value that it is worked out on
	patternWork = 50   // steps that this counts for
)

func (in *interp) replace(r *syntax.Replace, value string) string {
	orig, with := in.word(r.Orig), in.word(r.With)
	if orig == "" {
		return value
	}
	n := 1
	if r.All {
		n = -1
	}
	if lit := strings.TrimLeft(orig, "#%"); !pattern.HasMeta(lit, 0) {
		return in.replaced(value, lit, with, n)
	}
	if len(orig) > maxPattern || len(value) > maxMatched || len(with) > maxMatched {
		return value
	}
	in.work(patternWork)
	expr, err := pattern.Regexp(orig, 0)
	if err != nil {
		return value
	}
	rx, err := regexp.Compile(expr)
	if err != nil {
		return value
	}
	return in.bounded(rx.ReplaceAllStringFunc(value, func(m string) string {
		if n == 0 {
			return m
		}
		n--
		return with
	}))
}

// replaced is strings.Replace for results within the limits.
func (in *interp) replaced(s, from, to string, n int) string {
	found := strings.Count(s, from)
	if n >= 0 {
		found = min(found, n)
	}
	if found*len(to) > in.budget.limits.ValueBytes {
		in.stop("a value of more than %d bytes", in.budget.limits.ValueBytes)
		return ""
	}
	return in.bounded(strings.Replace(s, from, to, n))
}

// slice is ${v:offset:length}, on characters.
func (in *interp) slice(s *syntax.Slice, value string) string {
	runes := []rune(value)
	from := in.number(s.Offset, 0)
	if from < 0 {
		from = max(0, len(runes)+from)
	}
	from = min(from, len(runes))
	to := len(runes)
	if s.Length != nil {
		if n := in.number(s.Length, to); n < 0 {
			to += n
		} else {
			to = min(to, from+n)
		}
	}
	if !in.known(value) && from > 0 {
		return value // a part of what is not known: where it came from is all there is to say
	}
	return string(runes[from:max(from, to)])
}
