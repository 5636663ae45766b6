# METADATA
# scope: package
# title: Library that is loaded into every program
# description: >-
#   A library in /etc/ld.so.preload, LD_PRELOAD or LD_AUDIT runs inside every program of the container and decides
#   what that sees. That is how rootkits hide processes and files. Allocators (jemalloc, tcmalloc and their like) are
#   preloaded by honest images, too.
# related_resources:
#   - ref: https://attack.mitre.org/techniques/T1574/006/
# custom:
#   severity: high
#   attack: [T1574.006, T1014]
#   mitigations: [M1038, M1028]
#   remediation: >-
#     Remove the entry. Link the library into the program that needs it.
package tidewaiter.image.preload

import data.tidewaiter.lib

import data.tidewaiter.lib.images

deny contains finding if some finding in images.by_file("preload", "makes every program load a library")

deny contains {"msg": msg, "path": ["config", "env"], "severity": severity(value), "evidence": {"value": value}} if {
	some variable in input.config.env
	some name in {"LD_AUDIT", "LD_PRELOAD"}
	startswith(variable, concat("", [name, "="]))
	value := substring(variable, count(name) + 1, -1)
	value != ""
	msg := lib.line(sprintf("the environment makes every program load %s", [value]))
}

# A library that is named as an allocator, and is where packages put libraries, is probably one.
severity(value) := "low" if {
	every library in split(trim_space(value), " ") {
		regex.match(`^(?:/usr(?:/local)?)?(?:/lib(?:64)?/(?:[\w-]+/)?)?lib(?:jemalloc|tcmalloc(?:_minimal)?|mimalloc)\.so(?:\.\d+)*$`, library)
	}
} else := "high"
