# METADATA
# scope: package
# title: Role that widens others
# description: >-
#   Kubernetes adds the rules of a ClusterRole with an aggregate label to view, edit or admin, and an
#   aggregationRule collects those of others by their labels. Nobody sees it at the role that grows: a right that
#   is harmless for one operator is everybody's who may view.
# related_resources:
#   - ref: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#aggregated-clusterroles
# custom:
#   severity: medium
#   attack: [T1098.006, T1078]
#   mitigations: [M1018, M1026]
#   applies: [ClusterRole]
#   remediation: >-
#     Aggregate reading to view, and to edit and admin what acts in one namespace; let an aggregationRule select
#     one label of your own.
package tidewaiter.kubernetes["aggregated-role"]

import data.tidewaiter.lib.rbac

deny contains {"msg": msg, "path": grant.path, "severity": grant.severity} if {
	input.object.kind == "ClusterRole"
	some role in widened
	some grant in rbac.grants
	not grant.topic in usual[role]
	msg := sprintf("%s adds to %s: %s %s", [rbac.label, role, grant.verbs, grant.resource])
}

deny contains {"msg": msg, "path": ["rules", i, "verbs"], "severity": "high"} if {
	input.object.kind == "ClusterRole"
	some role in widened
	some i, rule in rbac.rules
	rbac.everything(rule)
	rbac.group(rule, "")
	msg := sprintf("%s adds to %s: everything", [rbac.label, role])
}

deny contains {"msg": msg, "path": ["rules", i, "verbs", j], "severity": "medium"} if {
	input.object.kind == "ClusterRole"
	"view" in widened
	some i, rule in rbac.rules
	some j, verb in rule.verbs
	verb in {"*", "create", "delete", "deletecollection", "patch", "update"}
	msg := sprintf("%s adds to view: %s %s", [rbac.label, verb, concat(", ", named(rule))])
}

deny contains {"msg": msg, "path": ["aggregationRule", "clusterRoleSelectors", i], "severity": "high"} if {
	input.object.kind == "ClusterRole"
	some i, selector in input.object.aggregationRule.clusterRoleSelectors
	not narrows(selector)
	msg := sprintf("%s collects the rules of all ClusterRoles", [rbac.label])
}

# widened are the built-in roles that the labels add this one to. What widens view widens edit, and so on; one
# finding says it.
widened contains role if {
	some role in ["view", "edit", "admin"]
	input.object.metadata.labels[sprintf("rbac.authorization.k8s.io/aggregate-to-%s", [role])] == "true"
}

# usual are the grants that a role has anyway, in the namespaces that it is bound in.
usual := {
	"view": set(),
	"edit": {"pods-exec", "secrets-read", "token-create", "workload-write"},
	"admin": {"binding-write", "pods-exec", "secrets-read", "token-create", "workload-write"},
}

narrows(selector) if some _ in selector.matchLabels

narrows(selector) if selector.matchExpressions[0]

# named is what a rule is about: resources, or addresses that are none.
named(rule) := [what | some field in ["resources", "nonResourceURLs"]; some what in rule[field]; is_string(what)]
