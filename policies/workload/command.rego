# METADATA
# scope: package
# title: Command that only its image explains
# description: >-
#   What the container does shows neither in the manifest nor in the image: the arguments of the one are run by the
#   ENTRYPOINT of the other, a variable of the one by a script of the other, or the command of the manifest starts a
#   script that the image does not start by itself. Together they fetch code and run it, install software, or open a
#   shell to the network.
# related_resources:
#   - ref: https://kubernetes.io/docs/tasks/inject-data-application/define-command-argument-container/
#   - ref: https://attack.mitre.org/techniques/T1059/004/
# custom:
#   severity: high
#   attack: [T1059.004, T1105, T1204.003]
#   mitigations: [M1038, M1045]
#   remediation: >-
#     Put what is fetched into the image at build time, with its checksum verified, and let the container start a
#     program that does nothing else.
package tidewaiter.workload.command

import data.tidewaiter.lib
import data.tidewaiter.lib.workloads

deny contains {"msg": msg, "path": run.path, "severity": severity(platform, run, action), "evidence": evidence} if {
	some [_, container, platform] in workloads.seen
	some run in platform.runs
	some action in run.actions
	action.kind != "host-access" # which is one only where the path is the node's
	words := [lib.command(container, run), container.image, phrase(action.kind), lib.place(action), lib.steps(action)]
	msg := lib.line(sprintf("%s, in image %s, %s%s: %s", words))
	evidence := workloads.evidence(container, platform, object.union(lib.shown(run, action), {
		"program": platform.program.args,
		"tools": [workloads.shown(tool) | some tool in platform.tools; tool.tool == action.tool],
	}))
}

phrase(kind) := object.get(phrases, kind, sprintf("does what should not be (%s)", [kind]))

phrases := {
	"runtime-download": "downloads code and runs it",
	"runtime-install": "installs software as it starts",
	"reverse-shell": "opens a shell to the network",
	"host-takeover": "gets at the node",
	"miner-arguments": "is told to mine",
}

# What cannot even start weighs less; that is known only where it is certain where the program would be.
severity(platform, run, action) := "medium" if {
	run.where in {"command", "entrypoint"}
	count(platform.program.looked) > 0
	object.get(platform.program, "found", "") == ""
} else := "critical" if {
	action.kind == "reverse-shell"
} else := lib.weight(action)
