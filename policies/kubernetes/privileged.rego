# METADATA
# scope: package
# title: Privileged container
# description: >-
#   A privileged container has all capabilities, sees every device of the node, and runs without seccomp and
#   AppArmor. Who gets into it owns the node, and with the node every pod on it.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
#   - ref: https://kubernetes.io/docs/tasks/configure-pod-container/security-context/
# custom:
#   severity: critical
#   attack: [T1610, T1611]
#   mitigations: [M1026, M1048]
#   applies: [pods]
#   remediation: >-
#     Remove privileged: true. If one capability or one device is what the container needs, give it that alone:
#     by securityContext.capabilities.add, or by a device plugin.
package tidewaiter.kubernetes.privileged

import data.tidewaiter.lib

deny contains {"msg": msg, "path": path} if {
	some pod in input.pods
	some container in pod.containers
	lib.on(container.spec.securityContext.privileged)
	msg := sprintf("%s runs privileged", [lib.label(container)])
	path := array.concat(container.path, ["securityContext", "privileged"])
}
