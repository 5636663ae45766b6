package image

import (
	"archive/tar"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestView(t *testing.T) {
	for name, tt := range map[string]struct {
		layers [][]byte
		want   []string
		note   string
	}{
		"duplicate, last wins (LAY-03)": {
			[][]byte{layer(t, file("usr/bin/app", "good"), file("./usr/bin/app", "bad"), file("/usr/bin/app", "evil"))},
			[]string{"0 /usr/bin/app=good duplicate deleted in 0", "0 /usr/bin/app=bad duplicate deleted in 0", "0 /usr/bin/app=evil duplicate"}, "",
		},
		"whiteout of the same layer (LAY-04)": {
			[][]byte{layer(t, file("bin/evil", "old")), layer(t, file("bin/.wh.evil", ""), file("bin/evil", "new"))},
			[]string{"0 /bin/evil=old deleted in 1", "1 /bin/evil=new"}, "",
		},
		"whiteout after the file (LAY-04)": {
			[][]byte{layer(t, file("bin/evil", "new"), file("bin/.wh.evil", ""))},
			[]string{"0 /bin/evil=new"}, "",
		},
		"whiteout (LAY-07)": {
			[][]byte{layer(t, file("tmp/a/b", "x"), file("tmp/c", "y")), layer(t, file("tmp/.wh.a", ""))},
			[]string{"0 /tmp/a/b=x deleted in 1", "0 /tmp/c=y"}, "",
		},
		"opaque": {
			[][]byte{layer(t, file("d/old", "x"), file("d/s/old", "x")), layer(t, file("d/new", "y"), file("d/.wh..wh..opq", ""), file("d/s/new", "z"))},
			[]string{"0 /d/old=x deleted in 1", "0 /d/s/old=x deleted in 1", "1 /d/new=y", "1 /d/s/new=z"}, "",
		},
		"bare whiteout (LAY-15)": {
			[][]byte{layer(t, file("etc/passwd", "root")), layer(t, file("etc/.wh.", ""), file("etc/.wh..", ""), file("etc/.wh...", ""), file(".wh..wh.aufs", ""))},
			[]string{"0 /etc/passwd=root"}, "has no name",
		},
		"upper case is a name": {
			[][]byte{layer(t, file("a", "x")), layer(t, file(".WH.a", "y"))},
			[]string{"0 /a=x", "1 /.WH.a=y"}, "",
		},
		"whiteout with content": {
			[][]byte{layer(t, file(".wh.a", "hidden"))}, nil, "has content",
		},
		"below a whiteout's name": {
			[][]byte{layer(t, file(".wh.d/evil", "x"))}, []string{"0 /.wh.d/evil=x"}, "",
		},
		"names out of the root (LAY-12)": {
			[][]byte{layer(t, file("../../x", "1"), file("/abs", "2"), file("a/../../y", "3"), file(`C:\z`, "4"), file("c:x", "5"), file(`\w`, "6"))},
			[]string{"0 /x=1", "0 /abs=2", "0 /y=3", `0 /C:\z=4`, "0 /c:x=5", `0 /\w=6`}, "",
		},
		"a file for the root": {
			[][]byte{layer(t, file("..", "evil"), dir("./"), file("a", "x"))},
			[]string{"0 /=evil deleted in 0", "0 /", "0 /a=x"}, "place of the root",
		},
		"through a symlink (LAY-14)": {
			[][]byte{layer(t, symlink("lib", "usr/lib"), dir("usr/lib")), layer(t, file("lib/evil.so", "x"), file("lib/.wh.y", ""))},
			[]string{"0 /lib->usr/lib", "0 /usr/lib", "1 /usr/lib/evil.so as /lib/evil.so=x"}, "",
		},
		"through a symlink out of the root": {
			[][]byte{layer(t, symlink("a", "../../../tmp"), symlink("b", "/"), file("a/x", "1"), file("b/../y", "2"), file("b/z", "3"))},
			[]string{"0 /a->../../../tmp", "0 /b->/", "0 /tmp/x as /a/x=1", "0 /y=2", "0 /z as /b/z=3"}, "",
		},
		"through a loop (LAY-13)": {
			[][]byte{layer(t, symlink("a", "b"), symlink("b", "a"), symlink("s", "s"), file("a/x", "1"), file("s/y", "2"))},
			[]string{"0 /a->b duplicate deleted in 0", "0 /b->a", "0 /s->s duplicate deleted in 0", "0 /a/x=1", "0 /s/y=2"}, "",
		},
		"through a file": {
			[][]byte{layer(t, file("a", "1")), layer(t, file("a/b", "2"))},
			[]string{"0 /a=1 deleted in 1", "1 /a/b=2"}, "",
		},
		"file over directory, directory over link": {
			[][]byte{layer(t, file("d/x", "1"), symlink("l", "d")), layer(t, file("d", "2"), dir("l"), file("l/y", "3"))},
			[]string{"0 /d/x=1 deleted in 1", "0 /l->d deleted in 1", "1 /d=2", "1 /l", "1 /l/y=3"}, "",
		},
		"directory again": {
			[][]byte{layer(t, dir("d"), file("d/x", "1")), layer(t, dir("d"))},
			[]string{"0 /d deleted in 1", "0 /d/x=1", "1 /d"}, "",
		},
		"hard links": {
			[][]byte{layer(t, file("bin/busybox", "elf"), hardlink("bin/sh", "bin/busybox"), hardlink("bin/ash", "/bin/sh"), hardlink("up", "../../bin/sh"), hardlink("none", "etc/shadow"))},
			[]string{"0 /bin/busybox=elf", "0 /bin/sh=>/bin/busybox", "0 /bin/ash=>/bin/busybox", "0 /up=>/bin/busybox", "0 /none->/etc/shadow"}, "which is not there",
		},
		"a hard link before its target": {
			[][]byte{layer(t, hardlink("sh", "busybox"), file("busybox", "elf"))},
			[]string{"0 /sh->/busybox", "0 /busybox=elf"}, "which is not there",
		},
		"a hard link to what its layer hides": {
			[][]byte{layer(t, file("bin/evil", "x")), layer(t, hardlink("bin/copy", "bin/evil"), file("bin/.wh.evil", ""))},
			[]string{"0 /bin/evil=x deleted in 1", "1 /bin/copy=>/bin/evil"}, "",
		},
		"a hard link to what was hidden": {
			[][]byte{layer(t, file("bin/evil", "x")), layer(t, file("bin/.wh.evil", ""), hardlink("bin/copy", "bin/evil"))},
			[]string{"0 /bin/evil=x deleted in 1", "1 /bin/copy->/bin/evil"}, "which is not there",
		},
		"a hard link in an opaque directory": {
			[][]byte{layer(t, file("d/a", "x"), hardlink("d/b", "d/a"), hardlink("c", "d/a")), layer(t, file("d/.wh..wh..opq", ""))},
			[]string{"0 /d/a=x deleted in 1", "0 /d/b=>/d/a deleted in 1", "0 /c=>/d/a"}, "",
		},
		"a whiteout of the link that leads there": {
			[][]byte{layer(t, file("usr/lib/x", "1"), symlink("lib", "usr/lib")), layer(t, file(".wh.lib", ""))},
			[]string{"0 /usr/lib/x=1", "0 /lib->usr/lib deleted in 1"}, "",
		},
		"a whiteout through a link": {
			[][]byte{layer(t, file("usr/lib/x", "1"), file("usr/lib/y", "2"), symlink("lib", "usr/lib")), layer(t, file("lib/.wh.x", ""), file("lib/.wh..wh..opq", ""))},
			[]string{"0 /usr/lib/x=1 deleted in 1", "0 /usr/lib/y=2 deleted in 1", "0 /lib->usr/lib"}, "",
		},
		"an opaque directory that is no directory": {
			[][]byte{layer(t, file("d", "1")), layer(t, file("d/.wh..wh..opq", ""))},
			[]string{"0 /d=1"}, "",
		},
		"a whiteout and a hard link of its name": {
			[][]byte{layer(t, file("a", "1"), file("b", "2")), layer(t, hardlink(".wh.a", "b"))},
			[]string{"0 /a=1 deleted in 1", "0 /b=2"}, "",
		},
		"unknown type": {
			[][]byte{layer(t, tar.Header{Name: "x", Typeflag: 'Z', Uname: "evil"})},
			[]string{"0 /x=evil"}, "unknown type 'Z'",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, notes, err := view(t, platform(tt.layers...))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
			if tt.note != "" {
				wantNote(t, notes, tt.note)
			} else if len(notes) > 0 {
				t.Errorf("notes %q", notes)
			}
		})
	}
}

func TestLookup(t *testing.T) {
	chain := []tar.Header{file("chain0", "end")}
	for i := range 50 {
		chain = append(chain, symlink(fmt.Sprint("chain", i+1), fmt.Sprint("chain", i)))
	}
	p := platform(layer(t, slices.Concat([]tar.Header{
		file("usr/bin/dash", "elf"), symlink("bin", "usr/bin"), symlink("usr/bin/sh", "dash"), symlink("abs", "/bin/sh"),
		symlink("out", "../../../../usr"), symlink("self", "self"), symlink("gone", "nowhere"), symlink("usr/up", ".."),
		hardlink("hardsh", "usr/bin/sh"),
	}, chain)...))
	f, err := p.Files(t.Context(), Options{Visit: keepAll})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for path, want := range map[string]string{
		"/bin/sh": "/usr/bin/dash", "bin/sh": "/usr/bin/dash", "/bin//./dash": "/usr/bin/dash", "/abs": "/usr/bin/dash",
		"/out/bin/dash": "/usr/bin/dash", "/bin/../bin/dash": "/usr/bin/dash", "/usr/up/bin": "/usr/bin", "/../../usr": "/usr",
		"/": "/", "": "/", ".": "/", "/usr/": "/usr", "/bin/": "/usr/bin", "/chain30": "/chain0",
		"/self": "", "/gone": "", "/none": "", "/bin/sh/x": "", "/chain50": "", "/usr/bin/dash/..": "",
	} {
		got := ""
		if e := f.Lookup(path); e != nil {
			got = e.Path
		}
		if got != want {
			t.Errorf("Lookup(%q) = %q, want %q", path, got, want)
		}
	}
	for path, want := range map[string]string{
		"/bin/sh": "/usr/bin/sh", "/bin": "/bin", "/bin/": "/bin", "/gone": "/gone", "/self": "/self", "/": "/", "/bin/..": "/usr", "/none": "",
	} {
		got := ""
		if e := lookupLink(f, path); e != nil {
			got = e.Path
		}
		if got != want {
			t.Errorf("lookupLink(%q) = %q, want %q", path, got, want)
		}
	}
	var names []string
	for _, e := range f.ReadDir("/bin") {
		names = append(names, e.Path)
	}
	if want := []string{"/usr/bin/dash", "/usr/bin/sh"}; !slices.Equal(names, want) {
		t.Errorf("ReadDir(/bin) = %q, want %q", names, want)
	}
	if f.ReadDir("/abs") != nil || f.ReadDir("/none") != nil {
		t.Error("ReadDir of what is no directory")
	}
	if usr := f.Lookup("/usr"); usr.Type != Directory || !usr.Mode.IsDir() {
		t.Errorf("an implied directory is %+v", usr)
	}
}

func TestEntry(t *testing.T) {
	p := platform(layer(t,
		tar.Header{Name: "su", Typeflag: tar.TypeReg, Mode: 0o4755, Uid: 0, Gid: 42, Uname: "elf"},
		tar.Header{Name: "wall", Typeflag: tar.TypeReg, Mode: 0o2711},
		tar.Header{Name: "tmp", Typeflag: tar.TypeDir, Mode: 0o1777},
		tar.Header{Name: "ping", Typeflag: tar.TypeReg, Mode: 0o755, PAXRecords: map[string]string{"SCHILY.xattr.security.capability": "\x01\x00\x00\x02"}},
		tar.Header{Name: "mem", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 1},
		tar.Header{Name: "sda", Typeflag: tar.TypeBlock},
		tar.Header{Name: "pipe", Typeflag: tar.TypeFifo},
	))
	f, err := p.Files(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var got []string
	for _, e := range f.All() {
		got = append(got, fmt.Sprintf("%s %v %s %d:%d %d %v", e.Path, e.Mode, e.Type, e.UID, e.GID, e.Size, e.Capabilities))
	}
	want := []string{
		"/su urwxr-xr-x file 0:42 3 false", "/wall grwx--x--x file 0:0 0 false", "/tmp dtrwxrwxrwx directory 0:0 0 false",
		"/ping -rwxr-xr-x file 0:0 0 true", "/mem Dc--------- char-device 0:0 0 false", "/sda D--------- block-device 0:0 0 false",
		"/pipe p--------- fifo 0:0 0 false",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestLinkExplosion is LAY-13: directories full of links to each other.
func TestLinkExplosion(t *testing.T) {
	var members []tar.Header
	for i := range 12 {
		for j := range 12 {
			members = append(members, symlink(fmt.Sprintf("d%d/l%d", i, j), fmt.Sprintf("../d%d", j)))
		}
	}
	members = append(members, symlink("e0", "d0/l0"))
	for i := range 100 {
		members = append(members, symlink(fmt.Sprint("e", i+1), strings.Repeat(fmt.Sprintf("../e%d/", i), 100)), file(fmt.Sprintf("e%d/f", i), "x"))
	}
	members = append(members, file(strings.Repeat("d0/l1/../", 200)+"f", "x"))
	if _, _, err := view(t, platform(layer(t, members...))); err != nil {
		t.Error(err)
	}
}
