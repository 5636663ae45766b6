# METADATA
# scope: package
# title: Client of a runtime or a cluster in the image
# description: >-
#   With a client of Docker, containerd or Kubernetes a container commands what it was started by, as soon as it gets
#   at a socket or a token. Attackers bring one along; here it is there already.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1609/
#   - ref: https://attack.mitre.org/techniques/T1610/
# custom:
#   severity: medium
#   attack: [T1609, T1610, T1613]
#   mitigations: [M1042, M1018]
#   remediation: >-
#     Remove the client. Programs that need the API have a library for it; jobs that need the client should run from
#     an image of their own.
package tidewaiter.image["cluster-client"]

import data.tidewaiter.lib.images

deny contains finding if some finding in images.by_tool("cluster-client", "client")
