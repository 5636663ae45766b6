# METADATA
# scope: package
# title: Packed program
# description: >-
#   A program of the image is compressed with UPX or the like, or it, or a script, carries something behind its end
#   that cannot be read: a 7z archive, a squashfs file system, an encrypted zip, noise. Its content shows only when
#   it runs, so nobody can say what it is. Miners and bots are shipped that way to pass scanners.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1027/002/
# custom:
#   severity: high
#   attack: [T1027.002, T1525]
#   mitigations: [M1045, M1047]
#   remediation: >-
#     Ship the program as its compiler made it (upx -d unpacks it). If it comes from elsewhere, find out what it is.
package tidewaiter.image.packed

import data.tidewaiter.lib.images

deny contains finding if some finding in images.by_file("packed", "is a packed program")
