# METADATA
# scope: package
# title: Signed, but not by whom is trusted
# description: >-
#   Signatures stand beside the image, and none of them is enough for an entry of the trust policy: they are of
#   another key or identity, of another image, or broken.
# related_resources:
#   - ref: https://docs.sigstore.dev/cosign/verifying/verify/
#   - ref: https://attack.mitre.org/techniques/T1553/
# custom:
#   severity: high
#   attack: [T1525, T1195.002, T1553]
#   mitigations: [M1045]
#   remediation: >-
#     Find out who signed the image and why. Sign it with a key or identity that the entry trusts, or add that
#     signer to the entry.
package tidewaiter.image["untrusted-signer"]

import data.tidewaiter.lib

deny contains {"msg": msg, "path": [], "evidence": evidence} if {
	input.signature.found > 0
	some entry in input.signature.entries
	not entry.signed
	words := [concat(", ", entry.images), lib.field(entry, "missing"), input.signature.found, reasons]
	msg := lib.line(sprintf("trust entry for %s does not hold: %s; found %d%s", words))
	evidence := {"images": entry.images, "digest": input.digest, "rejected": array.slice(rejected, 0, 10)}
}

# What claims a predicate type is an attestation, for missing-attestation to speak of.
rejected := [rejection |
	some rejection in input.signature.rejected
	lib.field(rejection, "predicateType") == ""
]

# reasons say of the first signatures why they do not count.
reasons := "" if {
	count(rejected) == 0
} else := sprintf(", rejected: %s%s", [concat("; ", first), more])

first := [why(rejection) | some rejection in array.slice(rejected, 0, 3)]

why(rejection) := sprintf("%s: %s", [signer(rejection), substring(rejection.reason, 0, 160)])

signer(rejection) := rejection.subject if {
	lib.field(rejection, "subject") != ""
} else := rejection.authority if {
	lib.field(rejection, "authority") != ""
} else := "signature"

more := "" if {
	count(rejected) <= 3
} else := sprintf("; and %d more", [count(rejected) - 3])
