# METADATA
# scope: package
# title: Remote access in the image
# description: >-
#   Servers of SSH, shared terminals (tmate) and agents that show and run everything (Weave Scope) let people into a
#   container past the API server, its access rules and its audit log.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1219/
#   - ref: https://attack.mitre.org/techniques/T1133/
# custom:
#   severity: medium
#   attack: [T1219, T1133, T1021.004]
#   mitigations: [M1042, M1035]
#   remediation: >-
#     Remove the server; use kubectl exec, which is authorised and recorded.
package tidewaiter.image["remote-access"]

import data.tidewaiter.lib.images

deny contains finding if some finding in images.by_tool("remote-access", "remote access")
