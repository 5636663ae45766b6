package policies

import (
	"cmp"
	"encoding/json"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
)

// FuzzReadFinding gives our own rules any result there can be. It is an error, or a finding that says what the
// result says; a plain reading of the JSON says which.
func FuzzReadFinding(f *testing.F) {
	for _, seed := range []string{
		`{"msg": "no", "path": ["spec", 0]}`, `{"msg": "no", "path": [], "severity": "low", "evidence": {"a": [1]}}`,
		`{"msg": " ", "path": []}`, `{"msg": "no"}`, `{"path": []}`, `{"msg": "no", "path": [1.5]}`, `{"msg": "no", "path": [-1]}`,
		`{"msg": "no", "path": null}`, `{"msg": "no", "path": [], "x": 1}`, `"no"`, `true`, `null`, `[]`, `{}`,
		`{"msg": "no", "path": [1e0]}`, `{"msg": "no", "path": [99999999999999999999]}`, `{"msg": "no", "path": [], "severity": "off"}`,
	} {
		f.Add(seed)
	}
	own := Rule{ID: "kubernetes/x", Severity: High}
	f.Fuzz(func(t *testing.T, text string) {
		result, value, ok := decodeResult(text)
		if !ok {
			return
		}
		answer := ast.NewArray(ast.SetTerm(ast.NewTerm(value)))
		findings, err := readFindings([]Rule{own}, answer, 10)
		if want := validResult(result); want != (err == nil) {
			t.Fatalf("%s: got error %v, want a finding: %v", text, err, want)
		}
		if err != nil {
			return
		}
		fields := result.(map[string]any)
		if len(findings) != 1 || findings[0].Message != fields["msg"] || len(findings[0].Path) != len(fields["path"].([]any)) {
			t.Errorf("%s: got %+v", text, findings)
		}
		if findings[0].Severity < Low {
			t.Errorf("%s: got severity %s", text, findings[0].Severity)
		}
	})
}

// decodeResult returns a result as encoding/json has it, and as OPA has it.
func decodeResult(text string) (any, ast.Value, bool) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var result any
	if decoder.Decode(&result) != nil {
		return nil, nil, false
	}
	value, err := toValue(result)
	return result, value, err == nil
}

// validResult is the contract of a result in plain words.
func validResult(result any) bool {
	fields, ok := result.(map[string]any)
	if !ok {
		return false
	}
	msg, ok := fields["msg"].(string)
	path, isArray := fields["path"].([]any)
	if !ok || !isArray || strings.TrimSpace(msg) == "" {
		return false
	}
	for _, step := range path {
		switch step := step.(type) {
		case string:
		case json.Number:
			if index, err := step.Int64(); err != nil || index < 0 {
				return false
			}
		default:
			return false
		}
	}
	for key, value := range fields {
		switch key {
		case "msg", "path":
		case "severity":
			if value != "low" && value != "medium" && value != "high" && value != "critical" {
				return false
			}
		case "evidence":
			if _, ok := value.(map[string]any); !ok {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// FuzzReadUserFindings gives users' rules any value there can be, as the whole of deny and as one result in it. No
// value passes in silence: there is an error, or a finding for each result.
func FuzzReadUserFindings(f *testing.F) {
	for _, seed := range []string{
		`"no"`, `{"msg": "no"}`, `{"msg": "no", "_loc": {"file": "x", "line": 3}, "details": {}}`, `{"msg": ""}`, `["no"]`,
		`[]`, `{}`, `true`, `false`, `null`, `1`, `""`, `{"msg": "no", "_loc": {"line": 0}}`, `{"msg": "no", "_loc": []}`,
	} {
		f.Add(seed)
	}
	rules := []userRule{{Rule: Rule{ID: "user/main.deny", Severity: High}}}
	f.Fuzz(func(t *testing.T, text string) {
		result, value, ok := decodeResult(text)
		if !ok {
			return
		}
		answer := func(deny *ast.Term) ast.Value {
			return ast.NewArray(ast.ArrayTerm(ast.ArrayTerm(), ast.ArrayTerm(deny)))
		}
		findings, err := readUserFindings(rules, answer(ast.SetTerm(ast.NewTerm(value))), 10)
		if err == nil && len(findings) != 1 {
			t.Errorf("one result %s: got %+v, want a finding or an error", text, findings)
		}
		if fields, ok := result.(map[string]any); err == nil && ok && findings[0].Message != fields["msg"] {
			t.Errorf("one result %s: got message %q", text, findings[0].Message)
		}
		elements, isArray := result.([]any)
		findings, err = readUserFindings(rules, answer(ast.NewTerm(value)), 10)
		if err == nil && (!isArray || len(findings) != len(elements)) {
			t.Errorf("deny is %s: got %+v, want an error or a finding for each", text, findings)
		}
	})
}

// TestReadUserFindingsOfNothing tells a rule that is undefined from one that is something else.
func TestReadUserFindingsOfNothing(t *testing.T) {
	rules := []userRule{{Rule: Rule{ID: "user/main.deny"}}}
	undefined := ast.NewArray(ast.ArrayTerm(ast.ArrayTerm(), ast.ArrayTerm()))
	if findings, err := readUserFindings(rules, undefined, 10); err != nil || len(findings) != 0 {
		t.Errorf("got %v and error %v of a rule that is undefined", findings, err)
	}
	for _, answer := range []ast.Value{
		ast.NullValue, ast.NewArray(), ast.NewArray(ast.NullTerm()), ast.NewArray(ast.ArrayTerm()),
		ast.NewArray(ast.ArrayTerm(ast.NullTerm(), ast.ArrayTerm())), ast.NewArray(ast.ArrayTerm(ast.ArrayTerm(), ast.NullTerm())),
	} {
		if findings, err := readUserFindings(rules, answer, 10); err == nil {
			t.Errorf("%v: got %v, want an error", answer, findings)
		}
		if findings, err := readFindings([]Rule{{ID: "kubernetes/x"}}, answer, 10); err == nil {
			t.Errorf("%v: got %v, want an error", answer, findings)
		}
	}
}

func TestComparePaths(t *testing.T) {
	order := [][]any{{}, {0}, {9}, {10}, {10, "a"}, {"a"}, {"a", 2}, {"a", 10}, {"a", "2"}, {"b"}}
	for i, a := range order {
		for j, b := range order {
			if got, want := comparePaths(a, b), cmp.Compare(i, j); got != want {
				t.Errorf("comparePaths(%v, %v): got %d, want %d", a, b, got, want)
			}
		}
	}
}
