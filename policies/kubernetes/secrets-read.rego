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
#   severity: medium
#   attack: [T1552.007, T1528]
#   mitigations: [M1018, M1026]
#   applies: [ClusterRole, Role]
#   remediation: Mount the secret into the pod that needs it, or name it by resourceNames and grant get alone.
package tidewaiter.kubernetes["secrets-read"]

import data.tidewaiter.lib.rbac

deny contains {"msg": msg, "path": grant.path, "severity": grant.severity} if {
	some grant in rbac.grants
	grant.topic == "secrets-read"
	msg := sprintf("%s may %s %s", [rbac.label, grant.verbs, grant.resource])
}
