// Package strictyaml reads configuration files: one YAML document into a struct, whose every key is known and stands
// there once. Its errors name file and line, and list all mistakes, one a line.
package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"reflect"
	"regexp"
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
		return nil, explain(name, located(data, into, err), into)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: holds more than one YAML document; one is read, so one must be there", name)
	}
	f := &File{Name: name, Data: data, root: new(yaml.Node)}
	if err := yaml.Unmarshal(data, f.root); err != nil {
		return nil, explain(name, err, into)
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
	otherLine    = regexp.MustCompile(`^line (\d+): (.*)$`)
)

// explain turns the decoder's error into one line a mistake, with file and line first.
func explain(name string, err error, into any) error {
	var decoding *yaml.TypeError
	lines := []string{strings.TrimPrefix(err.Error(), "yaml: ")}
	if errors.As(err, &decoding) {
		lines = decoding.Errors
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
		case otherLine.MatchString(line):
			m := otherLine.FindStringSubmatch(line)
			out = append(out, fmt.Errorf("%s:%s: %s", name, m[1], m[2]))
		default:
			out = append(out, fmt.Errorf("%s: %s", name, line))
		}
	}
	return errors.Join(out...)
}

// located is an error of the decoder with the line and the key of the value that it is about. What a type says of its own text,
// the decoder passes on without.
func located(data []byte, into any, err error) error {
	var root yaml.Node
	if yaml.Unmarshal(data, &root) != nil || len(root.Content) == 0 {
		return err
	}
	if found := refused(root.Content[0], reflect.TypeOf(into), ""); found != nil {
		return found
	}
	return err
}

// refused looks for the innermost value that its type does not take, and says where it is.
func refused(node *yaml.Node, t reflect.Type, key string) error {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	for step, inner := range below(node, t) {
		if err := refused(inner.node, inner.kind, strings.TrimPrefix(key+step, ".")); err != nil {
			return err
		}
	}
	err := node.Decode(reflect.New(t).Interface())
	if err == nil || errors.As(err, new(*yaml.TypeError)) {
		return nil
	}
	return fmt.Errorf("line %d: %s: %w", node.Line, key, err)
}

// inner is a value in another one, and the type that it is read into.
type inner struct {
	node *yaml.Node
	kind reflect.Type
}

// below goes through what is in a value, by how it is addressed: .key or [0].
func below(node *yaml.Node, t reflect.Type) iter.Seq2[string, inner] {
	return func(yield func(string, inner) bool) {
		switch {
		case node.Kind == yaml.SequenceNode && t.Kind() == reflect.Slice:
			for i, one := range node.Content {
				if !yield(fmt.Sprintf("[%d]", i), inner{one, t.Elem()}) {
					return
				}
			}
		case node.Kind == yaml.MappingNode:
			for i := 0; i+1 < len(node.Content); i += 2 {
				key := node.Content[i].Value
				if kind := typeOf(t, key); kind != nil && !yield("."+key, inner{node.Content[i+1], kind}) {
					return
				}
			}
		}
	}
}

// typeOf is what the value of a key is read into; nil if that is not known.
func typeOf(t reflect.Type, key string) reflect.Type {
	switch t.Kind() {
	case reflect.Map:
		return t.Elem()
	case reflect.Struct:
		for i := range t.NumField() {
			if name, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ","); name == key {
				return t.Field(i).Type
			}
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
