package gate

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/tidewaiter/tidewaiter/manifests"
)

// neighbours is what the other objects of a run mean for a pod: who may reach into it, and what bounds its network.
type neighbours struct {
	networkPolicies map[string][]networkPolicy // by namespace
	grants          map[string][]ExecEvidence  // by namespace
}

type networkPolicy struct {
	name     string
	selector labels.Selector
}

func newNeighbours(objects []*manifests.Object) *neighbours {
	n := &neighbours{map[string][]networkPolicy{}, map[string][]ExecEvidence{}}
	roles := map[string]bool{} // that allow exec, by the names that reports use
	for _, o := range objects {
		switch o.Kind {
		case "NetworkPolicy":
			n.addPolicy(o)
		case "Role", "ClusterRole":
			if slices.ContainsFunc(mapsOf(o.Value["rules"]), allowsExec) {
				roles[objectName(o)] = true
			}
		}
	}
	for _, o := range objects {
		if o.Kind == "RoleBinding" || o.Kind == "ClusterRoleBinding" {
			n.addBinding(o, roles)
		}
	}
	return n
}

// addPolicy notes which pods a NetworkPolicy selects. One that cannot be read selects none.
func (n *neighbours) addPolicy(o *manifests.Object) {
	spec, isMap := o.Value["spec"].(map[string]any)
	if !isMap && o.Value["spec"] != nil {
		return
	}
	if selector, ok := readSelector(spec["podSelector"]); ok {
		n.networkPolicies[o.Namespace] = append(n.networkPolicies[o.Namespace], networkPolicy{objectName(o), selector})
	}
}

// policies are the NetworkPolicies that select a pod: of its namespace, and those that say none.
func (n *neighbours) policies(namespace string, pod manifests.Pod) []string {
	set := labels.Set{}
	written, _ := pod.Metadata["labels"].(map[string]any)
	for key, value := range written {
		set[key] = fmt.Sprint(value)
	}
	names := []string{}
	for _, p := range inOrAnywhere(n.networkPolicies, namespace) {
		if p.selector.Matches(set) {
			names = append(names, p.name)
		}
	}
	return names
}

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

// addBinding notes whom a binding gives a role that allows exec, and where.
func (n *neighbours) addBinding(o *manifests.Object, roles map[string]bool) {
	ref, _ := o.Value["roleRef"].(map[string]any)
	name, _ := ref["name"].(string)
	role, namespace := "ClusterRole/"+name, ""
	if o.Kind == "RoleBinding" {
		if namespace = o.Namespace; ref["kind"] == "Role" {
			role = objectName(&manifests.Object{Kind: "Role", Namespace: namespace, Name: name})
		}
	}
	if !roles[role] {
		return
	}
	for _, s := range mapsOf(o.Value["subjects"]) {
		grant := ExecEvidence{Subject: fmt.Sprintf("%v/%v", s["kind"], s["name"]), Role: role, Binding: objectName(o)}
		if in, ok := s["namespace"].(string); ok {
			grant.Subject = fmt.Sprintf("%v/%v/%v", s["kind"], in, s["name"])
		}
		if o.Kind == "ClusterRoleBinding" {
			namespace = everyNamespace
		}
		n.grants[namespace] = append(n.grants[namespace], grant)
	}
}

// everyNamespace stands for all namespaces; no namespace is called so.
const everyNamespace = "*"

// exec are those who may run commands in the pods of a namespace.
func (n *neighbours) exec(namespace string) []ExecEvidence {
	return append(append([]ExecEvidence{}, n.grants[everyNamespace]...), inOrAnywhere(n.grants, namespace)...)
}

// inOrAnywhere returns what is in a namespace, and what goes wherever it is applied to.
func inOrAnywhere[T any](all map[string][]T, namespace string) []T {
	if namespace == "" {
		return all[""]
	}
	return slices.Concat(all[namespace], all[""])
}
