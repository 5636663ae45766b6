# METADATA
# scope: package
# title: Workload that is not understood
# description: >-
#   A custom resource names an image, or holds a patch of pods or a manifest as text, in a field of which nothing
#   here knows who runs it and how. What its controller makes of it was not judged.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/extend-kubernetes/api-extension/custom-resources/
# custom:
#   severity: medium
#   attack: [T1610]
#   mitigations: [M1047]
#   remediation: >-
#     Check the pods that the resource's controller makes, and waive the finding for this kind.
package tidewaiter.kubernetes["unknown-workload"]

deny contains {"msg": msg, "path": path} if {
	some path in input.unknown
	not path[count(path) - 1] in {"podSpecPatch", "manifest"}
	msg := sprintf("%s names an image in a field that is not understood: %s", [input.object.kind, value(path)])
}

deny contains {"msg": msg, "path": path} if {
	some path in input.unknown
	path[count(path) - 1] == "podSpecPatch"
	msg := sprintf("%s patches the pods that it makes by a text, which is not judged", [input.object.kind])
}

deny contains {"msg": msg, "path": path} if {
	some path in input.unknown
	path[count(path) - 1] == "manifest"
	msg := sprintf("%s creates an object of a manifest that it holds as text, which is not judged", [input.object.kind])
}

value(path) := object.get(input.object, path, "")
