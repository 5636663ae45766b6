package sbom

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/anchore/syft/syft"
	"github.com/anchore/syft/syft/file"
	"github.com/anchore/syft/syft/source"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"

	"github.com/tidewaiter/tidewaiter/image"
	"github.com/tidewaiter/tidewaiter/image/imagetest"
)

// listening is a source whose resolver remembers what it was asked for.
type listening struct {
	*imageSource
	*resolver

	mu    sync.Mutex
	asked map[string]bool
	all   []string // who asked for all files
}

func (l *listening) FileResolver(source.Scope) (file.Resolver, error) { return l, nil }

func (l *listening) hear(patterns []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range patterns {
		l.asked[p] = true
	}
}

func (l *listening) AllLocations(ctx context.Context) <-chan file.Location {
	l.mu.Lock()
	defer l.mu.Unlock()
	pc, _, _, _ := runtime.Caller(1)
	l.all = append(l.all, runtime.FuncForPC(pc).Name())
	return l.resolver.AllLocations(ctx)
}

func (l *listening) FilesByPath(paths ...string) ([]file.Location, error) {
	l.hear(paths)
	return l.resolver.FilesByPath(paths...)
}

func (l *listening) FilesByGlob(patterns ...string) ([]file.Location, error) {
	l.hear(patterns)
	return l.resolver.FilesByGlob(patterns...)
}

// TestWanted: all that syft's cataloguers search for is on the list.
func TestWanted(t *testing.T) {
	const release = "ID=debian\nVERSION_ID=\"12\"\n" // of which there is more to ask
	src := sourceOf(map[string]string{"/etc/os-release": release}, func(*image.Entry) (*io.SectionReader, error) {
		return io.NewSectionReader(strings.NewReader(release), 0, int64(len(release))), nil
	})
	l := &listening{imageSource: src, resolver: src.resolver, asked: map[string]bool{}}
	ctx, err := withoutLicenseTexts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := syft.CreateSBOM(ctx, l, catalogConfig()); err != nil {
		t.Fatal(err)
	}
	if len(l.asked) < 100 {
		t.Errorf("syft searched only for %q", slices.Collect(maps.Keys(l.asked)))
	}
	if len(l.all) != 1 || !strings.Contains(l.all[0], "/cataloger/nix.") {
		t.Errorf("all files are asked for by %q, and only nix's cataloguer is known to", l.all)
	}
	listed := strings.Split(wantedPatterns, "\n")
	for pattern := range l.asked {
		if !slices.Contains(listed, pattern) {
			t.Errorf("syft searches for %s, which is not in wanted.txt", pattern)
		}
	}
}

func TestWantedFile(t *testing.T) {
	w := theWanted()
	for name, want := range map[string]bool{
		"/app/node_modules/a/package.json":               true,
		"/usr/lib/python3/dist-packages/a.egg-info":      true,
		"/opt/a-1.0.dist-info/METADATA":                  true,
		"/opt/a-1.0.dist-info/RECORD":                    true,
		"/METADATA":                                      false,
		"/var/lib/dpkg/status":                           true,
		"/var/lib/dpkg/info/bash.md5sums":                true,
		"/var/lib/dpkg/info/bash.list":                   false,
		"/usr/lib/sysimage/rpm/rpmdb.sqlite":             true,
		"/usr/bin/python3.11":                            true,
		"/usr/lib/x86_64-linux-gnu/libpython3.11.so.1.0": true,
		"/usr/lib/php/20220829/curl.so":                  true,
		"/usr/lib/x86_64-linux-gnu/security/pam_env.so":  false,
		"/app/index.js":                                  false,
		"/app/main.jar":                                  true,
		"/usr/lib/modules/6.1/kernel/fs/ext4.ko.xz":      true,
		"/usr/share/doc/bash/copyright":                  true,
		"/usr/share/doc/bash/changelog.gz":               false,
		"/usr/bin/go":                                    true,
		"/usr/bin/gofmt":                                 false,
	} {
		if got := w.file(name); got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	for name, want := range map[string]bool{"/usr/bin/x86_64-linux-gnu-gcc-12": true, "/usr/bin/python3-dbg": false, "/usr/sbin/nginx-debug": true, "/bin/ls": false} {
		if got := w.program(name); got != want {
			t.Errorf("program %s: got %v, want %v", name, got, want)
		}
	}
}

// OnePlatform is the platform of an image as a registry has it.
func OnePlatform(t *testing.T, img v1.Image) *image.Platform {
	t.Helper()
	host := imagetest.Host(t)
	imagetest.Push(t, host+"/app:1", img)
	ref, err := image.ParseReference(host + "/app:1")
	if err != nil {
		t.Fatal(err)
	}
	pulled, err := (&image.Client{PlainHTTP: []string{host}}).Pull(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	return pulled.Platforms[0]
}

// everything wants all files.
func everything() *wanted { return &wanted{others: []string{"/**"}} }

// scanned is what a scan of a platform finds, as text; only what syft is expected to ask for is kept, or all.
func scanned(t *testing.T, p *image.Platform, all bool) string {
	t.Helper()
	s, err := newScanner(p, Options{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if all {
		s.wanted = everything()
	}
	bom, err := s.scan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, format := range []string{"cyclonedx-json", "spdx-json"} {
		if err := bom.Encode(&out, format); err != nil {
			t.Fatal(err)
		}
	}
	fmt.Fprintf(&out, "%+v %+v %q", bom.Packages, bom.Files, bom.scripts)
	return variable.ReplaceAllString(out.String(), "")
}

// variable is what differs between two SBOMs of the same.
var variable = regexp.MustCompile(`"(serialNumber|timestamp|created|annotationDate|documentNamespace)": "[^"]*"`)

// TestKeepsEnough: what is found does not depend on what is kept. Besides an image made here, it looks at those
// of testdata/images/build.sh in the folder TIDEWAITER_IMAGES.
func TestKeepsEnough(t *testing.T) {
	check := func(t *testing.T, p *image.Platform) {
		if got, want := scanned(t, p, false), scanned(t, p, true); got != want {
			at := 0
			for at < min(len(got), len(want)) && got[at] == want[at] {
				at++
			}
			from := max(0, at-200)
			t.Errorf("after %d bytes got\n%.500s\nwant\n%.500s", at, got[from:], want[from:])
		}
	}
	t.Run("all sorts", func(t *testing.T) { check(t, allSorts(t)) })
	archives, _ := filepath.Glob(filepath.Join(os.Getenv("TIDEWAITER_IMAGES"), "*.tar"))
	for _, archive := range archives {
		t.Run(filepath.Base(archive), func(t *testing.T) {
			img, err := (&image.Client{}).Pull(t.Context(), image.Reference{Transport: image.DockerArchive, Path: archive})
			if err != nil {
				t.Fatal(err)
			}
			check(t, img.Platforms[0])
			readOnce(t, img.Platforms[0])
		})
	}
}

// readOnce checks that all that is asked for was kept at the first reading.
func readOnce(t *testing.T, p *image.Platform) {
	t.Helper()
	var mu sync.Mutex
	seen := map[int]int64{}
	progress := func(layer int, read, _ int64) {
		mu.Lock()
		defer mu.Unlock()
		if read < seen[layer] {
			t.Errorf("layer %d is read again", layer)
		}
		seen[layer] = read
	}
	if _, err := Scan(t.Context(), p, Options{Progress: progress}); err != nil {
		t.Fatal(err)
	}
}

// allSorts is an image with packages of several kinds, some of which only a second reading finds.
func allSorts(t *testing.T) *image.Platform {
	t.Helper()
	program := goProgram(t)
	const status = "Package: bash\nStatus: install ok installed\nVersion: 5.2\nArchitecture: amd64\nMaintainer: x\n\n"
	files := map[string]string{
		"etc/os-release":                    "ID=debian\nVERSION_ID=\"12\"\n",
		"var/lib/dpkg/status":               status,
		"var/lib/dpkg/info/bash.md5sums":    "d41d8cd98f00b204e9800998ecf8427e  bin/bash\n",
		"usr/share/doc/bash/copyright":      "License: GPL-3+\n",
		"app/node_modules/a/package.json":   `{"name":"a","version":"1.2.3"}`,
		"app/node_modules/a/LICENSE":        "Permission is hereby granted",
		"app/index.js":                      "console.log(1)",
		"opt/b-1.0.dist-info/METADATA":      "Metadata-Version: 2.1\nName: b\nVersion: 1.0\n",
		"opt/b-1.0.dist-info/RECORD":        "b/__init__.py,,\n",
		"opt/b-1.0.dist-info/top_level.txt": "b\n",
		"srv/anything":                      program,
		"opt/tool-12":                       "\x7fELF\x02\x01\x01 GCC: (GNU) 12.3.0\x00",
		"usr/local/bin/node":                "\x7fELF\x02\x01\x01 node.js/v20.1.2\x00",
	}
	var members []tar.Header
	var contents []string
	for _, name := range slices.Sorted(maps.Keys(files)) {
		members = append(members, tar.Header{Name: name, Mode: 0o755, Typeflag: tar.TypeReg})
		contents = append(contents, files[name])
	}
	members = append(members, tar.Header{Name: "usr/bin/gcc", Linkname: "/opt/tool-12", Typeflag: tar.TypeSymlink})
	contents = append(contents, "")
	return OnePlatform(t, imagetest.Append(t, empty.Image, imagetest.Tar(t, members, contents)))
}

// goProgram is a program as Go builds it.
func goProgram(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module example.com/app\n", "main.go": "package main\n\nfunc main() {}\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", "app", ".")
	build.Dir = dir
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	program, err := os.ReadFile(filepath.Join(dir, "app"))
	if err != nil {
		t.Fatal(err)
	}
	return string(program)
}

// TestAllSorts: what the image of TestKeepsEnough is made of is found at all, and little of it is kept.
func TestAllSorts(t *testing.T) {
	s, err := newScanner(allSorts(t), Options{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	bom, err := s.scan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"deb bash 5.2", "npm a 1.2.3", "python b 1.0", "binary gcc 12.3.0", "binary node 20.1.2", "go-module example.com/app UNKNOWN"} {
		if !slices.ContainsFunc(bom.Packages, func(p Package) bool { return want == p.Type+" "+p.Name+" "+p.Version }) {
			t.Errorf("%s is not among %d packages: %.500v", want, len(bom.Packages), bom.Packages)
		}
	}
}

// TestTells: programs that syft could say something about are kept whatever they are called.
func TestTells(t *testing.T) {
	table := mustTable(t)
	const head = "\x7fELF\x02\x01\x01"
	for name, tt := range map[string]struct {
		content string
		want    bool
	}{
		"nothing":      {head + strings.Repeat("x", 10000), false},
		"a Go program": {goProgram(t), true},
		"Rust":         {head + ".dep-v0", true},
		"a note":       {head + strings.Repeat("x", 1<<20) + ".note.package\x00", true},
		"GraalVM":      {head + "__svm_version_info", true},
		"packed":       {head + strings.Repeat("\x00", 200) + "UPX!", true},
		"Windows":      {"MZ" + strings.Repeat("x", 100), true},
	} {
		r := strings.NewReader(tt.content)
		first, err := readHead(r, make([]byte, headSize))
		if err != nil {
			t.Fatal(err)
		}
		c, err := table.inspect("/app", 0o755, first, r, newBounds(DefaultLimits()))
		if err != nil {
			t.Fatal(err)
		}
		if got := c.tells(first); got != tt.want {
			t.Errorf("%s: got %v, want %v", name, got, tt.want)
		}
	}
	// One that was not looked at to its end may hold anything.
	if !(&content{size: 2, scanned: 1}).tells([]byte(head)) {
		t.Error("a program that was not scanned to its end is not kept")
	}
}

// TestNarrow: what is left of a program is enough for the expressions of syft's classifier of node, wherever in
// it they match.
func TestNarrow(t *testing.T) {
	expressions := []*regexp.Regexp{ // of nodejs-binary in syft's classifiers.go
		regexp.MustCompile(`(?m)\x00(node )?v(?P<version>(0|4|5|6)\.[0-9]+\.[0-9]+)\x00`),
		regexp.MustCompile(`(?m)node\.js\/v(?P<version>[0-9]+\.[0-9]+\.[0-9]+)`),
	}
	for _, text := range []string{"\x00v0.12.18\x00", "\x00node v0.10.48\x00", "\x00v4.9.1\x00", "node.js/v22.9.0 ", "\x00v6.9.1\x00 node.js/v22.9.0", "v4.9.1\x00", "nothing"} {
		for _, at := range []int{0, 1, 100, narrowChunk - 5, narrowChunk - 1, narrowChunk, narrowChunk + narrowMargin, 2*narrowChunk - 3} {
			content := bytes.Repeat([]byte("x"), 2*narrowChunk+200)
			copy(content[at:], text)
			left, ok := narrow("/usr/bin/node", io.NewSectionReader(bytes.NewReader(content), 0, int64(len(content))))
			if !ok || len(left) > 4*2*narrowMargin+8 {
				t.Fatalf("%q at %d: %v, %d bytes", text, at, ok, len(left))
			}
			for _, e := range expressions {
				if got, want := e.FindSubmatch(left), e.FindSubmatch(content); !slices.EqualFunc(got, want, bytes.Equal) {
					t.Errorf("%q at %d: got %q, want %q", text, at, got, want)
				}
			}
		}
	}
	many := strings.Repeat("node.js/v", maxNarrowed/narrowMargin)
	if _, ok := narrow("/usr/bin/node", io.NewSectionReader(strings.NewReader(many), 0, int64(len(many)))); ok {
		t.Error("a program of nothing but words is narrowed to more of them")
	}
	if _, ok := narrow("/usr/bin/deno", io.NewSectionReader(strings.NewReader(many), 0, int64(len(many)))); ok {
		t.Error("another program is narrowed")
	}
}

// TestLicenses: licences that a package names are there, those that a text would have to tell are not looked for.
func TestLicenses(t *testing.T) {
	archive := imagetest.Tar(t, []tar.Header{
		{Name: "a/package.json", Typeflag: tar.TypeReg}, {Name: "b/package.json", Typeflag: tar.TypeReg}, {Name: "b/LICENSE", Typeflag: tar.TypeReg},
	}, []string{`{"name":"a","version":"1","license":"MIT"}`, `{"name":"b","version":"1"}`, "BSD Zero Clause License"})
	bom, err := Scan(t.Context(), OnePlatform(t, imagetest.Append(t, empty.Image, archive)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range bom.syft.Artifacts.Packages.Sorted() {
		var got []string
		for _, l := range p.Licenses.ToSlice() {
			got = append(got, l.Value)
		}
		if want := map[string][]string{"a": {"MIT"}}[p.Name]; !slices.Equal(got, want) {
			t.Errorf("%s: licences %q, want %q", p.Name, got, want)
		}
	}
}
