package sbom

import (
	"archive/tar"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/empty"

	"github.com/tidewaiter/tidewaiter/image"
	"github.com/tidewaiter/tidewaiter/image/imagetest"
)

// TestOddNames: a miner is found behind members whose names end the reading of others (LAY-01), and wherever it is
// itself (LAY-12, LAY-19).
func TestOddNames(t *testing.T) {
	for _, name := range []string{
		"usr/bin/a", `c:x`, `\x`, "../x", "a/../../x", "/x", "x\ny", "x\x1b[2J", " ", "\xff\xfe", "\u202egnp.x", "-rf",
		"proc/1/exe", "sys/x", "dev/x", "etc/.git/objects/x", "node_modules/a/.x", "a/.wh.d/x", strings.Repeat("d/", 1000) + "x",
	} {
		for _, before := range []string{"c:x", `\x`, "../x"} {
			archive := imagetest.Tar(t, []tar.Header{
				{Name: before, Mode: 0o755, Typeflag: tar.TypeDir},
				{Name: name, Mode: 0o644, Typeflag: tar.TypeReg},
			}, []string{"", string(linuxMiner())})
			p := OnePlatform(t, imagetest.Append(t, empty.Image, archive))
			s, err := newScanner(p, Options{TempDir: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			if s.files, err = p.Files(t.Context(), image.Options{TempDir: t.TempDir(), Visit: s.visit}); err != nil {
				t.Errorf("%q behind %q: %v", name, before, err)
				continue
			}
			mines := func(c Class) bool { return c.Class == "miner" }
			found := false
			for _, e := range s.files.All() {
				c := factsOf(e).content
				found = found || c != nil && slices.ContainsFunc(s.table.classify(e.Path, e.Mode, c, nil), mines)
			}
			if !found {
				t.Errorf("%q behind %q is no miner", name, before)
			}
			s.files.Close()
		}
	}
}

// TestMalformedPackages: what cataloguers ask for is broken in every image of a hostile author (LAY-21, LAY-22). They
// end, and what they cannot read is told, or the scan is an error.
func TestMalformedPackages(t *testing.T) {
	contents := map[string]string{
		"empty": "", "zeros": strings.Repeat("\x00", 5000), "noise": string(noise(5000)), "open": strings.Repeat("{[\"<", 1000),
		"pom":     `<project><parent><groupId>a</groupId><artifactId>a</artifactId><version>1</version></parent><groupId>a</groupId><artifactId>a</artifactId><version>${version}</version></project>`,
		"SQLite":  "SQLite format 3\x00" + string(noise(4000)),
		"program": string(linuxMiner()[:100]),
		"zip":     string(zipOf(t, 8, "META-INF/MANIFEST.MF", []byte("a: b"))[:60]),
		"cut":     "Package: a\nStatus: install ok installed\nVersion",
	}
	var names []string
	for line := range strings.Lines(wantedPatterns) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		for _, pattern := range expandBraces(line) {
			names = append(names, strings.NewReplacer("**/", "a/", "**", "a", "*", "x", "?", "x").Replace(strings.TrimPrefix(pattern, "/")))
		}
	}
	for kind, content := range contents {
		t.Run(kind, func(t *testing.T) {
			files := map[string]string{}
			for i, name := range names {
				files[fmt.Sprintf("%d/%s", i%2, name)], files[name] = content, content
			}
			bom, err := Scan(t.Context(), OnePlatform(t, imagetest.Image(t, files)), Options{TempDir: t.TempDir()})
			if err == nil && bom == nil {
				t.Error("neither an SBOM nor an error")
			}
			if err != nil && !strings.Contains(err.Error(), "could not be found out") {
				t.Errorf("got %v", err)
			}
		})
	}
}
