# METADATA
# scope: package
# title: Tag latest
# description: >-
#   latest, which is also meant where no tag is written, is whatever was pushed last. What was reviewed is not what
#   the next node pulls, and nobody can tell which version runs or go back to the one before.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/containers/images/#image-names
# custom:
#   severity: medium
#   attack: [T1525, T1195.002]
#   mitigations: [M1045, M1047]
#   applies: [pods]
#   remediation: >-
#     Name the version, and pin it by digest: image:1.4.2@sha256:….
package tidewaiter.kubernetes["latest-tag"]

deny contains {"msg": msg, "path": use.path} if {
	some pod in input.pods
	some use in pod.images
	use.reference.tag == "latest"
	use.reference.digest == ""
	msg := sprintf("image %q is whatever is latest", [use.written])
}
