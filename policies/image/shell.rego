# METADATA
# scope: package
# title: Shell in the image
# description: >-
#   Who gets code to run in a container needs a shell next; most exploits and all reverse shells count on one. A
#   server program does not need it.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1059/004/
#   - ref: https://github.com/GoogleContainerTools/distroless
# custom:
#   severity: low
#   attack: [T1059.004, T1609]
#   mitigations: [M1042, M1038]
#   remediation: >-
#     Build on a base without a shell (distroless, scratch, static), in a second stage; debug with kubectl debug.
package tidewaiter.image.shell

import data.tidewaiter.lib.images

deny contains finding if some finding in images.by_tool("shell", "shell")
