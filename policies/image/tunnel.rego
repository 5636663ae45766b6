# METADATA
# scope: package
# title: Tunnel in the image
# description: >-
#   Tunnels and proxies (ngrok, frp, chisel, tor) let traffic through that the network's rules would stop, in both
#   directions: a command channel in, what was stolen out.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1572/
#   - ref: https://attack.mitre.org/techniques/T1090/
# custom:
#   severity: medium
#   attack: [T1572, T1090.003]
#   mitigations: [M1042, M1037, M1031]
#   remediation: >-
#     Remove the tool. Let a gateway or a service mesh do it, where the cluster's owner sees it.
package tidewaiter.image.tunnel

import data.tidewaiter.lib.images

deny contains finding if some finding in images.by_tool("tunnel", "tunnel")
