package gate_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/tidewaiter/tidewaiter/gate"
	"github.com/tidewaiter/tidewaiter/manifests"
	"github.com/tidewaiter/tidewaiter/policies"
)

// TestRulesBearNulls puts null in the place of every value of the fixtures' objects, one at a time. The API server
// takes most of these for absent, so a rule must not fail over them: that would leave undecided what is sound.
func TestRulesBearNulls(t *testing.T) {
	engine := newEngine(t)
	files, err := filepath.Glob(filepath.Join(fixtures, "[ks]*", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	judged := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		objects, _ := manifests.Decode(file, text, manifests.Limits{})
		for _, o := range objects {
			eachNull(o.Value, func() {
				changed, err := json.Marshal(o.Value)
				if err != nil {
					t.Fatal(err)
				}
				judged += judgeBoth(t, engine, changed)
			})
		}
	}
	if judged < 1000 {
		t.Errorf("only %d objects could be judged", judged)
	}
}

// judgeBoth judges an object alone and as a set, and returns 1 if it is one that is judged at all.
func judgeBoth(t *testing.T, engine *policies.Engine, text []byte) int {
	t.Helper()
	objects, problems := manifests.Decode("nulls.yaml", text, manifests.Limits{})
	if len(problems) > 0 || len(objects) != 1 {
		return 0
	}
	if _, err := engine.Judge(context.Background(), policies.Kubernetes, gate.KubernetesEvidenceOf(objects[0], objects[0].Pods())); err != nil {
		t.Fatalf("%v of %s", err, text)
	}
	evidence, err := gate.SetEvidenceOf(objects)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := engine.Judge(context.Background(), policies.Set, evidence); err != nil {
		t.Fatalf("%v of %s", err, text)
	}
	return 1
}

// eachNull calls do once for every value in value, with null in its place, and puts it back.
func eachNull(value any, do func()) {
	switch value := value.(type) {
	case map[string]any:
		for key, was := range value {
			if key == "metadata" {
				continue // it is the same for all
			}
			value[key] = nil
			do()
			value[key] = was
			eachNull(was, do)
		}
	case []any:
		for i, was := range value {
			value[i] = nil
			do()
			value[i] = was
			eachNull(was, do)
		}
	}
}
