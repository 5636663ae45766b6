# METADATA
# scope: package
# title: No seccomp profile
# description: >-
#   Without a seccomp profile a container can make every system call, among them the hundred that programs do not
#   need and kernel exploits do. Kubernetes' default is none.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/
#   - ref: https://kubernetes.io/docs/tutorials/security/seccomp/
# custom:
#   severity: high
#   attack: [T1611, T1068]
#   mitigations: [M1048, M1050]
#   applies: [pods]
#   remediation: 'Set securityContext.seccompProfile.type: RuntimeDefault on the pod, and remove Unconfined below it.'
package tidewaiter.kubernetes.seccomp

import data.tidewaiter.lib

deny contains {"msg": msg, "path": path} if {
	some context in lib.contexts
	profile := context.fields.seccompProfile
	profile != null
	type := lib.field(profile, "type")
	not type in {"RuntimeDefault", "Localhost"}
	msg := sprintf("%s has seccomp profile type %q", [lib.holder(context), type])
	path := array.concat(context.path, ["seccompProfile", "type"])
}

deny contains {"msg": msg, "path": path, "severity": "medium"} if {
	some pod in input.pods
	some container in pod.containers
	not lib.inherited(pod, container, "seccompProfile")
	not lib.windows(pod)
	msg := sprintf("%s has no seccomp profile", [lib.label(container)])
	path := array.concat(container.path, ["securityContext", "seccompProfile"])
}
