# METADATA
# scope: package
# title: User that the kubelet refuses
# description: >-
#   runAsNonRoot is true and runAsUser is not set, so the kubelet goes by the image's user, and refuses to start the
#   container (CreateContainerConfigError): it is root, or a name of which the kubelet, which does not read the image's
#   /etc/passwd, cannot tell who it is. What then is changed in haste is mostly runAsNonRoot.
# related_resources:
#   - ref: https://kubernetes.io/docs/tasks/configure-pod-container/security-context/
# custom:
#   severity: medium
#   attack: [T1610]
#   mitigations: [M1026]
#   remediation: >-
#     Set runAsUser to the number of the image's user, or end the Dockerfile with USER and that number.
package tidewaiter.workload["refused-user"]

import data.tidewaiter.lib
import data.tidewaiter.lib.workloads

deny contains {"msg": msg, "path": path, "evidence": evidence} if {
	some [pod, container, platform] in workloads.seen
	workloads.forbids_root(pod, container)
	not workloads.user(pod, container)
	not lib.windows(pod)
	not startswith(platform.platform, "windows/")
	why := refusal(platform.user)
	words := [lib.label(container), container.image, why]
	msg := lib.line(sprintf("%s will not start: runAsNonRoot is true, and of image %s %s", words))
	path := array.concat(container.path, ["securityContext", "runAsUser"])
	evidence := workloads.evidence(container, platform, {"user": platform.user})
}

refusal(user) := sprintf("the user %q is no number", [user.written]) if {
	user.named
} else := user.why if user.root
