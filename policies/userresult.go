package policies

import (
	"errors"
	"fmt"

	"github.com/open-policy-agent/opa/v1/ast"
)

// readUserFindings reads the answer of users' rules: for each the exceptions to it, and what it denies. An
// exception takes away all findings of its rule, as in conftest.
func readUserFindings(rules []userRule, answer ast.Value, limit int) ([]Finding, error) {
	answers, ok := answer.(*ast.Array)
	if !ok || answers.Len() != len(rules) {
		return nil, fmt.Errorf("%d users' rules answered %s", len(rules), ast.ValueName(answer))
	}
	var findings []Finding
	for i, rule := range rules {
		exceptions, denied, err := unpack(answers.Elem(i).Value)
		if err == nil && len(findings)+len(denied) > limit {
			return nil, errTooMany(rule.ID, limit)
		}
		for _, element := range denied {
			var finding Finding
			if err == nil {
				finding, err = readUserFinding(rule.Rule, element.Value)
			}
			if err == nil && !exceptions {
				findings = append(findings, finding)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", rule.ID, err)
		}
	}
	return findings, nil
}

// unpack takes apart the answer of one rule: whether there is an exception to it, and its results, which are
// none if it is undefined.
func unpack(answer ast.Value) (exception bool, denied []*ast.Term, err error) {
	pair, ok := answer.(*ast.Array)
	if !ok || pair.Len() != 2 {
		return false, nil, fmt.Errorf("the answer is %s, want exceptions and results", ast.ValueName(answer))
	}
	exceptions, ok := pair.Elem(0).Value.(*ast.Array)
	results, isArray := pair.Elem(1).Value.(*ast.Array)
	if !ok || !isArray || results.Len() > 1 {
		return false, nil, errors.New("the answer is not of exceptions and results")
	}
	if results.Len() == 1 {
		denied, err = elements(results.Elem(0).Value)
	}
	return exceptions.Len() > 0, denied, err
}

// elements returns the results of a rule: a set of them, or an array.
func elements(value ast.Value) ([]*ast.Term, error) {
	switch value := value.(type) {
	case ast.Set:
		return value.Slice(), nil
	case *ast.Array:
		var terms []*ast.Term
		value.Foreach(func(term *ast.Term) { terms = append(terms, term) })
		return terms, nil
	}
	return nil, fmt.Errorf("it is %s, want a set of messages", brief(value))
}

// readUserFinding reads one result: a text, or an object with msg, perhaps _loc, and what else the user likes.
func readUserFinding(rule Rule, value ast.Value) (Finding, error) {
	finding := Finding{Rule: rule.ID, Severity: rule.Severity, Attack: rule.Attack, Remediation: rule.Remediation}
	object, ok := value.(ast.Object)
	if !ok {
		var err error
		finding.Message, err = readMessage(value)
		return finding, err
	}
	err := object.Iter(func(key, field *ast.Term) error {
		name, ok := key.Value.(ast.String)
		if !ok {
			return fmt.Errorf("a result has the key %s, want text", brief(key.Value))
		}
		var err error
		switch name {
		case "msg":
			finding.Message, err = readMessage(field.Value)
		case "_loc":
			finding.Location = readLocation(field.Value)
		default:
			finding.Evidence, err = addEvidence(finding.Evidence, string(name), field.Value)
		}
		return err
	})
	if err == nil && finding.Message == "" {
		err = errors.New("a result has no msg")
	}
	return finding, err
}

func addEvidence(evidence map[string]any, name string, value ast.Value) (map[string]any, error) {
	converted, err := ast.JSON(value)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if evidence == nil {
		evidence = map[string]any{}
	}
	evidence[name] = converted
	return evidence, nil
}

// readLocation reads {"file": …, "line": …}, of which either may be missing. As in conftest, what is neither is not
// looked at: the finding is there without it.
func readLocation(value ast.Value) *Location {
	object, ok := value.(ast.Object)
	if !ok {
		return nil
	}
	location := Location{}
	if file := object.Get(ast.StringTerm("file")); file != nil {
		name, _ := file.Value.(ast.String)
		location.File = string(name)
	}
	if line := object.Get(ast.StringTerm("line")); line != nil {
		number, _ := line.Value.(ast.Number)
		if n, ok := number.Int(); ok && n > 0 {
			location.Line = n
		}
	}
	if location == (Location{}) {
		return nil
	}
	return &location
}
