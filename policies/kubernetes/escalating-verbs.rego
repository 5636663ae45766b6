# METADATA
# scope: package
# title: Verb that escalates
# description: >-
#   escalate writes roles with rights that the writer does not have, bind hands out such roles, and impersonate acts as
#   anybody: each turns a little right into all of them.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/security/rbac-good-practices/#escalate-verb
#   - ref: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation
# custom:
#   severity: high
#   attack: [T1098.006, T1078, T1548]
#   mitigations: [M1018, M1026]
#   applies: [ClusterRole, Role]
#   remediation: Remove escalate, bind and impersonate, or name by resourceNames the one role or user that they are for.
package tidewaiter.kubernetes["escalating-verbs"]

import data.tidewaiter.lib.rbac

deny contains {"msg": msg, "path": grant.path, "severity": grant.severity} if {
	some grant in rbac.grants
	grant.topic == "escalating-verbs"
	msg := sprintf("%s may %s %s", [rbac.label, grant.verbs, grant.resource])
}
