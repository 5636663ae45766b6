# METADATA
# scope: package
# title: Command that takes over the node
# description: >-
#   The command gets out of the container and onto its node: it enters the node's file system or namespaces, writes
#   where the node's cron, ssh, systemd or kubelet will act on it, or has the node's container runtime start
#   something. It weighs most where the pod is given what it takes, a mount or a shared namespace; a plain path
#   counts only if the node's folder is mounted there.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1611/
#   - ref: https://attack.mitre.org/techniques/T1610/
#   - ref: https://attack.mitre.org/techniques/T1053/003/
# custom:
#   severity: critical
#   attack: [T1611, T1610, T1053.003, T1098.004]
#   mitigations: [M1038, M1048, M1026]
#   applies: [pods]
#   remediation: >-
#     Set up nodes from outside the cluster, by the image or the provisioning of the machines. A node agent that has
#     to do it from a pod needs a waiver that says so, and no more of the node than it changes.
package tidewaiter.kubernetes["host-takeover"]

import data.tidewaiter.lib

deny contains {"msg": msg, "path": run.path, "evidence": evidence, "severity": severity} if {
	some pod in input.pods
	some container in pod.containers
	some run in container.runs
	some action in run.actions
	severity := weight(pod, container, action)
	msg := sprintf("%s gets at the node: %s", [lib.command(container, run), lib.steps(action)])
	evidence := lib.shown(run, action)
}

weight(pod, container, action) := "critical" if {
	action.kind in {"host-takeover", "host-access"}
	mounted(pod, container, action)
} else := "critical" if {
	action.kind == "host-takeover"
	shares(pod, container)
} else := "high" if {
	action.kind == "host-takeover"
}

# shares tells that the container is given the node without any mount.
shares(pod, _) if pod.spec.hostPID == true

shares(_, container) if container.spec.securityContext.privileged == true

# mounted tells that a hostPath is mounted where the action goes to.
mounted(pod, container, action) if {
	target := trim_prefix(object.get(action, "path", ""), "unix://")
	target != ""
	some mount in container.spec.volumeMounts
	some volume in pod.spec.volumes
	volume.name == mount.name
	volume.hostPath != null
	is_string(mount.mountPath)
	below(target, mount.mountPath)
}

# below tells that a path is a folder or lies in it. /var/run is a link to /run.
below(path, folder) if startswith(sprintf("%s/", [plain(path)]), sprintf("%s/", [plain(folder)]))

plain(path) := trim_prefix(trim_suffix(path, "/"), "/var") if {
	startswith(path, "/var/run")
} else := trim_suffix(path, "/")
