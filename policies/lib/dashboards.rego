# The web interfaces to a cluster that attackers look for.
package tidewaiter.lib.dashboards

# Each has a weight: "open" lets in whoever comes, "token" asks for the token of a service account, which is often an
# administrator's or can be skipped, and "login" knows users.

# images tells a dashboard by the end of an image's repository.
images := {
	"argoproj/argocd": "login",
	"argoproj/argocli": "login",
	"headlamp-k8s/headlamp": "token",
	"kubernetesui/dashboard": "token",
	"kubernetesui/dashboard-api": "token",
	"kubernetesui/dashboard-web": "token",
	"ml-pipeline/frontend": "open",
	"skooner-k8s/skooner": "token",
	"weaveworks/scope": "open",
}

# names tells one by the name of a Service, of a service account, or of an image.
names := {
	"argo-server": "login",
	"argo-ui": "open",
	"argocd-server": "login",
	"centraldashboard": "open",
	"headlamp": "token",
	"kube-ops-view": "open",
	"kubernetes-dashboard": "token",
	"kubernetes-dashboard-amd64": "token",
	"kubernetes-dashboard-kong-proxy": "token",
	"kubernetes-dashboard-web": "token",
	"kubeview": "open",
	"ml-pipeline-ui": "open",
	"octant": "open",
	"skooner": "token",
	"weave-scope": "open",
	"weave-scope-app": "open",
}

# named tells that a subject of a binding is the service account of a dashboard.
named(subject) if {
	subject.kind == "ServiceAccount"
	names[subject.name]
}

# image is the weight of the dashboard that an image holds, as far as its name tells.
image(written) := names[path[count(path) - 1]] if {
	path := repository(written)
} else := images[concat("/", array.slice(path, count(path) - 2, count(path)))] if {
	path := repository(written)
	count(path) > 1
}

# repository is the path of an image without host's port, tag and digest.
repository(written) := split(regex.replace(written, `(:[^/:@]*)?(@.*)?$`, ""), "/") if is_string(written)
