# METADATA
# scope: package
# title: Way onto every node
# description: >-
#   A DaemonSet runs on every node. One that is privileged, and shares the node's processes or mounts its root, is
#   how TeamTNT took whole clusters at once. Network and storage plugins are built alike: waive those that you
#   know.
# related_resources:
#   - ref: https://attack.mitre.org/groups/G0139/
# custom:
#   severity: critical
#   attack: [T1610, T1611]
#   mitigations: [M1026, M1048]
#   applies: [DaemonSet]
#   remediation: >-
#     Give up privileged, or hostPID and the root mount; run what needs both by hand on the one node that needs
#     it.
package tidewaiter.kubernetes["daemon-set-host-access"]

deny contains {"msg": msg, "path": array.concat(container.path, ["securityContext", "privileged"])} if {
	input.object.kind == "DaemonSet"
	some pod in input.pods
	reach := [words | some words in ways(pod)]
	count(reach) > 0
	some container in pod.containers
	container.spec.securityContext.privileged == true
	words := [container.name, concat(" and ", reach)]
	msg := sprintf("container %q is privileged on every node, and has %s", words)
}

ways(pod) := array.concat(
	["the processes of the node" | pod.spec.hostPID == true],
	["the root of the node" |
		some volume in pod.spec.volumes
		volume.hostPath.path == "/"
	],
)
