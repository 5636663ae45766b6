# METADATA
# scope: package
# title: May approve or sign certificates
# description: >-
#   Who may approve certificate signing requests, for a signer that the cluster trusts, makes himself a client
#   certificate in any name, also in that of an administrator. Such a certificate cannot be revoked. Signers that
#   are somebody's own, named by resourceNames, are no finding.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/security/rbac-good-practices/#csrs-and-certificate-issuing
# custom:
#   severity: high
#   attack: [T1098.006, T1649]
#   mitigations: [M1018, M1026]
#   applies: [ClusterRole, Role]
#   remediation: >-
#     Name the signers by resourceNames, and none that begins with kubernetes.io/.
package tidewaiter.kubernetes["certificate-approval"]

import data.tidewaiter.lib.rbac

deny contains {"msg": msg, "path": grant.path, "severity": grant.severity} if {
	some grant in rbac.grants
	grant.topic == "certificate-approval"
	msg := sprintf("%s may %s %s", [rbac.label, grant.verbs, grant.resource])
}
