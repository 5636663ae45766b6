# METADATA
# scope: package
# title: Image not signed
# description: >-
#   The configuration trusts certain signers for this image, and nobody has signed it. Whoever can push to the
#   registry could have put it there.
# related_resources:
#   - ref: https://docs.sigstore.dev/cosign/signing/signing_with_containers/
#   - ref: https://attack.mitre.org/mitigations/M1045/
# custom:
#   severity: high
#   attack: [T1525, T1195.002, T1553]
#   mitigations: [M1045]
#   remediation: >-
#     Sign the image's digest in the pipeline that builds it (cosign sign), with a key or identity that the entry
#     trusts.
package tidewaiter.image.unsigned

deny contains {"msg": msg, "path": [], "evidence": {"images": entry.images, "digest": input.digest}} if {
	input.signature.found == 0
	some entry in input.signature.entries
	not entry.signed
	msg := sprintf("no signature: trust entry for %s asks for %d", [concat(", ", entry.images), entry.threshold])
}
