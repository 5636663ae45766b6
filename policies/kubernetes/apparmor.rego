# METADATA
# scope: package
# title: AppArmor switched off
# description: >-
#   On nodes with AppArmor a container is confined by the runtime's profile, which among other things forbids it
#   to mount and to write to /proc/sys. Unconfined takes that away.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
#   - ref: https://kubernetes.io/docs/tutorials/security/apparmor/
# custom:
#   severity: high
#   attack: [T1611, T1562.001]
#   mitigations: [M1048]
#   applies: [pods]
#   remediation: >-
#     Remove the profile, which leaves the runtime's default, or set securityContext.appArmorProfile.type to
#     RuntimeDefault or Localhost.
package tidewaiter.kubernetes.apparmor

import data.tidewaiter.lib

deny contains {"msg": msg, "path": path} if {
	some context in lib.contexts
	profile := context.fields.appArmorProfile
	profile != null
	type := lib.field(profile, "type")
	not type in {"RuntimeDefault", "Localhost"}
	msg := sprintf("%s has AppArmor profile type %q", [lib.holder(context), type])
	path := array.concat(context.path, ["appArmorProfile", "type"])
}

deny contains {"msg": msg, "path": path} if {
	some pod in input.pods
	some key, profile in pod.metadata.annotations
	startswith(key, "container.apparmor.security.beta.kubernetes.io/")
	not confines(profile)
	msg := sprintf("annotation %q sets AppArmor profile %q", [key, profile])
	path := array.concat(pod.path, ["metadata", "annotations", key])
}

confines(profile) if profile in {"", "runtime/default"}

confines(profile) if {
	is_string(profile)
	startswith(profile, "localhost/")
}
