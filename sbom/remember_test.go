package sbom

import (
	"archive/tar"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"

	"github.com/tidewaiter/tidewaiter/cache"
	"github.com/tidewaiter/tidewaiter/image"
	"github.com/tidewaiter/tidewaiter/image/imagetest"
)

// NewMemory is a memory that forgets with the test.
func NewMemory(t testing.TB) *image.Memory {
	t.Helper()
	c, err := cache.Open(t.TempDir(), 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	c.Note = func(err error) { t.Error(err) }
	return image.NewMemory(c)
}

// factsIn is all that a scan says, as rules see it, and whether syft was run.
func factsIn(t testing.TB, p *image.Platform, m *image.Memory) (facts string, ran bool) {
	t.Helper()
	bom, err := Scan(t.Context(), p, Options{Memory: m})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.MarshalIndent([]any{bom.Packages, bom.Files, bom.Notes, bom.Unread, bom.Settings, bom.scripts, bom.calls, bom.autostarts}, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw), bom.syft != nil
}

// hidingImage has a miner in every hiding place, in a folder each.
func hidingImage(t *testing.T) v1.Image {
	t.Helper()
	var members []tar.Header
	var contents []string
	for i, h := range hidingPlaces() {
		members = append(members, tar.Header{Name: fmt.Sprintf("place%d%s", i, h.path), Mode: int64(h.mode), Typeflag: tar.TypeReg})
		contents = append(contents, string(h.file(t)))
	}
	return imagetest.Append(t, empty.Image, imagetest.Tar(t, members, contents))
}

// TestRemembered: what is remembered of an image is what was found in it.
func TestRemembered(t *testing.T) {
	for name, p := range map[string]*image.Platform{"all sorts": allSorts(t), "hiding places": OnePlatform(t, hidingImage(t))} {
		t.Run(name, func(t *testing.T) {
			m := NewMemory(t)
			want, _ := factsIn(t, p, nil)
			for _, wantSyft := range []bool{true, false, false} {
				got, ran := factsIn(t, p, m)
				if got != want {
					t.Errorf("got\n%.3000s\nwant\n%.3000s", got, want)
				}
				if ran != wantSyft {
					t.Errorf("syft was run: %v, want %v", ran, wantSyft)
				}
			}
		})
	}
}

// TestRememberedDocument: an SBOM that is to be encoded is what it is without a memory.
func TestRememberedDocument(t *testing.T) {
	p, m := allSorts(t), NewMemory(t)
	encode := func(m *image.Memory) string {
		bom, err := Scan(t.Context(), p, Options{Memory: m, Document: true})
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		for _, format := range Formats() {
			if err := bom.Encode(&out, format); err != nil {
				t.Fatal(err)
			}
		}
		return variable.ReplaceAllString(out.String(), "")
	}
	want := encode(nil)
	for range 2 {
		if got := encode(m); got != want {
			t.Error("it differs")
		}
	}
	bom, err := Scan(t.Context(), p, Options{Memory: m})
	if err != nil {
		t.Fatal(err)
	}
	if err := bom.Encode(&strings.Builder{}, "syft-json"); err == nil {
		t.Error("an SBOM that was remembered is encoded without its packages")
	}
}

// TestRememberedBase: on a base that is remembered, what a new layer changes shows: packages that it adds, changes or
// hides, and files that make no difference to packages.
func TestRememberedBase(t *testing.T) {
	base := imagetest.Image(t, map[string]string{
		"etc/os-release":                  "ID=debian\nVERSION_ID=\"12\"\n",
		"var/lib/dpkg/status":             "Package: bash\nStatus: install ok installed\nVersion: 5.2\nArchitecture: amd64\nMaintainer: x\n\n",
		"var/lib/dpkg/info/bash.list":     "/usr/bin/bash\n",
		"usr/bin/bash":                    "\x7fELF\x02\x01\x01" + strings.Repeat("x", 100),
		"app/node_modules/a/package.json": `{"name":"a","version":"1.2.3"}`,
	})
	tests := []struct {
		name     string
		layer    map[string]string
		wantSyft bool
	}{
		{"a source file", map[string]string{"app/index.js": "console.log(2)"}, false},
		{"a script that is a miner's", map[string]string{"app/run.sh": secret("./worker -o stratum+~tcp://pool.example:3333 -u wallet.1 -p x\n")}, false},
		{"a package", map[string]string{"app/node_modules/b/package.json": `{"name":"b","version":"1.0.0"}`}, true},
		{"another version", map[string]string{"app/node_modules/a/package.json": `{"name":"a","version":"1.2.4"}`}, true},
		{"a package is gone", map[string]string{"app/node_modules/.wh.a": ""}, true},
		{"no database", map[string]string{"var/lib/dpkg/.wh.status": ""}, true},
		{"a store of nix", map[string]string{"nix/store/5av3kzr1gjshjqf6l9jhgmfgkf6ggjhl-hello-2.12/bin/hello": "x"}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := NewMemory(t)
			if _, ran := factsIn(t, OnePlatform(t, base), m); !ran {
				t.Fatal("syft was not run")
			}
			var members []tar.Header
			var contents []string
			for name, content := range test.layer {
				members = append(members, tar.Header{Name: name, Mode: 0o644, Typeflag: tar.TypeReg})
				contents = append(contents, content)
			}
			p := OnePlatform(t, imagetest.Append(t, base, imagetest.Tar(t, members, contents)))
			want, _ := factsIn(t, p, nil)
			got, ran := factsIn(t, p, m)
			if got != want {
				t.Errorf("got\n%.3000s\nwant\n%.3000s", got, want)
			}
			if ran != test.wantSyft {
				t.Errorf("syft was run: %v, want %v", ran, test.wantSyft)
			}
		})
	}
}

// TestFacts: every fact about a file is kept.
func TestFacts(t *testing.T) {
	mark := []Mark{{By: byContent, Text: "x", Offset: 3, In: "a", SHA256: "b"}}
	class := []Class{{"miner", "x", mark}}
	whole := content{
		kind: script, size: 7, scanned: 6, sha256: strings.Repeat("ab", 32), hits: map[int]int64{1: 2}, quoted: map[int]int64{3: 4},
		sayings: []saying{{1, "sort", true, mark[0]}}, about: true, modules: mark, applets: mark, packed: mark, crates: []crate{{"x", "build", true}},
		members: class, gaps: class, cataloged: true,
	}
	for i := range reflect.TypeOf(whole).NumField() {
		if reflect.ValueOf(whole).Field(i).IsZero() {
			t.Errorf("the test has no %s", reflect.TypeOf(whole).Field(i).Name)
		}
	}
	all := sums{strings.Repeat("0a", 16), strings.Repeat("0b", 20), strings.Repeat("0f", 32)}
	for _, f := range []*facts{
		{content: &whole, mime: "application/x-executable", binary: true, kind: script, sums: all},
		{content: &content{kind: program, size: math.MaxInt64, scanned: math.MaxInt64, sha256: all[sha256Sum]}, mime: "a/b", kind: program, sums: all},
		{content: &content{kind: bytecode, sha256: all[sha256Sum]}, binary: true, kind: bytecode, sums: sums{sha256Sum: all[sha256Sum]}},
		{kind: config, sums: sums{all[md5Sum], "", all[sha256Sum]}},
		{kind: archived, binary: true, sums: sums{"", all[sha1Sum], all[sha256Sum]}},
		{content: &content{kind: config, about: true}},
		{oversized: true},
		binaryFacts,
	} {
		raw, ok := encodeFacts(f)
		if !ok {
			t.Fatal("refused")
		}
		if got, err := decodeFacts(raw); err != nil || !reflect.DeepEqual(got, f) {
			t.Errorf("got %+v, %v, want %+v", got, err, f)
		}
	}
	if raw, ok := encodeFacts(nil); !ok || len(raw) != 1 {
		t.Errorf("nothing is kept as %q", raw)
	}
	whole.gaps = []Class{{Unscanned, gapLimit, mark}}
	if _, ok := encodeFacts(&facts{content: &whole}); ok {
		t.Error("what was not looked at for a limit of the whole image is kept")
	}
}

func FuzzFacts(f *testing.F) {
	for _, facts := range []*facts{binaryFacts, {content: &content{sha256: strings.Repeat("0f", 32)}}, {content: &content{size: 1}}} {
		raw, _ := encodeFacts(facts)
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		known, err := decodeFacts(raw)
		if err != nil || known == nil {
			return
		}
		again, ok := encodeFacts(known)
		if !ok {
			return
		}
		if twice, err := decodeFacts(again); err != nil || !reflect.DeepEqual(twice, known) {
			t.Errorf("%q: %+v became %+v, %v", raw, known, twice, err)
		}
	})
}

// TestKnowledge: what is kept counts for the same limits only.
func TestKnowledge(t *testing.T) {
	keys := map[string]bool{DefaultLimits().knowledge(): true}
	for i := range reflect.TypeFor[Limits]().NumField() {
		l := DefaultLimits()
		reflect.ValueOf(&l).Elem().Field(i).SetInt(5)
		if key := l.knowledge(); keys[key] {
			t.Errorf("the limit %s makes no difference", reflect.TypeFor[Limits]().Field(i).Name)
		} else {
			keys[key] = true
		}
	}
}
