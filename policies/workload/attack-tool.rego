# METADATA
# scope: package
# title: Attack tool with access to the node
# description: >-
#   The image holds a miner or a tool that attackers bring, and the manifest gives it a way onto the node: a
#   privileged container, a namespace or a folder of the node, a capability that is as good as those. Together they
#   are the takeover of a cluster, whatever either is good for alone.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1610/
#   - ref: https://attack.mitre.org/techniques/T1611/
# custom:
#   severity: critical
#   attack: [T1610, T1611, T1496]
#   mitigations: [M1026, M1045, M1048]
#   remediation: >-
#     Do not deploy it. A node agent that has to have such a tool needs an image without the others, the one right
#     that it uses, and a waiver that says why.
package tidewaiter.workload["attack-tool"]

import data.tidewaiter.lib
import data.tidewaiter.lib.workloads

deny contains {"msg": msg, "path": path, "severity": severity(tool), "evidence": evidence} if {
	some [pod, container, platform] in workloads.seen
	ways := sort([way | some way in workloads.host(pod, container)])
	count(ways) > 0
	some tool in platform.tools
	phrase := phrases[tool.class]
	[_, path] := ways[0]
	words := [lib.label(container), phrase, workloads.named(tool), concat(", ", [name | some [name, _] in ways])]
	msg := lib.line(sprintf("%s has %s, %s, and access to the node: %s", words))
	sides := {"tool": workloads.shown(tool), "access": [name | some [name, _] in ways]}
	evidence := workloads.evidence(container, platform, sides)
}

phrases := {
	"miner": "a miner",
	"suspicious-miner": "what may be a miner",
	"escape-tool": "an escape tool",
	"remote-access": "a tool for remote access",
	"tunnel": "a tunnel",
	"recon-tool": "a reconnaissance tool",
	"preload": "a library that every program loads",
}

# Agents of networks and of monitoring do have packet sniffers and servers for ssh.
severity(tool) := "high" if {
	tool.class in {"recon-tool", "tunnel"}
} else := "high" if {
	tool.tool in {"sshd", "ssh tunnel"}
} else := "critical"
