# METADATA
# scope: package
# title: SSH key that lets somebody in
# description: >-
#   The image has a list of keys whose owners may log in by SSH, in every container that is made of it.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1098/004/
# custom:
#   severity: medium
#   attack: [T1098.004]
#   mitigations: [M1042, M1022]
#   remediation: >-
#     Remove the file. If people have to log in, mount the list, so that it can be changed without a new image.
package tidewaiter.image["authorized-keys"]

import data.tidewaiter.lib.images

deny contains finding if some finding in images.by_file("authorized-keys", "lists keys that may log in")
