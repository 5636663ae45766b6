# METADATA
# title: Privileged container
# description: >-
#   A privileged container has all capabilities, sees every device of the node, and runs without seccomp and
#   AppArmor: who gets into it owns the node, and with the node every pod on it.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
# custom:
#   severity: critical
#   attack: [T1610, T1611]
#   mitigations: [M1026, M1048]
#   remediation: >-
#     Remove privileged: true. If one capability or one device is what the container needs, add that alone:
#     securityContext.capabilities.add, or a device plugin.
package tidewaiter.kubernetes.privileged

deny contains {"msg": msg, "path": path} if {
	some pod in input.pods
	some container in pod.containers
	container.spec.securityContext.privileged == true
	msg := sprintf("container %q is privileged", [container.name])
	path := array.concat(container.path, ["securityContext", "privileged"])
}
