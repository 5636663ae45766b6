package shell

import (
	"regexp"
	"slices"
	"strings"
)

// handingNames are functions by which a connection becomes a process's input and output, or is read for it,
// in all the languages.
const handingNames = "dup dup2 fileno as_raw_fd makefile detach fdopen reopen pipe recv recv_into recvfrom receive gets fgets fread socket_read " +
	"accept listen redirectInput getInputStream getOutputStream"

// redirected is a command for a shell that takes its input from a descriptor, or gives its output to one, that is none of
// the usual ones: <&3, >&%d.
var redirected = regexp.MustCompile(`[<>]&\s*([3-9%$#{]|\d\d)`)

// handsOver tells whether code that connects to a peer may hand the connection, or what comes by it, to the shell that it
// starts. One that waits for a database does not, whatever it starts then. In a language that nobody waits in, a connection and
// a shell are enough.
func (r *reader) handsOver(shells []codeUse) bool {
	if !slices.Contains([]language{python, javascript, perl, ruby, php}, r.lang) || r.mentions(handingNames) {
		return true
	}
	for i, t := range r.tokens {
		if t.kind == ident && r.replacesStream(i) || t.kind != ident && redirected.MatchString(t.text) {
			return true
		}
	}
	return slices.ContainsFunc(shells, r.givenConnection)
}

// replacesStream tells whether a standard stream of a process is made something else: stdin=s, stdio: [s, s, s],
// open(STDIN, …).
func (r *reader) replacesStream(i int) bool {
	parts := nameParts(r.tokens[i].text)
	stream := slices.ContainsFunc(parts, func(p string) bool {
		return slices.Contains([]string{"stdin", "stdout", "stderr", "stdio"}, strings.ToLower(p))
	})
	if !stream || slices.Contains([]string{"sys", "process", "subprocess"}, parts[0]) {
		return false
	}
	to := i + 1
	for to < len(r.tokens) && r.tokens[to].kind == punct && strings.Contains("=:[", r.tokens[to].text) {
		to++
	}
	value := tokenAt(r.tokens, to)
	_, last := lastName(value.text)
	own := last == "DEVNULL" || last == "STDOUT" || last == "PIPE" && !strings.HasSuffix(r.tokens[i].text, "stdin") || strings.HasPrefix(value.text, "sys.")
	return to == i+1 || value.kind == ident && !own
}

// givenConnection tells whether a call is given a connection: a name that gets its value from one, or from who knows where.
func (r *reader) givenConnection(u codeUse) bool {
	for i := u.from; i < u.to; i++ {
		t, next := r.tokens[i], tokenAt(r.tokens, i+1).text
		if t.kind != ident || next == "=" || next == ":" && r.lang == javascript {
			continue // the name of an argument
		}
		from := r.originsOf(originName(t.text))
		if slices.ContainsFunc(from, r.connects) || len(from) == 0 && !strings.Contains(t.text, ".") && !slices.Contains(constants, t.text) {
			return true
		}
	}
	return false
}

// constants are names that stand for themselves.
var constants = []string{"True", "False", "None", "true", "false", "null", "nil", "undefined"}

// connects tells whether a connection is made within a range of tokens.
func (r *reader) connects(at [2]int) bool {
	names := strings.Fields(r.v.sockets)
	return slices.ContainsFunc(r.tokens[at[0]:min(at[1], len(r.tokens))], func(t token) bool {
		_, last := lastName(t.text)
		return t.kind == ident && slices.Contains(names, last)
	})
}
