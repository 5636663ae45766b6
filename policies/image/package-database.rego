# METADATA
# scope: package
# title: Package database that was removed or edited
# description: >-
#   A layer changes what dpkg, apk or rpm know of packages, and not the packages: none is listed any more, some are
#   not while their files are still there, or the same version of a package has other digests than a lower layer
#   recorded. Scanners of vulnerabilities read this database and nothing else: what is not in it they call secure.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1070/
#   - ref: https://attack.mitre.org/techniques/T1562/001/
# custom:
#   severity: high
#   attack: [T1070, T1562.001, T1525]
#   mitigations: [M1045, M1047]
#   remediation: >-
#     Leave the database as the package manager writes it. To have less in the image, remove packages, not what is known
#     of them, or begin with an image that has less.
package tidewaiter.image["package-database"]

import data.tidewaiter.lib

import data.tidewaiter.lib.images

deny contains {"msg": msg, "path": ["files", change.database], "evidence": change} if {
	some change in input.databases
	names := images.first_of(change.packages, change.count)
	words := [change.database, what[change.change], names, images.made_by(change)]
	msg := lib.line(sprintf("%s: %s (%s), in layer %s", words))
}

what := {
	"removed": "no package is listed any more, and their files are there",
	"lost": "packages are not listed any more, and their files are there",
	"edited": "the records of packages were changed, and not their versions",
}
