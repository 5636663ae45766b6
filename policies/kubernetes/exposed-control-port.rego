# METADATA
# scope: package
# title: Port of the control plane open to the outside
# description: >-
#   The ports of kubelet, etcd and Docker are for the cluster itself. A Service that opens one to the outside is
#   what scanners look for.
# related_resources:
#   - ref: https://kubernetes.io/docs/reference/networking/ports-and-protocols/
# custom:
#   severity: high
#   attack: [T1133, T1609, T1610]
#   mitigations: [M1035, M1030]
#   applies: [Service]
#   remediation: >-
#     Make the Service a ClusterIP, or remove the port.
package tidewaiter.kubernetes["exposed-control-port"]

deny contains {"msg": msg, "path": ["spec", "ports", i]} if {
	input.object.kind == "Service"
	opened
	some i, port in input.object.spec.ports
	some field in ["targetPort", "port"]
	what := ports[port[field]]
	msg := sprintf("Service %q opens port %d to the outside: %s", [input.object.metadata.name, port[field], what])
}

opened if input.object.spec.type in {"LoadBalancer", "NodePort"}

opened if input.object.spec.externalIPs[0]

ports := {
	2375: "Docker without TLS",
	2379: "etcd",
	2380: "etcd",
	10250: "the kubelet",
	10255: "the kubelet, read only",
}
