package shell

import "strings"

// language is a programming language that one-liners are written in.
type language int

const (
	python language = iota
	perl
	ruby
	javascript
	php
	lua
	tcl
	rlang
	golang
	java
	julia
	awkLang
	cLang
)

type tokenKind int

const (
	ident   tokenKind = iota // os.system, $sock, IO::Socket
	literal                  // the value of a string
	command                  // a string in backquotes that is a command
	number
	punct // one character
)

type token struct {
	kind tokenKind
	text string
}

// lex takes code apart far enough to tell names from strings and comments, in languages that look alike. It ends after maxTokens.
func lex(code string, lang language) []token {
	var tokens []token
	for i := 0; i < len(code) && len(tokens) <= maxTokens; {
		ch := code[i]
		switch {
		case ch == ' ' || ch == '\t' || ch == '\r':
			i++
		case comment(code[i:], lang):
			if n := strings.IndexByte(code[i:], '\n'); n >= 0 {
				i += n
			} else {
				i = len(code)
			}
		case ch == '/' && strings.HasPrefix(code[i:], "/*") && (lang == javascript || lang == php || lang == golang || lang == java || lang == cLang):
			if n := strings.Index(code[i+2:], "*/"); n >= 0 {
				i += n + 4
			} else {
				i = len(code)
			}
		case ch == '"' || ch == '\'' || ch == '`':
			value, n := quotedText(code[i:])
			kind := literal
			if ch == '"' && isVariable(value, lang) {
				kind = ident // "$x" is $x
			}
			if ch == '`' && lang != javascript && lang != golang {
				kind = command
			}
			tokens = append(tokens, token{kind, value})
			i += n
		case commandOpens(code[i:], lang) > 0 && (i == 0 || !isName(code[i-1])):
			n := commandOpens(code[i:], lang)
			value, length := delimited(code[i+n:])
			tokens = append(tokens, token{command, value})
			i += n + length
		case ch == '[' && lang == lua && strings.HasPrefix(code[i:], "[["):
			n := strings.Index(code[i:], "]]")
			if n < 0 {
				n = len(code) - i - 2
			}
			tokens = append(tokens, token{literal, code[i+2 : max(i+2, i+n)]})
			i = min(len(code), i+n+2)
		case ch >= '0' && ch <= '9':
			n := span(code[i:], isDigit)
			tokens = append(tokens, token{number, code[i : i+n]})
			i += n
		case isName(ch) || ch == '.' && i+1 < len(code) && isLetter(code[i+1]):
			n := nameLength(code[i:])
			tokens = append(tokens, token{ident, code[i : i+n]})
			i += n
		default:
			tokens = append(tokens, token{punct, code[i : i+1]})
			i++
		}
	}
	return tokens
}

// isVariable tells whether a string between double quotes is nothing but the value of a variable.
func isVariable(value string, lang language) bool {
	return (lang == php || lang == perl) && len(value) > 1 && value[0] == '$' && nameLength(value) == len(value)
}

func comment(s string, lang language) bool {
	switch lang {
	case javascript, golang, java, cLang:
		return strings.HasPrefix(s, "//")
	case php:
		return strings.HasPrefix(s, "//") || s[0] == '#'
	case lua:
		return strings.HasPrefix(s, "--")
	}
	return s[0] == '#'
}

// quotedText returns the value of the string that s begins with, and how long it is with its quotes.
func quotedText(s string) (value string, length int) {
	quote := s[:1]
	if triple := strings.Repeat(quote, 3); strings.HasPrefix(s, triple) {
		if n := strings.Index(s[3:], triple); n >= 0 {
			return s[3 : 3+n], n + 6
		}
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case quote[0]:
			return escapes(s[1:i], true), i + 1
		}
	}
	return s[1:], len(s)
}

// commandOpens is the length of what opens a command in perl, qx{…}, and in ruby, %x(…), before its first delimiter;
// zero where none begins.
func commandOpens(s string, lang language) int {
	if len(s) < 3 || isLetter(s[2]) || isDigit(s[2]) || strings.IndexByte(" \t\n=,;)", s[2]) >= 0 {
		return 0
	}
	if lang == perl && s[:2] == "qx" || lang == ruby && s[:2] == "%x" {
		return 2
	}
	return 0
}

// delimited returns what stands between the delimiter that s begins with and its counterpart, and how long it is with
// both.
func delimited(s string) (value string, length int) {
	closing := s[0]
	if i := strings.IndexByte("({[<", s[0]); i >= 0 {
		closing = ")}]>"[i]
	}
	depth := 0
	for i := range len(s) {
		switch {
		case s[i] == closing && (closing != s[0] || i > 0):
			if depth--; depth <= 0 {
				return s[1:i], i + 1
			}
		case s[i] == s[0]:
			depth++
		}
	}
	return s[1:], len(s)
}

func span(s string, ok func(byte) bool) int {
	n := 0
	for n < len(s) && ok(s[n]) {
		n++
	}
	return n
}

func isDigit(ch byte) bool  { return ch >= '0' && ch <= '9' || ch == '.' }
func isLetter(ch byte) bool { return ch == '_' || ch|0x20 >= 'a' && ch|0x20 <= 'z' }
func isName(ch byte) bool   { return isLetter(ch) || ch == '$' || ch == '@' || ch >= 0x80 }

// nameLength is the length of a name with everything that it is qualified with: a.b, A::B, $a->b.
func nameLength(s string) int {
	i := 1
	for i < len(s) {
		switch {
		case isLetter(s[i]) || s[i] >= 0x80 || s[i] >= '0' && s[i] <= '9':
			i++
		case s[i] == '.' && i+1 < len(s) && isLetter(s[i+1]):
			i++
		case (strings.HasPrefix(s[i:], "::") || strings.HasPrefix(s[i:], "->")) && i+2 < len(s) && isLetter(s[i+2]):
			i += 2
		default:
			return i
		}
	}
	return i
}
