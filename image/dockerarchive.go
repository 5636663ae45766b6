package image

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/types"
)

// dockerSource is an archive of docker save. It has no manifest of the image: we make one, of the layers as
// they are stored, and the image's digest is that manifest's.
type dockerSource struct {
	archive *archive
	raw     []byte
	blobs   map[string]string // names by digest
}

// savedFile lists the images of an archive of docker save.
const savedFile = "manifest.json"

// savedImage is an entry of it.
type savedImage struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// openDockerArchive reads an archive of one image and returns the digest of the manifest made for it.
func openDockerArchive(ctx context.Context, a *archive, limits Limits) (*dockerSource, string, error) {
	saved, err := savedOnly(a, limits)
	if err != nil {
		return nil, "", err
	}
	config, err := readMember(a, saved.Config, "the configuration", limits.Config)
	if err != nil {
		return nil, "", err
	}
	c, err := parseConfig(config)
	if err != nil {
		return nil, "", err
	}
	if len(c.RootFS.DiffIDs) != len(saved.Layers) {
		return nil, "", unscannable("%d layers, and %d diff IDs in the configuration", len(saved.Layers), len(c.RootFS.DiffIDs))
	}
	if err := a.checkLayout(ctx, digestOf(config), limits); err != nil {
		return nil, "", err
	}
	s := &dockerSource{archive: a, blobs: map[string]string{digestOf(config): saved.Config}}
	made := map[string]any{
		"schemaVersion": 2,
		"mediaType":     types.DockerManifestSchema2,
		"config":        map[string]any{"mediaType": types.DockerConfigJSON, "digest": digestOf(config), "size": len(config)},
	}
	layers := []map[string]any{}
	room := limits.Compressed
	for i, name := range saved.Layers {
		d, err := s.layer(ctx, name, c.RootFS.DiffIDs[i])
		if err != nil {
			return nil, "", fmt.Errorf("layer %d (%s): %w", i, quote(name), err)
		}
		if room -= d.Size; room < 0 {
			return nil, "", limited("the size of all layers", limits.Compressed, "bytes")
		}
		layers = append(layers, map[string]any{"mediaType": d.MediaType, "digest": d.Digest, "size": d.Size})
	}
	made["layers"] = layers
	if s.raw, err = json.Marshal(made); err != nil {
		return nil, "", fail(err, "%v", err)
	}
	return s, digestOf(s.raw), nil
}

// savedOnly returns the one image of the archive.
func savedOnly(a *archive, limits Limits) (*savedImage, error) {
	raw, err := readMember(a, savedFile, "the file "+savedFile, limits.Manifest)
	if err != nil {
		return nil, fail(err, "not an archive of docker save: %v", err)
	}
	var all []savedImage
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, unscannable("manifest.json: %v", err)
	}
	if len(all) == 1 {
		return &all[0], nil
	}
	var names []string
	for _, image := range all[:min(len(all), 10)] {
		names = append(names, quote(strings.Join(image.RepoTags, " ")))
	}
	return nil, fail(nil, "the archive has %d images: save just one: %s", len(all), strings.Join(names, ", "))
}

func readMember(a *archive, name, what string, limit int64) ([]byte, error) {
	r, err := a.open(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return readAll(r, what, limit)
}

// packedTypes are the media types that layers get in the manifest that we make.
var packedTypes = map[compression]string{
	plain:    "application/vnd.docker.image.rootfs.diff.tar",
	gzipped:  "application/vnd.docker.image.rootfs.diff.tar.gzip",
	zstdized: "application/vnd.docker.image.rootfs.diff.tar.zstd",
}

// layer describes a layer's file. The digest of a plain one is its diff ID, which is verified when the layer
// is read; others have to be read to know it.
func (s *dockerSource) layer(ctx context.Context, name, diffID string) (descriptor, error) {
	m, err := s.archive.find(name)
	if err != nil {
		return descriptor{}, err
	}
	r, err := s.archive.open(name)
	if err != nil {
		return descriptor{}, err
	}
	defer r.Close()
	head := make([]byte, 4)
	n, err := io.ReadFull(r, head)
	if err != nil && err != io.ErrUnexpectedEOF && err != io.EOF {
		return descriptor{}, fail(err, "%v", err)
	}
	found := sniff(head[:n])
	d := descriptor{MediaType: packedTypes[found], Digest: diffID, Size: m.size}
	if found != plain {
		hash := sha256.New()
		if _, err := io.Copy(hash, &untilDone{ctx, io.MultiReader(bytes.NewReader(head[:n]), r)}); err != nil {
			return descriptor{}, fail(err, "%v", err)
		}
		d.Digest = digestPrefix + hex.EncodeToString(hash.Sum(nil))
	}
	s.blobs[d.Digest] = name
	return d, nil
}

// untilDone is a reader that ends with its context.
type untilDone struct {
	ctx context.Context
	io.Reader
}

func (u *untilDone) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.Reader.Read(p)
}

func (s *dockerSource) manifest(_ context.Context, ref string) ([]byte, string, error) {
	if ref != digestOf(s.raw) {
		return nil, "", ErrNotFound
	}
	return s.raw, string(types.DockerManifestSchema2), nil
}

func (s *dockerSource) blob(_ context.Context, digest string) (io.ReadCloser, error) {
	name, ok := s.blobs[digest]
	if !ok {
		return nil, fail(ErrNotFound, "blob %s: %v in the archive", digest, ErrNotFound)
	}
	return s.archive.open(name)
}

// referrers is empty: docker save saves no signatures.
func (s *dockerSource) referrers(context.Context, string) ([]descriptor, error) { return nil, nil }
