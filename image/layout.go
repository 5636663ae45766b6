package image

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/types"
)

// The annotations in index.json that say what a manifest is there for: its tag (OCI image-spec,
// annotations.md), and what cosign saved it as.
const (
	refNameAnnotation = "org.opencontainers.image.ref.name"
	kindAnnotation    = "kind"
	cosignKind        = "dev.cosignproject.cosign/"
)

// cosignKinds are what "cosign save" calls the manifests behind its tags.
var cosignKinds = map[string]string{".sig": cosignKind + "sigs", ".att": cosignKind + "atts"}

// besideTag is a tag of something that stands beside an image: a signature, an SBOM, the list of referrers.
var besideTag = regexp.MustCompile(`(^|:)sha256-[0-9a-f]{64}(\.[a-z]+)?$`)

// layoutSource is an OCI image layout (OCI image-spec, image-layout.md), in a folder or an archive.
type layoutSource struct {
	store  store
	index  []descriptor
	limits Limits
}

// openLayout reads the index of a layout and returns the digest of its image: the wanted one, or the only one.
func openLayout(s store, wanted string, limits Limits) (*layoutSource, string, error) {
	l := &layoutSource{store: s, limits: limits}
	var version struct {
		Version string `json:"imageLayoutVersion"`
	}
	raw, err := l.read("oci-layout", "the file oci-layout", limits.Config)
	if err != nil {
		return nil, "", fail(err, "not an OCI layout: %v", err)
	}
	if err := json.Unmarshal(raw, &version); err != nil || version.Version != "1.0.0" {
		return nil, "", unscannable("an OCI layout of the unknown version %s", quote(version.Version))
	}
	if err := l.readIndex(); err != nil {
		return nil, "", err
	}
	if wanted != "" {
		return l, wanted, nil
	}
	digest, err := l.only()
	return l, digest, err
}

func (l *layoutSource) readIndex() error {
	raw, err := l.read("index.json", "the index", l.limits.Manifest)
	if err != nil {
		return err
	}
	m, err := parseManifest(raw, string(types.OCIImageIndex))
	if err != nil {
		return fail(err, "index.json: %v", err)
	}
	l.index = m.Manifests
	return nil
}

func (l *layoutSource) read(name, what string, limit int64) ([]byte, error) {
	r, err := l.store.open(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return readAll(r, what, limit)
}

// only returns the digest of the one image in the layout.
func (l *layoutSource) only() (string, error) {
	found := l.images()
	switch len(found) {
	case 0:
		return "", fail(ErrNotFound, "image %v in the layout", ErrNotFound)
	case 1:
		return found[0].Digest, nil
	}
	var names []string
	for _, d := range found[:min(len(found), 10)] {
		names = append(names, strings.TrimSpace(d.Digest+" "+printable(d.Annotations[refNameAnnotation], maxQuoted)))
	}
	return "", fail(nil, "the layout has %d images: choose one with @digest: %s", len(found), strings.Join(names, ", "))
}

// images returns the manifests that do not stand beside another, each once.
func (l *layoutSource) images() []descriptor {
	var out []descriptor
	for _, d := range l.index {
		t, kind := types.MediaType(d.MediaType), d.Annotations[kindAnnotation]
		switch {
		case !t.IsImage() && !t.IsIndex(),
			kind == cosignKinds[".sig"], kind == cosignKinds[".att"],
			besideTag.MatchString(d.Annotations[refNameAnnotation]),
			signatureType(d.ArtifactType),
			slices.ContainsFunc(out, func(other descriptor) bool { return other.Digest == d.Digest }):
		default:
			out = append(out, d)
		}
	}
	return out
}

func (l *layoutSource) manifest(_ context.Context, ref string) ([]byte, string, error) {
	d := descriptor{Digest: ref}
	if checkDigest(ref) != nil {
		var ok bool
		if d, ok = l.tagged(ref); !ok {
			return nil, "", ErrNotFound
		}
	} else if i := slices.IndexFunc(l.index, func(d descriptor) bool { return d.Digest == ref }); i >= 0 {
		d = l.index[i]
	}
	raw, err := l.read(blobPath(d.Digest), "the manifest "+d.Digest, l.limits.Manifest)
	if err != nil {
		return nil, "", err
	}
	if got := digestOf(raw); got != d.Digest {
		return nil, "", fail(nil, "manifest %s: what is there has the digest %s", d.Digest, got)
	}
	return raw, d.MediaType, nil
}

// tagged finds a manifest by its tag, or by what cosign saved it as: that tells no image, so it has to be the
// only one.
func (l *layoutSource) tagged(tag string) (descriptor, bool) {
	for _, d := range l.index {
		if name := d.Annotations[refNameAnnotation]; name == tag || strings.HasSuffix(name, ":"+tag) {
			return d, true
		}
	}
	for suffix, kind := range cosignKinds {
		digest, ok := strings.CutSuffix(tag, suffix)
		if images := l.images(); !ok || len(images) != 1 || strings.Replace(images[0].Digest, ":", "-", 1) != digest {
			continue
		}
		for _, d := range l.index {
			if d.Annotations[kindAnnotation] == kind {
				return d, true
			}
		}
	}
	return descriptor{}, false
}

func (l *layoutSource) blob(_ context.Context, digest string) (io.ReadCloser, error) {
	return l.store.open(blobPath(digest))
}

func blobPath(digest string) string { return "blobs/" + strings.Replace(digest, ":", "/", 1) }

// referrers looks into every manifest of the index: a layout has no other list.
func (l *layoutSource) referrers(ctx context.Context, digest string) ([]descriptor, error) {
	if len(l.index) > l.limits.Manifests {
		return nil, limited("the number of manifests in the layout", l.limits.Manifests, "manifests")
	}
	var out []descriptor
	for _, d := range l.index {
		if !types.MediaType(d.MediaType).IsImage() {
			continue
		}
		m, _, err := manifestByDigest(ctx, l, d.Digest, d.MediaType)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if m.Subject != nil && m.Subject.Digest == digest {
			d.ArtifactType = m.artifactType()
			out = append(out, d)
		}
	}
	return out, nil
}
