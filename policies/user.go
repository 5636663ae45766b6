package policies

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	conftest "github.com/open-policy-agent/conftest/policy"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/types"
)

// User is the kind of users' own rules: they see a Kubernetes object as `conftest test` shows it.
const User Kind = "user"

// userRules are users' own rules, in conftest's dialect: deny, violation, warn and exception in any package.
// Where conftest lets an input pass because nothing was asked, or nothing came back that it understands, there is
// an error instead.
type userRules struct {
	rules    []userRule
	digested [][2]string
	compiler *ast.Compiler
	store    storage.Store
	prepared rego.PreparedEvalQuery
}

// userRule is all rules of one name in one namespace: conftest asks them together.
type userRule struct {
	Rule
	namespace ast.Ref
	name      string
	heads     []*ast.Rule
}

// loadUser loads the rules and data of folders, all together as conftest does, so that one may import from and
// make exceptions to another. It tries Rego v1 first and then v0.
func loadUser(dirs []string) (*userRules, error) {
	for _, dir := range dirs {
		if info, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("--policy %s: no such folder", dir)
		} else if err != nil {
			return nil, fmt.Errorf("--policy %s: %w", dir, err)
		} else if !info.IsDir() {
			return nil, fmt.Errorf("--policy %s: no folder: name the folder that the rules are in", dir)
		}
	}
	engine, err := loadDialect(dirs)
	if err != nil {
		return nil, fmt.Errorf("--policy %s: %w", strings.Join(dirs, ", "), err)
	}
	u := &userRules{compiler: engine.Compiler(), store: engine.Store()}
	u.rules, err = findUserRules(engine.Compiler())
	bad := []error{err}
	for i, dir := range dirs {
		bad = append(bad, checkAsked(dir, engine))
		u.digested = append(u.digested, within(dir, i, engine.Policies())...)
		u.digested = append(u.digested, within(dir, i, engine.Documents())...)
	}
	return u, errors.Join(bad...)
}

// loadDialect compiles folders as Rego v1, or else as v0. If they are neither, the error is of the one that came
// nearer: it has less to complain about.
func loadDialect(dirs []string) (*conftest.Engine, error) {
	engine, errV1 := conftest.LoadWithData(dirs, dirs, compilerOptions("v1"))
	if errV1 == nil {
		return engine, nil
	}
	engine, errV0 := conftest.LoadWithData(dirs, dirs, compilerOptions("v0"))
	switch {
	case errV0 == nil:
		return engine, nil
	case len(errV0.Error()) < len(errV1.Error()):
		return nil, fmt.Errorf("neither Rego v1 nor v0: as v0: %w", forbidden(errV0))
	}
	return nil, fmt.Errorf("neither Rego v1 nor v0: as v1: %w", forbidden(errV1))
}

// testBuiltins are functions of conftest that unit tests beside policies call, and that read files. They are
// declared, so that the policies load, and not there: a rule that calls one fails.
var testBuiltins = []*ast.Builtin{
	{Name: "parse_config", Decl: types.NewFunction(types.Args(types.S, types.S), types.A)},
	{Name: "parse_config_file", Decl: types.NewFunction(types.Args(types.S), types.A)},
	{Name: "parse_combined_config_files", Decl: types.NewFunction(types.Args(types.NewArray(nil, types.S)), types.A)},
}

func compilerOptions(version string) conftest.CompilerOptions {
	allowed := capabilities(slices.Concat(allowedBuiltins, userBuiltins)...)
	allowed.Builtins = append(allowed.Builtins, testBuiltins...)
	return conftest.CompilerOptions{RegoVersion: version, Capabilities: allowed}
}

// within returns the files of a folder, by their names in it.
func within(dir string, index int, files map[string]string) [][2]string {
	var named [][2]string
	for file, content := range files {
		if inside, ok := relative(dir, file); ok {
			named = append(named, [2]string{fmt.Sprintf("%s/%d/%s", User, index, inside), content})
		}
	}
	slices.SortFunc(named, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	return named
}

// relative returns a file's name inside a folder, and whether it is in there.
func relative(dir, file string) (string, bool) {
	inside, err := filepath.Rel(dir, filepath.FromSlash(file))
	return filepath.ToSlash(inside), err == nil && filepath.IsLocal(inside)
}

// prepare makes the query that asks all rules that are not Off: an array with one array for each rule, of its
// exceptions and of its results. A rule that is undefined has no result, and does not make the others undefined.
func (u *userRules) prepare(ctx context.Context) (err error) {
	u.rules = slices.DeleteFunc(u.rules, func(r userRule) bool { return r.Severity == Off })
	asked := make([]string, len(u.rules))
	for i, r := range u.rules {
		asked[i] = fmt.Sprintf("[[e | e := %s; e == %q], [r | r := %s]]",
			r.namespace.Append(ast.StringTerm("exception")).String()+"[_][_]", r.exceptionName(),
			r.namespace.Append(ast.StringTerm(r.name)))
	}
	u.prepared, err = rego.New(
		rego.Compiler(u.compiler),
		rego.Store(u.store),
		rego.Query(fmt.Sprintf("[%s] with input as input.object with data.conftest.file as input.file", strings.Join(asked, ", "))),
		rego.StrictBuiltinErrors(true),
		rego.GenerateJSON(asValue),
	).PrepareForEval(ctx)
	if err != nil {
		return fmt.Errorf("users' rules cannot be asked: %w", err)
	}
	return nil
}

// exceptionName is how exceptions call the rule: without deny_, violation_ or warn_, which leaves nothing of the
// plain names.
func (r userRule) exceptionName() string {
	_, name, _ := strings.Cut(r.name, "_")
	return name
}

// input is what the query wants: the object, and where it was read, for data.conftest.file.
func (u *userRules) input(object any, file string) (ast.Value, error) {
	absolute, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	value, err := toObject(object)
	if err != nil {
		return nil, fmt.Errorf("object for users' rules: %w", err)
	}
	place := ast.NewObject(
		[2]*ast.Term{ast.StringTerm("name"), ast.StringTerm(filepath.Base(absolute))},
		[2]*ast.Term{ast.StringTerm("dir"), ast.StringTerm(filepath.Dir(absolute))},
	)
	return ast.NewObject(
		[2]*ast.Term{ast.StringTerm("object"), ast.NewTerm(value)},
		[2]*ast.Term{ast.StringTerm("file"), ast.NewTerm(place)},
	), nil
}
