# METADATA
# scope: package
# title: API server that lets in too many
# description: >-
#   Flags of kube-apiserver, in a static pod or in kubeadm's ClusterConfiguration, that let in requests without
#   credentials, allow everything to everybody, listen without TLS, or leave out what keeps a kubelet to its own
#   node.
# related_resources:
#   - ref: https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/
#   - ref: https://kubernetes.io/docs/concepts/security/security-checklist/
# custom:
#   severity: high
#   attack: [T1133, T1190, T1078.001]
#   mitigations: [M1035, M1018, M1026]
#   applies: [pods, ClusterConfiguration]
#   remediation: >-
#     Set --anonymous-auth=false, --authorization-mode=Node,RBAC and --enable-admission-plugins=NodeRestriction,
#     and leave out the insecure port, token and password files.
package tidewaiter.kubernetes["insecure-api-server"]

import data.tidewaiter.lib
import data.tidewaiter.lib.flags

deny contains {"msg": msg, "path": server.path, "severity": severity} if {
	some server in servers
	some [severity, text] in faults(server.flags)
	msg := sprintf("%s starts kube-apiserver %s", [server.label, text])
}

servers contains server if {
	some program in flags.programs
	program.name == "kube-apiserver"
	server := {"flags": program.flags, "path": program.path, "label": lib.label(program.container)}
}

servers contains server if {
	input.object.kind == "ClusterConfiguration"
	written := flags.settings(input.object.apiServer.extraArgs)
	server := {"flags": written, "path": ["apiServer", "extraArgs"], "label": "ClusterConfiguration"}
}

faults(found) := array.concat(
	[[severity, sprintf("with --%s=%s", [name, value])] |
		some [name, value] in found
		severity := bad(name, value)
	],
	[["medium", "without NodeRestriction among --enable-admission-plugins"] |
		admission := flags.last(found, {"enable-admission-plugins", "admission-control"})
		not contains(admission, "NodeRestriction")
	],
)

bad("anonymous-auth", value) := "medium" if not value in flags.off

bad("authorization-mode", value) := "critical" if contains(value, "AlwaysAllow")

bad("insecure-port", value) := "critical" if value != "0"

bad("insecure-bind-address", _) := "critical"

bad("token-auth-file", _) := "high"

bad("basic-auth-file", _) := "high"

bad("enable-admission-plugins", value) := "high" if contains(value, "AlwaysAdmit")

bad("disable-admission-plugins", value) := "high" if contains(value, "NodeRestriction")

bad("disable-admission-plugins", value) := "medium" if {
	not contains(value, "NodeRestriction")
	contains(value, "PodSecurity")
}

bad("kubelet-https", value) := "high" if value in flags.off

bad("service-account-lookup", value) := "medium" if value in flags.off

bad("profiling", value) := "low" if not value in flags.off
