# METADATA
# scope: package
# title: Network policy that selects nothing
# description: >-
#   A policy whose podSelector matches no pod protects none: the label is misspelt, or has changed. Pods that an
#   operator makes are not in the run, so this is only worth a look.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/services-networking/network-policies/
# custom:
#   severity: low
#   attack: [T1046]
#   mitigations: [M1030]
#   remediation: >-
#     Let podSelector ask for labels that the pods have, or be empty.
package tidewaiter.set["idle-network-policy"]

deny contains {"msg": msg, "path": ["spec", "podSelector"], "object": policy.object} if {
	some policy in input.policies
	policy.judged
	policy.selects == 0
	some namespace in input.namespaces # that has workloads at all
	namespace.name in {policy.namespace, ""}
	msg := sprintf("%s selects no workload of this run", [policy.label])
}
