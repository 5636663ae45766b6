# METADATA
# scope: package
# title: Value of a wrong type
# description: >-
#   A field of a custom resource that decides about security holds a value that has no meaning there, such as a text
#   where true or false belongs. No other rule can judge it, and what the resource's controller makes of it is its
#   own affair.
# related_resources:
#   - ref: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/
# custom:
#   severity: high
#   attack: [T1610]
#   mitigations: [M1047]
#   applies: [pods]
#   remediation: Give the field a value of the type that the API documents.
package tidewaiter.kubernetes["wrong-type"]

import data.tidewaiter.lib

# Only custom resources can hold such a value here: built-in kinds are decoded by their types, and refused. The
# API groups of the former have a dot; of the latter, those that make pods have none.
pods := input.pods if contains(input.object.apiVersion, ".")

deny contains finding if {
	some pod in pods
	some finding in mismatches(pod.spec, pod_types, pod.specPath)
}

deny contains finding if {
	some pod in pods
	some i, volume in pod.spec.volumes
	some finding in mismatches(volume, volume_types, array.concat(pod.specPath, ["volumes", i]))
}

deny contains finding if {
	some pod in pods
	some container in pod.containers
	some finding in mismatches(container.spec, container_types, container.path)
}

deny contains finding if {
	count(pods) > 0
	some context in lib.contexts
	some finding in mismatches(context.fields, context_types, context.path)
}

deny contains finding if {
	count(pods) > 0
	some context in lib.contexts
	some field, types in inner_types
	some finding in mismatches(context.fields[field], types, array.concat(context.path, [field]))
}

# mismatches are the fields of an object whose values are not of their types. null is as good as absent.
mismatches(fields, types, path) := {finding |
	some field, value in fields
	type := types[field]
	not type_name(value) in {type, "null"}
	finding := {
		"msg": sprintf("%s is %s, not %s", [field, type_name(value), type]),
		"path": array.concat(path, [field]),
	}
}

pod_types := {
	"containers": "array",
	"ephemeralContainers": "array",
	"hostIPC": "boolean",
	"hostNetwork": "boolean",
	"hostPID": "boolean",
	"hostUsers": "boolean",
	"initContainers": "array",
	"nodeName": "string",
	"os": "object",
	"securityContext": "object",
	"tolerations": "array",
	"volumes": "array",
}

volume_types := {"hostPath": "object"}

container_types := {
	"image": "string",
	"lifecycle": "object",
	"livenessProbe": "object",
	"ports": "array",
	"readinessProbe": "object",
	"securityContext": "object",
	"startupProbe": "object",
}

context_types := {
	"allowPrivilegeEscalation": "boolean",
	"appArmorProfile": "object",
	"capabilities": "object",
	"privileged": "boolean",
	"procMount": "string",
	"runAsNonRoot": "boolean",
	"runAsUser": "number",
	"seLinuxOptions": "object",
	"seccompProfile": "object",
	"sysctls": "array",
	"windowsOptions": "object",
}

inner_types := {
	"capabilities": {"add": "array", "drop": "array"},
	"windowsOptions": {"hostProcess": "boolean"},
}
