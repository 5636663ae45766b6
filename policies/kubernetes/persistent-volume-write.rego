# METADATA
# scope: package
# title: May create persistent volumes
# description: >-
#   A persistent volume may be a folder of the node, and Pod Security does not look at it: who may create one,
#   mounts the root of a node into a pod that looks harmless. Provisioners need it.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/security/rbac-good-practices/#persistent-volume-creation
# custom:
#   severity: medium
#   attack: [T1610, T1611]
#   mitigations: [M1018, M1026]
#   applies: [ClusterRole, Role]
#   remediation: >-
#     Leave persistent volumes to the provisioner of a storage class.
package tidewaiter.kubernetes["persistent-volume-write"]

import data.tidewaiter.lib.rbac

deny contains {"msg": msg, "path": grant.path, "severity": grant.severity} if {
	some grant in rbac.grants
	grant.topic == "persistent-volume-write"
	msg := sprintf("%s may %s %s", [rbac.label, grant.verbs, grant.resource])
}
