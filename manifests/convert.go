package manifests

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"

	"go.yaml.in/yaml/v2"
	kjson "sigs.k8s.io/json"
)

// errDuplicate is returned by parseYAML where a key may stand twice in a map: the value is good, but for that.
var errDuplicate = errors.New("duplicate key")

var errTail = errors.New("text after the end of the document: kubectl would drop it in silence; begin a new document with ---")

// parseYAML reads one document with the parser that sigs.k8s.io/yaml, and so kubectl, uses. That parser panics
// on some texts; a text that makes it do so is broken, and no reason to fall.
func parseYAML(text []byte, strict bool) (value any, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the YAML parser failed: %v", r)
		}
	}()
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.SetStrict(strict)
	err = decoder.Decode(&value)
	var typeError *yaml.TypeError
	switch {
	case err == io.EOF:
		return nil, nil
	case errors.As(err, &typeError):
		// Decoding into an empty interface has no wrong types: all that strictness can find is a key that is
		// set twice.
		return nil, errDuplicate
	case err != nil:
		return nil, err
	}
	var tail any
	if err := decoder.Decode(&tail); err != io.EOF {
		return nil, errTail
	}
	return value, nil
}

// parseJSON reads one JSON value as the API server does: keys matter by case, integers stay integers.
func parseJSON(text []byte) (value any, duplicates []error, err error) {
	duplicates, err = kjson.UnmarshalStrict(text, &value, kjson.DisallowDuplicateFields)
	return value, duplicates, err
}

// converter turns what the YAML parser yields into JSON types, value for value as the detour over JSON text
// in sigs.k8s.io/yaml does, and counts what it costs.
type converter struct {
	limits Limits
	bytes  int64 // about the length of the value as JSON
}

func (c *converter) add(n int) error {
	if c.bytes += int64(n); c.bytes > c.limits.ExpandedBytes {
		return c.limits.tooExpanded()
	}
	return nil
}

// value converts v, depth levels below the root.
func (c *converter) value(v any, depth int) (any, error) {
	if depth > c.limits.Depth {
		return nil, c.limits.tooDeep()
	}
	switch v := v.(type) {
	case map[any]any:
		return c.yamlMap(v, depth)
	case []any:
		for i := range v {
			item, err := c.value(v[i], depth+1)
			if err != nil {
				return nil, err
			}
			v[i] = item
		}
		return v, c.add(2 + len(v))
	}
	converted, err := scalar(v)
	if err != nil {
		return nil, err
	}
	text, _ := converted.(string)
	return converted, c.add(len(text) + 2)
}

func (c *converter) yamlMap(v map[any]any, depth int) (map[string]any, error) {
	converted := make(map[string]any, len(v))
	for k, item := range v {
		key, err := keyText(k)
		if err != nil {
			return nil, err
		}
		if _, twice := converted[key]; twice {
			return nil, fmt.Errorf("two keys of a map are both %q in JSON", key)
		}
		if err := c.add(len(key) + 4); err != nil {
			return nil, err
		}
		if converted[key], err = c.value(item, depth+1); err != nil {
			return nil, err
		}
	}
	return converted, nil
}

// measure counts a value that has JSON types already.
func (c *converter) measure(v any, depth int) error {
	if depth > c.limits.Depth {
		return c.limits.tooDeep()
	}
	switch v := v.(type) {
	case map[string]any:
		for key, item := range v {
			if err := c.add(len(key) + 4); err != nil {
				return err
			}
			if err := c.measure(item, depth+1); err != nil {
				return err
			}
		}
	case []any:
		for _, item := range v {
			if err := c.measure(item, depth+1); err != nil {
				return err
			}
		}
	case string:
		return c.add(len(v) + 2)
	}
	return c.add(2)
}

// keyText is the JSON key that sigs.k8s.io/yaml makes of a YAML key.
func keyText(key any) (string, error) {
	switch key := key.(type) {
	case string:
		return validText(key), nil
	case int:
		return strconv.Itoa(key), nil
	case int64:
		return strconv.FormatInt(key, 10), nil
	case bool:
		return strconv.FormatBool(key), nil
	case float64:
		switch {
		case math.IsInf(key, 1):
			return ".inf", nil
		case math.IsInf(key, -1):
			return "-.inf", nil
		case math.IsNaN(key):
			return ".nan", nil
		}
		return strconv.FormatFloat(key, 'g', -1, 32), nil
	}
	return "", fmt.Errorf("a key of a map is %s: JSON has no such keys", typeName(key))
}

// scalar converts a scalar as writing it as JSON and reading it as Kubernetes does would.
func scalar(v any) (any, error) {
	switch v := v.(type) {
	case nil, bool, int64:
		return v, nil
	case string:
		return validText(v), nil
	case int:
		return int64(v), nil
	case uint64:
		return float64(v), nil
	case float64:
		return number(v)
	}
	return nil, fmt.Errorf("a value is %s: JSON has no such values", typeName(v))
}

// number makes an integer of a float that JSON writes as one.
func number(f float64) (any, error) {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return nil, fmt.Errorf("the number %v cannot be written as JSON: quote it", f)
	}
	if math.Abs(f) < 1e21 && f == math.Trunc(f) {
		if i, err := strconv.ParseInt(strconv.FormatFloat(f, 'f', -1, 64), 10, 64); err == nil {
			return i, nil
		}
	}
	return f, nil
}

// validText replaces each byte that is not UTF-8, which only !!binary can yield here, as JSON does.
func validText(s string) string {
	for _, r := range s {
		if r == '\uFFFD' {
			return string([]rune(s))
		}
	}
	return s
}

// typeName names a value's type as YAML and JSON know it.
func typeName(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return fmt.Sprintf("the boolean %t", v)
	case int, int64, uint64, float64:
		return fmt.Sprintf("the number %v", v)
	case string:
		if len(v) > 40 {
			v = v[:40] + "…"
		}
		return fmt.Sprintf("the string %q", v)
	case []any:
		return "a list"
	case map[string]any, map[any]any:
		return "a map"
	}
	return "of type " + reflect.TypeOf(v).String()
}
