package policies

import (
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
)

// withPods is what the METADATA of a rule says, custom.applies, that can find something only in objects with pods.
// Else it lists kinds of objects. Without it the rule is asked about every object.
const withPods = "pods"

// about is what decides which rules are asked about an object: most rules can find nothing in most objects, and to
// ask them in vain is the larger part of judging a thousand objects.
type about struct {
	kind string // empty if no rule names it
	pods bool
}

// query asks several rules at once. The answer is an array of sets, one for each of rules.
type query struct {
	rules    []Rule
	prepared rego.PreparedEvalQuery
}

// about reads what an input is about. Kinds that no rule names are all the same, so that there is a handful of
// queries whatever a manifest holds.
func (set *ruleSet) about(input ast.Value) about {
	var what about
	if kind, err := input.Find(ast.Ref{ast.StringTerm("object"), ast.StringTerm("kind")}); err == nil {
		text, _ := kind.(ast.String)
		if slices.ContainsFunc(set.rules, func(r Rule) bool { return slices.Contains(r.applies, string(text)) }) {
			what.kind = string(text)
		}
	}
	if pods, err := input.Find(ast.Ref{ast.StringTerm("pods")}); err == nil {
		list, _ := pods.(*ast.Array)
		what.pods = list != nil && list.Len() > 0
	}
	return what
}

// asks tells that a rule can find something.
func (what about) asks(rule Rule) bool {
	return len(rule.applies) == 0 || slices.ContainsFunc(rule.applies, func(name string) bool {
		return name == withPods && what.pods || name == what.kind
	})
}
