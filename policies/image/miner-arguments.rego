# METADATA
# scope: package
# title: Miner started
# description: >-
#   The image starts a program with the pool, the wallet or the options of a cryptocurrency miner. What the program
#   calls itself does not matter. It burns what the cluster's owner pays for.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1496/
# custom:
#   severity: critical
#   attack: [T1496.001, T1525]
#   mitigations: [M1047, M1045]
#   remediation: >-
#     Do not deploy the image. Find out who built it, and treat the pipeline as broken into.
package tidewaiter.image["miner-arguments"]

import data.tidewaiter.lib

deny contains {"msg": msg, "path": run.path, "evidence": evidence} if {
	some run in input.runs
	some action in run.actions
	action.kind == "miner-arguments"
	msg := sprintf("%s mines%s: %s", [run.where, lib.place(action), lib.steps(action)])
	evidence := lib.shown(run, action)
}
