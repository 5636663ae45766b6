# METADATA
# scope: package
# title: Kubelet that lets in too many
# description: >-
#   Whoever reaches a kubelet that takes anonymous requests, or allows them all, runs commands in every pod of its
#   node: Hildegard and TeamTNT began so. Flags of kubelet, a KubeletConfiguration, or kubeadm's kubeletExtraArgs.
# related_resources:
#   - ref: https://kubernetes.io/docs/reference/access-authn-authz/kubelet-authn-authz/
#   - ref: https://attack.mitre.org/software/S0601/
# custom:
#   severity: high
#   attack: [T1133, T1609, T1190]
#   mitigations: [M1035, M1018]
#   applies: [pods, KubeletConfiguration, InitConfiguration, JoinConfiguration]
#   remediation: >-
#     Set authentication.anonymous.enabled to false, authorization.mode to Webhook and readOnlyPort to 0.
package tidewaiter.kubernetes["insecure-kubelet"]

import data.tidewaiter.lib
import data.tidewaiter.lib.flags

deny contains {"msg": msg, "path": found.path, "severity": severity} if {
	some found in kubelets
	some [name, value] in found.flags
	severity := bad(name, value)
	msg := sprintf("%s starts kubelet with --%s=%s", [found.label, name, value])
}

deny contains {"msg": msg, "path": path, "severity": severity} if {
	input.object.kind == "KubeletConfiguration"
	some [path, severity, text] in written
	msg := sprintf("KubeletConfiguration %s", [text])
}

kubelets contains found if {
	some program in flags.programs
	program.name == "kubelet"
	found := {"flags": program.flags, "path": program.path, "label": lib.label(program.container)}
}

kubelets contains found if {
	input.object.kind in {"InitConfiguration", "JoinConfiguration"}
	written := flags.settings(input.object.nodeRegistration.kubeletExtraArgs)
	path := ["nodeRegistration", "kubeletExtraArgs"]
	found := {"flags": written, "path": path, "label": input.object.kind}
}

bad("anonymous-auth", value) := "high" if not value in flags.off

bad("authorization-mode", "AlwaysAllow") := "critical"

bad("read-only-port", value) := "high" if value != "0"

bad("cadvisor-port", value) := "medium" if value != "0"

bad("protect-kernel-defaults", value) := "low" if value in flags.off

bad("streaming-connection-idle-timeout", "0") := "low"

written contains [["authentication", "anonymous", "enabled"], "high", "lets in anonymous requests"] if {
	lib.on(input.object.authentication.anonymous.enabled)
}

written contains [["authorization", "mode"], "critical", "allows every request"] if {
	input.object.authorization.mode == "AlwaysAllow"
}

written contains [["readOnlyPort"], "high", sprintf("opens the read-only port %v", [input.object.readOnlyPort])] if {
	not input.object.readOnlyPort in {0, null}
}

written contains [["staticPodURL"], "high", sprintf("takes static pods from %v", [input.object.staticPodURL])] if {
	not input.object.staticPodURL in {"", null}
}

written contains [["enableDebuggingHandlers"], "low", "can run commands though nobody is asked for credentials"] if {
	lib.on(input.object.enableDebuggingHandlers)
	input.object.authorization.mode == "AlwaysAllow"
}
