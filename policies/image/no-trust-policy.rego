# METADATA
# scope: package
# title: Nobody is asked for the signature
# description: >-
#   No entry of the configuration's trust section is about this image, so whoever can push to the registry decides
#   what runs. Where there are entries, an image that none of them matches is one that nobody meant to deploy. Where
#   there are none, nobody has said yet whom to trust, and the finding is of severity medium.
# related_resources:
#   - ref: https://docs.sigstore.dev/cosign/verifying/verify/
#   - ref: https://attack.mitre.org/mitigations/M1045/
# custom:
#   severity: high
#   attack: [T1525, T1195.002]
#   mitigations: [M1045]
#   remediation: >-
#     Add an entry for the image to trust in tidewaiter.yaml, with the keys or identities that sign it.
package tidewaiter.image["no-trust-policy"]

deny contains {"msg": msg, "path": []} if {
	input.signature.configured
	not matched
	msg := "no trust entry matches the image"
}

deny contains {"msg": msg, "path": [], "severity": "medium"} if {
	input.signature.configured == false
	msg := "no trust policy is configured: signatures are not checked"
}

matched if some _ in input.signature.entries
