package shell_test

import (
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
	for _, m := range mistakes {
		t.Logf("%s: %s wrong=%v\n%s\n%+v", m.File, m.Kind, m.Wrong, m.Command, m.Result)
	}
}
