package image

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
)

// What docker save writes today says twice what it holds: in manifest.json, as ever, and in index.json, as an OCI layout.
// Which of the two docker load believes depends on how Docker keeps its images. An archive in which they mean different
// images is refused: whichever we judged, the other could run.

// checkLayout refuses an archive of docker save whose layout holds another image than the one with that configuration.
func (a *archive) checkLayout(ctx context.Context, config string, limits Limits) error {
	l := &layoutSource{store: a, limits: limits}
	err := l.readIndex()
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	var found []string
	if err == nil {
		found, err = l.configs(ctx)
	}
	if err != nil {
		return fail(err, "the layout that stands beside manifest.json: %v", err)
	}
	for _, other := range found {
		if other != config {
			return fail(nil, "manifest.json and index.json hold different images, with the configurations %s and %s: "+
				"save just one image, for one platform", config, other)
		}
	}
	return nil
}

// checkSaved refuses an archive of a layout whose manifest.json names an image that the layout does not hold.
func (a *archive) checkSaved(ctx context.Context, l *layoutSource) error {
	raw, err := readMember(a, savedFile, "the file "+savedFile, l.limits.Manifest)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	var all []savedImage
	if err := json.Unmarshal(raw, &all); err != nil {
		return fail(nil, "manifest.json, which stands beside index.json: %v", err)
	}
	if len(all) > l.limits.Manifests {
		return limited("the number of images in manifest.json", l.limits.Manifests, "images")
	}
	found, err := l.configs(ctx)
	if err != nil {
		return err
	}
	for _, saved := range all {
		config, err := readMember(a, saved.Config, "the configuration", l.limits.Config)
		if err != nil {
			return fail(err, "manifest.json, which stands beside index.json: %v", err)
		}
		if other := digestOf(config); !slices.Contains(found, other) {
			return fail(nil, "manifest.json names an image with the configuration %s, which index.json does not lead to", other)
		}
	}
	return nil
}

// configs returns the digests of the configurations of all images that the layout holds. What its index names and is not
// there, as platforms that were not saved, runs nowhere.
func (l *layoutSource) configs(ctx context.Context) ([]string, error) {
	var configs []string
	seen := map[string]bool{}
	for queue := slices.Clone(l.index); len(queue) > 0; queue = queue[1:] {
		d := queue[0]
		if seen[d.Digest] {
			continue
		}
		if seen[d.Digest] = true; len(seen) > l.limits.Manifests {
			return nil, limited("the number of manifests in the layout", l.limits.Manifests, "manifests")
		}
		m, _, err := manifestByDigest(ctx, l, d.Digest, d.MediaType)
		switch {
		case errors.Is(err, ErrNotFound), err == nil && m.isAttestation():
		case err != nil:
			return nil, err
		case m.isIndex():
			queue = append(queue, m.Manifests...)
		default:
			configs = append(configs, m.Config.Digest)
		}
	}
	return configs, nil
}
