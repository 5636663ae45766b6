package report

import (
	"github.com/tidewaiter/tidewaiter/gate"
	"github.com/tidewaiter/tidewaiter/policies"
)

// Styles of the text format: parameters of the ANSI sequence "select graphic rendition" (ECMA-48 8.3.117).
const (
	bold    = "1"
	dim     = "2"
	red     = "31"
	green   = "1;32"
	yellow  = "33"
	blue    = "34"
	boldRed = "1;31"
)

// A mark is a sign with its colour. The sign alone has to do: colour is never the only difference.
type mark struct{ sign, style string }

var verdictMarks = map[gate.Verdict]mark{
	gate.Deny:      {"✗", boldRed},
	gate.Undecided: {"?", yellow},
	gate.Allow:     {"✓", green},
}

// Sign is the sign of a verdict as the text format writes it, for what a program writes beside reports.
func Sign(v gate.Verdict, color bool) string {
	m := verdictMarks[v]
	return palette(color)(m.style, m.sign)
}

var severityStyles = map[policies.Severity]string{
	policies.Critical: boldRed,
	policies.High:     red,
	policies.Medium:   yellow,
	policies.Low:      blue,
}

// findingMark tells what denies from what is only reported and what is waived.
func findingMark(f gate.Finding) (sign, style string) {
	switch weigh(f) {
	case denying:
		return "✗", severityStyles[f.Severity]
	case reported:
		return "•", severityStyles[f.Severity]
	}
	return "○", dim
}

// palette returns the function that colours text, or leaves it alone.
func palette(color bool) func(style, text string) string {
	if !color {
		return func(_, text string) string { return text }
	}
	return func(style, text string) string {
		if style == "" || text == "" {
			return text
		}
		return "\x1b[" + style + "m" + text + "\x1b[0m"
	}
}
