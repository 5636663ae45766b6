package sbom

import (
	"slices"
	"testing"
)

func TestExpressionWords(t *testing.T) {
	for text, want := range map[string][]string{
		`abc`:                     {"abc"},
		`^\s*rule\s+\w+`:          {"rule"},
		`(?:^|\s)--(?:pool|url)=`: {"--pool=", "--url="},
		`"(?:algo|coin)"\s*:`:     {`"algo"`, `"coin"`},
		`colou?r[12]`:             {"color1", "color2", "colour1", "colour2"},
		`x*(?:abc)+y{2}`:          {"abc"},
		`(?i)abc`:                 nil,
		`abc|\w+`:                 nil,
		`(?:abc|\w+)defg`:         {"defg"},
		`(?:ab|\d+cde|fg+)`:       nil,
		`(?:ab|\d+cde|fgh+)`:      {"ab", "cde", "fg"},
		`[a-z]*`:                  nil,
	} {
		e, err := newExpression(text)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, w := range e.words {
			got = append(got, string(w))
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: words %q, want %q", text, got, want)
		}
	}
}

// FuzzExpression holds against the expression itself that what has none of its words has no match.
func FuzzExpression(f *testing.F) {
	f.Add(`(?m)^(?:a|bc)d?[ef]+|\bg{2,3}$`, "x\nbcdef gg")
	f.Add(`"(?:algo|coin)"\s*:\s*"rx/`, `{"algo": "rx/0"}`)
	f.Fuzz(func(t *testing.T, expr, text string) {
		if len(expr) > 200 || len(text) > 1000 {
			return
		}
		e, err := newExpression(expr)
		if err != nil {
			return
		}
		if got, want := e.Match([]byte(text)), e.Regexp.Match([]byte(text)); got != want {
			t.Errorf("%q in %q: %v, want %v, by %q", expr, text, got, want, e.words)
		}
	})
}
