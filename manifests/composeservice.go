package manifests

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// layer is what one service says. One that extends others is said by several, of which the last counts.
type layer struct {
	file   *composeFile
	fields map[string]any
	path   Path
}

// translation makes the pod of one service.
type translation struct {
	file   *composeFile
	all    composeFiles
	layers []layer
	left   *int64 // bytes that the services of the file may still grow to

	volumes, mounts, unread []any
	files                   []File
	places                  map[string]composePlace
	build                   map[string]any
	unreadable              string
}

func (at composePlace) below(steps ...any) composePlace {
	return composePlace{at.file, at.path.with(steps...)}
}

// unreadPart notes a part of the service that is not judged. kind is "file", "variable" or "plugin".
func (t *translation) unreadPart(kind, text string, at composePlace) {
	t.places[Path{"unread", len(t.unread)}.String()] = at
	t.unread = append(t.unread, map[string]any{"kind": kind, "text": text})
}

// inherit returns the layers of a service, the one that extends nothing first. done are those that extend it.
func (t *translation) inherit(l layer, done []layer) []layer {
	extends := l.fields["extends"]
	if extends == nil {
		return []layer{l}
	}
	at := composePlace{l.file, l.path.with("extends")}
	name, file := t.text(extends), ""
	if long, isMap := extends.(map[string]any); isMap {
		name, file = t.text(long["service"]), t.text(long["file"])
	}
	from := l.file
	if file != "" {
		from = t.all.beside(l.file, file)
	}
	if from == nil {
		t.unreadPart("file", fmt.Sprintf("extends service %q of %q, which is not among the files of this run", name, file), at)
		return []layer{l}
	}
	services, _ := from.value["services"].(map[string]any)
	fields, isMap := services[name].(map[string]any)
	again := slices.ContainsFunc(append(done, l), func(other layer) bool {
		return other.file == from && slices.Equal(other.path, Path{"services", name})
	})
	if !isMap || again || len(done) >= maxNested {
		t.unreadPart("file", fmt.Sprintf("extends service %q, which there is not, or which extends this one", name), at)
		return []layer{l}
	}
	return append(t.inherit(layer{from, fields, Path{"services", name}}, append(done, l)), l)
}

// get returns a field of the service, from the last layer that has it. Null is not there.
func (t *translation) get(field string) (value any, at composePlace) {
	for _, l := range slices.Backward(t.layers) {
		if value := l.fields[field]; value != nil {
			return value, composePlace{l.file, l.path.with(field)}
		}
	}
	return nil, composePlace{}
}

// each calls do for the items of a list, in all layers. A scalar is a list of one.
func (t *translation) each(field string, do func(item any, at composePlace)) {
	for _, l := range t.layers {
		at := composePlace{l.file, l.path.with(field)}
		switch value := l.fields[field].(type) {
		case nil, map[string]any:
		case []any:
			for i, item := range value {
				do(item, at.below(i))
			}
		default:
			do(value, at)
		}
	}
}

// setting is one of a list of NAME=value, or of a map.
type setting struct {
	name, value string
	known       bool // the value is written in the file
	at          composePlace
}

// settings reads a field that is a list of NAME=value or a map, in all layers. The last of a name counts.
func (t *translation) settings(field string) []setting {
	var all []setting
	known := map[string]int{}
	add := func(s setting) {
		i, again := known[s.name]
		if !again {
			i = len(all)
			known[s.name], all = i, append(all, s)
		}
		all[i] = s
	}
	for _, l := range t.layers {
		at := composePlace{l.file, l.path.with(field)}
		values, _ := l.fields[field].(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(values)) {
			add(setting{name, t.text(values[name]), values[name] != nil, at.below(name)})
		}
	}
	t.each(field, func(item any, at composePlace) {
		name, value, known := strings.Cut(t.text(item), "=")
		if name != "" {
			add(setting{name, value, known, at})
		}
	})
	return all
}

// text is a scalar as text with its variables replaced. It is "" beyond the limit, which is a problem of the whole file.
func (t *translation) text(value any) string {
	written := composeText(value)
	if *t.left -= int64(len(written)) + entryBytes; *t.left <= 0 {
		return ""
	}
	text, _ := t.file.variables.interpolate(written)
	*t.left -= int64(len(text))
	return text
}

// isOn tells that a switch is not off. Text that stands for a boolean is one, as for compose; what depends on a variable
// is not taken for off.
func (t *translation) isOn(value any) bool {
	switch strings.ToLower(t.text(value)) {
	case "", "false", "f", "0", "no", "n", "off":
		return false
	}
	return true
}

func (t *translation) switchOn(field string) (value any, at composePlace, on bool) {
	value, at = t.get(field)
	return value, at, t.isOn(value)
}

// fill writes a field of the pod, and where the user wrote it.
func (t *translation) fill(in map[string]any, path Path, value any, at composePlace) {
	in[path[len(path)-1].(string)] = value
	t.places[path.String()] = at
}
