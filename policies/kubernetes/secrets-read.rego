# METADATA
# scope: package
# title: Right to read secrets
# description: >-
#   list and watch show the content of secrets just as get does. Who reads all secrets has the tokens of every service
#   account that has one there, and the credentials of everything outside.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/security/rbac-good-practices/#listing-secrets
#   - ref: https://kubernetes.io/docs/concepts/configuration/secret/#information-security-for-secrets
# custom:
#   severity: high
#   attack: [T1552.007, T1528]
#   mitigations: [M1018, M1026]
#   remediation: Mount the secret into the pod that needs it, or name it by resourceNames and grant get alone.
package tidewaiter.kubernetes["secrets-read"]

import data.tidewaiter.lib.rbac

deny contains {"msg": msg, "path": ["rules", i, "resources", j], "severity": rbac.severity} if {
	some [i, rule] in rbac.core
	some j, resource in rule.resources
	resource in {"*", "secrets"}
	not names_them(rule)
	verbs := rbac.verbs(rule, {"get", "list", "watch"})
	msg := sprintf("%s may %s %s", [rbac.label, concat(", ", verbs), secrets[resource]])
}

secrets := {"*": "secrets (resources: *)", "secrets": "secrets"}

# names_them tells that a rule is about certain secrets only. An empty name among them stands for all: it is
# what a list request carries.
names_them(rule) if {
	some _ in rule.resourceNames
	not "" in rule.resourceNames
}
