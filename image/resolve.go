package image

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// resolver reads an image's manifests and configurations, down from the one that was asked for.
type resolver struct {
	source source
	limits Limits
	wanted []platformClaim // none means all

	image *Image
	// seen are the children met so far, of all indexes; skipped the names of runnable ones that nobody wants.
	seen    map[string]bool
	skipped []string
}

// resolve reads the manifest that target, a digest or a tag, names in the source, and hashes it: from here on
// only the digest counts.
func (r *resolver) resolve(ctx context.Context, ref Reference, target string) (*Image, error) {
	raw, said, err := r.source.manifest(ctx, target)
	if err != nil {
		return nil, err
	}
	digest := digestOf(raw)
	if checkDigest(target) == nil && target != digest {
		return nil, fail(nil, "manifest %s: what was sent has the digest %s", target, digest)
	}
	m, err := parseManifest(raw, said)
	if err != nil {
		return nil, err
	}
	r.image = &Image{Reference: ref, Digest: digest, MediaType: m.MediaType, source: r.source, limits: r.limits}
	if m.isAttestation() {
		return nil, unscannable("%s holds attestations, and no image", digest)
	}
	r.image.below = func(ctx context.Context) error { return r.platforms(ctx, m) }
	return r.image, nil
}

// platforms reads what stands below the image's manifest, or belongs to it.
func (r *resolver) platforms(ctx context.Context, m *manifest) error {
	if err := r.descend(ctx, m, r.image.Digest, nil, 1); err != nil {
		return err
	}
	if len(r.image.Platforms) == 0 {
		return r.nothing()
	}
	return nil
}

// nothing is the error where no runnable manifest is left.
func (r *resolver) nothing() error {
	if len(r.skipped) > 0 {
		return fail(ErrNotFound, "the wanted platform is %v; there are: %s", ErrNotFound, strings.Join(r.skipped, ", "))
	}
	return unscannable("the index names no image that could run")
}

// descend adds the platforms below m. claim is what the index above says of it; depth is how many indexes
// deep m is, were it one.
func (r *resolver) descend(ctx context.Context, m *manifest, digest string, claim *platformClaim, depth int) error {
	if !m.isIndex() {
		return r.add(ctx, m, digest, claim)
	}
	if depth > r.limits.Depth {
		return limited("the nesting of indexes", r.limits.Depth, "levels")
	}
	for _, d := range m.Manifests {
		if r.seen[d.Digest] {
			r.note("the index lists %s more than once", d.Digest)
			continue
		}
		r.seen[d.Digest] = true
		if len(r.seen) > r.limits.Manifests {
			return limited("the number of manifests in the index", r.limits.Manifests, "manifests")
		}
		child, err := r.child(ctx, d)
		if err != nil {
			return err
		}
		if child.isAttestation() {
			if d.Platform != nil && d.Platform.OS != "" && d.Platform.OS != "unknown" {
				r.note("the index says that %s runs on %s; it holds attestations", d.Digest, quote(platformName(*d.Platform)))
			}
			continue
		}
		if err := r.descend(ctx, child, d.Digest, d.Platform, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// child reads a manifest that an index names.
func (r *resolver) child(ctx context.Context, d descriptor) (*manifest, error) {
	if d.Size > r.limits.Manifest {
		return nil, limited("the manifest "+d.Digest, r.limits.Manifest, "bytes")
	}
	m, size, err := manifestByDigest(ctx, r.source, d.Digest, d.MediaType)
	if err != nil {
		return nil, err
	}
	if size != d.Size {
		return nil, fail(nil, "manifest %s: it has %d bytes, and the index that names it says %d", d.Digest, size, d.Size)
	}
	return m, nil
}

// add reads the configuration of an image manifest and adds its platform, if it is wanted by what the
// configuration says or by what the index says: runtimes choose by either.
func (r *resolver) add(ctx context.Context, m *manifest, digest string, claim *platformClaim) error {
	p, err := r.platform(ctx, m, digest)
	if err != nil {
		return fmt.Errorf("manifest %s: %w", digest, err)
	}
	own := platformClaim{p.Config.OS, p.Config.Architecture, p.Config.Variant}
	if claim != nil && !own.matches(*claim) {
		p.note("the index says that this is %s", quote(platformName(*claim)))
	}
	if !r.wants(own) && (claim == nil || !r.wants(*claim)) {
		r.skipped = append(r.skipped, quote(p.Name))
		return nil
	}
	if slices.ContainsFunc(r.image.Platforms, func(other *Platform) bool { return other.Name == p.Name }) {
		r.note("the index holds more than one image for %s: which one runs is up to the runtime", quote(p.Name))
	}
	r.image.Platforms = append(r.image.Platforms, p)
	return nil
}

func (r *resolver) wants(p platformClaim) bool {
	return len(r.wanted) == 0 || slices.ContainsFunc(r.wanted, p.matches)
}

func (r *resolver) note(format string, args ...any) {
	r.image.Notes = addNote(r.image.Notes, format, args...)
}

// platform reads and checks the configuration of an image manifest.
func (r *resolver) platform(ctx context.Context, m *manifest, digest string) (*Platform, error) {
	if len(m.Layers) > r.limits.Layers {
		return nil, limited("the number of layers", r.limits.Layers, "layers")
	}
	var sum int64
	for _, l := range m.Layers {
		if sum += l.Size; sum > r.limits.Compressed {
			return nil, limited("the size of all layers", r.limits.Compressed, "bytes")
		}
	}
	if !slices.Contains(configTypes, m.Config.MediaType) {
		return nil, unscannable("a configuration of media type %s is not an image's", quote(m.Config.MediaType))
	}
	raw, err := readBlob(ctx, r.source, *m.Config, "the configuration", r.limits.Config)
	if err != nil {
		return nil, err
	}
	c, err := parseConfig(raw)
	if err != nil {
		return nil, err
	}
	if len(c.RootFS.DiffIDs) != len(m.Layers) {
		return nil, unscannable("%d layers, and %d diff IDs in the configuration", len(m.Layers), len(c.RootFS.DiffIDs))
	}
	p := &Platform{Name: c.name(), Digest: digest, Config: c.facts(), source: r.source, limits: r.limits}
	createdBy := c.createdBy(len(m.Layers))
	for i, l := range m.Layers {
		if len(l.URLs) > 0 {
			p.note("layer %d names addresses to download it from; they are not used", i)
		}
		p.Layers = append(p.Layers, Layer{Digest: l.Digest, DiffID: c.RootFS.DiffIDs[i], MediaType: l.MediaType, Size: l.Size, CreatedBy: createdBy[i]})
	}
	return p, nil
}

func (p *Platform) note(format string, args ...any) {
	p.Notes = addNote(p.Notes, format, args...)
}

// maxNotes bounds the notes of one thing: they are made from hostile input.
const maxNotes = 100

func addNote(notes []string, format string, args ...any) []string {
	if len(notes) >= maxNotes {
		return notes
	}
	return append(notes, printable(fmt.Sprintf(format, args...), maxError))
}

// defaultVariants are the variants that runtimes take for granted (containerd, platforms.Normalize).
var defaultVariants = map[string]string{"amd64": "v1", "arm": "v7", "arm64": "v8"}

// matches tells whether p is what want asks for. A missing variant in p is the default one; in want it is any.
func (p platformClaim) matches(want platformClaim) bool {
	if p.OS != want.OS || p.Architecture != want.Architecture {
		return false
	}
	have := p.Variant
	if have == "" {
		have = defaultVariants[p.Architecture]
	}
	return want.Variant == "" || have == want.Variant
}

// CheckPlatforms tells whether list can be the Platforms of a Client.
func CheckPlatforms(list []string) error {
	_, err := parsePlatforms(list)
	return err
}

// parsePlatforms reads Client.Platforms.
func parsePlatforms(list []string) ([]platformClaim, error) {
	var out []platformClaim
	for _, s := range list {
		if s == "all" {
			return nil, nil
		}
		parts := strings.Split(s, "/")
		if len(parts) < 2 || len(parts) > 3 || slices.Contains(parts, "") {
			return nil, fail(nil, "%s is not a platform: write os/arch or os/arch/variant, as in linux/arm64", quote(s))
		}
		p := platformClaim{OS: parts[0], Architecture: parts[1]}
		if len(parts) == 3 {
			p.Variant = parts[2]
		}
		out = append(out, p)
	}
	return out, nil
}
