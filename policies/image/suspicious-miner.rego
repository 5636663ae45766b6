# METADATA
# scope: package
# title: Sign of a miner
# description: >-
#   A file of the image has one of the marks of a miner: a name, a protocol, an algorithm. Alone it is no proof;
#   security tools and wallets carry such words too.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1496/
# custom:
#   severity: medium
#   attack: [T1496.001, T1525]
#   mitigations: [M1045, M1047]
#   remediation: >-
#     Find out what the file is and why it is there. If it is meant to be, waive the finding for this image.
package tidewaiter.image["suspicious-miner"]

import data.tidewaiter.lib.images

deny contains finding if some finding in images.by_file("suspicious-miner", "may be a miner")

deny contains finding if some finding in images.settings("suspicious-miner", "may start a miner")
