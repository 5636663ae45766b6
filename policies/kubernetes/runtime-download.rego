# METADATA
# scope: package
# title: Code fetched and run at start
# description: >-
#   The container fetches code when it starts and runs it. What runs was never scanned or signed, may be another
#   tomorrow, and is how miners and droppers get in. One that is checked against a digest or a signature before it
#   runs weighs less, and so does a manifest or a chart that is fetched and applied to the cluster with the pod's
#   rights.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1105/
#   - ref: https://slsa.dev/spec/v1.0/threats
# custom:
#   severity: high
#   attack: [T1105, T1059.004, T1204.003]
#   mitigations: [M1038, M1033, M1037]
#   applies: [pods]
#   remediation: >-
#     Put the program into the image at build time, with its checksum verified, and let the container start it from
#     there.
package tidewaiter.kubernetes["runtime-download"]

import data.tidewaiter.lib

deny contains {"msg": msg, "path": run.path, "evidence": evidence, "severity": lib.weight(action)} if {
	some pod in input.pods
	some container in pod.containers
	some run in container.runs
	some action in run.actions
	action.kind == "runtime-download"
	msg := sprintf("%s downloads code and runs it: %s", [lib.command(container, run), lib.steps(action)])
	evidence := lib.shown(run, action)
}
