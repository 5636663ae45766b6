# METADATA
# scope: package
# title: Writable folder that decides over the node
# description: >-
#   Not every folder of the node is a way to own it. These are: cron jobs, static pods, users and keys, programs,
#   the kernel, and the root that holds them all. Doki wrote the host's cron, Peirates mounts its root. On a
#   DaemonSet it is every node at once.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/storage/volumes/#hostpath
#   - ref: https://attack.mitre.org/software/S0600/
# custom:
#   severity: critical
#   attack: [T1611, T1610, T1053.003]
#   mitigations: [M1026, M1048]
#   applies: [pods]
#   remediation: >-
#     Mount what is needed alone, and readOnly in every container that mounts it.
package tidewaiter.kubernetes["host-path-write"]

import data.tidewaiter.lib
import data.tidewaiter.lib.host

deny contains {"msg": msg, "path": path} if {
	some pod in input.pods
	some i, volume in pod.spec.volumes
	written := volume.hostPath.path
	is_string(written)
	gain := host.meaning(host.folder(written))
	some container in pod.containers
	some mount in container.spec.volumeMounts
	mount.name == volume.name
	not mount.readOnly == true
	msg := sprintf("%s may write to %q: %s%s", [lib.label(container), written, gain, everywhere])
	path := array.concat(pod.specPath, ["volumes", i, "hostPath", "path"])
}

default everywhere := ""

everywhere := ", on every node that the DaemonSet runs on" if input.object.kind == "DaemonSet"
