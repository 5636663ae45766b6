package shell

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// prefixed makes the assignments before a command, and returns what undoes them.
func (in *interp) prefixed(assigns []*syntax.Assign) func() {
	if len(assigns) == 0 {
		return func() {}
	}
	type old struct {
		name, value string
		set         bool
	}
	var olds []old
	for _, a := range assigns {
		if a.Name == nil {
			continue
		}
		v, ok := in.env.vars.get(a.Name.Value)
		olds = append(olds, old{a.Name.Value, v, ok})
		in.assign(a)
	}
	return func() {
		for _, o := range slices.Backward(olds) {
			if o.set {
				in.env.vars.set(o.name, o.value)
			} else {
				delete(in.env.vars.vars, o.name)
			}
		}
	}
}

// assign is name=value, name+=value, name[i]=value and name=(values).
func (in *interp) assign(a *syntax.Assign) {
	if a.Name == nil || a.Naked {
		return
	}
	name := a.Name.Value
	switch {
	case a.Array != nil:
		in.assignArray(name, a)
		return
	case a.Index != nil:
		value := in.word(a.Value)
		in.setArray(name, append(in.arrays[name], value))
		in.env.vars.set(name+"["+in.arithmetic(a.Index)+"]", value)
		return
	}
	value := in.word(a.Value)
	if a.Append {
		value = in.bounded(in.variable(name) + value)
	}
	if strings.ContainsAny(value, " \n") || in.fetched(value) != nil {
		in.flows++ // it may be a command
	}
	in.env.vars.set(name, value)
	in.promised(name, value)
	if name == "LD_PRELOAD" || name == "BASH_ENV" || name == "ENV" {
		in.preloaded(name, value)
	}
}

func (in *interp) assignArray(name string, a *syntax.Assign) {
	var values []string
	if a.Append {
		values = in.arrays[name]
	}
	for _, elem := range a.Array.Elems {
		if elem.Value == nil {
			continue
		}
		fields := in.fields([]*syntax.Word{elem.Value})
		if elem.Index != nil && len(fields) > 0 {
			in.env.vars.set(name+"["+in.arithmetic(elem.Index)+"]", fields[0])
		}
		values = append(values, fields...)
	}
	if name == "PROMPT_COMMAND" {
		in.promised(name, strings.Join(values, "\n"))
	}
	in.setArray(name, values)
}

func (in *interp) setArray(name string, values []string) {
	if in.arrays == nil {
		in.arrays = map[string][]string{}
	}
	if len(values) > maxArguments {
		in.stop("more than %d elements of an array", maxArguments)
		return
	}
	in.arrays[name] = slices.Clip(values)
}
