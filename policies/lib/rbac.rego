# What the rules on RBAC share: the rules of a role, and what they grant.
package tidewaiter.lib.rbac

# rules are the rules of a Role or a ClusterRole, whatever group serves it.
rules := input.object.rules if input.object.kind in {"ClusterRole", "Role"}

# subjects are who a RoleBinding or a ClusterRoleBinding is for.
subjects := input.object.subjects if input.object.kind in {"ClusterRoleBinding", "RoleBinding"}

# label names the object as messages do.
label := sprintf("%s %q", [input.object.kind, name])

default name := ""

name := input.object.metadata.name

# severity weighs a right in one namespace less than the same right in all of them.
default severity := "high"

severity := "medium" if input.object.kind == "Role"

# group tells that a rule is about an API group.
group(rule, wanted) if {
	some written in rule.apiGroups
	written in {wanted, "*"}
}

# verbs are those of the wanted verbs that a rule grants, as it writes them. Undefined if there is none.
verbs(rule, wanted) := granted if {
	granted := [verb | some verb in rule.verbs; verb in (wanted | {"*"})]
	count(granted) > 0
}

# narrow are the rules that do not grant everything, each with its index. To those that do wildcard-rbac objects,
# and five more findings that say the same help nobody.
narrow := [[i, rule] |
	some i, rule in rules
	not everything(rule)
]

# core are the narrow rules about the API group of pods, nodes and secrets.
core := [[i, rule] |
	some [i, rule] in narrow
	some written in rule.apiGroups
	written in {"", "*"}
]

# everything tells that a rule grants all verbs on all resources.
everything(rule) if {
	"*" in rule.verbs
	"*" in rule.resources
}
