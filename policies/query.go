package policies

import (
	"context"
	"slices"
	"sync"

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

// compiled are the rules of one kind that are not Off, compiled, and the queries that ask them.
type compiled struct {
	compiler *ast.Compiler
	rules    []Rule
	denies   []*ast.Term // of rules

	lock    sync.Mutex
	queries map[about]func() (*query, error)
}

// query asks several rules at once. The answer is an array of sets, one for each of rules.
type query struct {
	rules    []Rule
	prepared rego.PreparedEvalQuery
}

// query returns the one that asks all rules which can find something in the input.
func (c *compiled) query(input ast.Value) (*query, error) {
	what := c.about(input)
	c.lock.Lock()
	prepare := c.queries[what]
	if prepare == nil {
		prepare = sync.OnceValues(func() (*query, error) { return c.prepare(what) })
		c.queries[what] = prepare
	}
	c.lock.Unlock()
	return prepare()
}

// about reads what an input is about. Kinds that no rule names are all the same, so that there is a handful of
// queries whatever a manifest holds.
func (c *compiled) about(input ast.Value) about {
	var what about
	if kind, err := input.Find(ast.Ref{ast.StringTerm("object"), ast.StringTerm("kind")}); err == nil {
		text, _ := kind.(ast.String)
		if slices.ContainsFunc(c.rules, func(r Rule) bool { return slices.Contains(r.applies, string(text)) }) {
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

func (c *compiled) prepare(what about) (*query, error) {
	q := &query{}
	var denies []*ast.Term
	for i, rule := range c.rules {
		if what.asks(rule) {
			q.rules = append(q.rules, rule)
			denies = append(denies, c.denies[i])
		}
	}
	var err error
	q.prepared, err = rego.New(
		rego.Compiler(c.compiler),
		rego.ParsedQuery(ast.NewBody(ast.NewExpr(ast.ArrayTerm(denies...)))),
		rego.StrictBuiltinErrors(true),
		rego.GenerateJSON(asValue),
	).PrepareForEval(context.Background())
	return q, err
}
