# METADATA
# scope: package
# title: Binding to system:masters
# description: >-
#   Members of system:masters pass every authorization check, whatever roles and bindings say: the right cannot be
#   taken away again. A binding that names the group makes it part of everyday work.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/security/rbac-good-practices/#least-privilege
# custom:
#   severity: critical
#   attack: [T1098.006, T1078]
#   mitigations: [M1018, M1026]
#   applies: [ClusterRoleBinding, RoleBinding]
#   remediation: Remove the subject, and bind a role that lists what is used to a group of its own.
package tidewaiter.kubernetes["system-masters"]

import data.tidewaiter.lib.rbac

deny contains {"msg": msg, "path": ["subjects", i, "name"]} if {
	some i, subject in rbac.subjects
	subject.name == "system:masters"
	msg := sprintf("%s names system:masters", [rbac.label])
}
