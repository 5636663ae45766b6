package image

import (
	"encoding/json"
	"mime"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/types"
)

// descriptor points to a blob or manifest (OCI image-spec, descriptor.md). Inline data is not read: what is
// judged is what a runtime would fetch by digest.
type descriptor struct {
	MediaType    string            `json:"mediaType"`
	Digest       string            `json:"digest"`
	Size         int64             `json:"size"`
	URLs         []string          `json:"urls"`
	Annotations  map[string]string `json:"annotations"`
	Platform     *platformClaim    `json:"platform"`
	ArtifactType string            `json:"artifactType"`
	// Data is the content itself, which clients may take instead of asking for it (OCI image-spec, descriptor.md). We ask.
	Data []byte `json:"data"`
}

// platformClaim is what an index says of a child. The child's configuration knows better.
type platformClaim struct {
	OS           string `json:"os"`
	Architecture string `json:"architecture"`
	Variant      string `json:"variant"`
}

// manifest is an image manifest or an index, of OCI or Docker: an image always has a Config.
type manifest struct {
	MediaType    string            `json:"mediaType"`
	Config       *descriptor       `json:"config"`
	Layers       []descriptor      `json:"layers"`
	Manifests    []descriptor      `json:"manifests"`
	Subject      *descriptor       `json:"subject"`
	ArtifactType string            `json:"artifactType"`
	Annotations  map[string]string `json:"annotations"`
}

func (m *manifest) isIndex() bool { return types.MediaType(m.MediaType).IsIndex() }

// parseManifest reads a manifest that its source says is of mediaType (a Content-Type, or the media type of
// the descriptor that led here; empty if it says nothing). Bodies that clients read differently, as an image
// or as an index, by one media type or the other (CVE-2021-41190), are unscannable.
func parseManifest(raw []byte, mediaType string) (*manifest, error) {
	m, err := parseShape(raw, mediaType)
	if err != nil {
		return nil, err
	}
	return m, m.checkDescriptors()
}

// parseList reads a list of what stands beside an image: an index, of which only hints are taken. An entry that
// could not be asked for, such as one with another kind of digest, is not in it.
func parseList(raw []byte, mediaType string) ([]descriptor, error) {
	m, err := parseShape(raw, mediaType)
	if err != nil {
		return nil, err
	}
	if !m.isIndex() {
		return nil, unscannable("it is not an index")
	}
	return slices.DeleteFunc(m.Manifests, func(d descriptor) bool { return checkDigest(d.Digest) != nil }), nil
}

// parseShape is parseManifest without a look at the descriptors.
func parseShape(raw []byte, mediaType string) (*manifest, error) {
	if err := checkKeys(raw); err != nil {
		return nil, unscannable("manifest: %v", err)
	}
	var fields map[string]json.RawMessage
	var m manifest
	if err := json.Unmarshal(raw, &fields); err != nil {
		return nil, unscannable("manifest: not a JSON object")
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, unscannable("manifest: %v", err)
	}
	if err := m.setMediaType(mediaType); err != nil {
		return nil, err
	}
	return &m, m.checkShape(fields)
}

// setMediaType merges what the body and its source say.
func (m *manifest) setMediaType(said string) error {
	if said != "" {
		base, _, err := mime.ParseMediaType(said)
		if err != nil {
			return unscannable("manifest: media type %s", quote(said))
		}
		if m.MediaType != "" && m.MediaType != base {
			return unscannable("manifest: its body says that it is %s, its source %s", quote(m.MediaType), quote(base))
		}
		m.MediaType = base
	}
	switch t := types.MediaType(m.MediaType); {
	case t.IsImage(), t.IsIndex():
		return nil
	case t.IsSchema1():
		return unscannable("manifest: schema 1 images are not supported: push the image again with a current tool")
	case t == "":
		return unscannable("manifest: neither its body nor its source says what it is")
	}
	return unscannable("manifest: unknown media type %s", quote(m.MediaType))
}

// foreignFields are the fields that must not be there, for what it is.
var foreignFields = map[bool][]string{
	true:  {"config", "layers", "fsLayers", "blobs"},
	false: {"manifests", "fsLayers", "blobs"},
}

func (m *manifest) checkShape(fields map[string]json.RawMessage) error {
	for _, name := range foreignFields[m.isIndex()] {
		if _, ok := fields[name]; ok {
			return unscannable("manifest: %s with a field %q: others may read it as something else", m.MediaType, name)
		}
	}
	if !m.isIndex() && m.Config == nil {
		return unscannable("manifest: an image without a configuration")
	}
	return nil
}

// maxSize is a size, in bytes, that no descriptor honestly has. It keeps sums far from overflowing.
const maxSize = 1 << 50

func (m *manifest) checkDescriptors() error {
	all := slices.Concat(m.Layers, m.Manifests)
	for _, optional := range []*descriptor{m.Config, m.Subject} {
		if optional != nil {
			all = append(all, *optional)
		}
	}
	for _, d := range all {
		if err := checkDigest(d.Digest); err != nil {
			return unscannable("manifest: %v", err)
		}
		if d.Size <= 0 || d.Size > maxSize {
			return unscannable("manifest: %s is said to have %d bytes", d.Digest, d.Size)
		}
		if d.Data != nil && digestOf(d.Data) != d.Digest {
			return unscannable("manifest: it holds data in the place of %s that are something else", d.Digest)
		}
	}
	return nil
}

// attestationTypes are the media types of layers that no runtime unpacks: what stands in an index or behind a
// referrer to vouch for an image. A manifest that holds nothing else is no image, whatever it claims; one that
// holds anything else is, although it may claim to be an attestation.
var attestationTypes = []string{
	"application/vnd.in-toto+json",
	"application/vnd.dsse.envelope.v1+json",
	"application/vnd.dev.cosign.simplesigning.v1+json",
	"application/spdx+json",
	"application/vnd.cyclonedx+json",
}

const bundleType = "application/vnd.dev.sigstore.bundle"

// isBundle tells whether mediaType is of a Sigstore bundle, of any version and in both spellings:
// …bundle.v0.3+json and …bundle+json;version=0.1 (sigstore/protobuf-specs, bundle.proto).
func isBundle(mediaType string) bool {
	rest, ok := strings.CutPrefix(mediaType, bundleType)
	return ok && (strings.HasPrefix(rest, ".v") || strings.HasPrefix(rest, "+json"))
}

// isAttestation tells whether a manifest holds attestations and nothing else.
func (m *manifest) isAttestation() bool {
	return !m.isIndex() && len(m.Layers) > 0 && !slices.ContainsFunc(m.Layers, func(l descriptor) bool {
		return !slices.Contains(attestationTypes, l.MediaType) && !isBundle(l.MediaType)
	})
}
