package sbom

import (
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	stereofile "github.com/anchore/stereoscope/pkg/file"
	"github.com/anchore/stereoscope/pkg/filetree"
	"github.com/bmatcuk/doublestar/v4"

	"github.com/anchore/syft/syft/file"

	"github.com/tidewaiter/tidewaiter/image"
)

// debian is a tree with the links that real images have, and some that only hostile ones have.
var debian = map[string]string{
	"/etc/alternatives":                 "/",
	"/var/lib/dpkg/status.d":            "/",
	"/bin":                              "-> usr/bin",
	"/lib":                              "-> usr/lib",
	"/usr/bin/bash":                     "x",
	"/usr/bin/sh":                       "-> dash",
	"/usr/bin/dash":                     "x",
	"/usr/bin/python3":                  "-> python3.11",
	"/usr/bin/python3.11":               "x",
	"/usr/bin/python":                   "-> /etc/alternatives/python",
	"/etc/alternatives/python":          "-> /usr/bin/python3.11",
	"/usr/bin/perl":                     "x",
	"/usr/bin/perl5.36.0":               "=> /usr/bin/perl",
	"/usr/lib/os-release":               "x",
	"/etc/os-release":                   "-> ../usr/lib/os-release",
	"/usr/lib/x/libc.so.6":              "x",
	"/var/lib/dpkg/status":              "x",
	"/var/lib/dpkg/status.d/base":       "x",
	"/usr/lib/sysimage/rpm/Packages.db": "x",
	"/var/lib/rpm":                      "-> ../../usr/lib/sysimage/rpm",
	"/app/node_modules/a/package.json":  "x",
	"/app/current":                      "-> releases/1",
	"/app/releases/1/package.json":      "x",
	"/app/dead":                         "-> nowhere",
	"/app/loop":                         "-> loop",
	"/app/a":                            "-> b",
	"/app/b":                            "-> a",
	"/usr/bin/X11":                      "-> .",
	"/app/up":                           "-> ..",
	"/app/readme.txt":                   "-> /app/dead",
}

// entriesOf makes entries of a map: "-> x" is a symlink, "=> x" a hard link, "/" a directory, other content a file.
func entriesOf(files map[string]string) []*image.Entry {
	byPath := map[string]*image.Entry{}
	var entries []*image.Entry
	for p, content := range files {
		e := &image.Entry{Path: p, Member: &image.Member{Name: p, Type: image.Regular, Mode: 0o755}, DeletedIn: -1}
		if target, ok := strings.CutPrefix(content, "-> "); ok {
			e.Type, e.Linkname = image.Symlink, target
		} else if target, ok := strings.CutPrefix(content, "=> "); ok {
			e.Type, e.Linkname = image.Hardlink, target
		} else if content == "/" {
			e.Type = image.Directory
		}
		byPath[p] = e
		entries = append(entries, e)
	}
	for _, e := range entries {
		if e.Type == image.Hardlink {
			e.Target = byPath[e.Linkname]
		}
	}
	slices.SortFunc(entries, func(a, b *image.Entry) int { return strings.Compare(a.Path, b.Path) })
	return entries
}

func mimeOf(e *image.Entry) string {
	if e.Type != image.Regular {
		return ""
	}
	if strings.HasPrefix(e.Path, "/usr/bin/") {
		return "application/x-executable"
	}
	return "text/plain"
}

func resolverOf(entries []*image.Entry) *resolver {
	return &resolver{
		tree:  newTree(entries, mimeOf),
		layer: func(int) string { return "sha256:0" },
		open: func(e *image.Entry) (*io.SectionReader, error) {
			return io.NewSectionReader(strings.NewReader(e.Path), 0, int64(len(e.Path))), nil
		},
	}
}

// stereoscope is the tree by which the syft command finds files in images, filled with the same entries.
type stereoscope struct {
	tree   *filetree.FileTree
	index  filetree.Index
	search filetree.Searcher
}

func stereoscopeOf(t *testing.T, entries []*image.Entry) *stereoscope {
	t.Helper()
	s := &stereoscope{tree: filetree.New(), index: filetree.NewIndex()}
	for _, e := range entries {
		var ref *stereofile.Reference
		var err error
		switch p := stereofile.Path(e.Path); e.Type {
		case image.Symlink:
			ref, err = s.tree.AddSymLink(p, stereofile.Path(e.Linkname))
		case image.Hardlink:
			ref, err = s.tree.AddHardLink(p, stereofile.Path(e.Linkname))
		case image.Directory:
			ref, err = s.tree.AddDir(p)
		default:
			ref, err = s.tree.AddFile(p)
		}
		if err != nil {
			t.Skip("no tree that an image can have: ", err)
		}
		s.index.Add(*ref, stereofile.Metadata{
			FileInfo: stereofile.ManualInfo{ModeValue: map[bool]os.FileMode{true: os.ModeDir}[e.Type == image.Directory]},
			Path:     e.Path, Type: fileTypes[e.Type], MIMEType: mimeOf(e),
		})
	}
	s.search = filetree.NewSearchContext(s.tree, s.index)
	return s
}

// glob does what syft's resolver for merged images does with the search.
func (s *stereoscope) glob(t *testing.T, pattern string) []string {
	t.Helper()
	results, err := s.search.SearchByGlob(pattern, filetree.FollowBasenameLinks)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	seen := map[stereofile.ID]bool{}
	for _, r := range results {
		if !r.HasReference() {
			continue
		}
		at, err := s.search.SearchByPath(string(r.RequestPath), filetree.FollowBasenameLinks)
		if err != nil {
			t.Fatal(err)
		}
		if !at.HasReference() || seen[at.ID()] {
			continue
		}
		if m, err := s.index.Get(*at.Reference); err != nil || m.IsDir() {
			continue
		}
		seen[at.ID()] = true
		found = append(found, fmt.Sprintf("%s at %s", at.RealPath, r.RequestPath))
	}
	return found
}

func places(locations []file.Location) []string {
	var places []string
	for _, l := range locations {
		places = append(places, fmt.Sprintf("%s at %s", l.RealPath, l.AccessPath))
	}
	return places
}

var patterns = []string{
	"**/var/lib/dpkg/status", "**/lib/dpkg/status.d/*", "**/python*", "**/bin/python*", "/bin/*", "**/bin/sh",
	"**/{var/lib,usr/share,usr/lib/sysimage}/rpm/{Packages,Packages.db,rpmdb.sqlite}", "**/package.json",
	"**/current/package.json", "/etc/os-release", "/usr/lib/os-release", "**/os-release", "/lib/os-release", "**/*.so.6",
	"**/libc.so*", "**/perl*", "/app/dead", "/app/loop", "/app/a", "**/a", "**/X11/bash", "/app/up/etc/os-release",
	"**/{bash,dash}", "**/node_modules/*/package.json", "/app/readme.txt", "**/alternatives/*",
	"var/lib/dpkg/status", "//usr//bin/bash", "**/python3.?", "**/.*",
}

// TestGlobStereoscope compares our search with that of the syft command: files, and the paths that led to them.
// It knows no braces or classes in a part of a base name; syft's cataloguers do not use any.
func TestGlobStereoscope(t *testing.T) {
	entries := entriesOf(debian)
	r, oracle := resolverOf(entries), stereoscopeOf(t, entries)
	for _, pattern := range patterns {
		locations, err := r.FilesByGlob(pattern)
		if err != nil {
			t.Errorf("%s: %v", pattern, err)
		}
		got, want := places(locations), oracle.glob(t, pattern)
		if !slices.Equal(got, want) {
			t.Errorf("%s:\n got %q\nwant %q", pattern, got, want)
		}
	}
}

func TestResolver(t *testing.T) {
	r := resolverOf(entriesOf(debian))
	tests := []struct {
		path string
		want []string
		has  bool
	}{
		{"/bin/sh", []string{"/usr/bin/dash at /bin/sh"}, true},
		{"bin/sh", []string{"/usr/bin/dash at bin/sh"}, true},
		{"/usr/bin", nil, true},
		{"/bin", nil, true},
		{"/", nil, true},
		{"/app/dead", nil, true},
		{"/app/loop", nil, true},
		{"/app/a/b", nil, false},
		{"/nowhere", nil, false},
		{"/var/lib/rpm/Packages.db", []string{"/usr/lib/sysimage/rpm/Packages.db at /var/lib/rpm/Packages.db"}, true},
		{"/usr/bin/perl5.36.0", []string{"/usr/bin/perl at /usr/bin/perl5.36.0"}, true},
		{"/usr/bin/X11/X11/bash", []string{"/usr/bin/bash at /usr/bin/X11/X11/bash"}, true},
	}
	for _, tt := range tests {
		locations, err := r.FilesByPath(tt.path)
		if got := places(locations); err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, %v, want %q", tt.path, got, err, tt.want)
		}
		if got := r.HasPath(tt.path); got != tt.has {
			t.Errorf("HasPath(%s) = %v", tt.path, got)
		}
	}
	executables, err := r.FilesByMIMEType("application/x-executable", "application/x-elf")
	if err != nil || len(executables) != 4 {
		t.Errorf("executables: got %q, %v, want 4", places(executables), err)
	}
	all := 0
	for l := range r.AllLocations(t.Context()) {
		if _, err := r.FileMetadataByLocation(l); err != nil {
			t.Errorf("%s: %v", l.RealPath, err)
		}
		all++
	}
	if all != len(debian) {
		t.Errorf("%d locations, want %d", all, len(debian))
	}
}

func TestResolverContent(t *testing.T) {
	r := resolverOf(entriesOf(debian))
	content, err := r.FileContentsByLocation(*r.RelativeFileByPath(file.Location{}, "/bin/sh"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(content); err != nil || string(got) != "/usr/bin/dash" {
		t.Errorf("got %q, %v", got, err)
	}
	for _, p := range []string{"/usr/bin", "/nowhere", "/app/loop"} {
		if _, err := r.FileContentsByLocation(file.NewLocation(p)); err == nil {
			t.Errorf("%s has content", p)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	locations := r.AllLocations(ctx)
	cancel()
	for range locations {
	}
}

// TestGlobManyLinks: directories that link to each other must not take forever (LAY-13).
func TestGlobManyLinks(t *testing.T) {
	files := map[string]string{}
	for i := range 12 {
		for j := range 12 {
			files[fmt.Sprintf("/d%d/l%d", i, j)] = fmt.Sprintf("-> /d%d", j)
		}
		files[fmt.Sprintf("/d%d/package.json", i)] = "x"
	}
	r := resolverOf(entriesOf(files))
	locations, err := r.FilesByGlob("**/package.json", "/x/**/package.json", "**/l1/package.json")
	if err != nil || len(locations) != 12 {
		t.Errorf("got %q, %v, want 12 files", places(locations), err)
	}
}

// FuzzGlob checks the search against a plain one: every file whose real path matches is found; what is found
// is there, and reached by a path that matches or is a link to one that does.
func FuzzGlob(f *testing.F) {
	for _, pattern := range patterns {
		f.Add("/a/b x\n/c -> a\n/a/d => /a/b\n/e -> c/b\n/usr/bin/sh -> /c/b", pattern)
	}
	f.Add("/a -> a/a\n/b -> /b/b\n/c/d x", "**/d")
	f.Fuzz(func(t *testing.T, layout, pattern string) {
		if !utf8.ValidString(pattern) {
			t.Skip("doublestar takes all invalid bytes for the same letter")
		}
		files := map[string]string{}
		for line := range strings.Lines(layout) {
			p, content, _ := strings.Cut(strings.TrimSpace(line), " ")
			files[path.Clean("/"+p)] = content
		}
		delete(files, "/")
		entries := entriesOf(files)
		r := resolverOf(entries)
		locations, err := r.FilesByGlob(pattern)
		if err != nil {
			return
		}
		found := map[string]bool{}
		for _, l := range locations {
			found[l.RealPath] = true
			if n := r.tree.lookup(l.AccessPath, true); n == nil || n.path != l.RealPath || n.isDir() {
				t.Errorf("%q leads to %q, which is wrong", l.AccessPath, l.RealPath)
			}
		}
		for _, n := range r.tree.all {
			to := r.tree.lookup(n.path, true)
			if ok, _ := doublestar.Match(cleanPattern(pattern), n.path); ok && to != nil && !to.isDir() && !found[to.path] {
				t.Errorf("%q matches %q and is not found", n.path, pattern)
			}
		}
	})
}
