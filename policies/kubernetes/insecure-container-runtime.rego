# METADATA
# scope: package
# title: Container runtime that listens on the network
# description: >-
#   Who reaches the API of Docker, containerd or CRI-O starts containers of his own, with the node's root mounted:
#   Doki, Kinsing and TeamTNT looked for nothing else. Without TLS that asks for client certificates, whoever
#   reaches it is root.
# related_resources:
#   - ref: https://docs.docker.com/engine/security/protect-access/
#   - ref: https://attack.mitre.org/techniques/T1610/
# custom:
#   severity: critical
#   attack: [T1610, T1133, T1612]
#   mitigations: [M1035]
#   applies: [pods]
#   remediation: >-
#     Listen on a Unix socket, or with --tlsverify.
package tidewaiter.kubernetes["insecure-container-runtime"]

import data.tidewaiter.lib
import data.tidewaiter.lib.flags

deny contains {"msg": msg, "path": program.path, "severity": severity(value)} if {
	some program in flags.programs
	options := listening[program.name]
	some [name, value] in program.flags
	name in options
	startswith(value, "tcp://")
	not verified(program.flags)
	words := [lib.label(program.container), program.name, value]
	msg := sprintf("%s starts %s, which listens on %s without asking for certificates", words)
}

# The entry point of the image docker:dind listens without TLS, and without being told to, where it gets no folder for
# certificates.
deny contains {"msg": msg, "path": path, "severity": "high"} if {
	some pod in input.pods
	some container in pod.containers
	some i, variable in container.spec.env
	variable.name == "DOCKER_TLS_CERTDIR"
	object.get(variable, "value", "") == ""
	not variable.valueFrom
	is_string(container.spec.image)
	regex.match(`(^|/)docker:[^/]*dind`, container.spec.image)
	msg := sprintf("%s starts dockerd, which listens on tcp://0.0.0.0:2375 without TLS", [lib.label(container)])
	path := array.concat(container.path, ["env", i])
}

listening := {
	"containerd": {"address", "a"},
	"cri-dockerd": {"container-runtime-endpoint"},
	"crio": {"listen", "stream-address"},
	"dockerd": {"H", "host"},
	"dockerd-entrypoint.sh": {"H", "host"},
}

verified(found) if not flags.last(found, {"tlsverify"}) in flags.off

severity(address) := "critical" if {
	flags.wildcard(address)
} else := "medium"
