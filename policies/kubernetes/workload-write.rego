# METADATA
# scope: package
# title: May create or change workloads
# description: >-
#   Who may create or change pods, or what makes them, runs code as any service account of the namespace, mounts
#   any of its secrets, and, where Pod Security does not forbid it, takes the node. Operators need it; people and
#   deploy jobs get along with one namespace.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/security/rbac-good-practices/#workload-creation
# custom:
#   severity: medium
#   attack: [T1610, T1609, T1098.006]
#   mitigations: [M1018, M1026]
#   applies: [ClusterRole, Role]
#   remediation: >-
#     Grant it by a Role in the namespaces that need it, and enforce Pod Security there.
package tidewaiter.kubernetes["workload-write"]

import data.tidewaiter.lib.rbac

deny contains {"msg": msg, "path": grant.path, "severity": grant.severity} if {
	some grant in rbac.grants
	grant.topic == "workload-write"
	msg := sprintf("%s may %s %s", [rbac.label, grant.verbs, grant.resource])
}
