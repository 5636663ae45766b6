# METADATA
# scope: package
# title: Waiver that covers nothing
# description: >-
#   This run judged what the waiver is about, and found nothing for it to cover. What stays behind will cover the
#   next finding, which nobody has looked at.
# related_resources:
#   - ref: https://csrc.nist.gov/glossary/term/risk_acceptance
# custom:
#   severity: low
#   attack: [T1562]
#   mitigations: [M1047]
#   remediation: >-
#     Remove the waiver, or mend its rule or subject if one is misspelt.
package tidewaiter.config["unused-waiver"]

deny contains {"msg": msg, "path": waiver.path} if {
	some waiver in input.waivers
	waiver.applicable
	not waiver.used
	not waiver.expired
	msg := sprintf("waiver of %s for %q covers nothing", [waiver.rule, waiver.subject])
}
