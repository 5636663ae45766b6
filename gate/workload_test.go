package gate

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tidewaiter/tidewaiter/manifests"
	"github.com/tidewaiter/tidewaiter/policies"
)

func TestOnceEach(t *testing.T) {
	a := policies.Finding{Rule: "workload/a", Message: "m", Path: []any{"spec", 0}, Severity: policies.High, Evidence: map[string]any{"platform": "linux/amd64"}}
	again, worse, other, elsewhere := a, a, a, a
	again.Evidence = map[string]any{"platform": "linux/arm64"}
	worse.Severity = policies.Critical
	other.Message = "n"
	elsewhere.Path = []any{"spec", 1}
	got := onceEach([]policies.Finding{a, again, worse, other, elsewhere})
	if len(got) != 4 || got[0].Evidence["platform"] != "linux/amd64" || got[1].Severity != policies.Critical {
		t.Errorf("got %+v", got)
	}
}

// TestManyDeliveries: a pod in which each of many containers fetches what all others may run is undecided, in bounded time.
func TestManyDeliveries(t *testing.T) {
	for n, want := range map[int]string{100: "", 3000: "pairs of a fetched file and a command"} {
		var text strings.Builder
		text.WriteString("apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  volumes: [{name: v, emptyDir: {}}]\n  containers:\n")
		for i := range n {
			fmt.Fprintf(&text, "  - {name: c%d, image: a, command: [curl, -so, /v/%d, \"http://x.example/f\"], volumeMounts: [{name: v, mountPath: /v}]}\n", i, i)
		}
		objects, problems := manifests.Decode("pod.yaml", []byte(text.String()), manifests.Limits{})
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		_, err := analyzePod(objects[0].Pods()[0])
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%d containers: got error %v, want %q", n, err, want)
		}
	}
}

// TestWorkloadFails breaks the judgement of a pod with its image: the pod is undecided, whatever was found before.
func TestWorkloadFails(t *testing.T) {
	objects, problems := manifests.Decode("pod.yaml", []byte(harmless), manifests.Limits{})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	w := wantedImage{}
	w.ref, w.err = kubernetesReference("registry.example/shop/web:1")
	r := &run{Gate: soundGate(t), facts: map[string][]*platformFacts{w.key(): {nil}}}
	subjects := []Subject{{Name: "Pod/shop/web", Error: "before"}}
	together, err := putTogether(objects)
	if err != nil {
		t.Fatal(err)
	}
	r.judgeWorkloads(t.Context(), together, subjects)
	if got := subjects[0].Error; !strings.HasPrefix(got, "before\ninternal error") {
		t.Errorf("got the error %q", got)
	}
	if v := r.verdict(subjects[0]); v != Undecided {
		t.Errorf("got %v, want undecided", v)
	}
}
