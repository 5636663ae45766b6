package gate

import (
	"encoding/json"
	"math"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// maxMatches bounds how often a selector is held against labels in one run: about a second's work.
const maxMatches = 5_000_000

// matching finds the workloads that selectors mean. It holds a selector only against workloads that have the rarest
// of the labels which it asks for.
type matching struct {
	labels  []labels.Set       // by workload
	inSpace map[string][]int   // workloads by namespace
	with    map[labelKey][]int // workloads by namespace and label
	left    int                // of maxMatches; negative if there was more to do
}

type labelKey struct{ namespace, name, value string }

func newMatching() matching {
	return matching{inSpace: map[string][]int{}, with: map[labelKey][]int{}, left: maxMatches}
}

// add adds a workload; they are numbered from zero.
func (m *matching) add(workload int, namespace string, written map[string]any) {
	set := labels.Set{}
	for name, value := range written {
		if text, ok := value.(string); ok {
			set[name] = text
			key := labelKey{namespace, name, text}
			m.with[key] = append(m.with[key], workload)
		}
	}
	m.labels = append(m.labels, set)
	m.inSpace[namespace] = append(m.inSpace[namespace], workload)
}

// find returns the workloads of a namespace that a LabelSelector selects. One that is not valid selects none.
func (m *matching) find(namespace string, written any) []int {
	selector, ok := readSelector(written)
	if !ok {
		return nil
	}
	candidates, fewest := m.inSpace[namespace], math.MaxInt
	requirements, _ := selector.Requirements()
	for _, r := range requirements {
		value, exact := selector.RequiresExactMatch(r.Key())
		if with := m.with[labelKey{namespace, r.Key(), value}]; exact && len(with) < fewest {
			candidates, fewest = with, len(with)
		}
	}
	var found []int
	for _, workload := range candidates {
		if m.left--; m.left < 0 {
			return found
		}
		if selector.Matches(m.labels[workload]) {
			found = append(found, workload)
		}
	}
	return found
}

// readSelector reads a LabelSelector. None at all, and one without requirements, selects everything.
func readSelector(written any) (labels.Selector, bool) {
	text, err := json.Marshal(written)
	if err != nil {
		return nil, false
	}
	var selector metav1.LabelSelector
	if err := json.Unmarshal(text, &selector); err != nil {
		return nil, false
	}
	read, err := metav1.LabelSelectorAsSelector(&selector)
	return read, err == nil
}
