package manifests

import "strings"

// literal is an environment variable of a container. Its value is known only if the manifest spells it out.
type literal struct {
	name, value string
	known       bool
}

// literals returns the variables of a container, in order.
func literals(container map[string]any) []literal {
	items, _ := container["env"].([]any)
	var env []literal
	for _, item := range items {
		variable, _ := item.(map[string]any)
		var l literal
		l.name, _ = variable["name"].(string)
		l.value, _ = variable["value"].(string)
		l.known = variable["valueFrom"] == nil
		if l.name != "" {
			env = append(env, l)
		}
	}
	return env
}

// resolve returns the values that a container's variables have: each may refer to those before it.
func (e *expansion) resolve(env []literal) map[string]string {
	values := make(map[string]string, len(env))
	for _, l := range env {
		if l.known {
			values[l.name] = e.expand(l.value, values)
		} else {
			delete(values, l.name)
		}
	}
	return values
}

// rawValues returns the variables as they are written, which is what the kubelet replaces in probes.
func rawValues(env []literal) map[string]string {
	values := make(map[string]string, len(env))
	for _, l := range env {
		if l.known {
			values[l.name] = l.value
		}
	}
	return values
}

func (e *expansion) expandAll(args []string, values map[string]string) []string {
	for i, arg := range args {
		args[i] = e.expand(arg, values)
	}
	return args
}

// expand replaces $(NAME) by the variable's value, and $$ by a dollar sign that begins no reference. As in
// Kubernetes everything else stays as it is: references to unknown variables, a dollar sign before any other
// character, a reference that is not closed. When the bound is reached the rest stays as written too.
func (e *expansion) expand(s string, values map[string]string) string {
	if !strings.Contains(s, "$") {
		return s
	}
	var b strings.Builder
	rest := s
	for {
		before, after, found := strings.Cut(rest, "$")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		switch {
		case strings.HasPrefix(after, "$"):
			b.WriteString("$")
			rest = after[1:]
		case strings.HasPrefix(after, "("):
			name, behind, closed := strings.Cut(after[1:], ")")
			if !closed {
				b.WriteString("$(")
				rest = after[1:]
				continue
			}
			b.WriteString(e.lookUp(name, values))
			rest = behind
		default:
			b.WriteString("$")
			rest = after
		}
	}
}

func (e *expansion) lookUp(name string, values map[string]string) string {
	value, known := values[name]
	if e.left -= int64(len(value)); !known || e.left <= 0 {
		return "$(" + name + ")"
	}
	return value
}
