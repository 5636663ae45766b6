# METADATA
# scope: package
# title: Pods without a network policy
# description: >-
#   Without a NetworkPolicy that selects it a pod may be reached from every other one, and reach every other one,
#   the API server, the cloud's metadata and the internet: what takes one takes the next. It is one finding for
#   each namespace, and low where nothing else in the run speaks of the namespace's network: the policies may then
#   stand elsewhere.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/services-networking/network-policies/
# custom:
#   severity: medium
#   attack: [T1046, T1570, T1610]
#   mitigations: [M1030, M1035]
#   remediation: >-
#     Add a NetworkPolicy with an empty podSelector that allows nothing, and one for each connection that is
#     meant.
package tidewaiter.set["no-network-policy"]

deny contains {"msg": msg, "path": first.specPath, "object": first.object, "severity": severity(namespace)} if {
	some namespace in input.namespaces
	bare := [workload |
		some i in namespace.workloads
		workload := input.workloads[i]
		not workload.selected
		not workload.spec.hostNetwork == true # no policy would hold for it
	]
	first := bare[0]
	msg := sprintf("no NetworkPolicy selects %s%s: %s", [
		part(count(bare), count(namespace.workloads)),
		within(namespace.name),
		listed([workload.label | some workload in array.slice(bare, 0, 4)]),
	])
}

severity(namespace) := "medium" if {
	namespace.policies > 0
} else := "low"

part(_, 1) := "the one workload"

part(bare, total) := sprintf("%d of the %d workloads", [bare, total]) if total > 1

within(name) := "" if {
	name == ""
} else := sprintf(" in namespace %q", [name])

# listed names up to three.
listed(labels) := concat(", ", labels) if {
	count(labels) < 4
} else := sprintf("%s and more", [concat(", ", array.slice(labels, 0, 3))])
