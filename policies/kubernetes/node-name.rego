# METADATA
# scope: package
# title: Pod put on a node by name
# description: >-
#   nodeName passes the scheduler by, and with it taints, resources and affinity: the pod lands on the very node
#   that whoever wrote it wants to have, the control plane's too.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#nodename
# custom:
#   severity: medium
#   attack: [T1610, T1611]
#   mitigations: [M1018, M1047]
#   applies: [pods]
#   remediation: >-
#     Remove nodeName; choose nodes by nodeSelector or affinity.
package tidewaiter.kubernetes["node-name"]

deny contains {"msg": msg, "path": path} if {
	some pod in input.pods
	not pod.spec.nodeName in {"", null}
	msg := sprintf("pod sets nodeName %q", [pod.spec.nodeName])
	path := array.concat(pod.specPath, ["nodeName"])
}
