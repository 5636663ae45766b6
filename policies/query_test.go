package policies

import (
	"bytes"
	"context"
	"slices"
	"testing"
	"testing/fstest"
)

// TestApplies asks rules about what they say that they can find something in, and about nothing else.
func TestApplies(t *testing.T) {
	applying := func(name, to string) *fstest.MapFile {
		file := rule(name, `deny contains {"msg": "no", "path": []}`)
		head, rest, _ := bytes.Cut(file.Data, []byte("#   remediation"))
		file.Data = slices.Concat(head, []byte("#   applies: "+to+"\n#   remediation"), rest)
		return file
	}
	engine := newTestEngine(t, fstest.MapFS{
		"kubernetes/always.rego": rule("always", `deny contains {"msg": "no", "path": []}`),
		"kubernetes/pods.rego":   applying("pods", "[pods]"),
		"kubernetes/roles.rego":  applying("roles", "[Role, ClusterRole]"),
		"kubernetes/both.rego":   applying("both", "[Role, pods]"),
	}, Options{})
	role, pod := map[string]any{"kind": "Role"}, []any{map[string]any{}}
	for _, c := range []struct {
		name  string
		input map[string]any
		want  []string
	}{
		{"nothing", map[string]any{}, []string{"always"}},
		{"another kind", map[string]any{"object": map[string]any{"kind": "Service"}, "pods": []any{}}, []string{"always"}},
		{"a kind that is no text", map[string]any{"object": map[string]any{"kind": 1}, "pods": "x"}, []string{"always"}},
		{"a role", map[string]any{"object": role}, []string{"always", "both", "roles"}},
		{"pods", map[string]any{"object": map[string]any{}, "pods": pod}, []string{"always", "both", "pods"}},
		{"a role with pods", map[string]any{"object": role, "pods": pod}, []string{"always", "both", "pods", "roles"}},
	} {
		findings, err := engine.Judge(context.Background(), Kubernetes, c.input)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range findings {
			got = append(got, f.Rule[len("kubernetes/"):])
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}
