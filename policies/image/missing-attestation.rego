# METADATA
# scope: package
# title: Required attestation missing
# description: >-
#   The trust policy asks for an attestation about this image (where it was built, what is in it, what a scan found),
#   and there is none that counts: it is missing, of somebody else, of another image, too old, or says what the
#   policy does not accept.
# related_resources:
#   - ref: https://docs.sigstore.dev/cosign/verifying/attestation/
#   - ref: https://github.com/in-toto/attestation/blob/main/spec/README.md
#   - ref: https://attack.mitre.org/mitigations/M1045/
# custom:
#   severity: high
#   attack: [T1525, T1195.002]
#   mitigations: [M1045]
#   remediation: >-
#     Attest the image's digest in the pipeline that builds it (cosign attest, actions/attest-build-provenance), with
#     exactly the predicate type that the entry asks for, or mend what the message says is wrong with what was found.
package tidewaiter.image["missing-attestation"]

import data.tidewaiter.lib

deny contains {"msg": msg, "path": [], "evidence": evidence} if {
	some entry in input.signature.entries
	some wanted in entry.attestations
	not wanted.held
	words := [wanted.predicateType, concat(", ", entry.images), lib.field(wanted, "missing")]
	msg := lib.line(sprintf("no attestation %s as the trust entry for %s wants it: %s", words))
	evidence := {
		"predicateType": wanted.predicateType,
		"images": entry.images,
		"digest": input.digest,
		"rejected": array.slice(rejected(wanted.predicateType), 0, 10),
	}
}

# rejected are the attestations of a type that do not count, and what is broken so that its type is not known.
rejected(predicate_type) := [rejection |
	some rejection in input.signature.rejected
	lib.field(rejection, "predicateType") in {predicate_type, ""}
]
