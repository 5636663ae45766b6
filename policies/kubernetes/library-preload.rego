# METADATA
# scope: package
# title: Library in every process
# description: >-
#   The dynamic linker loads what LD_PRELOAD names into every process of the container. Hildegard hides its files
#   and processes that way. Allocators are loaded so too, and weigh less; from a folder that anybody may write to,
#   it weighs more.
# related_resources:
#   - ref: https://man7.org/linux/man-pages/man8/ld.so.8.html
#   - ref: https://attack.mitre.org/techniques/T1574/006/
# custom:
#   severity: medium
#   attack: [T1574.006, T1014]
#   mitigations: [M1038]
#   applies: [pods]
#   remediation: >-
#     Link the library, or name one that is part of the image.
package tidewaiter.kubernetes["library-preload"]

import data.tidewaiter.lib

deny contains {"msg": msg, "path": path, "severity": severity(value)} if {
	some pod in input.pods
	some container in pod.containers
	some i, variable in container.spec.env
	variable.name in {"LD_AUDIT", "LD_PRELOAD"}
	value := object.get(variable, "value", "")
	set(variable, value)
	msg := sprintf("%s loads %q into every process by %s", [lib.label(container), value, variable.name])
	path := array.concat(container.path, ["env", i])
}

set(_, value) if not value in {"", null}

set(variable, _) if variable.valueFrom

severity(value) := "low" if {
	is_string(value)
	regex.match(`(jemalloc|tcmalloc|mimalloc|libfaketime|libeatmydata|libasan|libhugetlbfs)[^/]*\.so[.0-9]*$`, value)
	not regex.match(writable, value)
} else := "high" if {
	is_string(value)
	regex.match(writable, value)
} else := "medium"

writable := `(^|[: ])/(tmp|var/tmp|dev/shm|run|proc|host[^/]*|mnt)/|/\.[^/.]`
