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
#   remediation: Remove escalate, bind and impersonate, or name by resourceNames the one role or user that they are for.
package tidewaiter.kubernetes["escalating-verbs"]

import data.tidewaiter.lib.rbac

# rights are the escalating verbs, with the API groups and resources on which they mean something.
rights := [
	{
		"verbs": {"bind", "escalate"},
		"group": "rbac.authorization.k8s.io",
		"resources": {"*", "clusterroles", "roles"},
	},
	{
		"verbs": {"impersonate"},
		"group": "",
		"resources": {"*", "groups", "serviceaccounts", "users"},
	},
	{
		"verbs": {"impersonate"},
		"group": "authentication.k8s.io",
		"resources": {"*", "uids", "userextras/*"},
	},
]

deny contains {"msg": msg, "path": path, "severity": rbac.severity} if {
	some [i, rule] in rbac.narrow
	some verb in rule.verbs
	verb in {"*", "bind", "escalate", "impersonate"} # most rules end here
	some right in rights
	rbac.group(rule, right.group)
	some j, resource in rule.resources
	resource in right.resources
	verbs := rbac.verbs(rule, right.verbs)
	msg := sprintf("%s may %s %s", [rbac.label, concat(", ", verbs), resource])
	path := ["rules", i, "resources", j]
}
