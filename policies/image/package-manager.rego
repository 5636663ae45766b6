# METADATA
# scope: package
# title: Package manager in the image
# description: >-
#   A package manager installs whatever an attacker lacks, from sources that are trusted and reachable. A running
#   container has no use for it.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1072/
# custom:
#   severity: low
#   attack: [T1072, T1105]
#   mitigations: [M1042, M1033]
#   remediation: >-
#     Install packages in a build stage, and copy what is needed to a base without a package manager.
package tidewaiter.image["package-manager"]

import data.tidewaiter.lib.images

deny contains finding if some finding in images.by_tool("package-manager", "package manager")
