package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// sanitise makes text from outside fit to be shown: whatever is not visibly itself is spelled out, so that
// it can neither move a cursor (ESC), nor start a line (CR, LF, U+2028), nor reorder what is read
// (CVE-2021-42574, CVE-2021-25743), nor hide. What remains is printable in Go's sense, and valid UTF-8.
// It is for display: a backslash stays one, so the way back is not unique.
//
// "##[" is broken up as well. GitHub's runner takes it for the start of a workflow command wherever it
// stands in a line of a log, whatever the format was (actions/runner issue 4692).
func sanitise(s string) string {
	s = redact(s) // first: with its line ends spelled out, an address would run on and hide its host
	if harmless(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case strings.HasPrefix(s[i:], "##["):
			b.WriteString(`\x23`)
		case visible(r):
			b.WriteRune(r)
		default:
			b.WriteString(spell(r))
		}
		i += size
	}
	return b.String()
}

// harmless tells whether sanitise has nothing to do, which is nearly always so.
func harmless(s string) bool {
	for _, r := range s {
		if r == utf8.RuneError || !visible(r) {
			return false
		}
	}
	return !strings.Contains(s, "##[")
}

// visible tells whether a character shows itself for what it is. Controls, formats (bidi, zero width),
// separators and unassigned characters are not printable; some blank letters and marks are, but draw nothing.
func visible(r rune) bool {
	return unicode.IsPrint(r) && !unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) && (r < 0xE0000 || r > 0xE0FFF)
}

// spell writes a character that cannot be shown, as a Go string literal would.
func spell(r rune) string {
	switch {
	case r == '\n':
		return `\n`
	case r == '\r':
		return `\r`
	case r == '\t':
		return `\t`
	case r < 0x80:
		return fmt.Sprintf(`\x%02x`, r)
	case r < 0x10000:
		return fmt.Sprintf(`\u%04x`, r)
	}
	return fmt.Sprintf(`\U%08x`, r)
}

// oneLine folds the white space of text that its author wrapped, and sanitises it.
func oneLine(s string) string { return sanitise(strings.Join(strings.Fields(s), " ")) }

// paragraphs sanitises text of several lines and keeps its lines.
func paragraphs(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	for i, line := range lines {
		lines[i] = sanitise(strings.TrimRight(line, " \t\r"))
	}
	return strings.Join(lines, "\n")
}

// clip shortens text to at most n characters and says how much is missing.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	count := utf8.RuneCountInString(s)
	if count <= n {
		return s
	}
	end := 0
	for range n {
		_, size := utf8.DecodeRuneInString(s[end:])
		end += size
	}
	return fmt.Sprintf("%s… (%s more characters)", s[:end], thousands(count-n))
}

// Clean makes text from outside fit to be shown, as it is in reports: for what a program writes beside them.
func Clean(s string) string { return sanitise(s) }
