// Package image turns a reference into a digest, the digest into platforms, and a platform into its
// configuration and the files of every layer. What it returns was hashed here: a digest is never taken on
// trust. It says what is there and judges nothing.
package image

import (
	"context"
	"time"
)

// Transport says where an image is read from.
type Transport string

// The transports that ParseReference knows.
const (
	Registry      Transport = "registry"
	OCILayout     Transport = "oci"
	OCIArchive    Transport = "oci-archive"
	DockerArchive Transport = "docker-archive"
)

// Reference names an image. Registry references are canonical: docker.io, index.docker.io and a bare name
// are one, hosts are lower case and ASCII, and the default tag is spelled out.
type Reference struct {
	Transport Transport
	// Host, Repository, Tag and Digest are the parts of a registry reference. Tag is empty where only a
	// digest was given, Digest where only a tag was.
	Host, Repository, Tag, Digest string
	// Path is the folder or file of the other transports; Digest may choose a manifest in it.
	Path string
}

// Image is what a reference was resolved to, once: everything after this is about Digest.
type Image struct {
	Reference Reference
	// Digest is of the manifest or index that the reference names, computed from its body.
	Digest    string
	MediaType string
	// Platforms are the manifests that a runtime could run: all of an index's, or the one image.
	Platforms []*Platform

	source source
}

// Platform is one runnable manifest of an image.
type Platform struct {
	// Name is os/arch[/variant]; "unknown" parts are spelled as the config has them.
	Name string
	// Digest is of the platform's own manifest, computed from its body.
	Digest string
	Config Config
	Layers []Layer
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

// source is where an image's manifests, blobs and attachments are read from.
type source interface {
	attachments(ctx context.Context, digest string) ([]Attachment, error)
}
