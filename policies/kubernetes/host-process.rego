# METADATA
# scope: package
# title: Windows HostProcess container
# description: >-
#   A HostProcess container is no container: its processes run on the Windows node itself, with access to its
#   network, its files and its services.
# related_resources:
#   - ref: https://kubernetes.io/docs/tasks/configure-pod-container/create-hostprocess-pod/
#   - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
# custom:
#   severity: critical
#   attack: [T1610, T1611]
#   mitigations: [M1026, M1048]
#   applies: [pods]
#   remediation: Remove windowsOptions.hostProcess from the pod and from its containers.
package tidewaiter.kubernetes["host-process"]

import data.tidewaiter.lib

deny contains {"msg": msg, "path": path} if {
	some context in lib.contexts
	lib.on(context.fields.windowsOptions.hostProcess)
	msg := sprintf("%s is a Windows HostProcess", [lib.holder(context)])
	path := array.concat(context.path, ["windowsOptions", "hostProcess"])
}
