# METADATA
# scope: package
# title: Right to run commands in pods
# description: >-
#   exec, attach, port-forward and ephemeral containers lead into running pods: to their service accounts, their
#   secrets and their networks, past the review that an image goes through.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
#   - ref: https://attack.mitre.org/techniques/T1609/
# custom:
#   severity: high
#   attack: [T1609, T1552]
#   mitigations: [M1018, M1026]
#   applies: [ClusterRole, Role]
#   remediation: Remove the subresource from the role; give people who debug a role of their own, bound when needed.
package tidewaiter.kubernetes["pods-exec"]

import data.tidewaiter.lib.rbac

deny contains {"msg": msg, "path": grant.path, "severity": grant.severity} if {
	some grant in rbac.grants
	grant.topic == "pods-exec"
	msg := sprintf("%s may %s %s", [rbac.label, grant.verbs, grant.resource])
}
