# METADATA
# scope: package
# title: Port of the node
# description: >-
#   A hostPort is open on the address of every node that the pod runs on, past Services, and past
#   NetworkPolicies with many network plugins.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
# custom:
#   severity: high
#   attack: [T1133, T1190]
#   mitigations: [M1030, M1035]
#   applies: [pods]
#   remediation: Remove hostPort, and publish the port by a Service (NodePort or LoadBalancer) or an Ingress.
package tidewaiter.kubernetes["host-port"]

import data.tidewaiter.lib

deny contains {"msg": msg, "path": path} if {
	some pod in input.pods
	some container in pod.containers
	some i, port in container.spec.ports
	not port.hostPort in {0, null}
	msg := sprintf("%s takes hostPort %v", [lib.label(container), port.hostPort])
	path := array.concat(container.path, ["ports", i, "hostPort"])
}
