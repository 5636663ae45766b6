# METADATA
# scope: package
# title: Package that the attested SBOM does not list
# description: >-
#   Somebody whom the trust policy trusts for it has attested what is in the image, and there is more in it: the SBOM
#   is of another image, was made before the last layers, or somebody put packages in. Compared are packages that any
#   tool finds, by package URL without qualifiers. Programs that are known by their content only, modules of Go of
#   which the version is not known, and modules of Python, Ruby and Node.js in the folders of the distribution are not.
# related_resources:
#   - ref: https://github.com/package-url/purl-spec
#   - ref: https://attack.mitre.org/techniques/T1195/002/
# custom:
#   severity: medium
#   attack: [T1195.002, T1525]
#   mitigations: [M1045, M1047]
#   remediation: >-
#     Find out where the packages come from. Make the SBOM of the image that is pushed, by its digest, as the last
#     step of the pipeline, and attest that.
package tidewaiter.image["unlisted-package"]

import data.tidewaiter.lib

deny contains {"msg": msg, "path": [], "evidence": bom} if {
	some bom in input.attestedSBOMs
	bom.unlistedCount > 0
	names := concat(", ", array.slice(bom.unlisted, 0, 10))
	words := [bom.format, bom.listed, bom.unlistedCount, bom.compared, names, more(bom)]
	msg := lib.line(sprintf("the attested %s SBOM (%d packages) lacks %d of %d packages: %s%s", words))
}

more(bom) := "" if {
	bom.unlistedCount <= 10
} else := sprintf(" and %d more", [bom.unlistedCount - 10])
