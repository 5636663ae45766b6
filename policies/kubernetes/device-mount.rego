# METADATA
# scope: package
# title: Device of the node
# description: >-
#   A disk of the node, read as a device, shows every file on it, whatever their permissions; its memory shows
#   everything.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/extend-kubernetes/compute-storage-net/device-plugins/
# custom:
#   severity: high
#   attack: [T1611, T1610]
#   mitigations: [M1026, M1048]
#   applies: [pods]
#   remediation: >-
#     Let a device plugin hand out the one device, or use a volume.
package tidewaiter.kubernetes["device-mount"]

import data.tidewaiter.lib
import data.tidewaiter.lib.host

deny contains {"msg": msg, "path": path} if {
	some pod in input.pods
	some i, volume in pod.spec.volumes
	written := volume.hostPath.path
	is_string(written)
	device(host.folder(written), object.get(volume.hostPath, "type", ""))
	msg := sprintf("volume %q is the device %q of the node", [lib.field(volume, "name"), written])
	path := array.concat(pod.specPath, ["volumes", i, "hostPath", "path"])
}

device(_, type) if type in {"BlockDevice", "CharDevice"}

device("/dev/", _)

device(path, _) if regex.match(`^/dev/((sd|hd|vd|xvd|dm-|nvme|mapper/|disk/|loop|md|mmcblk|root|sr)[^/]*|mem|kmem|port)/`, path)
