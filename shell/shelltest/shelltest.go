// Package shelltest measures package shell on commands that people have labelled.
package shelltest

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/tidewaiter/tidewaiter/shell"
)

// Kinds are the kinds that commands are labelled with.
var Kinds = []shell.Kind{shell.RuntimeDownload, shell.ReverseShell, shell.RuntimeInstall, shell.HostTakeover, shell.MinerArguments}

// Command is a command, and the kinds of actions that it is known to take.
type Command struct {
	File   string
	Args   []string // an argument vector; nil if it is a script
	Script string
	Want   []shell.Kind
}

// Analyze says what the command does.
func (c Command) Analyze() shell.Result {
	if c.Args != nil {
		return shell.Analyze(c.Args)
	}
	return shell.AnalyzeScript(c.Script)
}

// String is the command as it may be shown.
func (c Command) String() string {
	if c.Args != nil {
		return fmt.Sprintf("%q", c.Args)
	}
	return c.Script
}

// Read returns the commands of a corpus, a folder of YAML files. Each is a map from labels, kinds separated by
// spaces or "none", to commands; a command is a script or an argument vector.
func Read(dir string) ([]Command, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		return nil, err
	}
	var all []Command
	for _, file := range files {
		commands, err := readFile(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, commands...)
	}
	return all, nil
}

func readFile(file string) ([]Command, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var groups map[string][]any
	if err := yaml.UnmarshalStrict(data, &groups); err != nil {
		return nil, err
	}
	var all []Command
	for _, label := range slices.Sorted(maps.Keys(groups)) {
		kinds, err := parseLabel(label)
		if err != nil {
			return nil, err
		}
		for _, value := range groups[label] {
			c, err := parseCommand(value)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", label, err)
			}
			c.File, c.Want = file, kinds
			all = append(all, c)
		}
	}
	return all, nil
}

func parseLabel(label string) ([]shell.Kind, error) {
	var kinds []shell.Kind
	for word := range strings.FieldsSeq(label) {
		if word == "none" {
			continue
		}
		if !slices.Contains(Kinds, shell.Kind(word)) {
			return nil, fmt.Errorf("%q is no kind of action", word)
		}
		kinds = append(kinds, shell.Kind(word))
	}
	return kinds, nil
}

func parseCommand(value any) (Command, error) {
	switch value := value.(type) {
	case string:
		return Command{Script: value}, nil
	case []any:
		c := Command{Args: []string{}}
		for _, arg := range value {
			c.Args = append(c.Args, fmt.Sprint(arg))
		}
		return c, nil
	}
	return Command{}, fmt.Errorf("%v is neither a script nor a list of arguments", value)
}

// Score counts how the analysis did on one kind of action.
type Score struct {
	Kind                 shell.Kind
	Right, Wrong, Missed int // commands
}

// Precision is the share of the reported commands that do it, of 1.
func (s Score) Precision() float64 { return share(s.Right, s.Wrong) }

// Recall is the share of the commands that do it that are reported, of 1.
func (s Score) Recall() float64 { return share(s.Right, s.Missed) }

func share(part, rest int) float64 {
	if part+rest == 0 {
		return 1
	}
	return float64(part) / float64(part+rest)
}

// Mistake is a command of which the analysis said something else than its label.
type Mistake struct {
	Command
	Kind   shell.Kind
	Wrong  bool // reported though it does not do it; otherwise it was missed
	Result shell.Result
}

// Measure analyses the commands and compares what is found with their labels, kind by kind.
func Measure(commands []Command) ([]Score, []Mistake) {
	scores := make([]Score, len(Kinds))
	var mistakes []Mistake
	for _, c := range commands {
		result := c.Analyze()
		for i, kind := range Kinds {
			scores[i].Kind = kind
			found := slices.ContainsFunc(result.Actions, func(a shell.Action) bool { return a.Kind == kind })
			wanted := slices.Contains(c.Want, kind)
			switch {
			case found && wanted:
				scores[i].Right++
			case found:
				scores[i].Wrong++
			case wanted:
				scores[i].Missed++
			}
			if found != wanted {
				mistakes = append(mistakes, Mistake{c, kind, found, result})
			}
		}
	}
	return scores, mistakes
}
