# METADATA
# scope: package
# title: Download tool in the image
# description: >-
#   A tool that fetches files is how the second stage of an attack gets in, and how data gets out. A program that
#   has to fetch something brings a library for it.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1105/
# custom:
#   severity: low
#   attack: [T1105, T1048]
#   mitigations: [M1042, M1038]
#   remediation: >-
#     Fetch in a build stage and copy the result; leave the tool out of the final image.
package tidewaiter.image["download-tool"]

import data.tidewaiter.lib.images

deny contains finding if some finding in images.by_tool("download-tool", "download tool")
