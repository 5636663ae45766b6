# METADATA
# scope: package
# title: Dashboard open to the outside
# description: >-
#   A dashboard acts with the rights of its service account, or of whoever is logged in. Those of Kubernetes,
#   Kubeflow and Weave Scope that the internet could reach were ways into many clusters. Recognised by the images
#   behind a Service, and by its name and selector.
# related_resources:
#   - ref: https://kubernetes.io/docs/tasks/access-application-cluster/web-ui-dashboard/
#   - ref: https://attack.mitre.org/techniques/T1610/
# custom:
#   severity: high
#   attack: [T1133, T1190, T1610]
#   mitigations: [M1035, M1030]
#   remediation: >-
#     Make the Service a ClusterIP and reach it by kubectl port-forward, or put a proxy with a login of its own
#     before it.
package tidewaiter.set["exposed-dashboard"]

import data.tidewaiter.lib.dashboards

deny contains {"msg": msg, "path": ["spec", "type"], "object": service.object, "severity": severity} if {
	some [service, weight] in shown
	service.spec.type in {"LoadBalancer", "NodePort"}
	severity := {"open": "high", "token": "high", "login": "medium"}[weight]
	msg := sprintf("%s opens a dashboard to the outside as %s", [service.label, service.spec.type])
}

deny contains {"msg": msg, "path": ["spec", "externalIPs"], "object": service.object, "severity": severity} if {
	some [service, weight] in shown
	service.spec.externalIPs[0]
	severity := {"open": "high", "token": "high", "login": "medium"}[weight]
	msg := sprintf("%s opens a dashboard to the outside by externalIPs", [service.label])
}

deny contains {"msg": msg, "path": route.path, "object": route.object, "severity": severity} if {
	some [service, weight] in shown
	some route in service.routes
	severity := {"open": "high", "token": "medium", "login": "low"}[weight]
	msg := sprintf("%s leads to the dashboard %s", [route.label, service.label])
}

# shown are the Services of dashboards that something leads to, each with the dashboard's weight.
shown := [[service, weight] |
	some service in input.services
	leads_out(service)
	weight := weigh(service)
]

leads_out(service) if service.routes[0]

leads_out(service) if service.spec.type in {"LoadBalancer", "NodePort"}

leads_out(service) if service.spec.externalIPs[0]

# weigh is the weight of the weakest dashboard that a Service is for.
weigh(service) := weight if {
	by_label := {object.get(dashboards.names, value, "") | some value in words(service)}
	found := by_label | {dashboards.image(image) | some image in service.images}
	weight := [w | some w in ["open", "token", "login"]; w in found][0]
}

words(service) := array.concat([service.name], [value | some value in service.spec.selector])
