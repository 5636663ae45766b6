# METADATA
# scope: package
# title: Shell for those who may exec
# description: >-
#   A role of the run lets somebody run commands in the pods of this namespace, and the image has a shell to run them
#   with: who gets hold of that account is inside the container, with its secrets and its service account.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1609/
#   - ref: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
# custom:
#   severity: low
#   attack: [T1609, T1059.004]
#   mitigations: [M1018, M1042]
#   remediation: >-
#     Remove pods/exec from the role, or build the image without a shell; debug with an ephemeral container, which a
#     role of its own allows.
package tidewaiter.workload["exec-shell"]

import data.tidewaiter.lib
import data.tidewaiter.lib.images
import data.tidewaiter.lib.workloads

deny contains {"msg": msg, "path": path, "severity": severity(pod), "evidence": evidence} if {
	some [pod, container, platform] in workloads.seen
	count(pod.exec) > 0
	shells := [tool | some tool in platform.tools; tool.class == "shell"]
	count(shells) > 0
	who := images.listed([grant.subject | some grant in pod.exec])
	words := [lib.label(container), who, container.image, workloads.named(shells[0])]
	msg := lib.line(sprintf("%s may be entered by %s: image %s has a shell, %s", words))
	path := array.concat(container.path, ["image"])
	evidence := workloads.evidence(container, platform, {
		"exec": pod.exec,
		"tools": [workloads.shown(tool) | some tool in shells],
	})
}

# An account that runs in a pod is easier to get hold of than one of a person.
severity(pod) := "medium" if {
	some grant in pod.exec
	startswith(grant.subject, "ServiceAccount/")
} else := "low"
