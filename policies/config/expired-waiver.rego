# METADATA
# scope: package
# title: Waiver past its day
# description: >-
#   The waiver's day is over: it covers nothing any more, and what it covered counts again.
# related_resources:
#   - ref: https://csrc.nist.gov/glossary/term/risk_acceptance
# custom:
#   severity: medium
#   attack: [T1562]
#   mitigations: [M1047]
#   remediation: >-
#     Mend what the waiver was for and remove it, or have its owner decide again and set a new day.
package tidewaiter.config["expired-waiver"]

deny contains {"msg": msg, "path": array.concat(waiver.path, ["expires"])} if {
	some waiver in input.waivers
	waiver.expired
	msg := sprintf("waiver of %s for %q expired on %s", [waiver.rule, waiver.subject, waiver.expires])
}
