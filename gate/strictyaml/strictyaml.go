// Package strictyaml reads configuration files: one YAML document into a struct, whose every key is known and stands
// there once. Its errors name file and line, and list all mistakes, one a line.
package strictyaml

import (
	"bytes"
	"encoding"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// maxSize bounds a configuration file, in bytes.
const maxSize = 1 << 20

// ErrEmpty tells that a file holds no document.
var ErrEmpty = errors.New("empty")

// File is a file that was read. It knows on which line a value stands.
type File struct {
	// Name is the file's name, and Data what was in it.
	Name string
	Data []byte
	root *yaml.Node
}

// Read reads the regular file of that name, of at most 1 MiB.
func Read(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("configuration: %s is not a regular file", name)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	if len(data) > maxSize {
		return nil, fmt.Errorf("configuration: %s is larger than %d bytes", name, maxSize)
	}
	return data, nil
}

// Parse reads data, which the file of that name holds, into a struct. The error of a file without a document is
// ErrEmpty.
func Parse(name string, data []byte, into any) (*File, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	switch err := decoder.Decode(into); {
	case errors.Is(err, io.EOF):
		return nil, ErrEmpty
	case err != nil:
		return nil, explain(name, data, err, into)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: holds more than one YAML document; one is read, so one must be there", name)
	}
	f := &File{Name: name, Data: data, root: new(yaml.Node)}
	if err := yaml.Unmarshal(data, f.root); err != nil {
		return nil, explain(name, data, err, into)
	}
	if wrong := misread(f.root, reflect.TypeOf(into), ""); len(wrong) > 0 {
		return nil, explain(name, data, &yaml.TypeError{Errors: wrong}, into)
	}
	return f, nil
}

// Errorf is an error about the value that path leads to: its text begins with file and line.
func (f *File) Errorf(path []any, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %w", f.Name, f.Line(path), fmt.Errorf(format, args...))
}

// Line returns the 1-based line of the value that path (keys and indexes) leads to, or of its nearest
// ancestor that exists.
func (f *File) Line(path []any) int {
	node := f.root
	if node.Kind == yaml.DocumentNode && len(node.Content) > 0 {
		node = node.Content[0]
	}
	for _, step := range path {
		next := child(node, step)
		if next == nil {
			break
		}
		node = next
	}
	return max(node.Line, 1)
}

// child returns the value below node that one step of a path leads to, nil if there is none.
func child(node *yaml.Node, step any) *yaml.Node {
	switch step := step.(type) {
	case int:
		if node.Kind == yaml.SequenceNode && step >= 0 && step < len(node.Content) {
			return node.Content[step]
		}
	case string:
		if node.Kind != yaml.MappingNode {
			return nil
		}
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == step {
				return node.Content[i+1]
			}
		}
	}
	return nil
}

var (
	unknownField = regexp.MustCompile(`^line (\d+): field (.+) not found in type (\S+)$`)
	doubledKey   = regexp.MustCompile(`^line (\d+): mapping key "(.+)" already defined at line (\d+)$`)
	wrongType    = regexp.MustCompile("^line (\\d+): cannot unmarshal !!(\\w+)(?: `(.*)`)? into (\\S+)$")
	otherLine    = regexp.MustCompile(`^line (\d+): (.*)$`)
)

// explain turns the decoder's error into one line a mistake, with file and line first.
func explain(name string, data []byte, err error, into any) error {
	var decoding *yaml.TypeError
	var root yaml.Node
	lines := []string{strings.TrimPrefix(err.Error(), "yaml: ")}
	broken := yaml.Unmarshal(data, &root)
	if errors.As(err, &decoding) {
		lines = decoding.Errors
	} else if broken == nil {
		// The decoder ends at the first text that its type cannot read, and does not say where that is.
		if wrong := misread(&root, reflect.TypeOf(into), ""); len(wrong) > 0 {
			lines = wrong
		}
	}
	var out []error
	for _, line := range lines {
		switch {
		case unknownField.MatchString(line):
			m := unknownField.FindStringSubmatch(line)
			out = append(out, fmt.Errorf("%s:%s: unknown key %q; known here: %s", name, m[1], m[2], strings.Join(Keys(into, m[3]), ", ")))
		case doubledKey.MatchString(line):
			m := doubledKey.FindStringSubmatch(line)
			out = append(out, fmt.Errorf("%s:%s: key %q stands twice, first in line %s", name, m[1], m[2], m[3]))
		case wrongType.MatchString(line):
			m := wrongType.FindStringSubmatch(line)
			out = append(out, fmt.Errorf("%s:%s: %s%s stands where %s is wanted", name, m[1], keyOf(&root, m[1], m[2], m[3]), given(m[2], m[3]), wanted(m[4], into)))
		case otherLine.MatchString(line):
			m := otherLine.FindStringSubmatch(line)
			out = append(out, fmt.Errorf("%s:%s: %s", name, m[1], m[2]))
		default:
			out = append(out, fmt.Errorf("%s: %s", name, line))
		}
	}
	return errors.Join(out...)
}

// keyOf is the key of the value of a tag and a text, which the decoder has cut off, that stands in a line, and a colon; nothing if there
// are several such values.
func keyOf(root *yaml.Node, line, tag, text string) string {
	begin, _ := strings.CutSuffix(text, "...")
	keys := keysOf(root, "", func(node *yaml.Node) bool {
		return strconv.Itoa(node.Line) == line && node.ShortTag() == "!!"+tag && (node.Kind != yaml.ScalarNode || strings.HasPrefix(node.Value, begin))
	})
	if len(keys) != 1 || keys[0] == "" {
		return ""
	}
	return keys[0] + ": "
}

// keysOf lists the keys of the values below a node that are wanted.
func keysOf(node *yaml.Node, key string, want func(*yaml.Node) bool) (keys []string) {
	if node.Kind != yaml.DocumentNode && want(node) {
		keys = append(keys, key)
	}
	switch node.Kind {
	case yaml.DocumentNode:
		keys = append(keys, keysOf(node.Content[0], "", want)...)
	case yaml.SequenceNode:
		for i, item := range node.Content {
			keys = append(keys, keysOf(item, fmt.Sprintf("%s[%d]", key, i), want)...)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			keys = append(keys, keysOf(node.Content[i+1], strings.TrimPrefix(key+"."+node.Content[i].Value, "."), want)...)
		}
	}
	return keys
}

// given names a value of the YAML type tag.
func given(tag, text string) string {
	switch tag {
	case "map":
		return "a mapping"
	case "seq":
		return "a list"
	}
	return strconv.Quote(text)
}

// wanted names what a Go type is written as in YAML.
func wanted(typeName string, into any) string {
	keys := Keys(into, typeName)
	switch {
	case strings.HasPrefix(typeName, "[]"):
		return "a list"
	case strings.HasPrefix(typeName, "map["):
		return "a mapping"
	case len(keys) > 0:
		return "a mapping of " + strings.Join(keys, ", ")
	case typeName == "bool":
		return "true or false"
	case strings.HasPrefix(typeName, "int"):
		return "a whole number"
	}
	return "a text"
}

// misread lists, each with its line, the values below a node that cannot be what the type t wants of them, as the
// decoder words it: what their type refuses, with the key that leads to it, and fractions, which the decoder would cut off. What
// an alias stands for is looked at where it is written.
func misread(node *yaml.Node, t reflect.Type, key string) (wrong []string) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case node.Kind == yaml.ScalarNode && t.Kind() >= reflect.Int && t.Kind() <= reflect.Int64 && node.ShortTag() == "!!float":
		wrong = append(wrong, fmt.Sprintf("line %d: cannot unmarshal !!float `%s` into int", node.Line, node.Value))
	case node.Kind == yaml.DocumentNode:
		return misread(node.Content[0], t, "")
	case node.Kind == yaml.SequenceNode && t.Kind() == reflect.Slice:
		for i, item := range node.Content {
			wrong = append(wrong, misread(item, t.Elem(), fmt.Sprintf("%s[%d]", key, i))...)
		}
	case node.Kind == yaml.MappingNode && (t.Kind() == reflect.Map || t.Kind() == reflect.Struct):
		for i := 0; i+1 < len(node.Content); i += 2 {
			name := node.Content[i].Value
			if value := valueType(t, name); value != nil {
				wrong = append(wrong, misread(node.Content[i+1], value, strings.TrimPrefix(key+"."+name, "."))...)
			}
		}
	}
	if err := refusal(node, t); err != nil && len(wrong) == 0 {
		wrong = append(wrong, fmt.Sprintf("line %d: %s: %v", node.Line, key, err))
	}
	return wrong
}

// refusal is what a type that reads its own values says of one. Mistakes that the decoder itself would tell are left to it.
func refusal(node *yaml.Node, t reflect.Type) error {
	value := reflect.New(t).Interface()
	switch value.(type) {
	case yaml.Unmarshaler, encoding.TextUnmarshaler, interface{ UnmarshalYAML(func(any) error) error }:
	default:
		return nil
	}
	err := node.Decode(value)
	if errors.As(err, new(*yaml.TypeError)) {
		return nil
	}
	return err
}

// valueType is the type of what stands at a key of a map or struct type; nil if there is no such key.
func valueType(t reflect.Type, key string) reflect.Type {
	if t.Kind() == reflect.Map {
		return t.Elem()
	}
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ","); name == key && t.Field(i).IsExported() {
			return t.Field(i).Type
		}
	}
	return nil
}

// Keys lists the YAML keys of the struct type of that name ("gate.Waiver"), which is that of value or is used in it.
func Keys(value any, typeName string) []string {
	var keys []string
	seen := map[reflect.Type]bool{}
	var visit func(t reflect.Type)
	visit = func(t reflect.Type) {
		for t.Kind() == reflect.Slice || t.Kind() == reflect.Map || t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct || seen[t] || t == reflect.TypeFor[yaml.Node]() || t == reflect.TypeFor[time.Time]() {
			return
		}
		seen[t] = true
		for i := range t.NumField() {
			field := t.Field(i)
			key, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
			if t.String() == typeName && key != "" && key != "-" {
				keys = append(keys, key)
			}
			if field.IsExported() {
				visit(field.Type)
			}
		}
	}
	visit(reflect.TypeOf(value))
	return keys
}
