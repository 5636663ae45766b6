# METADATA
# scope: package
# title: Unmasked /proc
# description: >-
#   The runtime hides parts of /proc that reach the whole node, such as /proc/kcore and /proc/sysrq-trigger. A
#   procMount other than Default shows them. In a user namespace that weighs less: root in it is nobody outside.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/
# custom:
#   severity: high
#   attack: [T1611]
#   mitigations: [M1048]
#   applies: [pods]
#   remediation: Remove procMount, or set it to Default.
package tidewaiter.kubernetes["proc-mount"]

import data.tidewaiter.lib

deny contains {"msg": msg, "path": path, "severity": severity(pod)} if {
	some pod in input.pods
	some container in pod.containers
	value := container.spec.securityContext.procMount
	not value in {null, "Default"}
	msg := sprintf("%s sets procMount %q", [lib.label(container), value])
	path := array.concat(container.path, ["securityContext", "procMount"])
}

severity(pod) := "medium" if {
	lib.user_namespace(pod)
} else := "high"
