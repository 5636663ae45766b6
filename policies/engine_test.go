package policies

import (
	"context"
	"reflect"
	"testing"
)

// pod is the evidence of a pod with one container, the parts that the tests need.
func pod(spec map[string]any) map[string]any {
	container := map[string]any{
		"name": "web", "type": "container", "path": []any{"spec", "containers", 0}, "spec": spec, "runs": []any{},
	}
	return map[string]any{
		"kind": "kubernetes", "file": "web.yaml", "object": map[string]any{"kind": "Pod"},
		"pods": []any{map[string]any{"containers": []any{container}}},
	}
}

func TestJudge(t *testing.T) {
	e, err := New(context.Background(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	evidence := pod(map[string]any{"securityContext": map[string]any{"privileged": true}})
	findings, err := e.Judge(context.Background(), Kubernetes, evidence)
	if err != nil {
		t.Fatal(err)
	}
	if len(findings) == 0 {
		t.Fatal("none")
	}
	t.Logf("%+v", findings)
	want := []any{"spec", "containers", 0, "securityContext", "privileged"}
	if !reflect.DeepEqual(findings[0].Path, want) {
		t.Errorf("got %v", findings[0].Path)
	}
}
