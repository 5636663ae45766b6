# METADATA
# scope: package
# title: SELinux label of its own
# description: >-
#   SELinux keeps containers apart by their label. A type made for something else, spc_t above all, or a user or
#   role of its own, lifts a container out of that.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
# custom:
#   severity: high
#   attack: [T1611, T1562.001]
#   mitigations: [M1048]
#   applies: [pods]
#   remediation: >-
#     Remove seLinuxOptions user and role, and leave type out or set it to container_t, container_init_t,
#     container_kvm_t or container_engine_t.
package tidewaiter.kubernetes.selinux

import data.tidewaiter.lib

deny contains {"msg": msg, "path": path} if {
	some context in lib.contexts
	some field, value in context.fields.seLinuxOptions
	not value in allowed[field]
	msg := sprintf("%s sets SELinux %s %q", [lib.holder(context), field, value])
	path := array.concat(context.path, ["seLinuxOptions", field])
}

allowed := {
	"type": {null, "", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"},
	"user": {null, ""},
	"role": {null, ""},
}
