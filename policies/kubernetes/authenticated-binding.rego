# METADATA
# scope: package
# title: Rights for everybody who is logged in
# description: >-
#   system:authenticated and system:serviceaccounts are every user and every pod, those of the least trusted
#   namespace included: a stolen token of any of them is enough.
# related_resources:
#   - ref: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings
# custom:
#   severity: high
#   attack: [T1078.001, T1078.004]
#   mitigations: [M1018, M1026]
#   applies: [ClusterRoleBinding, RoleBinding]
#   remediation: >-
#     Bind the role to the service account or group that needs it.
package tidewaiter.kubernetes["authenticated-binding"]

import data.tidewaiter.lib.rbac

deny contains {"msg": msg, "path": ["subjects", i, "name"], "severity": severity(subject.name)} if {
	not rbac.bound in harmless
	some i, subject in rbac.subjects
	everybody(subject)
	msg := sprintf("%s gives every member of %s the role %q", [rbac.label, subject.name, rbac.bound])
}

everybody(subject) if subject.name in {"system:authenticated", "system:serviceaccounts"}

everybody(subject) if {
	is_string(subject.name)
	startswith(subject.name, "system:serviceaccounts:")
}

# The service accounts of one namespace are fewer, and a RoleBinding gives less.
default severity(_) := "high"

severity(_) := "medium" if rbac.namespaced

severity(name) := "medium" if {
	startswith(name, "system:serviceaccounts:")
	not rbac.namespaced
	not rbac.bound in {"admin", "cluster-admin", "edit"}
}

# harmless are the roles that Kubernetes itself gives to everybody.
harmless := {
	"system:basic-user",
	"system:discovery",
	"system:public-info-viewer",
	"system:service-account-issuer-discovery",
}
