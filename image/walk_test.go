package image

import (
	"archive/tar"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/tidewaiter/tidewaiter/image/imagetest"
)

// keepAll keeps every file.
func keepAll(*Member, *Content) (bool, error) { return true, nil }

// visible returns the regular files of the merged view, with their content.
func visible(t testing.TB, f *Files) map[string]string {
	t.Helper()
	out := map[string]string{}
	var list func(dir string)
	list = func(dir string) {
		for _, e := range f.ReadDir(dir) {
			switch e.Type {
			case Directory:
				list(e.Path)
			case Regular:
				r, err := f.Open(e)
				if err != nil {
					t.Fatal(err)
				}
				b, err := io.ReadAll(r)
				if err != nil {
					t.Fatal(err)
				}
				out[e.Path] = string(b)
			}
		}
	}
	list("/")
	return out
}

// flatten is the merged view, made slowly and plainly: every layer as a map of path to content.
func flatten(layers []map[string]string) map[string]string {
	out := map[string]string{}
	for _, l := range layers {
		for name := range l {
			dir, base := path.Split("/" + name)
			hidden := dir + strings.TrimPrefix(base, ".wh.")
			maps.DeleteFunc(out, func(p, _ string) bool {
				switch {
				case base == ".wh..wh..opq":
					return strings.HasPrefix(p, dir)
				case strings.HasPrefix(base, ".wh."):
					return p == hidden || strings.HasPrefix(p, hidden+"/")
				}
				// A file replaces a directory, and a directory a file.
				return strings.HasPrefix(p, "/"+name+"/") || strings.HasPrefix("/"+name, p+"/")
			})
		}
		for name, content := range l {
			if !strings.HasPrefix(path.Base(name), ".wh.") {
				out["/"+name] = content
			}
		}
	}
	return out
}

// TestAgainstFlattening compares the walk with a plain and slow one on random benign layers.
func TestAgainstFlattening(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 0))
		var layers []map[string]string
		var archives [][]byte
		for i := range 1 + random.IntN(5) {
			l := map[string]string{}
			for range random.IntN(8) {
				name := strings.Repeat("d/", random.IntN(3)) + string(rune('a'+random.IntN(5)))
				switch random.IntN(6) {
				case 0:
					name = path.Join(path.Dir(name), ".wh."+path.Base(name))
				case 1:
					name = path.Join(path.Dir(name), ".wh..wh..opq")
				}
				l[name] = fmt.Sprint("content of layer ", i)
				if strings.Contains(name, ".wh.") {
					l[name] = ""
				}
			}
			delete(l, "d")   // no file and directory of one name in one layer:
			delete(l, "d/d") // which wins would be a matter of order
			layers = append(layers, l)
			var members []tar.Header
			for _, name := range slices.Sorted(maps.Keys(l)) {
				members = append(members, file(name, l[name]))
			}
			random.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
			archives = append(archives, layer(t, members...))
		}
		f, err := platform(archives...).Files(t.Context(), Options{Visit: keepAll})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := visible(t, f), flatten(layers); !maps.Equal(got, want) {
			t.Fatalf("seed %d, layers %q: got %q, want %q", seed, layers, got, want)
		}
		f.Close()
	}
}

// FuzzFiles reads any bytes as two layers, and checks that the view and the list agree with each other.
func FuzzFiles(f *testing.F) {
	f.Add(layer(f, file("a/b", "x"), symlink("l", "a"), file("l/c", "y"), hardlink("h", "a/b")), layer(f, file("a/.wh.b", ""), dir("l"), file("../x", "")))
	f.Add(layer(f, symlink("a", "b"), symlink("b", "a"), file("a/x", "")), layer(f, file(".wh..wh..opq", ""), file(".wh.", "")))
	f.Add(sparseBomb(f), imagetest.Tar(f, nil, nil))
	f.Add(gz(layer(f, file("z", "z"))), zst(f, layer(f, file("z", "z"))))
	f.Fuzz(func(t *testing.T, lower, upper []byte) {
		if len(lower) == 0 || len(upper) == 0 {
			return
		}
		checkWalk(t, platform(lower, upper))
	})
}

// FuzzMembers makes well-formed layers of whatever it is given, and checks the same: three bytes are a member,
// and some begin a new layer.
func FuzzMembers(f *testing.F) {
	names := []string{"a", "b", "a/a", "a/b", "b/a", "a/b/a", ".wh.a", "a/.wh.b", ".wh..wh..opq", "a/.wh..wh..opq", "../a", "a/../b", ".", "../..", "a/..", "b/a/b"}
	kinds := []byte{tar.TypeReg, tar.TypeReg, tar.TypeDir, tar.TypeSymlink, tar.TypeSymlink, tar.TypeLink, tar.TypeFifo}
	f.Add([]byte{3, 0, 1, 0, 2, 0, 0, 6, 0, 200, 0, 0, 5, 1, 2, 0, 6, 0, 2, 0, 0})
	f.Fuzz(func(t *testing.T, ops []byte) {
		archives := [][]byte{}
		var members []tar.Header
		plain := oracle{files: map[string]*Entry{}, layer: map[string]int{}}
		for ; len(ops) >= 3 && len(archives) < 5; ops = ops[3:] {
			if ops[0] >= 200 {
				archives, members = append(archives, layer(t, members...)), nil
				continue
			}
			h := tar.Header{Typeflag: kinds[int(ops[0])%len(kinds)], Name: names[int(ops[1])%len(names)], Mode: 0o755}
			switch h.Typeflag {
			case tar.TypeReg:
				h.Uname = names[int(ops[2])%len(names)]
			case tar.TypeSymlink, tar.TypeLink:
				h.Linkname = names[int(ops[2])%len(names)]
			}
			members = append(members, h)
			h.Uname, h.Size = "", int64(len(h.Uname))
			plain.add(h, len(archives))
		}
		p := platform(append(archives, layer(t, members...))...)
		checkWalk(t, p)
		checkPlain(t, p, plain.entries)
	})
}

// checkPlain checks that the walk finds what the plain one found.
func checkPlain(t *testing.T, p *Platform, want []*Entry) {
	t.Helper()
	files, err := p.Files(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	describe := func(all []*Entry) string {
		var lines []string
		for _, e := range all {
			line := fmt.Sprintf("%d %s %s at %s, deleted in %d, duplicate %v", e.Layer, e.Type, e.Name, e.Path, e.DeletedIn, e.Duplicate)
			if e.Target != nil {
				line += fmt.Sprintf(", is %d %s", e.Target.Layer, e.Target.Path)
			}
			lines = append(lines, line)
		}
		return strings.Join(lines, "\n")
	}
	if got, want := describe(files.All()), describe(want); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// checkWalk checks what holds for any platform: a walk ends in one printable error, or in a list and a view
// that agree with each other.
func checkWalk(t *testing.T, p *Platform) {
	t.Helper()
	limits := Limits{RatioFloor: 1 << 20, Entries: 1000}
	files, err := p.Files(t.Context(), Options{Limits: limits, Visit: func(m *Member, content *Content) (bool, error) {
		n, err := io.Copy(io.Discard, content)
		m.Facts = n
		return n < 100, err
	}})
	if err != nil {
		wantError(t, err, "layer ")
		return
	}
	defer files.Close()
	for _, e := range files.All() {
		if path.Clean(e.Path) != e.Path || !path.IsAbs(e.Path) || path.Clean(e.Name) != e.Name || !path.IsAbs(e.Name) {
			t.Errorf("path %q, name %q", e.Path, e.Name)
		}
		if n, ok := e.Facts.(int64); ok != (e.Type == Regular) || ok && n != e.Size {
			t.Errorf("%s: visited %v, %d of %d bytes", e.Path, ok, n, e.Size)
		}
		if shown := lookupLink(files, e.Path) == e; shown != (e.DeletedIn < 0) {
			t.Errorf("%s: deleted in %d, and shown %v", e.Path, e.DeletedIn, shown)
		}
		if e.DeletedIn >= 0 && e.DeletedIn < e.Layer || e.Target != nil && e.Target.Type == Hardlink {
			t.Errorf("%+v", e)
		}
		if e.Target != nil && e.Target.Layer > e.Layer {
			t.Errorf("%s links to a later layer", e.Path)
		}
	}
}
