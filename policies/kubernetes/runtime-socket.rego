# METADATA
# scope: package
# title: Socket of the container runtime
# description: >-
#   Who can talk to the container runtime's socket can start a privileged container, and so is root on the node;
#   readOnly on the mount does not change that. A folder that holds the socket is as good as the socket.
# related_resources:
#   - ref: https://cheatsheetseries.owasp.org/cheatsheets/Docker_Security_Cheat_Sheet.html
#   - ref: https://attack.mitre.org/techniques/T1611/
# custom:
#   severity: critical
#   attack: [T1610, T1611, T1609]
#   mitigations: [M1026, M1048]
#   remediation: >-
#     Do not mount the socket or a folder above it. Build images with a rootless builder (buildkit, kaniko, buildah),
#     and read container metadata from the Kubernetes API.
package tidewaiter.kubernetes["runtime-socket"]

import data.tidewaiter.lib

deny contains {"msg": msg, "path": path} if {
	some pod in input.pods
	some i, volume in pod.spec.volumes
	written := volume.hostPath.path
	is_string(written)
	socket := reached(segments(written))
	msg := sprintf("volume %q mounts %q: it gives the socket /%s", [lib.field(volume, "name"), written, socket])
	path := array.concat(pod.specPath, ["volumes", i, "hostPath", "path"])
}

# reached is a socket that a path is, or holds somewhere below it.
reached(segs) := concat("/", held[0]) if {
	held := [socket | some socket in sockets; array.slice(socket, 0, count(segs)) == segs]
	count(held) > 0
} else := concat("/", segs) if segs[count(segs) - 1] in names

# segments takes a path apart as the kernel does: empty and dot segments mean nothing. The API server refuses
# "..". Windows' separator is taken too.
segments(path) := [segment | some segment in split(replace(path, `\`, "/"), "/"); not segment in {"", "."}]

# sockets are where runtimes and distributions of Kubernetes put their sockets; /var/run is /run on most nodes.
sockets := [split(concat("", [root, path]), "/") |
	some root in ["run/", "var/run/", "var/snap/microk8s/common/run/"]
	some path in [
		"docker.sock",
		"containerd/containerd.sock",
		"containerd.sock",
		"crio/crio.sock",
		"podman/podman.sock",
		"cri-dockerd.sock",
		"dockershim.sock",
		"docker/containerd/containerd.sock",
		"buildkit/buildkitd.sock",
		"k3s/containerd/containerd.sock",
		"k0s/containerd.sock",
		"frakti.sock",
	]
]

# names are of sockets that are known wherever they stand; the last two are named pipes of Windows.
names := {socket[count(socket) - 1] | some socket in sockets} | {"docker_engine", "containerd-containerd"}
