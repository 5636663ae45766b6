package sbom_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tidewaiter/tidewaiter/image"
	"github.com/tidewaiter/tidewaiter/sbom"
)

// TestSyft compares our packages with those that the syft command finds in the same real images, place and
// package URL included. The images are those of testdata/images/build.sh.
func TestSyft(t *testing.T) {
	command, folder := os.Getenv("TIDEWAITER_SYFT"), os.Getenv("TIDEWAITER_IMAGES")
	if command == "" || folder == "" {
		t.Skip("set TIDEWAITER_SYFT to the syft command and TIDEWAITER_IMAGES to the folder that testdata/images/build.sh filled")
	}
	archives, err := filepath.Glob(filepath.Join(folder, "*.tar"))
	if err != nil || len(archives) == 0 {
		t.Fatalf("no images in %s (%v)", folder, err)
	}
	for _, archive := range archives {
		t.Run(filepath.Base(archive), func(t *testing.T) {
			var got []string
			for _, p := range scanArchive(t, archive).Packages {
				got = append(got, fmt.Sprint(p.Type, " ", p.Name, " ", p.Version, " ", p.PURL, " ", p.Paths))
			}
			want := syftPackages(t, command, archive)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%d packages, syft finds %d\n got %q\nwant %q", len(got), len(want), minus(got, want), minus(want, got))
			}
			t.Logf("%d packages in both", len(want))
		})
	}
}

func scanArchive(t *testing.T, archive string) *sbom.SBOM {
	t.Helper()
	ref := image.Reference{Transport: image.DockerArchive, Path: archive}
	img, err := (&image.Client{}).Pull(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	bom, err := sbom.Scan(t.Context(), img.Platforms[0], sbom.Options{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return bom
}

func syftPackages(t *testing.T, command, archive string) []string {
	t.Helper()
	run := exec.CommandContext(t.Context(), command, "scan", "docker-archive:"+archive, "-o", "syft-json", "-q")
	run.Env = append(os.Environ(), "SYFT_CHECK_FOR_APP_UPDATE=false")
	run.Stderr = os.Stderr
	out, err := run.Output()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Artifacts []struct {
			Name, Version, Type, PURL string
			Locations                 []struct{ Path string }
		}
	}
	if err := json.Unmarshal(out, &doc); err != nil {
		t.Fatal(err)
	}
	var packages []string
	for _, a := range doc.Artifacts {
		var paths []string
		for _, l := range a.Locations {
			paths = append(paths, l.Path)
		}
		slices.Sort(paths)
		packages = append(packages, fmt.Sprint(a.Type, " ", a.Name, " ", a.Version, " ", a.PURL, " ", slices.Compact(paths)))
	}
	return packages
}

// minus returns what is in a and not in b.
func minus(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
}
