package policies

import (
	"errors"
	"fmt"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// readFindings reads the answer of the own rules: for each rule the set of what it denies. Whatever has another
// shape is an error: a result that nobody understands must not be one that nobody sees.
func readFindings(rules []Rule, answer ast.Value, limit int) ([]Finding, error) {
	sets, ok := answer.(*ast.Array)
	if !ok || sets.Len() != len(rules) {
		return nil, fmt.Errorf("%d rules answered %s", len(rules), ast.ValueName(answer))
	}
	var findings []Finding
	of := map[int]int{} // findings of each object of a set; of anything else there is one
	for i, rule := range rules {
		denied, ok := sets.Elem(i).Value.(ast.Set)
		if !ok {
			return nil, fmt.Errorf("%s: deny is %s, want a set", rule.ID, ast.ValueName(sets.Elem(i).Value))
		}
		for _, element := range denied.Slice() {
			finding, err := readFinding(rule, element.Value)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", rule.ID, err)
			}
			if of[finding.Object]++; of[finding.Object] > limit {
				return nil, errTooMany(rule.ID, limit)
			}
			findings = append(findings, finding)
		}
	}
	return findings, nil
}

func errTooMany(id string, limit int) error {
	return fmt.Errorf("%s: more than %d findings in one object, the limit", id, limit)
}

// readFinding reads one result of a rule: msg and path, and perhaps severity and evidence; of a rule about a set the
// object too.
func readFinding(rule Rule, value ast.Value) (Finding, error) {
	finding := Finding{Rule: rule.ID, Severity: rule.Severity, Attack: rule.Attack, Remediation: rule.Remediation}
	object, ok := value.(ast.Object)
	if !ok {
		return finding, fmt.Errorf("a result is %s, want an object with msg and path", ast.ValueName(value))
	}
	if rule.Kind == Set && object.Get(ast.StringTerm("object")) == nil {
		return finding, errors.New("a result has no object")
	}
	err := object.Iter(func(key, field *ast.Term) error {
		name, _ := key.Value.(ast.String)
		var err error
		switch name {
		case "msg":
			finding.Message, err = readMessage(field.Value)
		case "path":
			finding.Path, err = readPath(field.Value)
		case "severity":
			name, _ := field.Value.(ast.String)
			finding.Severity, err = ruleSeverity(string(name))
		case "object":
			finding.Object, err = readObject(rule, field.Value)
		case "evidence":
			finding.Evidence, err = readEvidence(field.Value)
		default:
			err = fmt.Errorf("a result has the unknown key %s: known are msg, path, severity, evidence, of a set also object", key)
		}
		return err
	})
	if err == nil && finding.Message == "" {
		err = fmt.Errorf("a result has no msg")
	}
	if err == nil && finding.Path == nil {
		err = fmt.Errorf("a result has no path: %q", finding.Message)
	}
	return finding, err
}

// readObject reads the index of an object.
func readObject(rule Rule, value ast.Value) (int, error) {
	number, _ := value.(ast.Number)
	index, ok := number.Int()
	if rule.Kind != Set || !ok || index < 0 {
		return 0, fmt.Errorf("object is %s, want the index of one, and that only of a set", brief(value))
	}
	return index, nil
}

func readMessage(value ast.Value) (string, error) {
	message, ok := value.(ast.String)
	if !ok || strings.TrimSpace(string(message)) == "" {
		return "", fmt.Errorf("msg is %s, want text that is not empty", brief(value))
	}
	return string(message), nil
}

// readPath reads an array of strings and ints. The result is never nil: the empty path is the object itself.
func readPath(value ast.Value) ([]any, error) {
	array, ok := value.(*ast.Array)
	if !ok {
		return nil, fmt.Errorf("path is %s, want an array", ast.ValueName(value))
	}
	path := make([]any, 0, array.Len())
	for i := range array.Len() {
		switch step := array.Elem(i).Value.(type) {
		case ast.String:
			path = append(path, string(step))
		case ast.Number:
			index, ok := step.Int()
			if !ok || index < 0 {
				return nil, fmt.Errorf("path has the step %s, want an index or a key", step)
			}
			path = append(path, index)
		default:
			return nil, fmt.Errorf("path has the step %s, want an index or a key", brief(step))
		}
	}
	return path, nil
}

func readEvidence(value ast.Value) (map[string]any, error) {
	converted, err := ast.JSON(value)
	if err != nil {
		return nil, fmt.Errorf("evidence: %w", err)
	}
	evidence, ok := converted.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("evidence is %s, want an object", ast.ValueName(value))
	}
	return evidence, nil
}

// brief names a value in an error: scalars as they are, collections by their type alone.
func brief(value ast.Value) string {
	switch value.(type) {
	case ast.Null, ast.Boolean, ast.Number, ast.String:
		return value.String()
	}
	return ast.ValueName(value)
}
