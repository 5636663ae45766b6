# METADATA
# scope: package
# title: Image that is not built as tools build images
# description: >-
#   The index, a layer or a package file of the image contradicts itself. Scanners and runtimes read such things in
#   different ways, which is how something is shown to the one and kept from the other.
# related_resources:
#   - ref: https://github.com/opencontainers/image-spec/blob/main/layer.md
# custom:
#   severity: medium
#   attack: [T1036, T1525]
#   mitigations: [M1045, M1047]
#   remediation: >-
#     Build the image anew with a current tool (BuildKit, buildah, ko), and find out what wrote it as it is.
package tidewaiter.image.irregular

import data.tidewaiter.lib

deny contains {"msg": lib.line(note), "path": []} if some note in input.notes
