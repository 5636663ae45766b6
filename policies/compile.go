package policies

import (
	"context"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
)

// ruleSet is all rules of one kind. They are compiled when they first judge, so that a run over manifests does
// not wait for the rules about images.
type ruleSet struct {
	rules   []Rule
	modules map[string]*ast.Module // by file, with the library's
	compile func() (*query, error)
}

// query asks all rules of a kind at once. The answer is an array of sets, one for each of rules.
type query struct {
	rules    []Rule
	prepared rego.PreparedEvalQuery
}

// newRuleSet returns the rules of a kind; those that are Off are not asked.
func newRuleSet(rules []Rule, modules map[string]*ast.Module) *ruleSet {
	set := &ruleSet{rules: rules, modules: modules}
	set.compile = sync.OnceValues(set.prepare)
	return set
}

// skipped are the steps of OPA's compiler that our own rules do without at run time. None changes what a rule
// means: they look for mistakes, and the tests of this package compile every rule with all of them, strictly.
var skipped = []ast.StageID{
	ast.StageCheckDuplicateImports, ast.StageSetAnnotationSet, ast.StageCheckTypes, ast.StageCheckDeprecatedBuiltins,
	ast.StageBuildRequiredCapabilities,
}

func (set *ruleSet) prepare() (*query, error) {
	compiler := ast.NewCompiler().WithCapabilities(capabilities(allowedBuiltins...)).WithSkipStages(skipped...)
	compiler.Compile(set.modules)
	if compiler.Failed() {
		return nil, forbidden(compiler.Errors)
	}
	q := &query{}
	var denies []*ast.Term
	for _, rule := range set.rules {
		if rule.Severity == Off {
			continue
		}
		q.rules = append(q.rules, rule)
		path := set.modules[rule.ID+extension].Package.Path
		denies = append(denies, ast.NewTerm(path.Append(ast.StringTerm("deny"))))
	}
	var err error
	q.prepared, err = rego.New(
		rego.Compiler(compiler),
		rego.ParsedQuery(ast.NewBody(ast.NewExpr(ast.ArrayTerm(denies...)))),
		rego.StrictBuiltinErrors(true),
		rego.GenerateJSON(asValue),
	).PrepareForEval(context.Background())
	return q, err
}

// asValue keeps an answer as OPA has it: a set is still told from an array, and nothing is converted twice.
func asValue(term *ast.Term, _ *rego.EvalContext) (any, error) { return term.Value, nil }
