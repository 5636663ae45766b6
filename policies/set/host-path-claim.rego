# METADATA
# scope: package
# title: Folder of the node by way of a claim
# description: >-
#   Pod Security forbids hostPath volumes in pods and does not look behind a PersistentVolumeClaim. A
#   PersistentVolume of type hostPath mounts the same folder of the node.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/storage/volumes/#hostpath
#   - ref: https://kubernetes.io/docs/concepts/security/rbac-good-practices/#persistent-volume-creation
# custom:
#   severity: high
#   attack: [T1610, T1611]
#   mitigations: [M1026, M1048]
#   remediation: >-
#     Use a storage class with a provisioner, or a local volume on a disk of its own.
package tidewaiter.set["host-path-claim"]

import data.tidewaiter.lib.host

deny contains {"msg": msg, "path": volume.path, "object": workload.object, "severity": severity} if {
	some workload in input.workloads
	some volume in workload.volumes
	folder := volume.spec.hostPath.path
	severity := host.volume_severity(folder)
	words := [volume.claim, folder, volume.name]
	msg := sprintf("claim %q gives the pod folder %q of the node: PersistentVolume/%s", words)
}
