# METADATA
# scope: package
# title: Value of a wrong type
# description: >-
#   A field that decides about security holds a value that the API has no meaning for, such as a text where true or
#   false belongs. The API server would refuse the object; what else reads it may make anything of it, and the other
#   rules cannot judge it.
# related_resources:
#   - ref: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/
# custom:
#   severity: high
#   attack: [T1610]
#   mitigations: [M1047]
#   remediation: Give the field a value of the type that the API documents.
package tidewaiter.kubernetes["wrong-type"]

import data.tidewaiter.lib
import data.tidewaiter.lib.rbac

deny contains finding if {
	some pod in input.pods
	some finding in mismatches(pod.spec, pod_types, pod.specPath)
}

deny contains finding if {
	some pod in input.pods
	some i, volume in pod.spec.volumes
	some finding in mismatches(volume, volume_types, array.concat(pod.specPath, ["volumes", i]))
}

deny contains finding if {
	some pod in input.pods
	some container in pod.containers
	some finding in mismatches(container.spec, container_types, container.path)
}

deny contains finding if {
	some context in lib.contexts
	some finding in mismatches(context.fields, context_types, context.path)
}

deny contains finding if {
	some context in lib.contexts
	some field, types in context_field_types
	some finding in mismatches(context.fields[field], types, array.concat(context.path, [field]))
}

deny contains finding if {
	some i, rule in rbac.rules
	some finding in mismatches(rule, rule_types, ["rules", i])
}

deny contains finding if {
	input.object.kind in {"ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"}
	some finding in mismatches(input.object, rbac_types, [])
}

# mismatches are the fields of an object whose values are not of their types. null is as good as absent.
mismatches(object, types, path) := {finding |
	some field, value in object
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

context_field_types := {
	"capabilities": {"add": "array", "drop": "array"},
	"windowsOptions": {"hostProcess": "boolean"},
}

rbac_types := {"roleRef": "object", "rules": "array", "subjects": "array"}

rule_types := {
	"apiGroups": "array",
	"nonResourceURLs": "array",
	"resourceNames": "array",
	"resources": "array",
	"verbs": "array",
}
