# METADATA
# scope: package
# title: Volume of a restricted type
# description: >-
#   Volumes that a pod defines by itself, such as nfs, iscsi or gitRepo, let it name servers and drivers that the
#   node then mounts as root. A PersistentVolumeClaim leaves that to the cluster's administrator. hostPath has a
#   rule of its own.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
# custom:
#   severity: medium
#   attack: [T1611, T1552]
#   mitigations: [M1048, M1022]
#   applies: [pods]
#   remediation: Claim the storage by a persistentVolumeClaim or a csi volume.
package tidewaiter.kubernetes["volume-types"]

import data.tidewaiter.lib

deny contains {"msg": msg, "path": path} if {
	some pod in input.pods
	some i, volume in pod.spec.volumes
	some type, source in volume
	not type in allowed
	source != null
	msg := sprintf("volume %q is of type %s", [lib.field(volume, "name"), type])
	path := array.concat(pod.specPath, ["volumes", i, type])
}

# allowed are the types that "restricted" allows, the one that host-path objects to, and what is no type.
allowed := {
	"configMap",
	"csi",
	"downwardAPI",
	"emptyDir",
	"ephemeral",
	"hostPath",
	"image",
	"name",
	"persistentVolumeClaim",
	"projected",
	"secret",
}
