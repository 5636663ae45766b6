# METADATA
# scope: package
# title: Command that takes over the node
# description: >-
#   The image's own command gets out of the container and onto its node, if the pod is given what that takes: it
#   enters the node's file system or namespaces, writes where the node's cron, ssh, systemd or kubelet will act on
#   it, or has the node's container runtime start something. What a pod is given, its manifest says.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1611/
#   - ref: https://attack.mitre.org/techniques/T1610/
# custom:
#   severity: medium
#   attack: [T1611, T1610]
#   mitigations: [M1038, M1048, M1026]
#   remediation: >-
#     Set up nodes from outside the cluster, by the image or the provisioning of the machines. Deploy the image only
#     as a node agent that is known.
package tidewaiter.image["host-takeover"]

import data.tidewaiter.lib

deny contains {"msg": msg, "path": run.path, "evidence": evidence} if {
	some run in input.runs
	some action in run.actions
	action.kind == "host-takeover"
	msg := sprintf("%s gets at the node%s: %s", [run.where, lib.place(action), lib.steps(action)])
	evidence := lib.shown(run, action)
}
