# METADATA
# scope: package
# title: Names that resolve elsewhere
# description: >-
#   Who decides how names resolve decides whom a pod talks to. Hildegard put public name servers into its pods,
#   past the ones that watch; an alias sends a registry, or the API server, to an address of one's own.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/
#   - ref: https://attack.mitre.org/software/S0601/
# custom:
#   severity: medium
#   attack: [T1071.004, T1557, T1562]
#   mitigations: [M1030, M1035]
#   applies: [pods]
#   remediation: >-
#     Leave dnsPolicy at ClusterFirst, and put addresses into the cluster's DNS.
package tidewaiter.kubernetes["name-resolution"]

deny contains {"msg": msg, "path": path} if {
	some pod in input.pods
	some i, server in pod.spec.dnsConfig.nameservers
	public(server)
	msg := sprintf("pod asks the public name server %s", [server])
	path := array.concat(pod.specPath, ["dnsConfig", "nameservers", i])
}

deny contains {"msg": msg, "path": path, "severity": severity(name)} if {
	some pod in input.pods
	some i, alias in pod.spec.hostAliases
	some j, name in alias.hostnames
	is_string(name)
	contains(name, ".")
	msg := sprintf("pod takes %v for %q", [object.get(alias, "ip", "?"), name])
	path := array.concat(pod.specPath, ["hostAliases", i, "hostnames", j])
}

# public tells that an address is in no private range (RFC 1918, 6598), and on no link or loopback.
public(address) if {
	is_string(address)
	regex.match(`^[0-9.]+$|^[23][0-9a-fA-F]{3}:`, address)
	not regex.match(private, address)
}

private := `^(0|10|127)\.|^192\.168\.|^169\.254\.|^172\.(1[6-9]|2\d|3[01])\.|^100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.`

severity(name) := "medium" if {
	regex.match(`(^kubernetes\.default|\.svc(\.|$)|(^|\.)(docker\.io|docker\.com|quay\.io|gcr\.io|ghcr\.io|k8s\.io|github\.com)$)`, name)
} else := "low"
