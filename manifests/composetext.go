package manifests

import (
	"fmt"
	"strings"
)

// composeText is a scalar as text: compose takes numbers and booleans where it wants text. What is none is "".
func composeText(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case int64, float64, bool:
		return fmt.Sprint(value)
	}
	return ""
}

const (
	maxNested = 20      // defaults within defaults
	maxGrowth = 1 << 20 // bytes by which variables may make a text longer
)

// interpolate replaces the variables of a compose file, whose values come from the file .env beside it, and from the
// environment of whoever starts it, which nobody knows here: ${NAME:-default} and ${NAME-default} are taken for the
// default, ${NAME:+other} for the other, and the rest stay, as ${NAME}; known tells that there are none of these. $$ is
// a dollar sign.
func (v variables) interpolate(s string) (text string, known bool) {
	return v.interpolateWithin(s, maxNested)
}

func (v variables) interpolateWithin(s string, depth int) (text string, known bool) {
	var b strings.Builder
	known = true
	most := len(s) + maxGrowth
	for {
		before, after, found := strings.Cut(s, "$")
		b.WriteString(before)
		if !found {
			return b.String(), known
		}
		name, rest := variableName(strings.TrimPrefix(after, "{"))
		operation := ""
		switch {
		case strings.HasPrefix(after, "$"):
			b.WriteString("$")
			s = after[1:]
			continue
		case name == "":
			b.WriteString("$") // no variable: compose refuses it
			s = after
			continue
		case strings.HasPrefix(after, "{"):
			operation, rest = closed(rest)
		}
		s = rest
		value, isKnown := v.substitute(name, operation, depth)
		if !isKnown && value == "" || b.Len()+len(value) > most {
			value, isKnown = "${"+name+"}", false
		}
		b.WriteString(value)
		known = known && isKnown
	}
}

// substitute is what an operation makes of a variable; "" where it makes nothing of one that is not known.
func (v variables) substitute(name, operation string, depth int) (text string, known bool) {
	value, set := v[name]
	operation, notEmpty := strings.CutPrefix(operation, ":")
	set = set && (value != "" || !notEmpty)
	other := depth > 0 && operation != "" && (operation[0] == '-' && !set || operation[0] == '+')
	if other {
		return v.interpolateWithin(operation[1:], depth-1)
	}
	return value, set
}

// variableName takes the name of a variable off the begin of a text.
func variableName(s string) (name, rest string) {
	for i, r := range s {
		letter := r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return s[:i], s[i:]
		}
	}
	return s, ""
}

// closed cuts a text behind the brace that closes the one before it.
func closed(s string) (inside, behind string) {
	open := 1
	for i := range len(s) {
		switch s[i] {
		case '{':
			if i > 0 && s[i-1] == '$' {
				open++
			}
		case '}':
			if open--; open == 0 {
				return s[:i], s[i+1:]
			}
		}
	}
	return s, ""
}

// splitWords splits a command that is written as one text as compose does, which starts no shell for it: by blanks, but
// for those in quotes. ok is false where a quote is not closed.
func splitWords(s string) (words []string, ok bool) {
	var word strings.Builder
	begun := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case ' ', '\t', '\n', '\r':
			if begun {
				words = append(words, word.String())
				word.Reset()
			}
			begun = false
			continue
		case '\\':
			if i++; i < len(s) {
				word.WriteByte(s[i])
			}
		case '\'', '"':
			if i, ok = quotedWord(&word, s, i); !ok {
				return nil, false
			}
		default:
			word.WriteByte(c)
		}
		begun = true
	}
	if begun {
		words = append(words, word.String())
	}
	return words, true
}

// quotedWord adds what stands in the quotes that open at i, and returns where they close.
func quotedWord(word *strings.Builder, s string, i int) (end int, ok bool) {
	quote := s[i]
	for i++; i < len(s); i++ {
		switch {
		case s[i] == quote:
			return i, true
		case s[i] == '\\' && quote == '"' && i+1 < len(s) && strings.IndexByte(`"\$`+"`\n", s[i+1]) >= 0:
			i++
		}
		word.WriteByte(s[i])
	}
	return i, false
}
