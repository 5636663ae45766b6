package policies

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
)

type inner struct {
	Shared string `json:"shared"`
	hidden string
}

// outer has every kind of field that the conversion knows.
type outer struct {
	inner
	Text     string         `json:"text,omitempty"`
	Count    int            `json:"count"`
	Big      uint64         `json:"big"`
	Ratio    float64        `json:"ratio"`
	Yes      bool           `json:"yes"`
	Skipped  string         `json:"-"`
	Severity Severity       `json:"severity"`
	Kind     Kind           `json:"kind"`
	Time     time.Time      `json:"time"`
	Number   json.Number    `json:"number"`
	Pointer  *inner         `json:"pointer"`
	Bytes    []byte         `json:"bytes"`
	Names    []string       `json:"names"`
	NoObject map[string]any `json:"noObject"`
	LeftOut  []any          `json:"leftOut,omitempty"`
	Object   map[string]any `json:"object"`
	Again    map[string]any `json:"again"`
	Inside   any            `json:"inside"`
	ByNumber map[int]string `json:"byNumber"`
	Anything []any          `json:"anything"`
	Array    [2]int         `json:"array"`
	Zero     struct{}       `json:"zero,omitempty"`
	NoInt    *int           `json:"noInt,omitempty"`
}

// Structs that are left to encoding/json, whose rules for them are longer.
type (
	untagged struct{ A int }
	quoted   struct {
		A int `json:"a,string"`
	}
	throughPointer struct{ *inner }
	renamed        struct {
		inner `json:"inner"`
	}
	doubled struct {
		inner
		Other string `json:"shared"`
	}
)

// TestToValue compares our conversion with JSON itself, on all that evidence is made of and more.
func TestToValue(t *testing.T) {
	if fieldsOf(reflect.TypeFor[outer]()) == nil || fieldsOf(reflect.TypeFor[deployment]()) == nil {
		t.Error("evidence is left to encoding/json")
	}
	object := map[string]any{"list": []any{1, int64(-2), 3.5, 1e21, "x", nil, true, json.Number("4")}, "deep": map[string]any{"": "x", "no\xff\xfeUTF-8": "\xc0\xaf"}}
	full := outer{
		inner: inner{"s", "h"}, Text: "t", Big: math.MaxUint64, Ratio: 0.1, Yes: true, Severity: High, Kind: Image,
		Time: time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC), Number: "1e3", Pointer: &inner{}, Bytes: []byte("bytes"),
		Names: []string{"a", ""}, Object: object, Again: object, Inside: object["deep"], ByNumber: map[int]string{7: "seven"},
		Anything: []any{inner{}, &inner{}, []string{}, []any{}, map[string]string{"k": "v"}},
	}
	for _, evidence := range []any{
		nil, map[string]any(nil), &outer{Severity: Low, Number: "0"}, full, deployment{}, untagged{1}, quoted{2},
		throughPointer{&inner{"s", ""}}, renamed{inner{"s", ""}}, doubled{inner{"s", ""}, "o"}, []any{full, nil},
	} {
		same(t, evidence)
	}
}

func TestToValueOfNoNumber(t *testing.T) {
	for _, f := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		if got, err := toValue(map[string]any{"f": []any{f}}); err == nil {
			t.Errorf("got %v of %v, want an error", got, f)
		}
	}
}

func same(t *testing.T, evidence any) {
	t.Helper()
	got, err := toValue(evidence)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(evidence)
	if err != nil {
		t.Fatal(err)
	}
	want, err := ast.ValueFromReader(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if got.Compare(want) != 0 {
		t.Errorf("got:  %v\nwant: %v", got, want)
	}
}

// FuzzToValue does the same on any JSON.
func FuzzToValue(f *testing.F) {
	f.Add(benchObject)
	f.Add(`[1, -0, 1e400, 0.1, "\u0000", null, {"a": {"a": []}}]`)
	f.Fuzz(func(t *testing.T, text string) {
		for _, useNumber := range []bool{true, false} {
			decoder := json.NewDecoder(strings.NewReader(text))
			if useNumber {
				decoder.UseNumber()
			}
			var object any
			if decoder.Decode(&object) != nil {
				return
			}
			if _, err := toValue(object); err != nil {
				return // a number that OPA cannot work with
			}
			same(t, object)
			same(t, struct {
				One any `json:"one"`
				Two any `json:"two"`
			}{object, object})
		}
	})
}
