# METADATA
# scope: package
# title: Private key in the image
# description: >-
#   Everybody who can pull the image has the key, also where a later layer deletes the file. It opens whatever it was
#   made for.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1552/004/
# custom:
#   severity: medium
#   attack: [T1552.004, T1552.001]
#   mitigations: [M1047, M1041]
#   remediation: >-
#     Revoke the key. Mount it as a secret, or give it to the build with --mount=type=secret.
package tidewaiter.image["private-key"]

import data.tidewaiter.lib.images

deny contains finding if some finding in images.by_file("private-key", "is a private key")
