# METADATA
# scope: package
# title: Binding to an administrator's role
# description: >-
#   cluster-admin may do everything to everything; admin and edit, in all namespaces, read every secret and run code as
#   any service account, which comes to the same. A workload that is bound to one of them makes every flaw of its own a
#   takeover of the cluster, a dashboard also every visitor's.
# related_resources:
#   - ref: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#user-facing-roles
#   - ref: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
# custom:
#   severity: high
#   attack: [T1098.006, T1078]
#   mitigations: [M1018, M1026]
#   applies: [ClusterRoleBinding, RoleBinding]
#   remediation: Bind a role that lists what is used; inside a namespace, admin or edit.
package tidewaiter.kubernetes["cluster-admin-binding"]

import data.tidewaiter.lib.dashboards
import data.tidewaiter.lib.rbac

deny contains {"msg": msg, "path": ["roleRef", "name"], "severity": severity} if {
	input.object.kind in {"ClusterRoleBinding", "RoleBinding"}
	severity := severities[input.object.kind][rbac.bound]
	not input.object.roleRef.kind == "Role"
	not for_dashboard
	msg := sprintf("%s binds %s", [rbac.label, rbac.bound])
}

deny contains {"msg": msg, "path": ["subjects", i, "name"], "severity": "critical"} if {
	severities[input.object.kind][rbac.bound] == "high"
	some i, subject in rbac.subjects
	dashboards.named(subject)
	msg := sprintf("%s binds %s to the dashboard %q", [rbac.label, rbac.bound, subject.name])
}

for_dashboard if {
	severities[input.object.kind][rbac.bound] == "high"
	some subject in rbac.subjects
	dashboards.named(subject)
}

# severities tells by kind of binding and role. A RoleBinding makes an administrator of one namespace only.
severities := {
	"ClusterRoleBinding": {
		"admin": "high",
		"cluster-admin": "high",
		"edit": "high",
		"system:controller:clusterrole-aggregation-controller": "high",
		"system:kube-controller-manager": "high",
	},
	"RoleBinding": {"admin": "low", "cluster-admin": "medium"},
}
