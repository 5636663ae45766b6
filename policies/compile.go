package policies

import (
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
)

// ruleSet is all rules of one kind. They are compiled when they first judge, so that a run over manifests does
// not wait for the rules about images.
type ruleSet struct {
	rules   []Rule
	modules map[string]*ast.Module // by file, with the library's
	compile func() (*compiled, error)
}

// newRuleSet returns the rules of one kind, with the modules that they need.
func newRuleSet(kind Kind, sources []source, rules []Rule) *ruleSet {
	set := &ruleSet{modules: map[string]*ast.Module{}}
	for _, s := range sources {
		if s.folder == library || s.folder == string(kind) {
			set.modules[s.file] = s.module
		}
	}
	for _, rule := range rules {
		if rule.Kind == kind {
			set.rules = append(set.rules, rule)
		}
	}
	set.compile = sync.OnceValues(set.prepare)
	return set
}

// skipped are the steps of OPA's compiler that our own rules do without at run time. None changes what a rule
// means. Most look for mistakes, and the tests of this package compile every rule with all of them, strictly; the
// index of comprehensions pays for far larger inputs than an object.
var skipped = []ast.StageID{
	ast.StageCheckKeywordOverrides, ast.StageCheckDuplicateImports, ast.StageCheckVoidCalls, ast.StageSetAnnotationSet,
	ast.StageCheckTypes, ast.StageCheckDeprecatedBuiltins, ast.StageBuildComprehensionIndices,
	ast.StageBuildRequiredCapabilities,
}

// prepare compiles the rules that are not Off.
func (set *ruleSet) prepare() (*compiled, error) {
	compiler := ast.NewCompiler().WithCapabilities(capabilities(allowedBuiltins...)).WithSkipStages(skipped...)
	compiler.Compile(set.modules)
	if compiler.Failed() {
		return nil, forbidden(compiler.Errors)
	}
	c := &compiled{compiler: compiler, queries: map[about]func() (*query, error){}}
	for _, rule := range set.rules {
		if rule.Severity == Off {
			continue
		}
		c.rules = append(c.rules, rule)
		path := set.modules[rule.ID+extension].Package.Path
		c.denies = append(c.denies, ast.NewTerm(path.Append(ast.StringTerm("deny"))))
	}
	return c, nil
}

// asValue keeps an answer as OPA has it: a set is still told from an array, and nothing is converted twice.
func asValue(term *ast.Term, _ *rego.EvalContext) (any, error) { return term.Value, nil }
