# METADATA
# scope: package
# title: Command that cannot be read
# description: >-
#   What the container would run could not be understood, or not all of it, so nobody can say what it does. Encoded
#   and generated scripts look like that, and so do mistakes.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1027/
# custom:
#   severity: medium
#   attack: [T1027, T1059.004]
#   mitigations: [M1038, M1047]
#   applies: [pods]
#   remediation: >-
#     Write the command out in plain shell, or put the script into the image as a file.
package tidewaiter.kubernetes["unreadable-command"]

import data.tidewaiter.lib

deny contains {"msg": msg, "path": run.path, "evidence": {"reason": run.unreadable}} if {
	some pod in input.pods
	some container in pod.containers
	some run in container.runs
	run.unreadable != ""
	msg := lib.line(sprintf("%s cannot be read: %s", [lib.command(container, run), run.unreadable]))
}
