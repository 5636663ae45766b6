# METADATA
# scope: package
# title: Reconnaissance tool in the image
# description: >-
#   Port scanners, packet sniffers and their like find the next target from inside the cluster. They belong in a
#   debugging image, not in what is deployed.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1046/
# custom:
#   severity: medium
#   attack: [T1046, T1040, T1613]
#   mitigations: [M1042, M1038]
#   remediation: >-
#     Remove the tool; debug with an ephemeral container that brings it.
package tidewaiter.image["recon-tool"]

import data.tidewaiter.lib.images

deny contains finding if some finding in images.by_tool("recon-tool", "reconnaissance tool")
