# METADATA
# scope: package
# title: File not looked at to its end
# description: >-
#   A file of the image is larger than what is looked at. What stands behind the limit is not known, and padding a
#   program is an old way to hide it.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1027/001/
# custom:
#   severity: high
#   attack: [T1027.001]
#   mitigations: [M1047]
#   remediation: >-
#     Make the file smaller, or keep it out of the image and mount it. If it has to be there, waive the finding for
#     this image.
package tidewaiter.image.unscanned

import data.tidewaiter.lib

deny contains {"msg": msg, "path": ["files", file.path], "evidence": evidence} if {
	some file in input.files
	some class in file.classes
	class.class == "unscanned"
	msg := lib.line(sprintf("%s was not looked at to its end: it has %d bytes", [file.path, file.size]))
	evidence := object.filter(file, ["path", "layer", "layerDigest", "deletedIn", "size", "mode"])
}
