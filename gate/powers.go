package gate

import (
	"slices"

	"k8s.io/apimachinery/pkg/labels"
)

// addBindings adds every binding with the rules of its role, and remembers whom it is for.
func (s *set) addBindings() {
	indexes := slices.Concat(s.ofKind["ClusterRoleBinding"], s.ofKind["RoleBinding"])
	for _, i := range indexes {
		o := s.objects[i]
		b := BindingEvidence{
			Object: i, Kind: o.Kind, Label: objectName(o), Namespace: o.Namespace,
			RoleKind: lookupText(o.Value, "roleRef", "kind"), RoleName: lookupText(o.Value, "roleRef", "name"),
		}
		space := "" // of the role: a ClusterRole has none
		if b.RoleKind == "Role" {
			space = o.Namespace
		}
		if role, found := s.find(b.RoleKind, space, b.RoleName); found {
			b.Rules, b.role = s.rulesOf(role), objectName(s.objects[role])
		}
		at := len(s.evidence.Bindings)
		s.evidence.Bindings = append(s.evidence.Bindings, b)
		subjects, _ := o.Value["subjects"].([]any)
		for _, subject := range subjects {
			if key, ok := account(subject, o.Namespace); ok {
				s.accounts[key] = append(s.accounts[key], at)
			}
		}
	}
}

// groupOf is the first half of a key of accounts for a group.
const groupOf = "group"

// account is the key of a subject of a binding that service accounts may be, or be members of.
func account(subject any, namespace string) (key [2]string, ok bool) {
	name := lookupText(subject, "name")
	switch lookupText(subject, "kind") {
	case "ServiceAccount":
		if written := lookupText(subject, "namespace"); written != "" {
			namespace = written
		}
		return [2]string{"account " + namespace, name}, true
	case "Group":
		return [2]string{groupOf, name}, true
	}
	return key, false
}

// bindingsOf are the bindings that reach a service account, by its name or by the groups that it is in. An account
// whose namespace is not known may be anybody's of its name, but for the default one, which every namespace has.
func (s *set) bindingsOf(namespace, name string) []int {
	keys := [][2]string{
		{"account " + namespace, name}, {groupOf, "system:serviceaccounts"}, {groupOf, "system:authenticated"},
		{groupOf, "system:serviceaccounts:" + namespace},
	}
	if namespace != "" {
		keys = append(keys, [2]string{"account ", name})
	}
	found := []int{}
	for _, key := range keys {
		found = append(found, s.accounts[key]...)
	}
	if namespace == "" && name != "default" {
		found = append(found, s.anywhere(name)...)
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// anywhere are the bindings for service accounts of a name in whatever namespace.
func (s *set) anywhere(name string) []int {
	var found []int
	for key, bindings := range s.accounts {
		if s.matching.left--; key[0] != groupOf && key[1] == name {
			found = append(found, bindings...)
		}
	}
	return found
}

// rulesOf are the rules of a role, with those of the ClusterRoles that it aggregates. The result is not nil.
func (s *set) rulesOf(role int) []any {
	rules, _ := s.objects[role].Value["rules"].([]any)
	all := append([]any{}, rules...)
	selectors, _ := lookup(s.objects[role].Value, "aggregationRule", "clusterRoleSelectors").([]any)
	for _, written := range selectors {
		selector, ok := readSelector(written)
		if !ok {
			continue
		}
		for _, i := range s.ofKind["ClusterRole"] {
			s.matching.left--
			if more, _ := s.objects[i].Value["rules"].([]any); i != role && selector.Matches(s.labelsOf(i)) {
				all = append(all, more...)
			}
		}
	}
	return all
}

// labelsOf are the labels of an object itself.
func (s *set) labelsOf(i int) labels.Set {
	set := labels.Set{}
	written, _ := lookup(s.objects[i].Value, "metadata", "labels").(map[string]any)
	for name, value := range written {
		set[name], _ = value.(string)
	}
	return set
}
