# METADATA
# scope: package
# title: Reverse shell
# description: >-
#   The image gives a shell to a remote peer, or offers one on a port: whoever is at the other end types commands
#   into the cluster. No program that is meant well does that.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1059/004/
#   - ref: https://attack.mitre.org/techniques/T1609/
# custom:
#   severity: critical
#   attack: [T1059.004, T1571, T1095]
#   mitigations: [M1038, M1037]
#   remediation: >-
#     Remove the command, and find out who put it there. To debug a pod, use kubectl exec or kubectl debug.
package tidewaiter.image["reverse-shell"]

import data.tidewaiter.lib

deny contains {"msg": msg, "path": run.path, "evidence": evidence} if {
	some run in input.runs
	some action in run.actions
	action.kind == "reverse-shell"
	msg := sprintf("%s opens a shell to the network%s: %s", [run.where, lib.place(action), lib.steps(action)])
	evidence := lib.shown(run, action)
}
