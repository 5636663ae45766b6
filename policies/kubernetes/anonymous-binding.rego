# METADATA
# scope: package
# title: Rights for anybody
# description: >-
#   system:anonymous and system:unauthenticated are whoever reaches the API server, without any credentials. Open
#   dashboards and mined-out clusters begin with such a binding.
# related_resources:
#   - ref: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#anonymous-requests
#   - ref: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
# custom:
#   severity: critical
#   attack: [T1078.001, T1133, T1190]
#   mitigations: [M1018, M1035]
#   applies: [ClusterRoleBinding, RoleBinding]
#   remediation: Remove the subject, and bind the role to the service account or group that needs it.
package tidewaiter.kubernetes["anonymous-binding"]

import data.tidewaiter.lib.rbac

deny contains {"msg": msg, "path": ["subjects", i, "name"]} if {
	not rbac.bound in harmless
	some i, subject in rbac.subjects
	subject.name in {"system:anonymous", "system:unauthenticated"}
	msg := sprintf("%s gives %s the role %q", [rbac.label, subject.name, rbac.bound])
}

# harmless are roles that Kubernetes itself gives to everybody, and kubeadm to those who join.
harmless := {"kubeadm:bootstrap-signer-clusterinfo", "system:public-info-viewer"}
