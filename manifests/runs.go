package manifests

import (
	"fmt"
	"slices"
	"strings"
)

// handlers are the places of a container, besides its command, that run one. Kubernetes replaces variables in
// probes, not in hooks.
var handlers = [...]struct {
	where, holder string // holder is the map that the handler stands in, if not the container itself
	expanded      bool
}{
	{"postStart", "lifecycle", false},
	{"preStop", "lifecycle", false},
	{"livenessProbe", "", true},
	{"readinessProbe", "", true},
	{"startupProbe", "", true},
}

// runs returns all the commands that a container would run, if it is given that.
func (f *podFinder) runs(container map[string]any, at Path, given *Given) []Run {
	var runs []Run
	if run, ok := f.command(container, at, given); ok {
		runs = append(runs, run)
	}
	for _, h := range handlers {
		at, holder := at, container
		if h.holder != "" {
			at, holder = at.with(h.holder), descend(container, Path{h.holder})
		}
		if command := words(descend(holder, Path{h.where, "exec"})["command"]); len(command) > 0 {
			if h.expanded {
				command = f.expansion.expandAll(command, rawValues(container))
			}
			runs = append(runs, Run{Where: h.where, Path: at.with(h.where, "exec", "command"), Args: command, Given: given})
		}
	}
	return runs
}

// command is what a container starts, as far as its manifest says: command and args, or a script.
func (f *podFinder) command(container map[string]any, at Path, given *Given) (Run, bool) {
	command, args := words(container["command"]), words(container["args"])
	if run, ok := f.scriptOf(container, at, command, given); ok {
		run.Args = append(run.Args, f.expansion.expandAll(args, valueIn(given.Env))...)
		return run, true
	}
	run := Run{Where: "command", Path: at.with("command"), Args: f.expansion.expandAll(append(command, args...), valueIn(given.Env)), Given: given}
	if len(command) == 0 {
		run.Path, run.ImageEntrypoint = at.with("args"), true
	}
	return run, len(run.Args) > 0
}

// scriptFile is where a script that stands in the container itself is taken to be put.
const scriptFile = "/script"

// scriptOf is the run of a script that stands in the container itself, which only custom resources have. Tekton's
// steps hold it as script, which its #! line starts, else sh; Argo's templates hold it as source, which command
// is given as a file. Both put it into a file of its own.
func (f *podFinder) scriptOf(container map[string]any, at Path, command []string, given *Given) (Run, bool) {
	for _, field := range [...]string{"script", "source"} {
		text, _ := container[field].(string)
		if strings.TrimSpace(text) == "" || field == "source" && len(command) == 0 {
			continue
		}
		withScript := *given
		withScript.Files = append(slices.Clone(given.Files), File{scriptFile, text, Source{f.object, at.with(field)}})
		run := Run{Where: "script", Path: at.with(field), Args: []string{scriptFile}, Given: &withScript}
		if field == "source" {
			run.Args = append(command, scriptFile)
		}
		return run, true
	}
	return Run{}, false
}

// words reads a list of arguments. Custom resources are not checked for types: a number there is its text.
func words(value any) []string {
	items, _ := value.([]any)
	var words []string
	for _, item := range items {
		switch item := item.(type) {
		case string:
			words = append(words, item)
		case int64, float64, bool:
			words = append(words, fmt.Sprint(item))
		}
	}
	return words
}
