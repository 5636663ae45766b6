# METADATA
# scope: package
# title: etcd without client certificates
# description: >-
#   etcd holds every object of the cluster, secrets included, and asks nobody for permission. Without client
#   certificates whoever reaches it reads and writes them all.
# related_resources:
#   - ref: https://etcd.io/docs/latest/op-guide/security/
# custom:
#   severity: high
#   attack: [T1552, T1190]
#   mitigations: [M1035]
#   applies: [pods, ClusterConfiguration]
#   remediation: >-
#     Listen on https, and set --client-cert-auth=true with --trusted-ca-file, for peers too.
package tidewaiter.kubernetes["insecure-etcd"]

import data.tidewaiter.lib
import data.tidewaiter.lib.flags

deny contains {"msg": msg, "path": found.path} if {
	some found in servers
	some text in faults(found.flags)
	msg := sprintf("%s starts etcd %s", [found.label, text])
}

servers contains found if {
	some program in flags.programs
	program.name == "etcd"
	found := {"flags": program.flags, "path": program.path, "label": lib.label(program.container)}
}

servers contains found if {
	input.object.kind == "ClusterConfiguration"
	written := flags.settings(input.object.etcd.local.extraArgs)
	found := {"flags": written, "path": ["etcd", "local", "extraArgs"], "label": "ClusterConfiguration"}
}

faults(found) := array.concat(
	[sprintf("with --%s=%s", [name, value]) |
		some [name, value] in found
		bad(name, value)
	],
	["on https without --client-cert-auth" |
		urls := flags.last(found, {"listen-client-urls"})
		some url in split(urls, ",")
		startswith(url, "https://")
		flags.wildcard(url)
		not flags.last(found, {"client-cert-auth"})
	],
)

bad(name, value) if {
	name in {"listen-client-urls", "listen-peer-urls"}
	some url in split(value, ",")
	startswith(url, "http://")
	flags.wildcard(url)
}

bad(name, value) if {
	name in {"auto-tls", "peer-auto-tls"}
	not value in flags.off
}

bad(name, value) if {
	name in {"client-cert-auth", "peer-client-cert-auth"}
	value in flags.off
}
