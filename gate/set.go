package gate

import (
	"context"
	"fmt"

	"github.com/tidewaiter/tidewaiter/policies"
)

// SetEvidence is what a rule of kind set gets to see: the objects of a run that act on each other, put together.
// What is put together here are facts; whether they are good is for the rules to say. An object is named by its
// index among all objects of the run, and a rule names it by that index too, as object in what it denies.
type SetEvidence struct {
	Kind       policies.Kind       `json:"kind"`
	Workloads  []MemberEvidence    `json:"workloads"`
	Namespaces []NamespaceEvidence `json:"namespaces"`
	Policies   []PolicyEvidence    `json:"policies"`
	Bindings   []BindingEvidence   `json:"bindings"`
	Services   []ServiceEvidence   `json:"services"`
}

// MemberEvidence is a pod of the set, or the template of one, with what acts on it from outside. All lists are of indexes
// into the lists of SetEvidence, but for Volumes.
type MemberEvidence struct {
	Object    int            `json:"object"`
	Label     string         `json:"label"` // as reports name the object
	Namespace string         `json:"namespace"`
	SpecPath  []any          `json:"specPath"`
	Spec      map[string]any `json:"spec"`
	// Selected tells that a network policy is about the pod.
	Selected bool `json:"selected"`
	// ServiceAccount is the name of the account that it runs as.
	ServiceAccount string `json:"serviceAccount"`
	// Token tells that it gets a token of that account.
	Token    bool             `json:"token"`
	Bindings []int            `json:"bindings"`
	Volumes  []VolumeEvidence `json:"volumes"`
}

// VolumeEvidence is a claim of a workload, and the volume of the set that it would get.
type VolumeEvidence struct {
	Path   []any          `json:"path"` // of the claim's name in the workload
	Claim  string         `json:"claim"`
	Object int            `json:"object"` // the PersistentVolume
	Name   string         `json:"name"`
	Spec   map[string]any `json:"spec"`
}

// NamespaceEvidence says which workloads a namespace has, and whether the set holds anything that shows that it is
// about the network of the namespace.
type NamespaceEvidence struct {
	Name      string `json:"name"`
	Workloads []int  `json:"workloads"`
	Policies  int    `json:"policies"`
}

// PolicyEvidence is a NetworkPolicy, or what network plugins have of that kind.
type PolicyEvidence struct {
	Object    int            `json:"object"`
	Label     string         `json:"label"`
	Namespace string         `json:"namespace"`
	Spec      map[string]any `json:"spec"`
	// Selects is how many workloads of the set it is about.
	Selects int `json:"selects"`
	// Judged tells that Selects is known: it is not, of the selectors that plugins have of their own.
	Judged bool `json:"judged"`
}

// BindingEvidence is a RoleBinding or ClusterRoleBinding with the rules of its role.
type BindingEvidence struct {
	Object    int    `json:"object"`
	Kind      string `json:"kind"`
	Label     string `json:"label"`
	Namespace string `json:"namespace"`
	// RoleKind and RoleName are those of roleRef.
	RoleKind string `json:"roleKind"`
	RoleName string `json:"roleName"`
	// Rules are those of the role, with all that it aggregates; nil if the set does not hold it.
	Rules []any `json:"rules"`

	role string // as reports name it
}

// ServiceEvidence is a Service with the ways in that lead to it.
type ServiceEvidence struct {
	Object    int            `json:"object"`
	Label     string         `json:"label"`
	Name      string         `json:"name"`
	Namespace string         `json:"namespace"`
	Spec      map[string]any `json:"spec"`
	// Images are those of the workloads that it selects, as they are written.
	Images []string        `json:"images"`
	Routes []RouteEvidence `json:"routes"`
}

// RouteEvidence is where an Ingress, or something of its kind, names a Service.
type RouteEvidence struct {
	Object int    `json:"object"`
	Label  string `json:"label"`
	Path   []any  `json:"path"`
}

// judgeSet judges all objects together and puts each finding into the subject of the object that it is about. If
// that fails, or putting them together has, no subject is known to be sound, and the first one says so.
func (r *run) judgeSet(ctx context.Context, s *set, failed error, subjects []Subject) []Subject {
	if len(subjects) == 0 {
		return nil
	}
	var together Subject
	err := failed
	if err == nil {
		err = guard(func() error {
			found, err := r.judge(ctx, policies.Set, s.evidence, &together)
			for _, f := range found {
				if f.Object < 0 || f.Object >= len(s.objects) {
					return fmt.Errorf("%s names object %d of %d", f.Rule, f.Object, len(s.objects))
				}
				subjects[f.Object].Findings = append(subjects[f.Object].Findings, place(f, s.objects[f.Object]))
			}
			return err
		})
	}
	if err != nil && subjects[0].Error == "" {
		subjects[0].Error = "all objects together: " + err.Error()
	}
	if r.inspecting {
		return []Subject{together}
	}
	return nil
}
