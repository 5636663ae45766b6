# What the rules on RBAC share: the rules of a role, what they grant, and who a binding is for.
package tidewaiter.lib.rbac

# rules are the rules of a Role or a ClusterRole, whatever group serves it.
rules := input.object.rules if input.object.kind in {"ClusterRole", "Role"}

# subjects are who a RoleBinding or a ClusterRoleBinding is for.
subjects := input.object.subjects if input.object.kind in {"ClusterRoleBinding", "RoleBinding"}

# label names the object as messages do.
label := sprintf("%s %q", [input.object.kind, name])

default name := ""

name := input.object.metadata.name

# bound names the role that a binding gives, "" if it names none.
default bound := ""

bound := input.object.roleRef.name

# namespaced tells that the object is about one namespace.
namespaced if input.object.kind in {"Role", "RoleBinding"}

# grants are what the role grants that is worth a finding, each with the topic that is the name of the rule which
# objects to it.
grants := of_role(input.object.kind, rules)

# of_role are the grants of a role's rules. The rules that grant everything are left out: to those wildcard-rbac
# objects, and ten more findings that say the same help nobody.
of_role(kind, role_rules) := [grant |
	some i, rule in role_rules
	not everything(rule)
	some j, resource in rule.resources
	some meaning in rights[resource]
	right := meanings[meaning]
	group(rule, right.group)
	granted := verbs(rule, right.verbs)
	not elsewhere(resource, rule)
	grant := {
		"topic": right.topic,
		"rule": rule,
		"path": ["rules", i, "resources", j],
		"verbs": concat(", ", granted),
		"resource": meant(resource, right.topic),
		"severity": weigh(right.severity, kind, rule),
	}
]

# meant is a resource in words: what a bare star stands for here.
meant(resource, topic) := sprintf("%s (resources: *)", [stars[topic]]) if {
	resource == "*"
} else := resource

stars := {
	"escalating-verbs": "roles, users, groups and service accounts",
	"nodes-proxy": "nodes/proxy",
	"pods-exec": "pods/exec and more",
	"secrets-read": "secrets",
}

# weigh makes a right weigh less in one namespace than in all of them, and less again for named objects only. It is
# undefined where nothing is left to object to: named secrets in a Role are what the advice comes to.
weigh(severity, kind, rule) := lighter[severity][steps] if {
	steps := count([reason |
		some reason in ["namespace", "names"]
		lightens(reason, kind, rule)
	])
}

lightens("namespace", "Role", _)

lightens("names", _, rule) if names_some(rule)

lighter := {
	"high": ["high", "medium", "low"],
	"medium": ["medium", "low"],
}

# names_some tells that a rule is about certain objects only. An empty name among them stands for all: it is what a
# list request carries.
names_some(rule) if {
	some _ in rule.resourceNames
	not "" in rule.resourceNames
}

# elsewhere tells that a right on signers is about signers that the cluster itself does not trust: an operator's own.
elsewhere(resource, rule) if {
	resource == "signers"
	names_some(rule)
	every signer in rule.resourceNames {
		is_string(signer)
		not startswith(signer, "kubernetes.io/")
		not startswith(signer, "*")
	}
}

# group tells that a rule is about an API group.
group(rule, wanted) if {
	some written in rule.apiGroups
	written in {wanted, "*"}
}

# verbs are those of the wanted verbs that a rule grants, as it writes them. Undefined if there is none.
verbs(rule, wanted) := granted if {
	granted := [verb | some verb in rule.verbs; is_string(verb); allows(verb, wanted)]
	count(granted) > 0
}

allows("*", _)

allows(verb, wanted) if verb in wanted

# everything tells that a rule grants all verbs on all resources.
everything(rule) if {
	all_verbs(rule)
	"*" in rule.resources
}

# all_verbs tells that a rule grants every verb: by a star, or one by one, which is as powerful.
all_verbs(rule) if {
	"*" in rule.verbs
} else if {
	count({"create", "delete", "get", "list", "patch", "update", "watch"} - {verb | some verb in rule.verbs}) == 0
}
