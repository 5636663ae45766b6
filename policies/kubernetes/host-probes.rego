# METADATA
# scope: package
# title: Probe or hook to another host
# description: >-
#   The kubelet makes the requests of probes and lifecycle hooks, from the node's network. With a host in them, who
#   writes the pod makes the kubelet talk to whatever the node can reach, past every NetworkPolicy.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
# custom:
#   severity: high
#   attack: [T1090, T1046]
#   mitigations: [M1030, M1037]
#   applies: [pods]
#   remediation: Remove host from the probe or hook, which then goes to the pod's own address.
package tidewaiter.kubernetes["host-probes"]

import data.tidewaiter.lib

deny contains {"msg": msg, "path": path} if {
	some pod in input.pods
	some container in pod.containers
	some probe in ["livenessProbe", "readinessProbe", "startupProbe"]
	some action in ["httpGet", "tcpSocket"]
	host := container.spec[probe][action].host
	not host in {"", null}
	msg := sprintf("%s of %s goes to host %q", [probe, lib.label(container), host])
	path := array.concat(container.path, [probe, action, "host"])
}

deny contains {"msg": msg, "path": path} if {
	some pod in input.pods
	some container in pod.containers
	some hook, handler in container.spec.lifecycle
	some action in ["httpGet", "tcpSocket"]
	host := handler[action].host
	not host in {"", null}
	msg := sprintf("%s of %s goes to host %q", [hook, lib.label(container), host])
	path := array.concat(container.path, ["lifecycle", hook, action, "host"])
}
