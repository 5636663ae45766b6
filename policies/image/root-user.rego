# METADATA
# scope: package
# title: Image runs as root
# description: >-
#   Unless the pod says otherwise, the image's process is root. Root in a container is root on the node but for the
#   walls around it. An id too large for the kernel's counts as root, since it has been taken for 0
#   (CVE-2024-40635), and so does a name whose id is 0 in the image's own /etc/passwd.
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
	input.user.root
	msg := sprintf("image runs as root: %s", [input.user.why])
}
