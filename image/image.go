// Package image turns a reference into a digest, the digest into platforms, and a platform into its
// configuration and the files of every layer. What it returns was hashed here: a digest is never taken on
// trust. It says what is there and judges nothing.
//
// A registry, an archive and everything inside an image are hostile until checked. Every read is bounded by
// Limits, and what cannot be read to its end is an error, never an image with less in it.
package image

import (
	"context"
	"time"
)

// Image is what a reference was resolved to, once: everything after this is about Digest.
type Image struct {
	Reference Reference
	// Digest is of the manifest or index that the reference names, computed from its body.
	Digest    string
	MediaType string
	// Platforms are the manifests that a runtime could run: all of an index's, or the one image, in the
	// order of the index. With Client.Platforms it is those that were asked for.
	Platforms []*Platform
	// Notes are oddities that are no errors: a descriptor that claims another platform, a child listed twice.
	Notes []string

	source source
	limits Limits
}

// Platform is one runnable manifest of an image.
type Platform struct {
	// Name is os/arch[/variant] as the configuration has them; "unknown" where it has none.
	Name string
	// Digest is of the platform's own manifest, computed from its body.
	Digest string
	Config Config
	Layers []Layer
	// Notes are oddities of this platform that are no errors.
	Notes []string

	source source
	limits Limits
}

// Config is the part of an image's configuration that says what it would run.
type Config struct {
	OS           string            `json:"os"`
	Architecture string            `json:"architecture"`
	Variant      string            `json:"variant,omitempty"`
	Created      time.Time         `json:"created,omitzero"`
	User         string            `json:"user"`
	Entrypoint   []string          `json:"entrypoint"`
	Cmd          []string          `json:"cmd"`
	Env          []string          `json:"env"`
	WorkingDir   string            `json:"workingDir"`
	Shell        []string          `json:"shell,omitempty"`
	OnBuild      []string          `json:"onBuild,omitempty"`
	Healthcheck  []string          `json:"healthcheck,omitempty"`
	ExposedPorts []string          `json:"exposedPorts,omitempty"`
	Volumes      []string          `json:"volumes,omitempty"`
	Labels       map[string]string `json:"labels,omitempty"`
}

// Layer is one layer of a platform, lowest first.
type Layer struct {
	Digest    string // of the blob as it is stored
	DiffID    string // of the uncompressed tar, as the config claims it; Files verifies it
	MediaType string
	Size      int64  // of the blob, in bytes
	CreatedBy string // the history entry of the layer: attacker's text, for display only
}

// Attachment is signature material that was found beside an image. It is a hint by an untrusted registry:
// only its bytes' digests were checked.
type Attachment struct {
	// Layout is "tag" for cosign's sha256-<hex>.sig and .att tags, "referrer" for OCI 1.1 referrers
	// (by the API or by the fallback tag).
	Layout string
	// Tag is the tag suffix (".sig", ".att") with layout "tag".
	Tag string
	// Manifest is the digest of the manifest that carries the payload; ArtifactType is what it, or else its
	// config's media type, claims to be.
	Manifest, ArtifactType string
	// MediaType, Annotations and Payload are of one layer of that manifest.
	MediaType   string
	Annotations map[string]string
	Payload     []byte
}

// Attachments returns the signatures and attestations that stand beside the image's Digest, of both layouts:
// cosign's tags and the referrers of OCI 1.1 (by the API, and by the fallback tag). None is no error. The two
// layouts are looked for independently of each other: what is invalid in one never hides the other, it fails
// the call. The order is that of discovery. More of it than Limits allow is an error that names the limit.
func (i *Image) Attachments(ctx context.Context, digest, repository string) ([]Attachment, error) {
	return attachments(ctx, i.source, digest, i.limits)
}
