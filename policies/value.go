package policies

import (
	"encoding"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/open-policy-agent/opa/v1/ast"
)

// toValue converts evidence to what OPA works on: the value that its JSON would be. OPA's own conversion writes a
// struct as JSON, reads that and converts the outcome, and it converts a map once for every place that it is in;
// evidence is structs around one object, whose parts it shows at several places.
func toValue(evidence any) (ast.Value, error) {
	c := converter{seen: map[uintptr]ast.Value{}}
	return c.value(reflect.ValueOf(evidence))
}

// toObject is toValue of what must be an object: rules find nothing in anything else, and that would pass.
func toObject(evidence any) (ast.Value, error) {
	value, err := toValue(evidence)
	if err != nil {
		return nil, err
	}
	if _, ok := value.(ast.Object); !ok {
		return nil, fmt.Errorf("it is %s, want an object", ast.ValueName(value))
	}
	return value, nil
}

// converter remembers the maps that it has converted. Values of OPA are never changed, so places may share one.
type converter struct {
	seen map[uintptr]ast.Value
}

var (
	jsonMarshaler = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
	number        = reflect.TypeFor[json.Number]()
	plainMap      = reflect.TypeFor[map[string]any]()
)

func (c converter) value(v reflect.Value) (ast.Value, error) {
	if !v.IsValid() {
		return ast.NullValue, nil
	}
	if v.Type() == number {
		return numberValue(v.Interface().(json.Number))
	}
	if v.Kind() != reflect.Interface && hasOwnForm(v.Type()) {
		return ast.InterfaceToValue(v.Interface())
	}
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if v.IsNil() {
			return ast.NullValue, nil
		}
		return c.value(v.Elem())
	case reflect.Bool:
		return ast.InternedTerm(v.Bool()).Value, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return ast.Number(strconv.FormatInt(v.Int(), 10)), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return ast.Number(strconv.FormatUint(v.Uint(), 10)), nil // OPA's own makes -1 of the largest
	case reflect.Float32, reflect.Float64:
		if math.IsNaN(v.Float()) || math.IsInf(v.Float(), 0) {
			return nil, fmt.Errorf("%v is no number in JSON", v.Float())
		}
	case reflect.String:
		return textTerm(v.String()).Value, nil
	case reflect.Map:
		return c.object(v)
	case reflect.Slice:
		return c.array(v)
	case reflect.Struct:
		return c.fields(v)
	}
	return ast.InterfaceToValue(v.Interface())
}

// textTerm is text as JSON would have it: U+FFFD instead of what is no UTF-8.
func textTerm(s string) *ast.Term {
	if !utf8.ValidString(s) {
		s = string([]rune(s))
	}
	return ast.InternedTerm(s)
}

// hasOwnForm tells that a type decides itself what its JSON is.
func hasOwnForm(t reflect.Type) bool {
	return t.NumMethod() > 0 && (t.Implements(jsonMarshaler) || t.Implements(textMarshaler))
}

// longestNumber and longestExponent bound what a number may be written like. OPA computes with all digits: it takes
// long over 1e1000000, and panics over ten times that.
const (
	longestNumber   = 1000 // characters
	longestExponent = 3    // digits
)

func numberValue(n json.Number) (ast.Value, error) {
	_, exponent, _ := strings.Cut(strings.ToLower(n.String()), "e")
	if len(n) > longestNumber || len(strings.TrimLeft(exponent, "+-0")) > longestExponent {
		return nil, fmt.Errorf("the number %.40s… is longer than rules can work with", n)
	}
	return ast.InterfaceToValue(n)
}

func (c converter) object(v reflect.Value) (ast.Value, error) {
	if v.IsNil() {
		return ast.NullValue, nil
	}
	if v.Type() != plainMap {
		return ast.InterfaceToValue(v.Interface())
	}
	if known := c.seen[v.Pointer()]; known != nil {
		return known, nil
	}
	m := v.Interface().(map[string]any)
	pairs := make([][2]*ast.Term, 0, len(m))
	for key, each := range m {
		value, err := c.value(reflect.ValueOf(each))
		if err != nil {
			return nil, err
		}
		pairs = append(pairs, [2]*ast.Term{textTerm(key), ast.NewTerm(value)})
	}
	object := ast.NewObject(pairs...)
	c.seen[v.Pointer()] = object
	return object, nil
}

func (c converter) array(v reflect.Value) (ast.Value, error) {
	if v.IsNil() {
		return ast.NullValue, nil
	}
	if v.Type().Elem().Kind() == reflect.Uint8 {
		return ast.InterfaceToValue(v.Interface()) // bytes are text in JSON
	}
	terms := make([]*ast.Term, v.Len())
	for i := range terms {
		value, err := c.value(v.Index(i))
		if err != nil {
			return nil, err
		}
		terms[i] = ast.NewTerm(value)
	}
	return ast.NewArray(terms...), nil
}

func (c converter) fields(v reflect.Value) (ast.Value, error) {
	fields := fieldsOf(v.Type())
	if fields == nil {
		return ast.InterfaceToValue(v.Interface())
	}
	pairs := make([][2]*ast.Term, 0, len(fields))
	for _, f := range fields {
		field := v.FieldByIndex(f.index)
		if f.omitEmpty && empty(field) {
			continue
		}
		value, err := c.value(field)
		if err != nil {
			return nil, err
		}
		pairs = append(pairs, [2]*ast.Term{f.name, ast.NewTerm(value)})
	}
	return ast.NewObject(pairs...), nil
}

// field is a field of a struct as JSON has it.
type field struct {
	name      *ast.Term
	index     []int
	omitEmpty bool
}

var structFields sync.Map // of reflect.Type to []field

// fieldsOf returns the fields that JSON makes of a struct. They are nil where its rules are more than plain names,
// omitempty and embedded structs.
func fieldsOf(t reflect.Type) []field {
	if known, ok := structFields.Load(t); ok {
		return known.([]field)
	}
	fields := readFields(t)
	structFields.Store(t, fields)
	return fields
}

func readFields(t reflect.Type) []field {
	var fields []field
	names := map[string]bool{}
	for _, f := range reflect.VisibleFields(t) {
		name, option, _ := strings.Cut(f.Tag.Get("json"), ",")
		embedded := f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct
		if embedded || !f.Anonymous && !f.IsExported() || name == "-" && option == "" {
			continue
		}
		if name == "" || f.Anonymous || names[name] || option != "" && option != "omitempty" || !direct(t, f.Index) {
			return nil
		}
		names[name] = true
		fields = append(fields, field{ast.StringTerm(name), f.Index, option == "omitempty"})
	}
	return fields
}

// direct tells that a field's way leads through embedded structs only, which JSON flattens: not through a pointer,
// nor through one that has a name of its own.
func direct(t reflect.Type, index []int) bool {
	for _, i := range index[:len(index)-1] {
		f := t.Field(i)
		if f.Type.Kind() != reflect.Struct || f.Tag.Get("json") != "" || f.Type.Implements(jsonMarshaler) {
			return false
		}
		t = f.Type
	}
	return true
}

// empty is what omitempty leaves out.
func empty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct, reflect.Array:
		return false
	}
	return v.IsZero()
}
