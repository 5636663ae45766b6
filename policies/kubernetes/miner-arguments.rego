# METADATA
# scope: package
# title: Miner started
# description: >-
#   The container starts a program with the pool, the wallet or the options of a cryptocurrency miner. What the
#   program calls itself does not matter. It burns what the cluster's owner pays for.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1496/
# custom:
#   severity: critical
#   attack: [T1496.001, T1610]
#   mitigations: [M1047, M1038]
#   applies: [pods]
#   remediation: >-
#     Remove the workload, and find out who created it and by which way in.
package tidewaiter.kubernetes["miner-arguments"]

import data.tidewaiter.lib

deny contains {"msg": msg, "path": run.path, "evidence": evidence} if {
	some pod in input.pods
	some container in pod.containers
	some run in container.runs
	some action in run.actions
	action.kind == "miner-arguments"
	msg := sprintf("%s mines: %s", [lib.command(container, run), lib.steps(action)])
	evidence := lib.shown(run, action)
}
