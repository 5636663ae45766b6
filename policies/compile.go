package policies

import (
	"context"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
)

// ruleSet is all rules of one kind. They are compiled when they are first asked, and only those that are: a run over
// manifests does not wait for the rules about images, nor one over a Deployment for those about roles.
type ruleSet struct {
	rules   []Rule
	modules map[string]*ast.Module // by file, with the library's

	lock    sync.Mutex
	queries map[about]func() (*query, error)
}

// newRuleSet returns the rules of one kind, with the modules that they need.
func newRuleSet(kind Kind, sources []source, rules []Rule) *ruleSet {
	set := &ruleSet{modules: map[string]*ast.Module{}, queries: map[about]func() (*query, error){}}
	for _, s := range sources {
		if s.folder == library || s.folder == string(kind) {
			set.modules[s.file] = s.module
		}
	}
	for _, rule := range rules {
		if rule.Kind == kind && rule.Severity != Off {
			set.rules = append(set.rules, rule)
		}
	}
	return set
}

// query returns the one that asks all rules which can find something in what an input is about.
func (set *ruleSet) query(what about) (*query, error) {
	set.lock.Lock()
	prepare := set.queries[what]
	if prepare == nil {
		prepare = sync.OnceValues(func() (*query, error) { return set.compile(what) })
		set.queries[what] = prepare
	}
	set.lock.Unlock()
	return prepare()
}

// skipped are the steps of OPA's compiler that our own rules do without at run time. None changes what a rule
// means. Most look for mistakes, and the tests of this package compile every rule with all of them, strictly; the
// index of comprehensions pays for far larger inputs than an object.
var skipped = []ast.StageID{
	ast.StageCheckKeywordOverrides, ast.StageCheckDuplicateImports, ast.StageCheckVoidCalls, ast.StageSetAnnotationSet,
	ast.StageCheckTypes, ast.StageCheckDeprecatedBuiltins, ast.StageBuildComprehensionIndices,
	ast.StageBuildRequiredCapabilities,
}

// compile compiles the rules that can find something in what an input is about, and the query that asks them.
func (set *ruleSet) compile(what about) (*query, error) {
	q, modules := &query{}, map[string]*ast.Module{}
	var denies []*ast.Term
	for _, rule := range set.rules {
		if what.asks(rule) {
			q.rules = append(q.rules, rule)
			set.need(modules, rule.ID+extension)
			denies = append(denies, ast.NewTerm(modules[rule.ID+extension].Package.Path.Append(ast.StringTerm("deny"))))
		}
	}
	compiler := ast.NewCompiler().WithCapabilities(capabilities(allowedBuiltins...)).WithSkipStages(skipped...)
	compiler.Compile(modules)
	if compiler.Failed() {
		return nil, forbidden(compiler.Errors)
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

// need adds a module, and all that it imports, to those that are compiled.
func (set *ruleSet) need(modules map[string]*ast.Module, file string) {
	if modules[file] != nil {
		return
	}
	modules[file] = set.modules[file]
	for _, i := range set.modules[file].Imports {
		path, _ := i.Path.Value.(ast.Ref)
		for other, module := range set.modules {
			if path.HasPrefix(module.Package.Path) {
				set.need(modules, other)
			}
		}
	}
}

// asValue keeps an answer as OPA has it: a set is still told from an array, and nothing is converted twice.
func asValue(term *ast.Term, _ *rego.EvalContext) (any, error) { return term.Value, nil }
