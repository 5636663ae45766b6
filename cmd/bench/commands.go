package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/tidewaiter/tidewaiter/shell/shelltest"
)

// commandsName is what the case is called that measures the analysis of commands.
const commandsName = "what commands do"

// corpus is the folder of labelled commands, from the root of the repository.
const corpus = "shell/testdata/corpus"

// measureCommands prints how well the analysis of commands does on the corpus, kind by kind.
func measureCommands(out io.Writer) error {
	commands, err := shelltest.Read(corpus)
	if err != nil {
		return err
	}
	benign := 0
	for _, c := range commands {
		if len(c.Want) == 0 {
			benign++
		}
	}
	scores, mistakes := shelltest.Measure(commands)
	fmt.Fprintf(out, "%s: %d labelled commands, %d of them benign\n", commandsName, len(commands), benign)
	for _, s := range scores {
		fmt.Fprintf(out, "  %-16s precision %.3f, recall %.3f: %d right, %d wrong, %d missed\n",
			s.Kind, s.Precision(), s.Recall(), s.Right, s.Wrong, s.Missed)
	}
	for _, m := range mistakes {
		verb := "missed"
		if m.Wrong {
			verb = "wrong"
		}
		first, _, _ := strings.Cut(m.String(), "\n")
		fmt.Fprintf(out, "  %s %s: %.120s\n", verb, m.Kind, first)
	}
	return nil
}
