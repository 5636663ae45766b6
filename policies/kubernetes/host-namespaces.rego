# METADATA
# scope: package
# title: Namespace of the node
# description: >-
#   A pod in the node's network namespace reaches what listens on the node's loopback and sees its traffic; in
#   the process namespace it sees, and with the rights for it enters, every process of the node; in the IPC
#   namespace it reads shared memory of others.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
# custom:
#   severity: high
#   attack: [T1611, T1040]
#   mitigations: [M1048, M1030]
#   applies: [pods]
#   remediation: >-
#     Remove hostNetwork, hostPID and hostIPC from the pod. Publish ports by a Service, and let containers of one
#     pod see each other by shareProcessNamespace.
package tidewaiter.kubernetes["host-namespaces"]

import data.tidewaiter.lib

namespaces := {"hostNetwork": "network", "hostPID": "process", "hostIPC": "IPC"}

deny contains {"msg": msg, "path": path} if {
	some pod in input.pods
	some field, namespace in namespaces
	lib.on(pod.spec[field])
	msg := sprintf("pod sets %s: it runs in the %s namespace of the node", [field, namespace])
	path := array.concat(pod.specPath, [field])
}
