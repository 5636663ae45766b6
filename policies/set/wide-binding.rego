# METADATA
# scope: package
# title: Binding wider than its role needs
# description: >-
#   A ClusterRoleBinding grants in all namespaces. Where every rule of its role is about named objects, or about
#   leases and events, one namespace is what is meant.
# related_resources:
#   - ref: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#rolebinding-and-clusterrolebinding
#   - ref: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
# custom:
#   severity: low
#   attack: [T1098.006]
#   mitigations: [M1018]
#   remediation: >-
#     Bind the role by a RoleBinding in the namespace of the objects.
package tidewaiter.set["wide-binding"]

deny contains {"msg": msg, "path": ["kind"], "object": binding.object} if {
	some binding in input.bindings
	binding.kind == "ClusterRoleBinding"
	binding.rules[0]
	every rule in binding.rules {
		narrow(rule)
	}
	words := [binding.label, binding.roleKind, binding.roleName]
	msg := sprintf("%s grants in all namespaces what %s %q needs in one", words)
}

narrow(rule) if all_in(rule, {"events", "leases"})

narrow(rule) if {
	rule.resourceNames[0]
	all_in(rule, namespaced)
}

all_in(rule, resources) if {
	rule.resources[0]
	count({resource | some resource in rule.resources} - resources) == 0
}

# namespaced are resources that have names in a namespace only.
namespaced := {
	"configmaps",
	"deployments",
	"endpoints",
	"leases",
	"persistentvolumeclaims",
	"pods",
	"secrets",
	"serviceaccounts",
	"serviceaccounts/token",
	"services",
	"statefulsets",
}
