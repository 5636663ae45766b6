package manifests

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// schema is what the API server's decoder knows of a Go type of k8s.io/api: the names and types of its fields.
type schema struct {
	shape  shape
	bits   int                // of an integer
	fields map[string]*schema // of a struct, by JSON name
	folded map[string]string  // of a struct: the JSON name by its case-folded form
	elem   *schema            // of a list or a map
	// needed tells that null makes no sense here though the decoder takes it: a container.
	needed bool
}

// shape is the JSON type that a schema accepts. The zero shape accepts everything.
type shape int

const (
	anything shape = iota
	text
	boolean
	integer
	list
	free   // a map with keys of the author's choice
	object // a map with known fields
)

var shapeNames = [...]string{anything: "anything", text: "a string", boolean: "true or false", integer: "an integer", list: "a list", free: "a map", object: "a map"}

var (
	jsonUnmarshaler = reflect.TypeFor[json.Unmarshaler]()
	containerTypes  = []reflect.Type{reflect.TypeFor[corev1.Container](), reflect.TypeFor[corev1.EphemeralContainer]()}
)

// schemaOf works out the schema of a type; known holds those that are under way or done.
func schemaOf(t reflect.Type, known map[reflect.Type]*schema) *schema {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if s := known[t]; s != nil {
		return s
	}
	s := &schema{needed: slices.Contains(containerTypes, t)}
	known[t] = s
	if reflect.PointerTo(t).Implements(jsonUnmarshaler) {
		return s // a type with a reader of its own: quantities, times, int-or-string
	}
	switch t.Kind() {
	case reflect.String:
		s.shape = text
	case reflect.Bool:
		s.shape = boolean
	case reflect.Int, reflect.Int32, reflect.Int64:
		s.shape, s.bits = integer, t.Bits()
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			s.shape = text // base64
			break
		}
		s.shape, s.elem = list, schemaOf(t.Elem(), known)
	case reflect.Map:
		s.shape, s.elem = free, schemaOf(t.Elem(), known)
	case reflect.Struct:
		s.shape, s.fields, s.folded = object, make(map[string]*schema), make(map[string]string)
		s.addFields(t, known)
	}
	return s
}

func (s *schema) addFields(t reflect.Type, known map[reflect.Type]*schema) {
	for field := range t.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case name == "-" || !field.IsExported():
		case name == "" && field.Anonymous:
			s.addFields(field.Type, known)
		case name != "":
			s.fields[name] = schemaOf(field.Type, known)
			s.folded[fold(name)] = name
		}
	}
}

// fold maps all the spellings of a key that encoding/json takes for one another to one: also the Kelvin sign
// and the long s, whose upper case is ASCII.
func fold(key string) string { return strings.ToLower(strings.ToUpper(key)) }

// field returns the schema of a key's value. twin is the known field that an unknown key is but for its case.
//
// An unknown field is no objection, because a newer API server may know it; one with a twin is: decoders that
// ignore case, such as encoding/json, would let it replace what was judged.
func (s *schema) field(key string) (field *schema, twin string) {
	if s.shape == free {
		return s.elem, ""
	}
	if field, known := s.fields[key]; known {
		return field, ""
	}
	return nil, s.folded[fold(key)]
}

// valid tells that the API server's decoder would take a value as it is. It is the quick question, objections
// the slow answer.
func (s *schema) valid(value any) bool {
	if s == nil || s.shape == anything {
		return true
	}
	if value == nil {
		return !s.needed
	}
	if !s.accepts(value) {
		return false
	}
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			if !s.elem.valid(item) {
				return false
			}
		}
	case map[string]any:
		for key, item := range value {
			if field, twin := s.field(key); twin != "" || !field.valid(item) {
				return false
			}
		}
	}
	return true
}

// objection is why a value is not valid, and where in the object it stands.
type objection struct {
	path Path
	text string
}

// maxObjections bounds what is said of one object.
const maxObjections = 10

// objections says in what a value is not valid, in the order of its keys.
func (s *schema) objections(value any) []objection {
	if s.valid(value) {
		return nil
	}
	var found []objection
	s.explain(value, nil, &found)
	return found
}

func (s *schema) explain(value any, path Path, found *[]objection) {
	if s.valid(value) || len(*found) >= maxObjections {
		return
	}
	if !s.accepts(value) {
		*found = append(*found, objection{path, fmt.Sprintf("want %s, got %s", shapeNames[s.shape], typeName(value))})
		return
	}
	switch value := value.(type) {
	case []any:
		for i, item := range value {
			s.elem.explain(item, path.with(i), found)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			field, twin := s.field(key)
			if twin != "" {
				*found = append(*found, objection{path.with(key), fmt.Sprintf("unknown field, but for its case the field %q: some readers take one for the other", twin)})
			}
			field.explain(value[key], path.with(key), found)
		}
	}
}

// accepts tells that a value has the schema's own type, whatever is in it.
func (s *schema) accepts(value any) bool {
	switch value := value.(type) {
	case string:
		return s.shape == text
	case bool:
		return s.shape == boolean
	case int64:
		return s.shape == integer && (s.bits == 64 || int64(int32(value)) == value)
	case float64:
		return s.shape == integer && value == math.Trunc(value) && math.Abs(value) < math.MaxInt32
	case []any:
		return s.shape == list
	case map[string]any:
		return s.shape == free || s.shape == object
	}
	return false
}
