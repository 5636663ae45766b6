# METADATA
# scope: package
# title: Software installed at start
# description: >-
#   The image installs packages when it starts. They were never scanned, are others tomorrow, and the container
#   needs root, a writable file system and a way out to get them.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1105/
# custom:
#   severity: high
#   attack: [T1105, T1072]
#   mitigations: [M1033, M1038]
#   remediation: >-
#     Install the packages in the image's build, with their versions pinned.
package tidewaiter.image["runtime-install"]

import data.tidewaiter.lib

deny contains {"msg": msg, "path": run.path, "evidence": evidence, "severity": lib.weight(action)} if {
	some run in input.runs
	run.where != "onbuild" # that is an image's build, where software is installed
	some action in run.actions
	action.kind == "runtime-install"
	msg := sprintf("%s installs software%s: %s", [run.where, lib.place(action), lib.steps(action)])
	evidence := lib.shown(run, action)
}
