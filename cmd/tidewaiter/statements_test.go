package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tidewaiter/tidewaiter/gate"
	"github.com/tidewaiter/tidewaiter/policies"
)

// TestStatementRules judges statements by users' rules: what deny says denies, and a rule that cannot be asked
// is an error.
func TestStatementRules(t *testing.T) {
	load := func(t *testing.T, failOn policies.Severity, rego string) (func(statement any) ([]string, error), error) {
		t.Helper()
		dir := t.TempDir()
		write(t, filepath.Join(dir, "review.rego"), rego)
		c, err := gate.ParseConfig("tidewaiter.yaml", []byte("failOn: "+failOn.String()+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		judge, err := statementRules(c)(dir)
		if err != nil {
			return nil, err
		}
		return func(statement any) ([]string, error) { return judge(t.Context(), statement) }, nil
	}
	const rules = `package main
deny contains "nobody approved" if count(input.predicate.approvers) == 0
warn contains "only one approved" if count(input.predicate.approvers) == 1
# METADATA
# custom: {severity: low}
violation_late contains {"msg": "approved late"} if input.predicate.late
`
	by := func(approvers ...any) any {
		return map[string]any{"predicateType": "https://shop.example/review/v1", "predicate": map[string]any{"approvers": append([]any{}, approvers...)}}
	}
	for _, test := range []struct {
		failOn    policies.Severity
		statement any
		want      []string
	}{
		{policies.High, by(), []string{"nobody approved"}},
		{policies.High, by("alice"), nil},
		{policies.Low, by("alice"), []string{"only one approved"}},
		{policies.Low, by("alice", "bob"), nil},
		{policies.Critical, by(), []string{"nobody approved"}},
		{policies.Critical, map[string]any{"predicate": map[string]any{"approvers": []any{"a", "b"}, "late": true}}, []string{"approved late"}},
	} {
		judge, err := load(t, test.failOn, rules)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := judge(test.statement); err != nil || !slices.Equal(got, test.want) {
			t.Errorf("%v %v: got %q, %v, want %q", test.failOn, test.statement, got, err, test.want)
		}
	}
	judge, err := load(t, policies.High, "package main\ndeny contains m if m := to_number(input.predicate.count)\n")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := judge(map[string]any{"predicate": map[string]any{"count": "many"}}); err == nil {
		t.Errorf("a builtin that fails: got %q", got)
	}
	for name, rego := range map[string]string{"no rule": "package main\n", "no Rego": "deny everything"} {
		if _, err := load(t, policies.High, rego); err == nil || strings.HasPrefix(err.Error(), "--policy") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := statementRules(&gate.Config{})(filepath.Join(os.TempDir(), "nothing-is-here")); err == nil {
		t.Error("a folder that is not there was accepted")
	}
}
