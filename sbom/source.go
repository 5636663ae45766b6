package sbom

import (
	"cmp"
	"strings"

	"github.com/anchore/syft/syft/artifact"
	"github.com/anchore/syft/syft/file"
	"github.com/anchore/syft/syft/source"
	"github.com/distribution/reference"

	"github.com/tidewaiter/tidewaiter/image"
)

// imageSource presents one platform of an image to syft, in the place of the source that would unpack it.
type imageSource struct {
	name     string // as Options.Name; may be empty
	platform *image.Platform
	resolver *resolver
}

var _ source.Source = (*imageSource)(nil)

// ID is the platform's digest, as syft has it for images.
func (s *imageSource) ID() artifact.ID {
	return artifact.ID(strings.TrimPrefix(s.platform.Digest, "sha256:"))
}

// FileResolver gives the merged view of the layers, whatever the scope: what lies hidden in lower layers is
// found by its content, not by its packages.
func (s *imageSource) FileResolver(source.Scope) (file.Resolver, error) { return s.resolver, nil }

// Describe says which image this is.
func (s *imageSource) Describe() source.Description {
	name, version := cmp.Or(s.name, s.platform.Digest), s.platform.Digest
	if ref, ok := s.reference(); ok {
		name = reference.FamiliarName(ref)
		if tagged, ok := ref.(reference.Tagged); ok {
			version = tagged.Tag()
		}
	}
	return source.Description{ID: string(s.ID()), Name: name, Version: version, Metadata: s.metadata()}
}

func (s *imageSource) metadata() source.ImageMetadata {
	c := s.platform.Config
	m := source.ImageMetadata{
		UserInput:      cmp.Or(s.name, s.platform.Digest),
		ManifestDigest: s.platform.Digest,
		Tags:           []string{},
		RepoDigests:    []string{},
		Architecture:   c.Architecture,
		Variant:        c.Variant,
		OS:             c.OS,
		Labels:         c.Labels,
	}
	for i, l := range s.platform.Layers {
		m.Layers = append(m.Layers, source.LayerMetadata{MediaType: l.MediaType, Digest: s.layer(i), Size: l.Size})
		m.Size += l.Size
	}
	if ref, ok := s.reference(); ok {
		if _, ok := ref.(reference.Tagged); ok {
			m.Tags = append(m.Tags, ref.String())
		}
		m.RepoDigests = append(m.RepoDigests, reference.TrimNamed(ref).Name()+"@"+s.platform.Digest)
	}
	return m
}

// reference is the name of the image, if it is one in a registry.
func (s *imageSource) reference() (reference.Named, bool) {
	if r, err := image.ParseReference(s.name); err != nil || r.Transport != image.Registry {
		return nil, false
	}
	ref, err := reference.ParseNormalizedNamed(s.name)
	return ref, err == nil
}

// layer is the digest of a layer in locations: of the unpacked layer, as syft has it.
func (s *imageSource) layer(index int) string {
	if index < 0 || index >= len(s.platform.Layers) {
		return ""
	}
	return s.platform.Layers[index].DiffID
}

// Close has nothing to do: the files are the caller's.
func (s *imageSource) Close() error { return nil }
