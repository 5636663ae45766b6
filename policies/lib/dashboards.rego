# The web interfaces to a cluster that attackers look for.
package tidewaiter.lib.dashboards

# repositories tells a dashboard by the last part of an image's repository. Those that are open let in whoever comes:
# they have no login of their own.
repositories := {
	"argocd": "login",
	"argocli": "login",
	"centraldashboard": "open",
	"dashboard": "login",
	"dashboard-api": "login",
	"dashboard-web": "login",
	"headlamp": "login",
	"k8s-dashboard": "login",
	"k8sview": "open",
	"kube-ops-view": "open",
	"kubernetes-dashboard": "login",
	"kubernetes-dashboard-amd64": "login",
	"kubernetes-dashboard-arm64": "login",
	"kubeview": "open",
	"octant": "open",
	"scope": "open",
	"skooner": "login",
	"workflow-controller-ui": "open",
}

# names tells one by the name of its Service, service account or app label, with the weight of its exposure.
names := {
	"argo-server": "login",
	"argo-ui": "open",
	"argocd-server": "login",
	"centraldashboard": "open",
	"headlamp": "login",
	"jupyter-web-app-service": "open",
	"kube-ops-view": "open",
	"kubernetes-dashboard": "login",
	"kubernetes-dashboard-kong-proxy": "login",
	"kubernetes-dashboard-web": "login",
	"kubeview": "open",
	"ml-pipeline-ui": "open",
	"octant": "open",
	"octant-dashboard": "open",
	"skooner": "login",
	"weave-scope": "open",
	"weave-scope-app": "open",
}

# named tells that a subject of a binding is the service account of a dashboard.
named(subject) if {
	subject.kind == "ServiceAccount"
	names[subject.name]
}
