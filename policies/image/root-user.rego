# METADATA
# scope: package
# title: Image runs as root
# description: >-
#   Unless the pod says otherwise, the image's process is root. Root in a container is root on the node but for the
#   walls around it. An id too large for the kernel's counts as root, since it has been taken for 0
#   (CVE-2024-40635).
# related_resources:
#   - ref: https://docs.docker.com/reference/dockerfile/#user
#   - ref: https://nvd.nist.gov/vuln/detail/CVE-2024-40635
# custom:
#   severity: medium
#   attack: [T1611, T1548]
#   mitigations: [M1026, M1048]
#   remediation: >-
#     End the Dockerfile with USER and a number above 0, such as USER 65532:65532.
package tidewaiter.image["root-user"]

deny contains {"msg": msg, "path": ["config", "user"]} if {
	root(input.config.user)
	msg := sprintf("image runs as root: its user is %q", [input.config.user])
}

# root tells that a user, as name or id with an optional group, is root or may be taken for it.
root(user) if {
	not input.config.os == "windows"
	parts := split(trim_space(user), ":")
	parts[0] in {"", "root"}
}

root(user) if {
	not input.config.os == "windows"
	some i, part in split(trim_space(user), ":")
	regex.match(`^[+-]?[0-9]+$`, part)
	digits := trim_left(part, "+-0")
	is_root(i, digits)
}

# An image of Windows that names nobody runs as ContainerAdministrator.
root(user) if {
	input.config.os == "windows"
	lower(trim_space(user)) in {"", "containeradministrator"}
}

# Group 0 alone is no root; a group whose id overflows can be, since one value then holds both.
is_root(0, "")

is_root(_, digits) if too_large(digits)

# too_large compares as text, since the number may have any length: 2147483647 is the largest id there is.
too_large(digits) if count(digits) > 10

too_large(digits) if {
	count(digits) == 10
	digits > "2147483647"
}
