package policies

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	conftest "github.com/open-policy-agent/conftest/policy"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/rogpeppe/go-internal/txtar"
)

// warns matches the IDs of rules that warn.
var warns = regexp.MustCompile(`\.warn(_[a-zA-Z0-9]+)*$`)

// oracle is what conftest's own engine says of a scenario, asked as `conftest test` asks it.
type oracle struct {
	failures, warnings []string
	err                error
}

// askConftest judges the input of a scenario in one namespace, or in all if none is given.
func askConftest(t *testing.T, file, namespace string) oracle {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := txtar.Write(archive, dir); err != nil {
		t.Fatal(err)
	}
	var policies []string
	for _, policy := range []string{"policy", "policy2"} {
		if _, err := os.Stat(filepath.Join(dir, policy)); err == nil {
			policies = append(policies, filepath.Join(dir, policy))
		}
	}
	options := conftest.CompilerOptions{RegoVersion: "v1", Capabilities: ast.CapabilitiesForThisVersion()}
	options.Capabilities.Builtins = append(options.Capabilities.Builtins, testBuiltins...)
	engine, err := conftest.LoadWithData(policies, policies, options)
	if err != nil {
		options.RegoVersion = "v0"
		if engine, err = conftest.LoadWithData(policies, policies, options); err != nil {
			return oracle{err: err}
		}
	}
	var input map[string]any
	readJSON(t, filepath.Join(dir, "input.json"), &input)
	namespaces := []string{namespace}
	if namespace == "" {
		namespaces = engine.Namespaces()
	}
	var said oracle
	for _, namespace := range namespaces {
		results, err := engine.Check(context.Background(), map[string]any{"k8s/input.yaml": input}, namespace)
		if err != nil {
			return oracle{err: err}
		}
		for _, result := range results {
			for _, failure := range result.Failures {
				said.failures = append(said.failures, failure.Message)
			}
			for _, warning := range result.Warnings {
				said.warnings = append(said.warnings, warning.Message)
			}
		}
	}
	return said
}

// TestSameAsConftest wants the messages of conftest itself, in all namespaces, in every scenario of its dialect that
// does not say how severe something is.
func TestSameAsConftest(t *testing.T) {
	for _, file := range scenarios(t, "testdata/conftest/*.txtar") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			want := askConftest(t, file, "")
			findings, err := users(t, archive)
			if (err == nil) != (want.err == nil) {
				t.Fatalf("got error %v, conftest %v", err, want.err)
			}
			var got oracle
			for _, f := range findings {
				if warns.MatchString(f.Rule) {
					got.warnings = append(got.warnings, f.Message)
				} else {
					got.failures = append(got.failures, f.Message)
				}
			}
			for _, messages := range [][]string{got.failures, got.warnings, want.failures, want.warnings} {
				slices.Sort(messages)
			}
			if !slices.Equal(got.failures, want.failures) || !slices.Equal(got.warnings, want.warnings) {
				t.Errorf("got failures %q, warnings %q\nconftest: %q, %q",
					got.failures, got.warnings, want.failures, want.warnings)
			}
		})
	}
}

// TestConftestPassesInSilence shows that the scenarios which we close are open in conftest: it passes the input, in
// the namespace that it asks by default, and says nothing. A scenario that fails here belongs elsewhere.
func TestConftestPassesInSilence(t *testing.T) {
	for _, file := range scenarios(t, "testdata/silent/*.txtar") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			if said := askConftest(t, file, "main"); said.err != nil || len(said.failures)+len(said.warnings) > 0 {
				t.Errorf("conftest does not pass: %+v", said)
			}
		})
	}
}
