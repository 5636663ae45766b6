package sbom_test

import (
	"archive/tar"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/empty"

	"github.com/tidewaiter/tidewaiter/image/imagetest"
	"github.com/tidewaiter/tidewaiter/sbom"
)

// TestDuplicateIsSeenAndNoted: of two entries for one path runtimes keep the last, so that is what has to be
// looked at; that there are two is odd enough to be told.
func TestDuplicateIsSeenAndNoted(t *testing.T) {
	for _, name := range []string{"usr/bin/app", "./usr/bin/app", "/usr/bin/app"} {
		archive := imagetest.Tar(t, []tar.Header{
			{Name: "usr/bin/app", Mode: 0o755, Typeflag: tar.TypeReg},
			{Name: name, Mode: 0o755, Typeflag: tar.TypeReg},
		}, []string{elf + "harmless", elf + minerWords})
		bom, err := sbom.Scan(t.Context(), sbom.OnePlatform(t, imagetest.Append(t, empty.Image, archive)), sbom.Options{})
		if err != nil {
			t.Fatal(err)
		}
		mines := func(f sbom.File) bool {
			return slices.ContainsFunc(f.Classes, func(c sbom.Class) bool { return c.Class == "miner" })
		}
		if !slices.ContainsFunc(bom.Files, mines) {
			t.Errorf("%s: the last entry was not looked at: %+v", name, bom.Files)
		}
		noted := func(note string) bool { return strings.Contains(note, `"/usr/bin/app" more than once`) }
		if !slices.ContainsFunc(bom.Notes, noted) {
			t.Errorf("%s: got notes %q", name, bom.Notes)
		}
	}
}
