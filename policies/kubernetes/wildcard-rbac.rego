# METADATA
# scope: package
# title: Wildcard in a role
# description: >-
#   A "*" grants what exists today and whatever is installed tomorrow. On the built-in API groups it includes secrets,
#   exec and the roles themselves, which is as good as being an administrator.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
# custom:
#   severity: high
#   attack: [T1078, T1098.006]
#   mitigations: [M1018, M1026]
#   applies: [ClusterRole, Role]
#   remediation: List the verbs, resources and API groups that are used.
package tidewaiter.kubernetes["wildcard-rbac"]

import data.tidewaiter.lib.rbac

deny contains {"msg": msg, "path": path, "severity": severity(rule)} if {
	some i, rule in rbac.rules
	fields := [field | some field in ["verbs", "resources", "apiGroups", "nonResourceURLs"]; "*" in rule[field]]
	count(fields) > 0
	not listed(rule)
	msg := sprintf("%s grants all %s", [rbac.label, concat(", ", fields)])
	path := ["rules", i, fields[0], [j | some j, value in rule[fields[0]]; value == "*"][0]]
}

deny contains {"msg": msg, "path": ["rules", i, "verbs"], "severity": severity(rule)} if {
	some i, rule in rbac.rules
	listed(rule)
	msg := sprintf("%s grants every verb, one by one, on all resources", [rbac.label])
}

# listed tells that a rule grants all verbs on all resources without a star for the verbs.
listed(rule) if {
	rbac.everything(rule)
	not "*" in rule.verbs
}

# All verbs on all resources is an administrator by another name. All resources of the core group include secrets,
# and of any other of Kubernetes' groups, where more than reading is granted, what to run. All verbs on what is named
# are what operators have on their own; the rules on secrets, workloads and so on say where that is too much.
severity(rule) := "critical" if {
	input.object.kind == "ClusterRole"
	rbac.everything(rule)
	rbac.group(rule, "")
} else := "high" if {
	rbac.everything(rule)
	built_in(rule)
} else := "high" if {
	input.object.kind == "ClusterRole"
	"*" in rule.resources
	powerful(rule)
} else := "medium"

powerful(rule) if rbac.group(rule, "")

powerful(rule) if {
	built_in(rule)
	some verb in rule.verbs
	not verb in {"get", "list", "watch"}
}

# built_in tells that a rule is about an API group of Kubernetes itself. metrics.k8s.io and others that end alike
# are served by add-ons.
built_in(rule) if {
	some group in rule.apiGroups
	group in groups
}

groups := {
	"",
	"*",
	"admissionregistration.k8s.io",
	"apiextensions.k8s.io",
	"apiregistration.k8s.io",
	"apps",
	"authentication.k8s.io",
	"authorization.k8s.io",
	"autoscaling",
	"batch",
	"certificates.k8s.io",
	"coordination.k8s.io",
	"discovery.k8s.io",
	"events.k8s.io",
	"extensions",
	"flowcontrol.apiserver.k8s.io",
	"internal.apiserver.k8s.io",
	"networking.k8s.io",
	"node.k8s.io",
	"policy",
	"rbac.authorization.k8s.io",
	"resource.k8s.io",
	"scheduling.k8s.io",
	"storage.k8s.io",
	"storagemigration.k8s.io",
}
