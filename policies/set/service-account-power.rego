# METADATA
# scope: package
# title: Workload with the power over others
# description: >-
#   Who takes a pod has the token of its service account, and may do what that may. The finding stands at the
#   workload, and names the binding, the role and the rule that give it the power. Only rights that lead further
#   are named: what the rules on roles object to with medium or more.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
#   - ref: https://kubernetes.io/docs/concepts/security/service-accounts/
# custom:
#   severity: high
#   attack: [T1528, T1078.004, T1609]
#   mitigations: [M1018, M1026]
#   remediation: >-
#     Bind a role that lists what the workload uses, in the namespace that it is used in; set
#     automountServiceAccountToken to false where nothing is.
package tidewaiter.set["service-account-power"]

import data.tidewaiter.lib.rbac

deny contains {"msg": msg, "path": path, "object": workload.object, "severity": worst, "evidence": evidence} if {
	some workload in input.workloads
	workload.token
	some index in workload.bindings
	found := powers[index]
	binding := input.bindings[index]
	worst := worst_of(found)
	power := [p | some p in found; p.severity == worst][0]
	role := sprintf("%s %q", [binding.roleKind, binding.roleName])
	words := [workload.serviceAccount, power.text, binding.label, role, power.where]
	msg := sprintf("pod runs as service account %q, which may %s: %s -> %s%s", words)
	path := array.concat(workload.specPath, ["serviceAccountName"])
	evidence := {"binding": binding.label, "role": role, "powers": [p.text | some p in array.slice(found, 0, 10)]}
}

# powers are what bindings give, by index. Most give nothing that is worth a word.
powers[index] := found if {
	some index, binding in input.bindings
	found := array.concat(total(binding), partial(binding))
	count(found) > 0
}

total(binding) := [{"severity": rank, "text": "do everything", "where": ""}] if {
	binding.roleKind == "ClusterRole"
	rank := ranks[binding.kind][binding.roleName]
	binding.rules == null
} else := [power |
	some i, rule in binding.rules
	rbac.everything(rule)
	rbac.group(rule, "")
	power := {"severity": total_ranks[binding.kind], "text": "do everything", "where": sprintf(" -> rules[%d]", [i])}
]

partial(binding) := [power |
	some grant in rbac.of_role(scopes[binding.kind], binding.rules)
	grant.severity in {"high", "medium"}
	power := {
		"severity": grant.severity,
		"text": sprintf("%s %s", [grant.verbs, grant.resource]),
		"where": sprintf(" -> rules[%d]", [grant.path[1]]),
	}
]

# A RoleBinding gives power over one namespace, also that of a ClusterRole.
scopes := {"ClusterRoleBinding": "ClusterRole", "RoleBinding": "Role"}

total_ranks := {"ClusterRoleBinding": "high", "RoleBinding": "medium"}

# ranks are those of the roles that every cluster has.
ranks := {
	"ClusterRoleBinding": {"admin": "high", "cluster-admin": "high", "edit": "high"},
	"RoleBinding": {"cluster-admin": "medium"},
}

worst_of(found) := "high" if {
	some power in found
	power.severity == "high"
} else := "medium"
