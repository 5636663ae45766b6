package report

import (
	"strings"
	"unicode/utf8"
)

// wrap breaks text into lines of at most width characters, between words where it can. No line begins with
// "::": GitHub's runner would take it for a workflow command, after whatever indentation.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= width {
			line += " " + word
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		line = guard(word)
		for utf8.RuneCountInString(line) > width {
			end := byteOffset(line, width)
			lines = append(lines, line[:end])
			line = guard(line[end:])
		}
	}
	return append(lines, line)
}

// byteOffset returns where the n-th character of s begins.
func byteOffset(s string, n int) int {
	offset := 0
	for range n {
		_, size := utf8.DecodeRuneInString(s[offset:])
		offset += size
	}
	return offset
}

// guard spells out the colon of text that begins like a workflow command. It is for the start of lines.
func guard(s string) string {
	if strings.HasPrefix(strings.TrimLeft(s, " "), "::") {
		return strings.Replace(s, ":", `\x3a`, 1)
	}
	return s
}
