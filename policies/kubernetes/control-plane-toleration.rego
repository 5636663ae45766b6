# METADATA
# scope: package
# title: Toleration of the control plane's taint
# description: >-
#   Control plane nodes keep other pods away by a taint. A pod that tolerates it can land beside etcd and the API
#   server's keys, where getting out of a container means getting the cluster.
# related_resources:
#   - ref: https://kubernetes.io/docs/reference/labels-annotations-taints/#node-role-kubernetes-io-control-plane-taint
#   - ref: https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/
# custom:
#   severity: medium
#   attack: [T1610, T1611]
#   mitigations: [M1018, M1030]
#   applies: [pods]
#   remediation: >-
#     Remove the toleration, or name the taints that the pod has to tolerate instead of all.
package tidewaiter.kubernetes["control-plane-toleration"]

import data.tidewaiter.lib

deny contains {"msg": msg, "path": path} if {
	some pod in input.pods
	some i, toleration in pod.spec.tolerations
	lib.field(toleration, "effect") in {"", "NoSchedule", null}
	matched := taint(toleration)
	msg := sprintf("pod tolerates %s", [matched])
	path := array.concat(pod.specPath, ["tolerations", i])
}

# taint names the taint of a control plane node that a toleration matches. One without a key, which only Exists
# may be, matches every taint.
taint(toleration) := toleration.key if {
	toleration.key in {"node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"}
} else := "every taint" if {
	toleration.operator == "Exists"
	lib.field(toleration, "key") in {"", null}
}
