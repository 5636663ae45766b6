# METADATA
# scope: package
# title: Program that the image does not hold
# description: >-
#   The container starts a program that is nowhere in its image, and nothing is mounted where it would be. It cannot
#   start: the command was written for another image, or for what the image once was.
# related_resources:
#   - ref: https://kubernetes.io/docs/tasks/inject-data-application/define-command-argument-container/
# custom:
#   severity: medium
#   attack: [T1610, T1036]
#   mitigations: [M1047]
#   remediation: >-
#     Name the program that the image holds, by its full path; look at the image's own ENTRYPOINT.
package tidewaiter.workload["missing-program"]

import data.tidewaiter.lib
import data.tidewaiter.lib.images
import data.tidewaiter.lib.workloads

deny contains {"msg": msg, "path": path, "evidence": evidence} if {
	some [_, container, platform] in workloads.seen
	program := platform.program
	count(program.looked) > 0
	object.get(program, "found", "") == ""
	words := [lib.label(container), program.args[0], container.image, images.listed(program.looked)]
	msg := lib.line(sprintf("%s starts %s, which is not in image %s: looked for %s", words))
	path := array.concat(container.path, [written(container)])
	evidence := workloads.evidence(container, platform, {"program": program})
}

# written is the field of the manifest that names the program.
written(container) := "command" if {
	container.spec.command
} else := "image"
