# METADATA
# scope: package
# title: File that is not what its package brought
# description: >-
#   The digest of a file differs from the one that dpkg, apk or rpm recorded for it when its package was installed, in
#   whatever layer: somebody replaced a program or a library, and every list of packages still calls it genuine. What
#   counts is what the first layer with that version of the package recorded, so to rewrite the record hides nothing.
#   Configuration files may differ, upgrades by a later layer are none of this, and missing files are not looked for.
#   Texts that nothing runs, such as a web server's first page, are of low severity.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1554/
#   - ref: https://manpages.debian.org/debsums.1
# custom:
#   severity: critical
#   attack: [T1554, T1525]
#   mitigations: [M1045, M1047]
#   remediation: >-
#     Find out which command of the Dockerfile replaced the file. Install the package anew; if the file has to be
#     another one, build a package of it or put it below /usr/local.
package tidewaiter.image["tampered-file"]

import data.tidewaiter.lib

import data.tidewaiter.lib.images

# One finding for each package, layer and severity: a package that was overwritten has many files.
deny contains {"msg": msg, "path": ["files", files[0].path], "severity": found.severity, "evidence": evidence} if {
	some found in groups
	files := [file |
		some file in tampered
		file.recorded.package == found["package"]
		file.layer == found.layer
		severity(file) == found.severity
	]
	paths := images.listed([file.path | some file in files])
	first := files[0]
	where := concat("", [images.made_by(first), images.gone(first)])
	words := [paths, phrase(count(files)), named(first.recorded), said(first), where]
	msg := lib.line(sprintf("%s %s not what the package %s brought: %s, in layer %s", words))
	evidence := {"count": count(files), "files": array.slice([shown(file) | some file in files], 0, 10)}
}

tampered := [file | some file in input.files; file.recorded]

groups contains {"package": file.recorded.package, "layer": file.layer, "severity": severity(file)} if {
	some file in tampered
}

# Who edits a text in an image changes what it shows. Python writes its bytecode itself; Ubuntu's images divert man
# to a script; and a link is often put where another link was.
severity(file) := "low" if {
	file.recorded.content == "text"
} else := "medium" if {
	endswith(file.path, ".pyc")
} else := "medium" if {
	file.recorded.diverted
	file.recorded.content == "script"
} else := "medium" if {
	file.recorded.link
	not file.recorded.digest
} else := "critical"

phrase(1) := "is"

phrase(n) := "are" if n > 1

named(recorded) := sprintf("%s %s (%s)", [recorded["package"], recorded.version, recorded.type])

said(file) := sprintf("a link to %s took its place", [file.recorded.link]) if {
	file.recorded.link
} else := sprintf("a %s is there, and the package's own was moved away", [file.recorded.content]) if {
	file.recorded.diverted
} else := sprintf("%s is recorded, and it is %s", [file.recorded.digest, file.recorded.found]) if {
	file.recorded.digest
} else := sprintf("it brought a link, and a %s is there", [file.recorded.content])

shown(file) := object.filter(
	file,
	["path", "layer", "layerDigest", "createdBy", "deletedIn", "sha256", "mode", "recorded"],
)
