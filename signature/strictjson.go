package signature

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	kjson "sigs.k8s.io/json"
)

// decode reads JSON for which there is only one way to read it. encoding/json takes "PredicateType" for
// predicateType and the last one of two equal keys for both, so that what is signed may say one thing to one
// reader and another to the next: keys count by case here, and none may stand twice.
func decode(data []byte, into any) error {
	if !utf8.Valid(data) {
		return errors.New("it is not UTF-8")
	}
	doubled, err := kjson.UnmarshalStrict(data, into, kjson.DisallowDuplicateFields)
	if err != nil {
		return err
	}
	if len(doubled) > 0 {
		return doubled[0]
	}
	return nil
}

// unambiguous refuses keys of an object that differ from the known ones in case alone: other readers take them
// for those.
func unambiguous(data []byte, known ...string) error {
	var keys map[string]json.RawMessage
	if err := decode(data, &keys); err != nil {
		return err
	}
	for key := range keys {
		for _, name := range known {
			if key != name && strings.EqualFold(key, name) {
				return fmt.Errorf("the key %s differs from %s in case alone", quote(key), name)
			}
		}
	}
	return nil
}
