# METADATA
# scope: package
# title: Right to reach kubelets
# description: >-
#   nodes/proxy leads to the kubelet's own API, which runs commands in every pod of the node and is neither audited
#   nor seen by admission. Reading is enough: exec by WebSocket is a GET.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/security/rbac-good-practices/#access-to-proxy-subresource-of-nodes
#   - ref: https://kubernetes.io/docs/reference/access-authn-authz/kubelet-authn-authz/
# custom:
#   severity: high
#   attack: [T1609, T1611]
#   mitigations: [M1018, M1026]
#   applies: [ClusterRole, Role]
#   remediation: Use nodes/metrics, nodes/stats, nodes/log or nodes/healthz, which grant reading alone.
package tidewaiter.kubernetes["nodes-proxy"]

import data.tidewaiter.lib.rbac

deny contains {"msg": msg, "path": grant.path, "severity": grant.severity} if {
	some grant in rbac.grants
	grant.topic == "nodes-proxy"
	msg := sprintf("%s may %s %s", [rbac.label, grant.verbs, grant.resource])
}
