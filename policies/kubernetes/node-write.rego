# METADATA
# scope: package
# title: May change nodes
# description: >-
#   Who may change nodes labels, taints and untaints them, and so decides where pods run: also that those with
#   secrets run on a node of his own.
# related_resources:
#   - ref: https://kubernetes.io/docs/reference/access-authn-authz/node/
# custom:
#   severity: medium
#   attack: [T1610, T1098.006]
#   mitigations: [M1018, M1026]
#   applies: [ClusterRole, Role]
#   remediation: >-
#     Let only the control plane and the kubelets write nodes; NodeRestriction keeps kubelets to their own.
package tidewaiter.kubernetes["node-write"]

import data.tidewaiter.lib.rbac

deny contains {"msg": msg, "path": grant.path, "severity": grant.severity} if {
	some grant in rbac.grants
	grant.topic == "node-write"
	msg := sprintf("%s may %s %s", [rbac.label, grant.verbs, grant.resource])
}
