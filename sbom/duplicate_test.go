package sbom_test

import (
	"archive/tar"
	"fmt"
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

// TestHardLinkRaises: who unpacks a layer sets the mode and the attributes of a hard link, too, and both names are
// one file. What a link only repeats is told once.
func TestHardLinkRaises(t *testing.T) {
	link := func(name string, mode int64, records map[string]string) tar.Header {
		return tar.Header{Name: name, Linkname: "opt/app", Mode: mode, Typeflag: tar.TypeLink, PAXRecords: records}
	}
	archive := imagetest.Tar(t, []tar.Header{
		{Name: "opt/app", Mode: 0o755, Typeflag: tar.TypeReg},
		link("opt/same", 0o755, nil),
		link("opt/setuid", 0o4755, nil),
		link("opt/setgid", 0o2755, nil),
		link("opt/able", 0o755, map[string]string{"SCHILY.xattr.security.capability": "\x01\x00\x00\x02"}),
		{Name: "opt/su", Mode: 0o4755, Typeflag: tar.TypeReg},
		{Name: "opt/su2", Linkname: "opt/su", Mode: 0o4755, Typeflag: tar.TypeLink},
	}, []string{elf, "", "", "", "", elf, ""})
	bom, err := sbom.Scan(t.Context(), sbom.OnePlatform(t, imagetest.Append(t, empty.Image, archive)), sbom.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range bom.Files {
		got = append(got, fmt.Sprintf("%s %s %v", f.Path, f.Mode, f.Capabilities))
	}
	want := []string{"/opt/able -rwxr-xr-x true", "/opt/setgid -rwxr-sr-x false", "/opt/setuid -rwsr-xr-x false", "/opt/su -rwsr-xr-x false"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
