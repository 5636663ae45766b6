# METADATA
# scope: package
# title: Rights for the default service account
# description: >-
#   Every pod of a namespace that names no service account runs as the default one. What is bound to it, is bound
#   to all of them, also to those of later.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/security/rbac-good-practices/#least-privilege
# custom:
#   severity: medium
#   attack: [T1078.001, T1528]
#   mitigations: [M1018, M1026]
#   applies: [ClusterRoleBinding, RoleBinding]
#   remediation: >-
#     Make a service account for the workload that needs the rights, and bind that.
package tidewaiter.kubernetes["default-service-account-binding"]

import data.tidewaiter.lib.rbac

deny contains {"msg": msg, "path": ["subjects", i, "name"]} if {
	some i, subject in rbac.subjects
	subject.name == "default"
	subject.kind == "ServiceAccount"
	words := [rbac.label, object.get(subject, "namespace", "?"), rbac.bound]
	msg := sprintf("%s gives the default service account of namespace %s the role %q", words)
}
