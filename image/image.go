// Package image turns a reference into a digest, the digest into platforms, and a platform into its
// configuration and the files of every layer. What it returns was hashed here: a digest is never taken on
// trust. It says what is there and judges nothing.
//
// A registry, an archive and everything inside an image are hostile until checked. Every read is bounded by
// Limits, and what cannot be read to its end is an error, never an image with less in it.
package image

import (
	"context"
	"strings"
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
	client *Client
	// below reads the platforms; nil once they were read.
	below func(context.Context) error
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

// defaultPath is where runtimes look for programs if the environment does not say.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// SearchPath is the folders in which a runtime looks for a program that is no path. Of several PATHs the last one
// counts, as with every variable.
func (c Config) SearchPath() []string {
	dirs := defaultPath
	for _, v := range c.Env {
		if value, ok := strings.CutPrefix(v, "PATH="); ok {
			dirs = value
		}
	}
	return strings.Split(dirs, ":")
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
	// Malformed says why there is no payload, or nothing else, although something is said to be a signature.
	Malformed string
}

// Children returns the digests of the manifests that a runtime could run: those of Platforms, which it reads if the
// image comes from Client.Resolve. It must not be called by several goroutines at once.
func (i *Image) Children(ctx context.Context) ([]string, error) {
	if i.below != nil {
		if err := i.below(ctx); err != nil {
			err = named(i.Reference, err)
			i.below = func(context.Context) error { return err } // what was read by then is not all
			return nil, err
		}
		i.below = nil
	}
	out := make([]string, len(i.Platforms))
	for n, p := range i.Platforms {
		out[n] = p.Digest
	}
	return out, nil
}

// Attachments returns the signatures and attestations that stand beside a digest, which is the image's or one of
// its children's: in the image's own repository, or in another (host and path, see ParseRepository), which is asked
// by the image's client whatever the image itself was read from. Both layouts are looked for, cosign's tags and
// the referrers of OCI 1.1 (by the API, and by the fallback tag), each whatever the others hold. None is no error.
//
// What is said to be a signature and has nothing in it is returned as Malformed. It fails the call that a registry
// answers with an error or with other bytes than were asked for, that a tag holds what cannot stand there, and that
// there is more than Limits allow, which the error names: what lies beyond is not known. The order is the same for
// the same registry.
func (i *Image) Attachments(ctx context.Context, digest, repository string) ([]Attachment, error) {
	if err := checkDigest(digest); err != nil {
		return nil, fail(nil, "signatures: %v", err)
	}
	from, in := i.source, ""
	if repository != "" {
		ref, err := ParseRepository(repository)
		if err != nil {
			return nil, fail(nil, "signatures of %s: %v", digest, err)
		}
		if from, err = i.client.repository(ctx, ref, i.limits); err != nil {
			return nil, fail(err, "signatures of %s in %s: %v", digest, repository, err)
		}
		in = " in " + repository
	}
	found, err := attachments(ctx, from, digest, i.limits)
	if err != nil {
		return nil, fail(err, "signatures of %s%s: %v", digest, in, err)
	}
	return found, nil
}
