package image

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ErrNotFound tells that a registry, a layout or an archive answered, and does not have what was asked for.
var ErrNotFound = errors.New("not found")

// ErrNotKept tells that the content of a file was not kept when its layer was read.
var ErrNotKept = errors.New("its content was not kept")

// maxError bounds the text of an error, and maxQuoted a piece of outside text in it, in bytes. Registries put
// megabytes and terminal escapes into theirs.
const (
	maxError  = 1024
	maxQuoted = 200
)

// failure is an error whose text is safe to print: one line, printable, bounded. cause is kept for errors.Is
// alone and never printed.
type failure struct {
	text  string
	cause error
}

func (f *failure) Error() string { return f.text }
func (f *failure) Unwrap() error { return f.cause }

// fail makes a failure with a cause that may be nil.
func fail(cause error, format string, args ...any) error {
	return &failure{printable(fmt.Sprintf(format, args...), maxError), cause}
}

// limited is the failure of whatever went over a limit of Limits.
func limited(what string, limit any, unit string) error {
	return fail(nil, "%s exceeds the limit of %v %s", what, limit, unit)
}

// unscannable is the failure of what a runtime could run and we cannot understand.
func unscannable(format string, args ...any) error {
	return fail(nil, "unscannable: "+format, args...)
}

// quote makes outside text safe to stand in a message: quoted, ASCII, bounded.
func quote(s string) string {
	if len(s) > maxQuoted {
		return strconv.QuoteToASCII(s[:maxQuoted]) + "..."
	}
	return strconv.QuoteToASCII(s)
}

// printable replaces what is no printable rune, and cuts s to at most limit bytes. Format characters go, too:
// they reorder and hide text on a terminal.
func printable(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError, unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == '\u2028', r == '\u2029':
			return ' '
		}
		return r
	}, s)
	if len(s) <= limit {
		return s
	}
	cut := limit - len("...")
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "..."
}
