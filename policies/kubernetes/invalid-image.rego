# METADATA
# scope: package
# title: Image reference that is none
# description: >-
#   What stands where an image belongs is no image reference, or nothing, or a placeholder that something fills in
#   later. It cannot be looked at, so nothing can be said of what would run. A placeholder weighs less in a template
#   that runs nothing by itself.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/containers/images/#image-names
#   - ref: https://pkg.go.dev/github.com/distribution/reference
# custom:
#   severity: high
#   attack: [T1525, T1036]
#   mitigations: [M1047]
#   applies: [pods]
#   remediation: >-
#     Write registry/repository:tag@sha256:…, in lower case, without a scheme. Where ko, envsubst or the like fills in
#     the image, check what that prints.
package tidewaiter.kubernetes["invalid-image"]

import data.tidewaiter.lib

deny contains {"msg": msg, "path": use.path, "severity": severity(use.written)} if {
	some pod in input.pods
	some use in pod.images
	use.invalid
	use.written != ""
	msg := lib.line(sprintf("image %q is %s", [use.written, reason(use)]))
}

deny contains {"msg": msg, "path": path} if {
	some pod in input.pods
	some container in pod.containers
	not named(container.spec)
	not container.merged
	msg := sprintf("%s names no image", [lib.label(container)])
	path := array.concat(container.path, ["image"])
}

named(spec) if {
	is_string(spec.image)
	spec.image != ""
}

# reason is what is wrong with an image, without the image at its beginning.
reason(use) := "a placeholder: which image will be filled in is not known here" if {
	placeholder(use.written)
} else := "what ko builds: check what ko resolve prints" if {
	startswith(use.written, "ko://")
} else := sprintf("no reference: %s", [cause]) if {
	cause := trim_prefix(trim_prefix(use.invalid, sprintf("%q ", [use.written])), "is not an image reference: ")
}

placeholder(written) if regex.match(`\$\(.+\)|\$\{.+\}|\{\{.+\}\}|<[^>]+>`, written)

severity(written) := "medium" if {
	placeholder(written)
	input.object.kind in templates
} else := "high"

# templates are the kinds that run nothing until another object, or a person, says with which images.
templates := {
	"ClusterTask", "ClusterWorkflowTemplate", "Pipeline", "StepAction",
	"Task", "TriggerTemplate", "WorkflowTemplate",
}
