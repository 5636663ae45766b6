# METADATA
# scope: package
# title: Token that nothing uses
# description: >-
#   A pod gets the token of its service account unless somebody says no. Where nothing in the run binds the
#   account, the pod has no use for it; a thief has: it opens whatever is bound to the account, or to all
#   accounts, later.
# related_resources:
#   - ref: https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#opt-out-of-api-credential-automounting
# custom:
#   severity: low
#   attack: [T1528, T1552.007]
#   mitigations: [M1018, M1026]
#   remediation: >-
#     Set automountServiceAccountToken to false in the pod or in its service account.
package tidewaiter.set["needless-token"]

deny contains {"msg": msg, "path": path, "object": workload.object} if {
	some workload in input.workloads
	workload.token
	count(workload.bindings) == 0
	msg := sprintf("pod gets a token of service account %q, which nothing in this run binds", [workload.serviceAccount])
	path := array.concat(workload.specPath, ["automountServiceAccountToken"])
}
