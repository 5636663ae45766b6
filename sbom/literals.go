package sbom

import (
	"bytes"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
)

// expression is a regular expression that knows which words a match must have. Looking for words is many times
// faster than matching, and most texts have none of them.
type expression struct {
	*regexp.Regexp
	words [][]byte // one of which every match has; none if that is unknown
}

func newExpression(text string) (expression, error) {
	compiled, err := regexp.Compile(text)
	if err != nil {
		return expression{}, err
	}
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return expression{}, err
	}
	e := expression{Regexp: compiled}
	words := literalsOf(parsed.Simplify()).best()
	if shortest(words) < shortestLiteral {
		return e, nil
	}
	for _, word := range words {
		within := func(other string) bool { return other != word && strings.Contains(word, other) }
		if !slices.ContainsFunc(words, within) {
			e.words = append(e.words, []byte(word))
		}
	}
	return e, nil
}

// possible says whether text may have a match.
func (e expression) possible(text []byte) bool {
	if e.words == nil {
		return true
	}
	for _, word := range e.words {
		if bytes.Contains(text, word) {
			return true
		}
	}
	return false
}

// Match says whether text has a match.
func (e expression) Match(text []byte) bool { return e.possible(text) && e.Regexp.Match(text) }

// FindAllIndex returns the places of the first n matches.
func (e expression) FindAllIndex(text []byte, n int) [][]int {
	if !e.possible(text) {
		return nil
	}
	return e.Regexp.FindAllIndex(text, n)
}

// Bounds of the words that one expression is looked for by: how many, how many of them one class of characters
// makes, and their least length in bytes.
const (
	maxLiterals     = 64
	maxRunes        = 8
	shortestLiteral = 2
)

// literals is what is known of the matches of a part of an expression: all that they can be, or words of which
// each has one. Either is nil if it is not known.
type literals struct{ exact, some []string }

// best returns the words that say more: the shortest of them is longer, or they are fewer.
func (l literals) best() []string {
	a, b := shortest(l.exact), shortest(l.some)
	if a > b || a == b && len(l.exact) < len(l.some) {
		return l.exact
	}
	if b == 0 {
		return nil
	}
	return l.some
}

// shortest returns the length of the shortest word, 0 if there is none.
func shortest(words []string) int {
	least := 0
	for i, w := range words {
		if i == 0 || len(w) < least {
			least = len(w)
		}
	}
	return least
}

func literalsOf(re *syntax.Regexp) literals {
	switch re.Op {
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase == 0 {
			return literals{exact: []string{string(re.Rune)}}
		}
	case syntax.OpCharClass:
		return literals{exact: runesOf(re.Rune)}
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText,
		syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return literals{exact: []string{""}}
	case syntax.OpCapture:
		return literalsOf(re.Sub[0])
	case syntax.OpPlus:
		return literals{some: literalsOf(re.Sub[0]).best()}
	case syntax.OpQuest:
		if exact := literalsOf(re.Sub[0]).exact; exact != nil && len(exact) < maxLiterals {
			return literals{exact: append([]string{""}, exact...)}
		}
	case syntax.OpConcat:
		return literalsOfConcat(re.Sub)
	case syntax.OpAlternate:
		return literalsOfAlternate(re.Sub)
	}
	return literals{}
}

// runesOf returns the members of a class of few characters.
func runesOf(ranges []rune) []string {
	var words []string
	for i := 0; i < len(ranges); i += 2 {
		if int(ranges[i+1]-ranges[i]) >= maxRunes-len(words) {
			return nil
		}
		for r := ranges[i]; r <= ranges[i+1]; r++ {
			words = append(words, string(r))
		}
	}
	return words
}

// literalsOfConcat joins what follows one another as long as it is all known, and keeps the best of such runs.
func literalsOfConcat(subs []*syntax.Regexp) literals {
	var all literals
	run, whole := []string{""}, true
	for _, sub := range subs {
		found := literalsOf(sub)
		if found.exact != nil && len(run)*len(found.exact) <= maxLiterals {
			run = joined(run, found.exact)
			continue
		}
		whole = false
		all.some = literals{exact: run, some: all.some}.best()
		if run = found.exact; run == nil {
			all.some = literals{exact: found.some, some: all.some}.best()
			run = []string{""}
		}
	}
	if whole {
		return literals{exact: run}
	}
	all.some = literals{exact: run, some: all.some}.best()
	return all
}

func joined(heads, tails []string) []string {
	var words []string
	for _, head := range heads {
		for _, tail := range tails {
			words = append(words, head+tail)
		}
	}
	return words
}

func literalsOfAlternate(subs []*syntax.Regexp) literals {
	all := literals{exact: []string{}, some: []string{}}
	for _, sub := range subs {
		found := literalsOf(sub)
		if best := found.best(); all.some != nil && best != nil {
			all.some = append(all.some, best...)
		} else {
			all.some = nil
		}
		if all.exact != nil && found.exact != nil {
			all.exact = append(all.exact, found.exact...)
		} else {
			all.exact = nil
		}
	}
	if len(all.exact) > maxLiterals {
		all.exact = nil
	}
	if len(all.some) > maxLiterals {
		all.some = nil
	}
	return all
}
