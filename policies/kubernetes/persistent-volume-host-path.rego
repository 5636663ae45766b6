# METADATA
# scope: package
# title: Folder of the node as a persistent volume
# description: >-
#   Pod Security forbids hostPath volumes in pods, and does not look at PersistentVolumes: whoever may claim one
#   of this type gets the folder. FlexVolume runs a program of the node as root.
# related_resources:
#   - ref: https://kubernetes.io/docs/concepts/storage/volumes/#hostpath
#   - ref: https://kubernetes.io/docs/concepts/security/rbac-good-practices/#persistent-volume-creation
# custom:
#   severity: medium
#   attack: [T1610, T1611]
#   mitigations: [M1026, M1048]
#   applies: [PersistentVolume]
#   remediation: >-
#     Use a storage class with a provisioner, or a local volume on a disk of its own.
package tidewaiter.kubernetes["persistent-volume-host-path"]

import data.tidewaiter.lib.host

deny contains {"msg": msg, "path": ["spec", type, "path"], "severity": severity} if {
	input.object.kind == "PersistentVolume"
	some type, fallback in {"hostPath": "medium", "local": "low"}
	written := input.object.spec[type].path
	is_string(written)
	severity := weigh(host.volume_severity(written), fallback)
	msg := sprintf("PersistentVolume %q is the folder %q of the node", [input.object.metadata.name, written])
}

deny contains {"msg": msg, "path": ["spec", "flexVolume"]} if {
	input.object.kind == "PersistentVolume"
	driver := input.object.spec.flexVolume.driver
	msg := sprintf("PersistentVolume %q is a FlexVolume of %q", [input.object.metadata.name, driver])
}

weigh("high", _) := "high"

weigh("medium", fallback) := fallback
