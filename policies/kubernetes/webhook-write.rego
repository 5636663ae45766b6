# METADATA
# scope: package
# title: May change admission webhooks
# description: >-
#   An admission webhook or policy sees every object that passes it, secrets included, and may change it. Who may
#   write these reads and changes whatever is written to the cluster, and who may delete them switches the
#   cluster's own gate off.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/security/rbac-good-practices/#control-admission-webhooks
# custom:
#   severity: medium
#   attack: [T1098.006, T1562.001]
#   mitigations: [M1018, M1026]
#   applies: [ClusterRole, Role]
#   remediation: >-
#     Name the configurations by resourceNames; an operator needs to change only its own.
package tidewaiter.kubernetes["webhook-write"]

import data.tidewaiter.lib.rbac

deny contains {"msg": msg, "path": grant.path, "severity": grant.severity} if {
	some grant in rbac.grants
	grant.topic == "webhook-write"
	msg := sprintf("%s may %s %s", [rbac.label, grant.verbs, grant.resource])
}
