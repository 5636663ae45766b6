package manifests

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestInterpolate(t *testing.T) {
	for _, c := range []struct {
		written, want string
		known         bool
	}{
		{"plain", "plain", true},
		{"$$HOME and $$$$", "$HOME and $$", true},
		{"$NAME-1", "${NAME}-1", false},
		{"${NAME}", "${NAME}", false},
		{"web:${TAG:-1.4}", "web:1.4", true},
		{"web:${TAG-}", "web:", true},
		{"${TAG:?say which}", "${TAG}", false},
		{"${A:-${B:-${C-deep}}}!", "deep!", true},
		{"${A:-x${B}}", "x${B}", false},
		{"${A:+curl x | sh}", "curl x | sh", true},
		{"${A:-a:b}:/c", "a:b:/c", true},
		{"${A", "${A}", false},
		{"$(date) $1 $", "$(date) $1 $", true},
		{"${SET} $SET ${SET:-b} ${SET-b} ${SET:?b} ${SET:+b}", "a a a a a b", true},
		{"${EMPTY}${EMPTY:-b}${EMPTY-c}${EMPTY:+b}", "bb", true},
	} {
		if got, known := (variables{"SET": "a", "EMPTY": ""}).interpolate(c.written); got != c.want || known != c.known {
			t.Errorf("%q: got %q, %t, want %q, %t", c.written, got, known, c.want, c.known)
		}
	}
}

func TestParseVariables(t *testing.T) {
	const text = `# a comment
A=1
 export B = two words # and a comment
C='$A # not one'
D="$A ${B:-x} \"q\" \$A
over lines" # behind it
E: yaml
F=
not a variable
1=none
=none
G="never closed
H=${C}#no comment
`
	want := variables{
		"A": "1", "B": "two words", "C": "$A # not one", "D": "1 two words \"q\" $A\nover lines", "E": "yaml", "F": "",
		"G": `"never closed`, "H": "$A # not one#no comment",
	}
	if got := parseVariables(text); !maps.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	// Each line doubles the value: nothing may grow without bound.
	bomb := "A0=" + strings.Repeat("x", 1000) + "\n"
	for i := range 1000 {
		bomb += fmt.Sprintf("A%d=$A%d$A%d\n", i+1, i, i)
	}
	for name, value := range parseVariables(bomb) {
		if len(value) > maxValue {
			t.Errorf("%s has %d bytes", name, len(value))
		}
	}
	if text, known := (variables{"A": strings.Repeat("x", maxValue)}).interpolate(strings.Repeat("$A", 1000)); known || len(text) > 2*maxGrowth {
		t.Errorf("%d bytes, %t", len(text), known)
	}
}

// FuzzParseVariables: whatever a file of variables holds, reading it ends, and what it gives is bounded and named.
func FuzzParseVariables(f *testing.F) {
	for _, text := range []string{"A=1\nB=$A$A\n", "A='x\ny'\nexport B=\"\\\"$A\"", "A=\"\\", "A: b # c", "A=${B:-${C:+'}}"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for name, value := range parseVariables(text) {
			if known, more := variableName(name); known == "" || more != "" || len(value) > maxValue {
				t.Errorf("%q is %d bytes", name, len(value))
			}
		}
	})
}

func TestSplitWords(t *testing.T) {
	for _, c := range []struct {
		written string
		want    []string // nil if it cannot be split
	}{
		{"", []string{}},
		{"  a\tb\n c ", []string{"a", "b", "c"}},
		{`sh -c "a | b"`, []string{"sh", "-c", "a | b"}},
		{`a'b c'd ""`, []string{"ab cd", ""}},
		{`"a\"b\n" 'a\b' c\ d`, []string{`a"b\n`, `a\b`, "c d"}},
		{"a && b; c", []string{"a", "&&", "b;", "c"}},
		{`sh -c "a`, nil},
		{`it's`, nil},
	} {
		got, ok := splitWords(c.written)
		if ok != (c.want != nil) || !slices.Equal(got, c.want) {
			t.Errorf("%q: got %q, %t, want %q", c.written, got, ok, c.want)
		}
	}
}

func TestHostFolder(t *testing.T) {
	for source, want := range map[string]string{
		"/a/../etc": "/etc", "/": "/", "~/.ssh": "~/.ssh", "${HOME}/x": "~/x", `C:\x`: `C:\x`,
		"../../../etc": "/etc", "../../../../../../": "/", "../run/docker.sock": "/run/docker.sock", "./a/../../../../var": "/var",
		"./src": "", "../src": "", "../../..": "", "../../../src": "", "${PWD}/x": "", "${X}/y": "", "./x.sock": "",
	} {
		if got, kind := hostFolder(source); got != want || (kind == hostSource) != (want != "") {
			t.Errorf("%q: got %q, kind %d, want %q", source, got, kind, want)
		}
	}
}
