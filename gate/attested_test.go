package gate

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/tidewaiter/tidewaiter/image"
	"github.com/tidewaiter/tidewaiter/sbom"
	"github.com/tidewaiter/tidewaiter/signature"
)

// TestPURLs wants package URLs of one package, as different tools write them, to be the same.
func TestPURLs(t *testing.T) {
	for _, test := range []struct {
		a, b string
		same bool
	}{
		{"pkg:deb/debian/zlib1g@1%3A1.2.13.dfsg-1?arch=amd64&distro=debian-12", "pkg:deb/debian/zlib1g@1.2.13.dfsg-1?epoch=1", true},
		{"pkg:deb/debian/zlib1g@1:1.2.13.dfsg-1", "pkg:deb/debian/zlib1g@1.2.14.dfsg-1", false},
		{"pkg:rpm/rhel/bash@5.1.8-6.el9?arch=x86_64", "pkg:rpm/redhat/bash@5.1.8-6.el9", true},
		{"pkg:rpm/redhat/openssl@1:3.0-1", "pkg:rpm/redhat/openssl@3.0-1?epoch=1", true},
		{"pkg:apk/alpine/musl@1.2.5-r0", "pkg:apk/alpine/musl@1.2.5-r1", false},
		{"pkg:golang/github.com/BurntSushi/toml@v1.4.0", "pkg:golang/github.com/burntsushi/toml@1.4.0#subpath", true},
		{"pkg:golang/k8s.io/api@v0.37.0", "pkg:golang/k8s.io/api@v0.37.1", false},
		{"pkg:pypi/Jinja2@3.1", "pkg:pypi/jinja2@3.1", true},
		{"pkg:pypi/ruamel.yaml_clib@0.2", "pkg:pypi/ruamel-yaml-clib@0.2", true},
		{"pkg:npm/%40scope/Name@1.0.0", "pkg:npm/@scope/name@1.0.0", true},
		{"pkg:npm/@scope/name", "pkg:npm/%40scope/name", true},
		{"pkg:npm/a@1.0.0", "pkg:pypi/a@1.0.0", false},
		{"pkg:maven/org.example/core@1.0", "pkg:maven/core/core@1.0", true},
		{"pkg:cargo/serde@1.0.0%2Bbuild", "pkg:cargo/serde@1.0.0+build", true},
		{"pkg://gem/rake@13.0", "pkg:gem/rake@13.0", true},
	} {
		a, okA := parsePURL(test.a)
		b, okB := parsePURL(test.b)
		if !okA || !okB || (a == b) != test.same {
			t.Errorf("%s is %+v (%v), %s is %+v (%v), want same=%v", test.a, a, okA, test.b, b, okB, test.same)
		}
	}
	for _, text := range []string{"", "deb/debian/a@1", "pkg:", "pkg:deb", "pkg:deb/", "pkg:generic/busybox@1", "pkg:oci/web@sha256:aa", "pkg:deb/%zz@1", "pkg:deb/a@%zz"} {
		if id, ok := parsePURL(text); ok {
			t.Errorf("%q: got %+v", text, id)
		}
	}
}

func TestCompareSBOM(t *testing.T) {
	attested := []signature.AttestedPackage{
		{Name: "musl", PURL: "pkg:apk/alpine/musl@1.2"}, {Name: "web", PURL: "pkg:golang/shop.example/web"},
		{Name: "old", PURL: "pkg:npm/left@1.0"}, {Name: "old", PURL: "pkg:npm/left@2.0"}, {Name: "none"},
	}
	for name, test := range map[string]struct {
		ours     sbom.Package
		compared bool
		listed   bool
	}{
		"listed":                 {sbom.Package{PURL: "pkg:apk/alpine/musl@1.2?arch=amd64"}, true, true},
		"another version":        {sbom.Package{PURL: "pkg:apk/alpine/musl@1.3"}, true, false},
		"one of two versions":    {sbom.Package{PURL: "pkg:npm/left@2.0"}, true, true},
		"a third version":        {sbom.Package{PURL: "pkg:npm/left@3.0"}, true, false},
		"not there":              {sbom.Package{PURL: "pkg:apk/alpine/xmrig@6"}, true, false},
		"without its version":    {sbom.Package{PURL: "pkg:golang/shop.example/web@v1.4.0"}, true, true},
		"main module":            {sbom.Package{PURL: "pkg:golang/shop.example/web@(devel)"}, false, true},
		"main module, made up":   {sbom.Package{PURL: "pkg:golang/shop.example/x@v0.0.0-20261101020304-abcdefabcdef"}, false, true},
		"of a changed tree":      {sbom.Package{PURL: "pkg:golang/shop.example/x@v1.0.0+dirty"}, false, true},
		"Go itself":              {sbom.Package{PURL: "pkg:golang/stdlib@1.26.8"}, false, true},
		"a binary":               {sbom.Package{Type: "binary", PURL: "pkg:npm/node@1"}, false, true},
		"known by content":       {sbom.Package{PURL: "pkg:generic/busybox@1.35"}, false, true},
		"no package URL":         {sbom.Package{Name: "x"}, false, true},
		"of the distribution":    {sbom.Package{PURL: "pkg:pypi/pyyaml@6", Paths: []string{"/usr/lib/python3/dist-packages/PyYAML.egg-info"}}, false, true},
		"beside it":              {sbom.Package{PURL: "pkg:pypi/pyyaml@6", Paths: []string{"/usr/local/lib/python3.12/site-packages/PyYAML/METADATA"}}, true, false},
		"of nobody's own folder": {sbom.Package{PURL: "pkg:npm/express@4", Paths: []string{"/app/node_modules/express/package.json"}}, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			compared, unlisted := compareSBOM([]sbom.Package{test.ours}, attested)
			if compared != map[bool]int{true: 1}[test.compared] || (len(unlisted) == 0) != test.listed {
				t.Errorf("got %d compared, unlisted %v", compared, unlisted)
			}
		})
	}
}

func TestAttestedSBOMsOfAPlatform(t *testing.T) {
	img, p := &image.Image{Digest: "sha256:index"}, &image.Platform{Digest: "sha256:amd64"}
	list := func(subject string, packages ...signature.AttestedPackage) signature.Attestation {
		return signature.Attestation{PredicateType: "t", Subject: subject, Manifest: "sha256:m", SBOM: &signature.AttestedSBOM{Format: "spdx", Packages: packages}}
	}
	bom := &sbom.SBOM{}
	for range 150 {
		bom.Packages = append(bom.Packages, sbom.Package{PURL: "pkg:npm/p" + string(rune('a'+len(bom.Packages)%26)) + "x" + string(rune('a'+len(bom.Packages)/26)) + "@1"})
	}
	signed := &signature.Result{Attestations: []signature.Attestation{
		list("sha256:index", signature.AttestedPackage{PURL: "pkg:npm/paxa@1"}), list("sha256:amd64"), list("sha256:arm64"), {PredicateType: "other", Subject: "sha256:index"},
	}}
	got := attestedSBOMs(img, p, signed, bom)
	if len(got) != 2 || got[0].UnlistedCount != 149 || got[1].UnlistedCount != 150 || len(got[1].Unlisted) != maxUnlisted || got[0].Listed != 1 || got[0].Compared != 150 {
		t.Errorf("got %+v", got)
	}
	if got := attestedSBOMs(img, p, nil, bom); len(got) != 0 {
		t.Errorf("got %+v of signatures that nobody knows", got)
	}
}

// TestSyftSBOMs compares real images with SBOMs that syft wrote of them: nothing is unlisted. The variable names
// a folder with NAME.tar, an archive of docker save, and NAME.cdx.json, what syft -o cyclonedx-json made of it.
func TestSyftSBOMs(t *testing.T) {
	dir := os.Getenv("TIDEWAITER_SBOMS")
	if dir == "" {
		t.Skip("TIDEWAITER_SBOMS names no folder with images and their SBOMs")
	}
	archives, err := filepath.Glob(filepath.Join(dir, "*.tar"))
	if err != nil || len(archives) == 0 {
		t.Fatalf("no images in %s: %v", dir, err)
	}
	for _, archive := range archives {
		t.Run(filepath.Base(archive), func(t *testing.T) {
			ref, err := image.ParseReference("docker-archive:" + archive)
			if err != nil {
				t.Fatal(err)
			}
			img, err := (&image.Client{}).Pull(t.Context(), ref)
			if err != nil {
				t.Fatal(err)
			}
			bom, err := sbom.Scan(t.Context(), img.Platforms[0], sbom.Options{})
			if err != nil {
				t.Fatal(err)
			}
			compared, unlisted := compareSBOM(bom.Packages, readComponents(t, archive[:len(archive)-len(".tar")]+".cdx.json"))
			if len(unlisted) > 0 {
				t.Errorf("of %d: %q", compared, unlisted)
			}
			t.Logf("%d packages, %d compared", len(bom.Packages), compared)
		})
	}
}

func readComponents(t *testing.T, file string) []signature.AttestedPackage {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var document struct{ Components []signature.AttestedPackage }
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	return document.Components
}
