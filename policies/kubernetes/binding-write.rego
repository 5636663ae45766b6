# METADATA
# scope: package
# title: May change roles and bindings
# description: >-
#   Kubernetes lets nobody grant what he does not have himself. Who may write roles and bindings still gives away
#   all that he has, to whomever he likes, for as long as he likes.
# related_resources:
#   - ref: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping
# custom:
#   severity: medium
#   attack: [T1098.006]
#   mitigations: [M1018, M1026]
#   applies: [ClusterRole, Role]
#   remediation: >-
#     Grant it by a Role in the namespaces that need it, or write the bindings where the program is installed.
package tidewaiter.kubernetes["binding-write"]

import data.tidewaiter.lib.rbac

deny contains {"msg": msg, "path": grant.path, "severity": grant.severity} if {
	some grant in rbac.grants
	grant.topic == "binding-write"
	msg := sprintf("%s may %s %s", [rbac.label, grant.verbs, grant.resource])
}
