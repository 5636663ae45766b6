# What several rules need in order to speak of pods and their containers.
package tidewaiter.lib

# label names a container as messages do: by the list that it stands in, and its name if it has one.
label(container) := sprintf("%s %q", [kind_name(container), container.name]) if {
	container.name != ""
} else := sprintf("the unnamed %s", [kind_name(container)])

kind_name(container) := object.get(kind_names, container.type, "container")

kind_names := {
	"container": "container",
	"init": "init container",
	"sidecar": "sidecar container",
	"ephemeral": "ephemeral container",
}

# on tells that a switch is not off. The API knows true, false and null; whatever else stands there is not
# taken for off.
on(value) if not value in {false, null}

# field is the value of an object's field, "" if it has none or is no object at all. (object.get on something
# that is no object is an error, and dots are undefined: a finding must be lost to neither.)
field(value, name) := found if {
	found := value[name]
} else := ""

# windows tells that a pod says it is for Windows nodes. The API server refuses such a pod if it sets fields
# that only Linux has, so a rule that asks for one of those has to exempt it.
windows(pod) if pod.spec.os.name == "windows"

# compose tells that the object is a service of a compose file. What Kubernetes leaves open, and Docker or nobody
# decides there, is nothing to ask of its author.
compose if input.compose == true

# user_namespace tells that root in the pod is nobody on the node.
user_namespace(pod) if pod.spec.hostUsers == false

# contexts are all security contexts that the object sets, of its pods and of their containers.
contexts := array.concat(pod_contexts, container_contexts)

pod_contexts := [context |
	some pod in input.pods
	context := {
		"pod": pod,
		"container": null,
		"path": array.concat(pod.specPath, ["securityContext"]),
		"fields": pod.spec.securityContext,
	}
]

container_contexts := [context |
	some pod in input.pods
	some container in pod.containers
	context := {
		"pod": pod,
		"container": container,
		"path": array.concat(container.path, ["securityContext"]),
		"fields": container.spec.securityContext,
	}
]

# holder names who has a security context, as messages do.
holder(context) := "pod" if {
	context.container == null
} else := label(context.container)

# inherited is what a container has of a field that both securityContexts know: its own value, else the pod's.
# It is undefined where neither has one.
inherited(pod, container, field) := value if {
	value := container.spec.securityContext[field]
	value != null
} else := value if {
	value := pod.spec.securityContext[field]
	value != null
}
