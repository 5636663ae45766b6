# METADATA
# scope: package
# title: Cryptocurrency miner
# description: >-
#   A file of the image is a miner: two independent indicators say so. It burns what the cluster's owner pays for,
#   and shows that somebody else decides what the image holds. A miner that a later layer deletes is still shipped.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1496/
# custom:
#   severity: critical
#   attack: [T1496.001, T1525, T1204.003]
#   mitigations: [M1045, M1047]
#   remediation: >-
#     Do not deploy the image. Find out which layer brought the file, rebuild from a base that is trusted, and treat
#     the pipeline as broken into.
package tidewaiter.image.miner

import data.tidewaiter.lib.images

deny contains finding if some finding in images.by_file("miner", "is a miner")

deny contains finding if some finding in images.settings("miner", "starts a miner")
