# What the rules on pods together with their images share.
package tidewaiter.lib.workloads

# It is the parent package, not this one.
# regal ignore:pointless-import
import data.tidewaiter.lib

# seen are the containers whose images were looked at, once for each platform.
seen := [[pod, container, platform] |
	some pod in input.pods
	some container in pod.containers
	some platform in container.platforms
]

# evidence is what a finding shows of the image, with what the rule adds of either side.
evidence(container, platform, sides) := object.union(
	{"image": container.image, "digest": platform.digest, "platform": platform.platform},
	sides,
)

# user is the user that the pod asks for. Undefined if it leaves that to the image.
user(pod, container) := lib.inherited(pod, container, "runAsUser")

# forbids_root tells that the kubelet will not start the container as root.
forbids_root(pod, container) if lib.inherited(pod, container, "runAsNonRoot") == true

# shown is what a finding shows of a tool.
shown(tool) := object.filter(tool, ["class", "tool", "path", "files", "layerDigest", "sha256", "marks"])

# named names a tool and where it is.
named(tool) := sprintf("%s (%s)", [tool.tool, tool.path])

# host are the ways that a container has onto its node, each in words and with where it stands.
host(pod, container) := (shared(pod) | mounted(pod, container)) | granted(container)

shared(pod) := {[field, array.concat(pod.specPath, [field])] |
	some field in ["hostPID", "hostIPC", "hostNetwork"]
	lib.on(pod.spec[field])
}

mounted(pod, container) := {[words, path] |
	some i, volume in pod.spec.volumes
	volume.hostPath != null
	some mount in container.spec.volumeMounts
	mount.name == volume.name
	words := sprintf("hostPath %v", [lib.field(volume.hostPath, "path")])
	path := array.concat(pod.specPath, ["volumes", i, "hostPath"])
}

granted(container) := {[words, path] |
	some [words, steps] in privileges(container.spec.securityContext)
	path := array.flatten([container.path, "securityContext", steps])
}

privileges(context) := switches(context) | capabilities(context)

switches(context) := {[name, steps] |
	some name, steps in {"privileged": ["privileged"], "hostProcess": ["windowsOptions", "hostProcess"]}
	lib.on(object.get(context, steps, false))
}

capabilities(context) := {[sprintf("capability %s", [added]), ["capabilities", "add", i]] |
	some i, added in context.capabilities.add
	is_string(added)
	trim_prefix(upper(added), "CAP_") in decisive
}

# decisive are the capabilities that are a way onto the node, or onto its network, on their own.
decisive := {
	"ALL",
	"BPF",
	"DAC_READ_SEARCH",
	"NET_ADMIN",
	"SYS_ADMIN",
	"SYS_MODULE",
	"SYS_PTRACE",
	"SYS_RAWIO",
}
