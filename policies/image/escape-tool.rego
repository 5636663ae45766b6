# METADATA
# scope: package
# title: Container escape tool in the image
# description: >-
#   The image holds a program that is made to break out of containers or to take over a cluster. It has no other
#   use.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1611/
# custom:
#   severity: high
#   attack: [T1611, T1613, T1610]
#   mitigations: [M1048, M1045]
#   remediation: >-
#     Do not deploy the image, unless testing security is its purpose; then waive the finding for it.
package tidewaiter.image["escape-tool"]

import data.tidewaiter.lib.images

deny contains finding if some finding in images.by_tool("escape-tool", "escape tool")
