# METADATA
# scope: package
# title: Code fetched and run at start
# description: >-
#   The image fetches code when it starts and runs it. What runs was never scanned or signed, may be another
#   tomorrow, and is how miners and droppers get in. One that is checked against a digest or a signature before it
#   runs weighs less.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1105/
#   - ref: https://slsa.dev/spec/v1.0/threats
# custom:
#   severity: high
#   attack: [T1105, T1059.004, T1204.003]
#   mitigations: [M1038, M1033, M1037]
#   remediation: >-
#     Put the program into the image at build time, with its checksum verified, and let the container start it from
#     there.
package tidewaiter.image["runtime-download"]

import data.tidewaiter.lib

deny contains {"msg": msg, "path": run.path, "evidence": evidence, "severity": severity(run, action)} if {
	some run in input.runs
	some action in run.actions
	action.kind == "runtime-download"
	msg := sprintf("%s downloads code and runs it%s: %s", [run.where, lib.place(action), lib.steps(action)])
	evidence := lib.shown(run, action)
}

# A build that fetches code is not a container that does: what comes of it will be judged itself.
severity(run, action) := "medium" if {
	run.where == "onbuild"
} else := lib.weight(action)
