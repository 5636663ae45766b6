package policies

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
)

// ruleSet is all rules of one kind. They are parsed when they are first asked for, and compiled when they first
// judge, so that a run over manifests does not wait for the rules about images.
type ruleSet struct {
	sources []source
	library []source
	parse   func() (parsed, error)
	compile func() (*query, error)
}

// parsed is a kind's rules as they were written: in the order of their IDs, with the modules to compile.
type parsed struct {
	rules   []Rule
	modules map[string]*ast.Module
}

// query asks all rules of a kind at once. The answer is an array of sets, one for each of rules.
type query struct {
	rules    []Rule
	prepared rego.PreparedEvalQuery
}

func newRuleSet(sources, library []source, off func(id string) bool) *ruleSet {
	set := &ruleSet{sources: sources, library: library}
	set.parse = sync.OnceValues(set.readAll)
	set.compile = sync.OnceValues(func() (*query, error) { return set.prepare(off) })
	return set
}

// readAll parses the rules and checks what they say of themselves. The error names every bad rule.
func (set *ruleSet) readAll() (parsed, error) {
	result := parsed{modules: map[string]*ast.Module{}}
	options := ast.ParserOptions{RegoVersion: ast.RegoV1, Capabilities: capabilities(allowedBuiltins...)}
	var bad []error
	for _, s := range set.library {
		module, err := ast.ParseModuleWithOpts(s.file, s.text, options)
		if err == nil && !module.Package.Path.HasPrefix(libraryPackage) {
			err = fmt.Errorf("%s: the package is %s, want one below %s", s.file, module.Package.Path, libraryPackage)
		}
		result.modules[s.file] = module
		bad = append(bad, err)
	}
	options.ProcessAnnotation = true
	for _, s := range set.sources {
		module, err := ast.ParseModuleWithOpts(s.file, s.text, options)
		if err != nil {
			bad = append(bad, err)
			continue
		}
		rule, err := readRule(s, module)
		if err != nil {
			bad = append(bad, inFile(s.file, err))
		}
		result.modules[s.file] = module
		result.rules = append(result.rules, rule)
	}
	return result, errors.Join(bad...)
}

// inFile puts a file's name before each line of an error.
func inFile(file string, err error) error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return fmt.Errorf("%s: %w", file, err)
	}
	var named []error
	for _, each := range joined.Unwrap() {
		named = append(named, inFile(file, each))
	}
	return errors.Join(named...)
}

// skipped are the steps of OPA's compiler that our own rules do without at run time. None changes what a rule
// means: they look for mistakes, and the tests of this package compile every rule with all of them, strictly.
var skipped = []ast.StageID{
	ast.StageCheckDuplicateImports, ast.StageSetAnnotationSet, ast.StageCheckTypes, ast.StageCheckDeprecatedBuiltins,
	ast.StageBuildRequiredCapabilities,
}

// prepare compiles the rules and the query that asks those which are not switched off.
func (set *ruleSet) prepare(off func(id string) bool) (*query, error) {
	parsed, err := set.parse()
	if err != nil {
		return nil, err
	}
	compiler := ast.NewCompiler().WithCapabilities(capabilities(allowedBuiltins...)).WithSkipStages(skipped...)
	compiler.Compile(parsed.modules)
	if compiler.Failed() {
		return nil, compiler.Errors
	}
	q := &query{}
	var denies []*ast.Term
	for _, rule := range parsed.rules {
		if off(rule.ID) {
			continue
		}
		q.rules = append(q.rules, rule)
		path := parsed.modules[rule.ID+extension].Package.Path
		denies = append(denies, ast.NewTerm(path.Append(ast.StringTerm("deny"))))
	}
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

var libraryPackage = ast.Ref{ast.DefaultRootDocument, ast.StringTerm("tidewaiter"), ast.StringTerm(library)}
