# METADATA
# scope: package
# title: Network policy that allows everything
# description: >-
#   A rule without peers, or for 0.0.0.0/0, and without ports allows whatever the policy seems to forbid. Outgoing
#   alone it is common, and low: it lets a pod fetch what it likes, and send what it has.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/services-networking/network-policies/
# custom:
#   severity: medium
#   attack: [T1046, T1041]
#   mitigations: [M1030]
#   applies: [NetworkPolicy]
#   remediation: >-
#     Name the peers and ports that the pods need.
package tidewaiter.kubernetes["open-network-policy"]

import data.tidewaiter.lib

deny contains {"msg": msg, "path": ["spec", direction, i], "severity": severity} if {
	input.object.kind == "NetworkPolicy"
	some direction, words in {"ingress": "from everywhere", "egress": "to everywhere"}
	some i, rule in input.object.spec[direction]
	open(direction, rule)
	msg := sprintf("NetworkPolicy %q allows every connection %s", [input.object.metadata.name, words])
}

default severity := "low"

severity := "medium" if {
	some incoming in input.object.spec.ingress
	open("ingress", incoming)
}

open(direction, rule) if {
	not rule.ports[0]
	anybody(lib.field(rule, peers[direction]))
}

peers := {"egress": "to", "ingress": "from"}

anybody(list) if not list[0]

anybody(list) if {
	some peer in list
	peer.ipBlock.cidr in {"0.0.0.0/0", "::/0"}
	not peer.ipBlock.except[0]
}
