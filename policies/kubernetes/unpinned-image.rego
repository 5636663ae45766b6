# METADATA
# scope: package
# title: Image not pinned by digest
# description: >-
#   A tag can be moved to another image at any time, by whoever can push or has broken into the registry. Only a
#   digest says what runs. (The tag latest has a rule of its own.)
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/containers/images/#image-names
#   - ref: https://kubernetes.io/docs/concepts/security/security-checklist/#images
# custom:
#   severity: low
#   attack: [T1525, T1195.002]
#   mitigations: [M1045, M1047]
#   applies: [pods]
#   remediation: >-
#     Append the digest that was tested: image:1.4.2@sha256:….
package tidewaiter.kubernetes["unpinned-image"]

deny contains {"msg": msg, "path": use.path} if {
	some pod in input.pods
	some use in pod.images
	use.reference.digest == ""
	use.reference.tag != "latest"
	msg := sprintf("image %q is not pinned by digest", [use.written])
}
