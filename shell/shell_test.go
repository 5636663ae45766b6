package shell

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// testCase is one command of testdata/*.yaml, and what is to be found in it.
type testCase struct {
	Name   string   `json:"name"`
	Args   []string `json:"args"`
	Script string   `json:"script"`
	// Want lists the kinds that must be found, each as often as it is; none for a command that is benign.
	Want []Kind `json:"want"`
	// Why says what makes the case worth having.
	Why string `json:"why"`
	// Verified, Source and Unreadable are checked where they are given.
	Verified   *bool  `json:"verified"`
	Source     string `json:"source"`
	Unreadable string `json:"unreadable"` // a part of Result.Unreadable
	// Actions is checked in full where it is given.
	Actions []Action `json:"actions"`
}

func (c testCase) analyze() Result {
	if c.Args != nil {
		return Analyze(c.Args)
	}
	return AnalyzeScript(c.Script)
}

func readCases(t testing.TB) []testCase {
	t.Helper()
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no test cases: %v", err)
	}
	var all []testCase
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var cases []testCase
		if err := yaml.UnmarshalStrict(data, &cases); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		prefix := strings.TrimSuffix(filepath.Base(f), ".yaml")
		for i := range cases {
			cases[i].Name = prefix + "/" + cases[i].Name
		}
		all = append(all, cases...)
	}
	return all
}

func TestCases(t *testing.T) {
	benign, seen := 0, map[string]bool{}
	cases := readCases(t)
	for _, c := range cases {
		if c.Why == "" || seen[c.Name] || (c.Args == nil) == (c.Script == "") {
			t.Errorf("%s: a case needs a name of its own, a reason, and either args or a script", c.Name)
		}
		seen[c.Name] = true
		if len(c.Want) == 0 {
			benign++
		}
		t.Run(c.Name, func(t *testing.T) { checkCase(t, c) })
	}
	if len(cases) < 200 || benign < len(cases)/3 {
		t.Errorf("%d cases, %d of them benign: too few to show precision", len(cases), benign)
	}
}

func checkCase(t *testing.T, c testCase) {
	got := c.analyze()
	var kinds []Kind
	for _, a := range got.Actions {
		kinds = append(kinds, a.Kind)
	}
	want := slices.Clone(c.Want)
	slices.Sort(kinds)
	slices.Sort(want)
	if !slices.Equal(kinds, want) {
		t.Errorf("got %v, want %v\n%+v", kinds, want, got.Actions)
	}
	if c.Unreadable == "" && got.Unreadable != "" || !strings.Contains(got.Unreadable, c.Unreadable) {
		t.Errorf("got unreadable %q, want %q", got.Unreadable, c.Unreadable)
	}
	for _, a := range got.Actions {
		if c.Verified != nil && a.Verified != *c.Verified {
			t.Errorf("got verified %v of %q, want %v", a.Verified, a.Text, *c.Verified)
		}
		if a.Tool == "" || a.Text == "" || a.Line < 1 || len(a.Steps) == 0 || len(a.Text) > maxText {
			t.Errorf("incomplete action %+v", a)
		}
	}
	if c.Source != "" && !slices.ContainsFunc(got.Actions, func(a Action) bool { return a.Source == c.Source }) {
		t.Errorf("got %+v, want one with source %q", got.Actions, c.Source)
	}
	if c.Actions != nil {
		checkActions(t, got.Actions, c.Actions)
	}
}

func checkActions(t *testing.T, got, want []Action) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %d actions, want %d", len(got), len(want))
	}
	for i, w := range want {
		g := got[i]
		if g.Kind != w.Kind || g.Text != w.Text || g.Line != w.Line || g.Tool != w.Tool || g.Source != w.Source ||
			g.Verified != w.Verified || !slices.Equal(g.Steps, w.Steps) {
			t.Errorf("action %d:\n got %+v\nwant %+v", i, g, w)
		}
	}
}
