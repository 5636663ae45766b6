package image

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/types"
)

// cosignType begins the artifact types of cosign's own referrers (its OCI 1.1 mode, before bundles).
const cosignType = "application/vnd.dev.cosign."

// vagueTypes are artifact types that say nothing: old clients put the configuration's media type there, or
// leave it out.
var vagueTypes = []string{
	"",
	"application/vnd.oci.empty.v1+json",
	"application/vnd.oci.image.config.v1+json",
	"application/vnd.docker.container.image.v1+json",
}

// collector gathers what stands beside one digest, within the limits.
type collector struct {
	source source
	digest string
	limits Limits

	out   []Attachment
	bytes int64
	seen  map[string]bool // manifests that were looked at
}

// attachments looks in every layout, and never takes one as a reason not to look in another.
func attachments(ctx context.Context, s source, digest string, limits Limits) ([]Attachment, error) {
	c := collector{source: s, digest: digest, limits: limits, seen: map[string]bool{}}
	tag := strings.Replace(digest, ":", "-", 1)
	for _, suffix := range []string{".sig", ".att"} {
		if err := c.tag(ctx, tag, suffix); err != nil {
			return nil, fail(err, "signatures of %s: tag %s%s: %v", digest, tag, suffix, err)
		}
	}
	listed, err := s.referrers(ctx, digest)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, fail(err, "signatures of %s: referrers: %v", digest, err)
	}
	fallback, err := c.fallback(ctx, tag)
	if err != nil {
		return nil, fail(err, "signatures of %s: tag %s: %v", digest, tag, err)
	}
	for _, d := range slices.Concat(listed, fallback) {
		if err := c.referrer(ctx, d); err != nil {
			return nil, fail(err, "signatures of %s: referrer %s: %v", digest, d.Digest, err)
		}
	}
	return c.out, nil
}

// tag takes the payloads of one of cosign's tags.
func (c *collector) tag(ctx context.Context, tag, suffix string) error {
	raw, said, err := c.source.manifest(ctx, tag+suffix)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	m, err := parseManifest(raw, said)
	if err != nil {
		return err
	}
	if m.isIndex() {
		return unscannable("it is an index")
	}
	return c.payloads(ctx, m, Attachment{Layout: "tag", Tag: suffix, Manifest: digestOf(raw)})
}

// fallback returns what the tag lists that stands in for the referrers API (OCI distribution-spec, "Referrers
// Tag Schema"). Anybody who may push may have written it.
func (c *collector) fallback(ctx context.Context, tag string) ([]descriptor, error) {
	raw, said, err := c.source.manifest(ctx, tag)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	m, err := parseManifest(raw, said)
	if err != nil {
		return nil, err
	}
	if !m.isIndex() {
		return nil, unscannable("it is not an index")
	}
	return m.Manifests, nil
}

// referrer takes the payloads of a manifest that is said to refer to the digest, if it could be a signature
// and does refer to it.
func (c *collector) referrer(ctx context.Context, d descriptor) error {
	if c.seen[d.Digest] || !types.MediaType(d.MediaType).IsImage() || !signatureType(d.ArtifactType) && !slices.Contains(vagueTypes, d.ArtifactType) {
		return nil
	}
	c.seen[d.Digest] = true
	if len(c.seen) > c.limits.Signatures {
		return c.tooMany()
	}
	m, _, err := manifestByDigest(ctx, c.source, d.Digest, d.MediaType)
	if errors.Is(err, ErrNotFound) {
		return nil // a listing may be older than a deletion
	}
	if err != nil {
		return err
	}
	isBundleLayer := func(l descriptor) bool { return isBundle(l.MediaType) }
	switch {
	case m.Subject == nil || m.Subject.Digest != c.digest:
		return nil
	case !signatureType(m.artifactType()) && !slices.ContainsFunc(m.Layers, isBundleLayer):
		return nil
	}
	return c.payloads(ctx, m, Attachment{Layout: "referrer", Manifest: d.Digest})
}

func signatureType(artifactType string) bool {
	return isBundle(artifactType) || strings.HasPrefix(artifactType, cosignType)
}

// artifactType is what an image manifest claims to be (OCI image-spec, manifest.md).
func (m *manifest) artifactType() string { return cmp.Or(m.ArtifactType, m.Config.MediaType) }

// payloads reads every layer of a manifest that carries signatures; like holds what they have in common.
func (c *collector) payloads(ctx context.Context, m *manifest, like Attachment) error {
	like.ArtifactType = m.artifactType()
	for _, l := range m.Layers {
		if len(c.out) >= c.limits.Signatures {
			return c.tooMany()
		}
		if c.bytes += l.Size; c.bytes > c.limits.SignatureBytes {
			return limited("the size of the signatures and attestations", c.limits.SignatureBytes, "bytes")
		}
		payload, err := readBlob(ctx, c.source, l, "a signature", c.limits.SignatureBytes)
		if err != nil {
			return err
		}
		a := like
		a.MediaType, a.Annotations, a.Payload = l.MediaType, l.Annotations, payload
		c.out = append(c.out, a)
	}
	return nil
}

func (c *collector) tooMany() error {
	return limited("the number of signatures and attestations", c.limits.Signatures, "signatures")
}
