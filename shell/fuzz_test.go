package shell

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"sigs.k8s.io/yaml"
)

// limited has small limits, so that the fuzzer meets them.
var limited = Options{Limits: Limits{ScriptBytes: 1 << 16, Nesting: 500, Depth: 60, Steps: 3000, ValueBytes: 1 << 14, TotalBytes: 1 << 20, Actions: 20}}

// addCorpus adds the labelled commands to what the fuzzer begins with, arguments separated by NUL.
func addCorpus(f *testing.F, vectors bool) {
	f.Helper()
	files, err := filepath.Glob("testdata/corpus/*.yaml")
	if err != nil || len(files) == 0 {
		f.Fatalf("no corpus: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		var groups map[string][]any
		if err := yaml.Unmarshal(data, &groups); err != nil {
			f.Fatal(err)
		}
		for _, values := range groups {
			for _, value := range values {
				if script, ok := value.(string); ok && !vectors {
					f.Add(script)
				} else if args, ok := value.([]any); ok && vectors {
					f.Add(strings.Trim(strings.Join(strings.Fields(fmt.Sprintln(args...)), "\x00"), "\n"))
				}
			}
		}
	}
}

func FuzzAnalyzeScript(f *testing.F) {
	addCorpus(f, false)
	for _, c := range readCases(f) {
		if c.Script != "" {
			f.Add(c.Script)
		} else {
			f.Add(strings.Join(c.Args, " "))
		}
	}
	f.Fuzz(func(t *testing.T, script string) {
		in := limited.interp().analyzeScript(script)
		checkBounds(t, in, limited.Limits)
		checkTexts(t, in, script)
		if again := limited.AnalyzeScript(script); !reflect.DeepEqual(in.result(), again) {
			t.Errorf("got two results:\n%+v\n%+v", in.result(), again)
		}
	})
}

func FuzzAnalyze(f *testing.F) {
	addCorpus(f, true)
	for _, c := range readCases(f) {
		if c.Args != nil {
			f.Add(strings.Join(c.Args, "\x00"))
		}
		f.Add("sh\x00-c\x00" + c.Script)
	}
	f.Fuzz(func(t *testing.T, joined string) {
		args := strings.Split(joined, "\x00")
		in := limited.interp().analyze(args)
		checkBounds(t, in, limited.Limits)
		checkTexts(t, in, strings.Join(args, " "))
		if again := limited.Analyze(args); !reflect.DeepEqual(in.result(), again) {
			t.Errorf("got two results:\n%+v\n%+v", in.result(), again)
		}
	})
}

// checkBounds checks that no limit was passed by more than what one more step may add.
func checkBounds(t *testing.T, in *interp, l Limits) {
	t.Helper()
	if in.budget.steps > 2*l.Steps || in.budget.bytes > l.TotalBytes+l.ScriptBytes || len(in.actions) > l.Actions {
		t.Errorf("limits passed: %+v, %d actions", in.budget, len(in.actions))
	}
	if in.budget.stopped && in.why == "" {
		t.Error("stopped without a reason")
	}
}

// checkTexts checks that what is quoted stands in the script or in one that was decoded from it, and that lines are
// lines of the script.
func checkTexts(t *testing.T, in *interp, script string) {
	t.Helper()
	for _, a := range in.actions {
		if len(a.Text) > maxText || a.Line < 1 || a.Line > 1+strings.Count(script, "\n") {
			t.Errorf("got text of %d bytes at line %d", len(a.Text), a.Line)
		}
		if !strings.Contains(script, a.Text) && !strings.Contains(a.quoted, a.Text) {
			t.Errorf("%q stands neither in the script nor in a decoded one", a.Text)
		}
		if utf8.ValidString(script) && !utf8.ValidString(a.Text) {
			t.Errorf("%q was cut within a character", a.Text)
		}
	}
}
