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
#   applies: [pods]
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
	socket := reached(clean(written))
	words := [lib.field(volume, "name"), written, trim_suffix(socket, "/")]
	msg := sprintf("volume %q mounts %q, which gives the socket %s", words)
	path := array.concat(pod.specPath, ["volumes", i, "hostPath", "path"])
}

# reached is a socket that a path is, or holds somewhere below it.
reached(path) := held[0] if {
	held := [socket | some socket in sockets; startswith(socket, path)]
	count(held) > 0
} else := path if regex.match(names, path)

# clean spells a path as the kernel understands it, with a slash at its end: empty and dot segments mean nothing.
# The API server refuses "..". Windows' separator is taken too.
clean(path) := concat("", ["/", concat("", [sprintf("%s/", [segment]) | some segment in segments])]) if {
	segments := [segment | some segment in split(replace(path, `\`, "/"), "/"); not segment in {"", "."}]
}

# sockets are where runtimes and distributions of Kubernetes put their sockets; /var/run is /run on most nodes.
sockets := [
	"/run/docker.sock/",
	"/run/containerd/containerd.sock/",
	"/run/crio/crio.sock/",
	"/run/podman/podman.sock/",
	"/run/cri-dockerd.sock/",
	"/run/dockershim.sock/",
	"/run/docker/containerd/containerd.sock/",
	"/run/buildkit/buildkitd.sock/",
	"/run/k3s/containerd/containerd.sock/",
	"/run/k0s/containerd.sock/",
	"/var/run/docker.sock/",
	"/var/run/containerd/containerd.sock/",
	"/var/run/crio/crio.sock/",
	"/var/run/podman/podman.sock/",
	"/var/run/cri-dockerd.sock/",
	"/var/run/dockershim.sock/",
	"/var/run/docker/containerd/containerd.sock/",
	"/var/run/buildkit/buildkitd.sock/",
	"/var/run/k3s/containerd/containerd.sock/",
	"/var/run/k0s/containerd.sock/",
	"/var/snap/microk8s/common/run/containerd.sock/",
]

# names matches sockets that are known wherever they stand; the last two are named pipes of Windows.
names := `/(docker\.sock|containerd\.sock|crio\.sock|podman\.sock|cri-dockerd\.sock|dockershim\.sock|buildkitd\.sock|docker_engine|containerd-containerd)/$`
