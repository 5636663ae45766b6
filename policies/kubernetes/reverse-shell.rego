# METADATA
# scope: package
# title: Reverse shell
# description: >-
#   The container gives a shell to a remote peer, or offers one on a port: whoever is at the other end types
#   commands into the cluster. No program that is meant well does that.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1059/004/
#   - ref: https://attack.mitre.org/techniques/T1609/
# custom:
#   severity: critical
#   attack: [T1059.004, T1571, T1095]
#   mitigations: [M1038, M1037]
#   applies: [pods]
#   remediation: >-
#     Remove the command, and find out who put it there. To debug a pod, use kubectl exec or kubectl debug.
package tidewaiter.kubernetes["reverse-shell"]

import data.tidewaiter.lib

deny contains {"msg": msg, "path": run.path, "evidence": evidence} if {
	some pod in input.pods
	some container in pod.containers
	some run in container.runs
	some action in run.actions
	action.kind == "reverse-shell"
	msg := sprintf("%s opens a shell to the network: %s", [lib.command(container, run), lib.steps(action)])
	evidence := lib.shown(run, action)
}
