# METADATA
# scope: package
# title: Namespace without Pod Security
# description: >-
#   Pod Security stops at the API server what no gate before it saw, if the namespace says how much it is to
#   allow. Without a label, and with privileged, that is everything.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/security/pod-security-admission/
# custom:
#   severity: low
#   attack: [T1610, T1611]
#   mitigations: [M1026, M1047]
#   applies: [Namespace]
#   remediation: >-
#     Label the namespace pod-security.kubernetes.io/enforce: restricted, or baseline.
package tidewaiter.kubernetes["namespace-pod-security"]

deny contains {"msg": msg, "path": path} if {
	input.object.kind == "Namespace"
	input.object.apiVersion == "v1"
	not input.object.metadata.labels[enforce]
	msg := sprintf("Namespace %q does not enforce Pod Security", [input.object.metadata.name])
	path := ["metadata", "labels"]
}

deny contains {"msg": msg, "path": ["metadata", "labels", enforce], "severity": "medium"} if {
	input.object.kind == "Namespace"
	level := input.object.metadata.labels[enforce]
	not level in {"baseline", "restricted"}
	msg := sprintf("Namespace %q enforces the Pod Security level %q", [input.object.metadata.name, level])
}

enforce := "pod-security.kubernetes.io/enforce"
