# METADATA
# scope: package
# title: May extend the API
# description: >-
#   Who may write an APIService sends a part of the API to a server of his own, with the credentials of whoever
#   calls it; who may write a CustomResourceDefinition has every object of its kind converted by a webhook of his
#   own.
# related_resources:
#   - ref: https://kubernetes.io/docs/tasks/extend-kubernetes/setup-extension-api-server/
# custom:
#   severity: medium
#   attack: [T1098.006, T1557]
#   mitigations: [M1018, M1026]
#   applies: [ClusterRole, Role]
#   remediation: >-
#     Name the definitions by resourceNames, or install them apart from the program that uses them.
package tidewaiter.kubernetes["api-extension-write"]

import data.tidewaiter.lib.rbac

deny contains {"msg": msg, "path": grant.path, "severity": grant.severity} if {
	some grant in rbac.grants
	grant.topic == "api-extension-write"
	msg := sprintf("%s may %s %s", [rbac.label, grant.verbs, grant.resource])
}
