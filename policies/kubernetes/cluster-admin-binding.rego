# METADATA
# scope: package
# title: Binding to cluster-admin
# description: >-
#   cluster-admin may do everything to everything. A workload that is bound to it makes every flaw of its own a
#   takeover of the cluster.
# related_resources:
#   - ref: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#user-facing-roles
#   - ref: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
# custom:
#   severity: high
#   attack: [T1098.006, T1078]
#   mitigations: [M1018, M1026]
#   remediation: Bind a role that lists what is used; inside a namespace, admin or edit.
package tidewaiter.kubernetes["cluster-admin-binding"]

import data.tidewaiter.lib.rbac

deny contains {"msg": msg, "path": ["roleRef", "name"], "severity": severity} if {
	input.object.kind in {"ClusterRoleBinding", "RoleBinding"}
	input.object.roleRef.name == "cluster-admin"
	not input.object.roleRef.kind == "Role"
	msg := sprintf("%s binds cluster-admin", [rbac.label])
}

# A RoleBinding makes an administrator of one namespace only.
default severity := "medium"

severity := "high" if input.object.kind == "ClusterRoleBinding"
