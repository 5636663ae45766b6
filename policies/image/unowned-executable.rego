# METADATA
# scope: package
# title: Program that no package owns
# description: >-
#   A program or a library is in a folder that belongs to the distribution, such as /usr/bin, or in one that is not for
#   programs, such as /tmp, and neither dpkg, apk, rpm nor a package of a programming language brought it. That is
#   usual for what a Dockerfile copies there, and it is where intruders put their tools; no scanner of packages sees
#   either. Programs below /usr/local, /opt, /srv, /home and in folders of their own (/app) are where they belong, and
#   an image without any package database, such as one with nothing but a static program, has nothing to say here.
# related_resources:
#   - ref: https://refspecs.linuxfoundation.org/FHS_3.0/fhs/ch04s09.html
#   - ref: https://attack.mitre.org/techniques/T1036/005/
# custom:
#   severity: low
#   attack: [T1036.005, T1525]
#   mitigations: [M1045]
#   remediation: >-
#     Install it as a package, or put it below /usr/local or /opt, where everybody looks for what the distribution did
#     not bring.
package tidewaiter.image["unowned-executable"]

import data.tidewaiter.lib

import data.tidewaiter.lib.images

# One finding for the image: a program that is unpacked into /usr has hundreds of files.
deny contains {"msg": msg, "path": ["files", unowned[0].path], "evidence": evidence} if {
	count(unowned) > 0
	msg := lib.line(sprintf("%s by no package: %s", [counted, images.listed([file.path | some file in unowned])]))
	evidence := {"count": count(unowned), "files": array.slice([shown(file) | some file in unowned], 0, 20)}
}

unowned := [match.file | some match in images.matches("unowned"); images.visible(match.file)]

counted := "1 program was brought" if {
	count(unowned) == 1
} else := sprintf("%d programs were brought", [count(unowned)])

shown(file) := object.filter(file, ["path", "layer", "layerDigest", "createdBy", "sha256", "mode"])
