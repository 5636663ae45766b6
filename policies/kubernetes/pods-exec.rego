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
#   remediation: Remove the subresource from the role; give people who debug a role of their own, bound when needed.
package tidewaiter.kubernetes["pods-exec"]

import data.tidewaiter.lib.rbac

# RBAC itself gives "pods/*" no meaning, but other authorizers do, and who writes it means every subresource.
targets := {
	"pods/exec": {"create", "get"},
	"pods/attach": {"create", "get"},
	"pods/portforward": {"create", "get"},
	"pods/ephemeralcontainers": {"patch", "update"},
	"*/exec": {"create", "get"},
	"*/attach": {"create", "get"},
	"*/portforward": {"create", "get"},
	"*/ephemeralcontainers": {"patch", "update"},
	"pods/*": {"create", "get", "patch", "update"},
	"*": {"create", "get", "patch", "update"},
}

deny contains {"msg": msg, "path": path, "severity": rbac.severity} if {
	some [i, rule] in rbac.core
	some j, resource in rule.resources
	verbs := rbac.verbs(rule, targets[resource])
	msg := sprintf("%s may %s %s", [rbac.label, concat(", ", verbs), meant(resource)])
	path := ["rules", i, "resources", j]
}

# meant says what a bare star stands for here.
meant(resource) := "pods/exec and more (resources: *)" if {
	resource == "*"
} else := resource
