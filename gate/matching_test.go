package gate

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/tidewaiter/tidewaiter/manifests"
)

// TestMatching compares the index with a look at every workload.
func TestMatching(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	m, spaces := newMatching(), []string{}
	for i := range 200 {
		spaces = append(spaces, fmt.Sprint(r.IntN(3)))
		m.add(i, spaces[i], map[string]any{"app": fmt.Sprint(r.IntN(5)), "tier": fmt.Sprint(r.IntN(2)), "odd": 1})
	}
	for range 500 {
		written := metav1.LabelSelector{MatchLabels: map[string]string{}}
		for _, name := range []string{"app", "tier", "odd"} {
			if r.IntN(3) == 0 {
				written.MatchLabels[name] = fmt.Sprint(r.IntN(6))
			}
		}
		for _, operator := range []metav1.LabelSelectorOperator{"In", "NotIn"} {
			if r.IntN(3) == 0 {
				values := []string{fmt.Sprint(r.IntN(6)), fmt.Sprint(r.IntN(6))}[:1+r.IntN(2)]
				written.MatchExpressions = append(written.MatchExpressions,
					metav1.LabelSelectorRequirement{Key: "app", Operator: operator, Values: values})
			}
		}
		selector, err := metav1.LabelSelectorAsSelector(&written)
		if err != nil {
			t.Fatal(err)
		}
		var want []int
		for i, space := range spaces {
			if space == "1" && selector.Matches(labels.Set(m.labels[i])) {
				want = append(want, i)
			}
		}
		if got := m.find("1", written); !slices.Equal(got, want) {
			t.Fatalf("%v: got %v, want %v", written, got, want)
		}
	}
}

// TestTooMuchToMatch has more pairs of selectors and workloads than a run may look at: that is an error, not silence.
func TestTooMuchToMatch(t *testing.T) {
	text := ""
	for i := range 2400 {
		text += fmt.Sprintf("---\napiVersion: v1\nkind: Pod\nmetadata: {name: p%d, labels: {app: web}}\nspec: {containers: [{name: a, image: a}]}\n", i)
		text += fmt.Sprintf("---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: n%d}\nspec: {podSelector: {matchLabels: {app: web}}}\n", i)
	}
	objects, problems := manifests.Decode("many.yaml", []byte(text), manifests.Limits{Documents: 10_000})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if _, err := putTogether(objects[:100]); err != nil {
		t.Errorf("got error %v of a hundred objects, want none", err)
	}
	if _, err := putTogether(objects); err == nil {
		t.Error("got no error of all objects, want one")
	}
}
