package shell_test

import (
	"path/filepath"
	"testing"

	"github.com/tidewaiter/tidewaiter/shell/shelltest"
)

// enough is the precision and recall that is promised of every kind of action.
const enough = 0.97

// TestCorpus measures the analysis on the labelled commands of testdata/corpus.
func TestCorpus(t *testing.T) {
	commands, err := shelltest.Read("testdata/corpus")
	if err != nil {
		t.Fatal(err)
	}
	benign := 0
	for _, c := range commands {
		if len(c.Want) == 0 {
			benign++
		}
	}
	if len(commands) < 500 || benign < len(commands)/3 {
		t.Errorf("%d commands, %d of them benign: too few to tell", len(commands), benign)
	}
	scores, mistakes := shelltest.Measure(commands)
	for _, s := range scores {
		if s.Right < 40 || s.Precision() < enough || s.Recall() < enough {
			t.Errorf("%s: precision %.3f, recall %.3f of %d commands", s.Kind, s.Precision(), s.Recall(), s.Right+s.Missed)
		}
	}
	checkMistakes(t, commands, mistakes)
}

// checkMistakes checks that the mistakes are those that are known, and that all of these are still made.
func checkMistakes(t *testing.T, commands []shelltest.Command, mistakes []shelltest.Mistake) {
	t.Helper()
	made := map[string]bool{}
	for _, m := range mistakes {
		made[m.Command.String()] = true
		if filepath.Base(m.File) != known {
			t.Errorf("%s: %s, reported wrongly: %v, is no known mistake:\n%s\n%+v", m.File, m.Kind, m.Wrong, m.Command, m.Result)
		}
	}
	for _, c := range commands {
		if filepath.Base(c.File) == known && !made[c.String()] {
			t.Errorf("%s is right now, move it to another file:\n%s", c.File, c)
		}
	}
}

// known is the file of the corpus with the mistakes that are known.
const known = "known-mistakes.yaml"
