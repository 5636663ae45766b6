package sbom

import (
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
)

// TestDpkgRecords: what counts of the lists that dpkg has of a package, some of which may be missing.
func TestDpkgRecords(t *testing.T) {
	sums := md5sums([]byte("D41D8CD98F00B204E9800998ECF8427E  usr/bin/a b\n" +
		"d41d8cd98f00b204e9800998ecf8427e  ./usr/bin/taken\nd41d8cd98f00b204e9800998ecf8427e *usr/bin/c\nshort  usr/bin/d\n"))
	list := pathLines([]byte("/.\n/usr/bin/a b\n/usr/bin/c\n/usr/lib/link\n/etc/x\n"))
	known := stanzas([]byte("Package: p\nConffiles:\n /etc/x d41d8cd98f00b204e9800998ecf8427e obsolete\n /etc/y newconffile\n"))[0].conffiles()
	digest := "d41d8cd98f00b204e9800998ecf8427e"
	want := map[string]record{
		"/":             {special: true},
		"/usr/bin/a b":  {digest: digest},
		"/usr/bin/c":    {digest: digest},
		"/usr/lib/link": {special: true},
		"/etc/x":        {digest: digest, config: true},
		"/etc/y":        {config: true},
		"/etc/z":        {config: true},
	}
	got := dpkgRecords(sums, list, pathLines([]byte("remove-on-upgrade /etc/z\n")), known)
	if !maps.Equal(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
	if r := dpkgRecords(nil, list, nil, nil)["/usr/lib/link"]; r.special {
		t.Error("a package without any checksum says nothing of what is a link")
	}
}

// TestStanzas: what dpkg has removed is not installed, and distroless images say nothing of that.
func TestStanzas(t *testing.T) {
	text := "Package: a\nStatus: install ok installed\n\nPackage: b\nStatus: deinstall ok config-files\n\n" +
		"Package: c\nStatus: purge ok not-installed\n\nPackage: d\nStatus: install ok half-configured\n\nPackage: e\n\nVersion: 1\n"
	var got []string
	for _, s := range stanzas([]byte(text)) {
		if s.isInstalled() {
			got = append(got, s["Package"])
		}
	}
	if want := []string{"a", "d", "e"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// FuzzDatabases: whatever the text, paths are clean and absolute, and digests are digests.
func FuzzDatabases(f *testing.F) {
	f.Add([]byte("Package: a\nStatus: install ok installed\nConffiles:\n /etc/x d41d8cd98f00b204e9800998ecf8427e\n"))
	f.Add([]byte("d41d8cd98f00b204e9800998ecf8427e  usr/bin/a\n"))
	f.Add([]byte("P:a\nV:1\nF:usr/bin\nR:a\nZ:Q12jmj7l5rSw0yVb/vlWAYkK/YBwk=\nF:\nR:../../b\nZ:d41d8cd98f00b204e9800998ecf8427e\n"))
	f.Add([]byte("/bin/sh\n/bin/sh.distrib\ndash\n/a\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		check := func(files map[string]record) {
			for name, r := range files {
				if name != path.Clean(name) || !strings.HasPrefix(name, "/") {
					t.Errorf("path %q", name)
				}
				if r.digest != "" && len(r.digest) != map[algorithm]int{md5Sum: 32, sha1Sum: 40}[r.algorithm] {
					t.Errorf("%q: digest %+v", name, r)
				}
			}
		}
		for _, s := range append(stanzas(text), stanza{}) {
			check(dpkgRecords(md5sums(text), pathLines(text), pathLines(text), s.conffiles()))
		}
		for _, p := range apkPackages(text, "") {
			check(p.files)
		}
		for _, d := range diversions(text) {
			check(map[string]record{d.from: {}, d.to: {}})
		}
	})
}
