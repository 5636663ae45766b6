# METADATA
# scope: package
# title: May create tokens of service accounts
# description: >-
#   Who may create tokens for service accounts is every one of them: of the namespace, or of the whole cluster,
#   the control plane's own included. No audit of pods or secrets shows it.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/security/rbac-good-practices/#token-request
# custom:
#   severity: high
#   attack: [T1528, T1078.004, T1098.006]
#   mitigations: [M1018, M1026]
#   applies: [ClusterRole, Role]
#   remediation: >-
#     Name the service accounts by resourceNames, in a Role of their namespace.
package tidewaiter.kubernetes["token-create"]

import data.tidewaiter.lib.rbac

deny contains {"msg": msg, "path": grant.path, "severity": grant.severity} if {
	some grant in rbac.grants
	grant.topic == "token-create"
	msg := sprintf("%s may %s %s", [rbac.label, grant.verbs, grant.resource])
}
