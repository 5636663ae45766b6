package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"

	"github.com/tidewaiter/tidewaiter/gate"
	"github.com/tidewaiter/tidewaiter/policies"
)

// filled returns a report with s, and sometimes t, in every field that is a string.
func filled(s, t string) gate.Report {
	findings := []gate.Finding{
		{Rule: s, Severity: policies.Critical, Message: s, File: s, Line: 3, Column: 7, Path: s, Attack: []string{s, t, "T1610"},
			Remediation: t, Evidence: map[string]any{s: s, t: []any{s, map[string]any{t: s}}, "typed": []string{s}}, Denies: true},
		{Rule: t, Severity: policies.Medium, Message: t + s, File: t, Path: t, Remediation: s},
		{Rule: s + t, Severity: policies.Low, Message: s + " " + t, Waived: &gate.Waived{Reason: s, Owner: t, Expires: s}},
	}
	return gate.Report{Schema: s, Verdict: gate.Deny, Tool: gate.Tool{Version: s, Rules: t}, Subjects: []gate.Subject{
		{Kind: "kubernetes", Name: s, File: s, Line: 1, Verdict: gate.Deny, Findings: findings},
		{Kind: "image", Name: t, Digest: s, Platform: s, ReferencedBy: []string{s, t + ":3"}, Verdict: gate.Deny, Findings: findings},
		{Kind: "image", Name: s, Error: t, ReferencedBy: []string{t}},
		{Kind: "file", Name: s, File: s, Line: 2, Error: s},
		{Kind: "file", Name: t, Error: t + s},
		{Kind: s, Name: s + t, File: t, Verdict: gate.Allow},
	}}
}

// FuzzFormats puts hostile strings into every field and checks that no format lets them be more than text.
func FuzzFormats(f *testing.F) {
	for _, s := range []string{
		"a\n::error file=x::y\r##[error]z", "::add-mask::x", "\u00a0::stop-commands::x", "##", "[error]x", "%0A::debug::x", "a,b:c",
		"\x1b[1A\x1b[2KPASS\x07", "\u202egnp\u2066\u200b\ufeff\u2028\u2029\u0085\u009b", "\xff\xc3\x28\xed\xa0\x80", "\ufffe\x00",
		"a|b`c``d\\|e", "<script>x</script></details>", "<!-- ", "]]>", "&lt;&#x40;", "@octocat #12 octo/cat#3 GH-4", "[x](javascript:x) ![y](//z)",
		"https://u:p@evil.example/ www.evil.example x@evil.example mailto:x@y.example", "a](b", "- x", "1. x", "", " ", "-",
		strings.Repeat("x", 3000), "/etc/passwd", "../../x", "file:///x", "c:\\x", "T1059.004", "sha256:00", "~~x~~ **y** __z__ $$m$$ :tada:",
	} {
		f.Add(s, "plain")
		f.Add("plain", s)
		f.Add(s, s)
	}
	schema := compile(f, sarifSchema)
	f.Fuzz(func(t *testing.T, a, b string) {
		r := filled(a, b)
		rules := []policies.Rule{{ID: a, Title: b, Description: a + "\n" + b, Severity: policies.Low, Attack: []string{a}, Remediation: b, Related: []string{a, "https://" + b}}}
		outputs := map[string][]byte{}
		for _, format := range Formats() {
			outputs[format] = render(t, format, r, Options{Width: 80, Rules: rules, Dir: "/src", Root: "/src"})
			checkShown(t, format, outputs[format])
		}
		checkCommands(t, outputs["github"])
		checkMarkup(t, outputs["markdown"])
		checkXML(t, outputs["junit"])
		parseJSON(t, outputs["json"])
		if err := schema.Validate(parseJSON(t, outputs["sarif"])); err != nil {
			t.Error(err)
		}
		run := parseSARIF(t, outputs["sarif"])
		for _, result := range run.Results {
			if result.Message.Text != "" && result.RuleID != "" { // GitHub wants them, and rules without do not load
				checkResult(t, run, result)
			}
		}
		colored := render(t, "text", r, Options{Color: true, Width: 80})
		checkShown(t, "text in colour", regexp.MustCompile("\x1b\\[[0-9;]+m").ReplaceAll(colored, nil))
	})
}

// unshown are the characters that no output may hold, as HAZARDS OUT-01 and OUT-03 know them: listed here on
// purpose, and not asked of the code under test.
var unshown = regexp.MustCompile(`[\x00-\x09\x0b-\x1f\x7f\x{80}-\x{9f}\x{ad}\x{61c}\x{200b}-\x{200f}\x{2028}-\x{202e}\x{2060}-\x{2069}\x{feff}\x{fffe}\x{ffff}\x{e0000}-\x{e007f}]`)

// command is what GitHub's runner acts on: it trims white space before "::", and takes "##[" anywhere.
var command = regexp.MustCompile(`(?m)^\s*::|##\[`)

func checkShown(t *testing.T, format string, output []byte) {
	t.Helper()
	if !utf8.Valid(output) {
		t.Errorf("%s: not UTF-8: %q", format, output)
	}
	if found := unshown.Find(output); found != nil {
		t.Errorf("%s: there is a %q in %q", format, found, output)
	}
	if found := command.Find(output); found != nil && format != "github" {
		t.Errorf("%s: there is a command, %q, in %q", format, found, output)
	}
	if !bytes.HasSuffix(output, []byte("\n")) {
		t.Errorf("%s: the last line does not end", format)
	}
}

var (
	commandLine = regexp.MustCompile(`^::(error|warning|notice) (file=[^,:]+,line=[0-9]+,(col=[0-9]+,)?)?title=[^,:]+::(.*)$`)
	badEscape   = regexp.MustCompile(`%($|[^20]|2$|2[^5C]|0$|0[^AD])`)
)

func checkCommands(t *testing.T, output []byte) {
	t.Helper()
	for line := range strings.Lines(string(output)) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.Contains(line, "##["):
			t.Errorf("a command inside of %q", line)
		case strings.HasPrefix(line, "tidewaiter: "):
		case !commandLine.MatchString(line):
			t.Errorf("no command: %q", line)
		case badEscape.MatchString(strings.ReplaceAll(line, "%3A", "")):
			t.Errorf("a bare %% in %q", line)
		}
	}
}

// ownMarkup is what the markdown format itself makes.
var ownMarkup = regexp.MustCompile(`^<(/?(h2|h3|p|strong|table|thead|tbody|tr|th|td|code|details|summary)|br ?/?|a href="https://attack\.mitre\.org/techniques/T[0-9/]+"|/a)>$`)

// checkMarkup renders the output as GitHub does, CommonMark with tables and automatic links, and looks at what
// came of it: elements that are ours, tables whose rows have as many cells as their head, and no mention.
func checkMarkup(t *testing.T, output []byte) {
	t.Helper()
	var page bytes.Buffer
	markdown := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(html.WithUnsafe()))
	if err := markdown.Convert(output, &page); err != nil {
		t.Fatal(err)
	}
	for _, tag := range regexp.MustCompile(`<[^>]*>?`).FindAll(page.Bytes(), -1) {
		if !ownMarkup.Match(tag) {
			t.Errorf("%q came of %q", tag, output)
		}
	}
	for _, table := range regexp.MustCompile(`(?s)<table>.*?</table>`).FindAll(page.Bytes(), -1) {
		cells := bytes.Count(table, []byte("<th>"))
		for _, row := range regexp.MustCompile(`(?s)<tr>.*?</tr>`).FindAll(table, -1) {
			if got := bytes.Count(row, []byte("<td>")) + bytes.Count(row, []byte("<th>")); got != cells {
				t.Errorf("a row of %d cells in a table of %d: %q", got, cells, row)
			}
		}
	}
	// Where the markup ends, text in <code> is exempt: GitHub makes no mentions of it.
	text := regexp.MustCompile(`(?s)<code>.*?</code>`).ReplaceAll(page.Bytes(), nil)
	if mention := regexp.MustCompile(`@\w|#\d|GH-\d`).Find(text); mention != nil {
		t.Errorf("%q is mentioned in %q", mention, text)
	}
}

// checkXML reads the output as XML to its end.
func checkXML(t *testing.T, output []byte) {
	t.Helper()
	decoder := xml.NewDecoder(bytes.NewReader(output))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("%v in %q", err, output)
		}
	}
}
