package image

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/tidewaiter/tidewaiter/image/imagetest"
)

func writeLayout(t testing.TB, images ...v1.Image) layout.Path {
	t.Helper()
	p, err := layout.Write(t.TempDir(), empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	for _, img := range images {
		if err := p.AppendImage(img); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// tarFolder packs a folder into an archive.
func tarFolder(t testing.TB, dir string) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.AddFS(os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "image.tar")
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func digestOfImage(t testing.TB, img v1.Image) string {
	t.Helper()
	h, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return h.String()
}

// content walks the one platform of ref, offline, and returns what /bin/web holds.
func content(t testing.TB, ref string) (*Image, string) {
	t.Helper()
	c := Client{Local: true}
	img, err := c.Pull(t.Context(), mustParse(t, ref))
	if err != nil {
		t.Fatal(err)
	}
	f, err := img.Platforms[0].Files(t.Context(), Options{Visit: keepAll})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := f.Open(f.Lookup("/bin/web"))
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, r.Size())
	if _, err := r.ReadAt(b, 0); err != nil {
		t.Fatal(err)
	}
	return img, string(b)
}

func TestTransports(t *testing.T) {
	img := imagetest.Image(t, map[string]string{"bin/web": "elf"}, map[string]string{"etc/x": "y"})
	digest := digestOfImage(t, img)
	dir := string(writeLayout(t, img))
	saved := filepath.Join(t.TempDir(), "saved.tar")
	tag, err := name.NewTag("example.com/web:1")
	if err != nil {
		t.Fatal(err)
	}
	if err := tarball.WriteToFile(saved, tag, img); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ ref, digest string }{
		{"oci:" + dir, digest},
		{"oci:" + dir + "@" + digest, digest},
		{"oci-archive:" + tarFolder(t, dir), digest},
		{"docker-archive:" + saved, ""},
	} {
		img, got := content(t, tt.ref)
		if got != "elf" {
			t.Errorf("%s: /bin/web holds %q", tt.ref, got)
		}
		if tt.digest != "" && img.Digest != tt.digest {
			t.Errorf("%s: digest %s, want %s", tt.ref, img.Digest, tt.digest)
		}
	}
}

// TestDockerSave reads what docker save wrote before it knew OCI: plain layers, and links for equal ones.
func TestDockerSave(t *testing.T) {
	layer := imagetest.Tar(t, []tar.Header{{Name: "bin/web", Typeflag: tar.TypeReg, Mode: 0o755}}, []string{"elf"})
	config, err := json.Marshal(map[string]any{
		"os": "linux", "architecture": "arm64", "config": map[string]any{},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{digestOf(layer), digestOf(layer)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	archive := imagetest.Tar(t, []tar.Header{
		{Name: "a/layer.tar", Typeflag: tar.TypeReg},
		{Name: "b/layer.tar", Typeflag: tar.TypeSymlink, Linkname: "../a/layer.tar"},
		{Name: "c.json", Typeflag: tar.TypeReg},
		{Name: "manifest.json", Typeflag: tar.TypeReg},
	}, []string{string(layer), "", string(config), `[{"Config":"c.json","RepoTags":["a:b"],"Layers":["a/layer.tar","b/layer.tar"]}]`})
	file := filepath.Join(t.TempDir(), "saved.tar")
	if err := os.WriteFile(file, archive, 0o600); err != nil {
		t.Fatal(err)
	}
	img, got := content(t, "docker-archive:"+file)
	if got != "elf" || img.Platforms[0].Name != "linux/arm64" || len(img.Platforms[0].Layers) != 2 {
		t.Errorf("%+v with %q", img, got)
	}
	attached, err := img.Attachments(t.Context(), img.Digest, "")
	if err != nil || len(attached) > 0 {
		t.Errorf("attachments: %v, %v", attached, err)
	}
}

func TestLayoutRefuses(t *testing.T) {
	img := imagetest.Image(t, map[string]string{"bin/web": "elf"})
	other, err := random.Image(10, 1)
	if err != nil {
		t.Fatal(err)
	}
	hex := strings.TrimPrefix(digestOfImage(t, img), "sha256:")
	overwrite := func(name, text string) func(testing.TB, string) {
		return func(t testing.TB, dir string) {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	replace := func(name string, by func(string) error) func(testing.TB, string) {
		return func(t testing.TB, dir string) {
			file := filepath.Join(dir, name)
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			if err := by(file); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, tt := range map[string]struct {
		images []v1.Image
		change func(t testing.TB, dir string)
		want   string
	}{
		"two images":       {[]v1.Image{img, other}, nil, "choose one with @digest"},
		"no image":         {nil, nil, "not found in the layout"},
		"not a layout":     {[]v1.Image{img}, replace("oci-layout", func(string) error { return nil }), "not an OCI layout"},
		"unknown version":  {[]v1.Image{img}, overwrite("oci-layout", `{"imageLayoutVersion":"2.0.0"}`), "unknown version"},
		"broken index":     {[]v1.Image{img}, overwrite("index.json", `{`), "not valid JSON"},
		"traversal":        {nil, overwrite("index.json", `{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":3,"digest":"sha256:../../../etc/passwd"}]}`), "64 lower-case"},
		"changed manifest": {[]v1.Image{img}, overwrite("blobs/sha256/"+hex, "{}"), "has the digest"},
		"directory":        {[]v1.Image{img}, replace("index.json", func(f string) error { return os.Mkdir(f, 0o700) }), "not a regular file"},
		"link out of it": {[]v1.Image{img}, replace("blobs/sha256/"+hex, func(f string) error {
			return os.Symlink("/etc/hostname", f)
		}), "escapes"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := string(writeLayout(t, tt.images...))
			if tt.change != nil {
				tt.change(t, dir)
			}
			_, err := (&Client{}).Pull(t.Context(), mustParse(t, "oci:"+dir))
			wantError(t, err, tt.want)
		})
	}
}

func TestArchiveRefuses(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, content []byte) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	two := imagetest.Tar(t, []tar.Header{{Name: "manifest.json", Typeflag: tar.TypeReg}}, []string{`[{"RepoTags":["a:1"]},{"RepoTags":["b:2"]}]`})
	loop := imagetest.Tar(t, []tar.Header{{Name: "manifest.json", Typeflag: tar.TypeSymlink, Linkname: "manifest.json"}}, []string{""})
	for _, tt := range []struct{ ref, want string }{
		{"docker-archive:" + filepath.Join(dir, "none"), "no such file"},
		{"docker-archive:" + dir, "not a regular file"},
		{"docker-archive:" + write("gz", []byte{0x1f, 0x8b, 8, 0}), "compressed"},
		{"docker-archive:" + write("junk", bytes.Repeat([]byte("junk"), 1000)), "not a tar archive"},
		{"docker-archive:" + write("empty", nil), "not an archive of docker save"},
		{"docker-archive:" + write("two", two), `2 images: save just one: "a:1", "b:2"`},
		{"docker-archive:" + write("loop", loop), "not an archive of docker save"},
		{"oci-archive:" + write("two2", two), "not an OCI layout"},
	} {
		_, err := (&Client{}).Pull(t.Context(), mustParse(t, tt.ref))
		wantError(t, err, tt.want)
	}
}

// saveBoth writes what docker save writes today: an OCI layout of some images, and a manifest.json that names one.
func saveBoth(t *testing.T, named v1.Image, images ...v1.Image) string {
	t.Helper()
	dir := string(writeLayout(t, images...))
	config, err := named.RawConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	saved := savedImage{Config: "named.json"}
	layers, err := named.Layers()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{"named.json": config}
	for i, layer := range layers {
		name := fmt.Sprintf("layer-%d", i)
		r, err := layer.Compressed()
		if err != nil {
			t.Fatal(err)
		}
		if files[name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
		saved.Layers = append(saved.Layers, name)
	}
	if files[savedFile], err = json.Marshal([]savedImage{saved}); err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return tarFolder(t, dir)
}

// TestTwofoldArchive: docker load believes manifest.json or index.json, depending on its image store. Both have to mean
// the image that is judged.
func TestTwofoldArchive(t *testing.T) {
	good, evil := imagetest.Image(t, map[string]string{"bin/web": "elf"}), imagetest.Image(t, map[string]string{"bin/web": "evil"})
	same := saveBoth(t, good, good)
	for _, transport := range []string{"docker-archive:", "oci-archive:"} {
		if _, got := content(t, transport+same); got != "elf" {
			t.Errorf("%s of an archive that means one image: /bin/web holds %q", transport, got)
		}
	}
	for _, tt := range []struct{ ref, want string }{
		{"docker-archive:" + saveBoth(t, good, evil), "different images"},
		{"docker-archive:" + saveBoth(t, good, good, evil), "different images"},
		{"oci-archive:" + saveBoth(t, evil, good), "which index.json does not lead to"},
		{"oci-archive:" + saveBoth(t, evil, good) + "@" + digestOfImage(t, good), "which index.json does not lead to"},
	} {
		_, err := (&Client{}).Pull(t.Context(), mustParse(t, tt.ref))
		wantError(t, err, tt.want)
	}
}

// wantError checks that an error is there, says what is wanted, and is one printable line.
func wantError(t testing.TB, err error, want string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want one with %q", want)
		return
	}
	text := err.Error()
	if !strings.Contains(text, want) {
		t.Errorf("error %q, want one with %q", text, want)
	}
	if len(text) > maxError || printable(text, maxError) != text {
		t.Errorf("the error is not one printable line of at most %d bytes: %q", maxError, text)
	}
}
