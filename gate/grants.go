package gate

import (
	"fmt"
	"slices"
)

// execRights are the subresources by which commands are run in a pod, with the verbs that do it.
var execRights = map[string][]string{
	"pods/exec": {"create", "get"}, "pods/attach": {"create", "get"}, "pods/ephemeralcontainers": {"update", "patch"},
	"pods/*": {"create", "get", "update", "patch"}, "*/exec": {"create", "get"}, "*": {"create", "get", "update", "patch"},
}

// allowsExec tells that a rule of a role lets commands be run in pods.
func allowsExec(rule map[string]any) bool {
	has := func(field string, wanted ...string) bool {
		return slices.ContainsFunc(textsIn(rule[field]), func(text string) bool { return slices.Contains(wanted, text) })
	}
	if !has("apiGroups", "", "*") || len(textsIn(rule["resourceNames"])) > 0 {
		return false
	}
	return slices.ContainsFunc(textsIn(rule["resources"]), func(resource string) bool {
		verbs := execRights[resource]
		return len(verbs) > 0 && has("verbs", append([]string{"*"}, verbs...)...)
	})
}

// addGrants notes whom each binding lets run commands in pods, and in which namespaces.
func (s *set) addGrants() {
	for _, b := range s.evidence.Bindings {
		if !slices.ContainsFunc(mapsOf(b.Rules), allowsExec) {
			continue
		}
		namespace := b.Namespace
		if b.Kind == "ClusterRoleBinding" {
			namespace = anyNamespace
		}
		for _, subject := range mapsOf(s.objects[b.Object].Value["subjects"]) {
			grant := ExecEvidence{Subject: fmt.Sprintf("%v/%v", subject["kind"], subject["name"]), Role: b.role, Binding: b.Label}
			if in, ok := subject["namespace"].(string); ok {
				grant.Subject = fmt.Sprintf("%v/%v/%v", subject["kind"], in, subject["name"])
			}
			s.grants[namespace] = append(s.grants[namespace], grant)
		}
	}
}

// exec are those who may run commands in the pods of a namespace: see find.
func (s *set) exec(namespace string) []ExecEvidence {
	found := append([]ExecEvidence{}, s.grants[anyNamespace]...) // not nil: rules count them
	found = append(found, s.grants[namespace]...)
	if namespace != "" {
		found = append(found, s.grants[""]...)
	}
	return found
}
