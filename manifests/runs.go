package manifests

import "fmt"

// expansion replaces $(VAR) in commands, as far as a bound allows.
type expansion struct {
	left int64 // bytes that commands may still grow by; 0 or less means that something was left as written
}

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

// runs returns all the commands that a container would run.
func (e *expansion) runs(container map[string]any, path Path) []Run {
	var runs []Run
	env := literals(container)
	command, args := words(container["command"]), words(container["args"])
	if len(command)+len(args) > 0 {
		run := Run{Where: "command", Path: path.with("command"), Args: e.expandAll(append(command, args...), e.resolve(env))}
		if len(command) == 0 {
			run.Path, run.ImageEntrypoint = path.with("args"), true
		}
		runs = append(runs, run)
	}
	for _, h := range handlers {
		at, holder := path, container
		if h.holder != "" {
			at, holder = path.with(h.holder), descend(container, Path{h.holder})
		}
		if command := words(descend(holder, Path{h.where, "exec"})["command"]); len(command) > 0 {
			if h.expanded {
				command = e.expandAll(command, rawValues(env))
			}
			runs = append(runs, Run{Where: h.where, Path: at.with(h.where, "exec", "command"), Args: command})
		}
	}
	return runs
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
