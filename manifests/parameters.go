package manifests

import (
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// parameters are the values that an object of Argo or of Tekton gives to its parameters, by their names: defaults, and
// what one part of it hands to another. Who starts it may give others.
type parameters map[string][]any

// parameterized are the API groups whose controllers replace parameters in containers, with how they are referred to.
var parameterized = map[string]*regexp.Regexp{
	"argoproj.io": regexp.MustCompile(`\{\{=?\s*(?:(?:inputs|workflow|steps|tasks)\.(?:[\w.-]+\.)?(?:parameters)(?:\.([\w-]+)|\[['"]([\w-]+)['"]\])|(item))\s*\}\}`),
	"tekton.dev":  regexp.MustCompile(`\$\((?:inputs\.)?params(?:\.([\w-]+)|\[['"]([\w.-]+)['"]\])(?:\[(\*|\d+)\]|\.([\w-]+))?\)`),
}

// parametersOf collects what an object gives to parameters; nil if its kind has none.
func parametersOf(o *Object) parameters {
	group, _, _ := strings.Cut(o.APIVersion, "/")
	if parameterized[group] == nil {
		return nil
	}
	p := parameters{}
	for _, key := range slices.Sorted(maps.Keys(o.Value)) {
		if key != "metadata" && key != "status" {
			p.collect(o.Value[key], key)
		}
	}
	return p
}

// collect finds the lists of parameters in a value.
func (p parameters) collect(value any, key string) {
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			if given, isMap := item.(map[string]any); isMap && (key == "parameters" || key == "params") {
				p.give(given)
			}
			if key == "withItems" {
				p.add("item", item)
			}
			p.collect(item, "")
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			p.collect(value[key], key)
		}
	}
}

func (p parameters) give(given map[string]any) {
	name, _ := given["name"].(string)
	for _, field := range [...]string{"default", "value"} {
		if value, ok := given[field]; ok && name != "" {
			p.add(name, value)
		}
	}
	from, _ := given["valueFrom"].(map[string]any)
	if value, ok := from["default"]; ok && name != "" {
		p.add(name, value)
	}
}

func (p parameters) add(name string, value any) {
	if len(p[name]) < maxAlternatives && !slices.ContainsFunc(p[name], func(other any) bool { return reflect.DeepEqual(other, value) }) {
		p[name] = append(p[name], value)
	}
}

// parameterRounds is how often what a parameter stands for is looked at for other parameters.
const parameterRounds = 3

// alternatives are what a container may be once its parameters are replaced: mostly one, which it is itself where it names
// none whose value is known.
func (f *podFinder) alternatives(container map[string]any) []map[string]any {
	if len(f.params) == 0 {
		return []map[string]any{container}
	}
	group, _, _ := strings.Cut(f.object.APIVersion, "/")
	var all []map[string]any
	for variant, variants := 0, 1; variant < variants; variant++ {
		s := substitution{finder: f, pattern: parameterized[group], variant: variant, variants: 1}
		value, _ := s.replaced(container).(map[string]any)
		all = append(all, value)
		variants = s.variants
	}
	return all
}

// substitution replaces parameters by one of their values each.
type substitution struct {
	finder   *podFinder
	pattern  *regexp.Regexp
	variant  int // which value is taken where there are several
	variants int // how many there are, at most
}

// replaced is a value with the parameters in its texts replaced. A list of which one text is all of a list has the
// elements of that.
func (s *substitution) replaced(value any) any {
	switch value := value.(type) {
	case string:
		return s.text(value)
	case []any:
		list := make([]any, 0, len(value))
		for _, item := range value {
			if text, ok := item.(string); ok {
				if elements, ok := s.elements(text); ok {
					list = append(list, elements...)
					continue
				}
			}
			list = append(list, s.replaced(item))
		}
		return list
	case map[string]any:
		m := make(map[string]any, len(value))
		for _, key := range slices.Sorted(maps.Keys(value)) {
			m[key] = s.replaced(value[key])
		}
		return m
	}
	return value
}

// elements are those of the list that a text stands for: $(params.args[*]).
func (s *substitution) elements(text string) ([]any, bool) {
	m := s.pattern.FindStringSubmatch(text)
	if m == nil || m[0] != text || len(m) < 4 || m[3] != "*" {
		return nil, false
	}
	list, ok := s.value(m).([]any)
	for _, item := range list {
		element, _ := item.(string)
		s.finder.expansion.left -= int64(len(element)) + entryBytes
	}
	return list, ok && s.finder.expansion.left > 0
}

func (s *substitution) text(text string) string {
	for range parameterRounds {
		if !strings.Contains(text, "{{") && !strings.Contains(text, "$(") {
			break
		}
		before := text
		text = s.pattern.ReplaceAllStringFunc(text, func(reference string) string {
			value, ok := textOf(s.value(s.pattern.FindStringSubmatch(reference)))
			if s.finder.expansion.left -= int64(len(value)); !ok || s.finder.expansion.left <= 0 {
				return reference
			}
			return value
		})
		if text == before {
			break
		}
	}
	return text
}

// value is what a reference stands for, nil if that is not known.
func (s *substitution) value(m []string) any {
	name := m[1] + m[2]
	if name == "" && len(m) == 4 {
		name = m[3] // item
	}
	values := s.finder.params[name]
	if len(values) == 0 {
		return nil
	}
	s.variants = max(s.variants, len(values))
	value := values[min(s.variant, len(values)-1)]
	if len(m) < 5 {
		return value
	}
	if list, ok := value.([]any); ok && m[3] != "" && m[3] != "*" {
		i, err := strconv.Atoi(m[3])
		if err != nil || i >= len(list) {
			return nil
		}
		return list[i]
	}
	if object, ok := value.(map[string]any); ok {
		return object[m[4]]
	}
	return value
}

// textOf is the text of a value that is one, or a number or the like.
func textOf(value any) (string, bool) {
	if list := words([]any{value}); len(list) == 1 {
		return list[0], true
	}
	return "", false
}
