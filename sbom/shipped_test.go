package sbom_test

import (
	"archive/tar"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/tidewaiter/tidewaiter/image/imagetest"
	"github.com/tidewaiter/tidewaiter/sbom"
)

// The contents of the tests: what the package brings, what its next version brings, and what an intruder does.
var (
	genuine = elf + "genuine"
	next    = elf + "next version"
	trojan  = elf + "trojan"
)

type files = map[string]string

// deb is a package of dpkg: its files, by path without the leading slash. A link has no checksum.
type deb struct {
	name, version string
	files         files
}

// dpkg is the database that has packages, and their files.
func dpkg(packages ...deb) files {
	all := files{"var/lib/dpkg/status": ""}
	for _, p := range packages {
		all["var/lib/dpkg/status"] += fmt.Sprintf("Package: %s\nStatus: install ok installed\nVersion: %s\nArchitecture: amd64\n\n", p.name, p.version)
		list, sums := "/.\n", ""
		for _, name := range slices.Sorted(maps.Keys(p.files)) {
			list += "/" + name + "\n"
			if content := p.files[name]; !strings.HasPrefix(content, "-> ") && !strings.HasPrefix(name, "etc/") {
				sums += fmt.Sprintf("%x  %s\n", md5.Sum([]byte(content)), name)
			}
			all[name] = p.files[name]
		}
		all["var/lib/dpkg/info/"+p.name+".list"], all["var/lib/dpkg/info/"+p.name+".md5sums"] = list, sums
	}
	return all
}

// with is a layer with other files, too; an empty content takes one out.
func with(layer files, more files) files {
	layer = maps.Clone(layer)
	maps.Copy(layer, more)
	maps.DeleteFunc(layer, func(_, content string) bool { return content == "\x00" })
	return layer
}

const gone = "\x00"

// apk is the database that has a package, and its files.
func apk(database, name, version string, content files) files {
	text := fmt.Sprintf("C:Q1abc=\nP:%s\nV:%s\nA:x86_64\n", name, version)
	for _, p := range slices.Sorted(maps.Keys(content)) {
		dir, base := p[:strings.LastIndex(p, "/")], p[strings.LastIndex(p, "/")+1:]
		sum := sha1.Sum([]byte(strings.TrimPrefix(content[p], "-> ")))
		text += fmt.Sprintf("F:%s\nM:0:0:755\nR:%s\na:0:0:755\nZ:Q1%s\n", dir, base, base64.StdEncoding.EncodeToString(sum[:]))
	}
	return with(content, files{database: text + "\n"})
}

var (
	curl7 = deb{"curl", "7", files{"usr/bin/curl": genuine}}
	curl8 = deb{"curl", "8", files{"usr/bin/curl": next}}
	zlib  = deb{"zlib1g", "1", files{"usr/lib/libz.so.1": "-> libz.so.1.2", "usr/lib/libz.so.1.2": genuine + "z"}}
	base  = dpkg(curl7, zlib)
	apk1  = apk("lib/apk/db/installed", "curl", "7", files{"usr/bin/curl": genuine, "usr/lib/libc.so": "-> libc.so.1", "etc/curlrc": "a"})
)

// TestShipped: what is said of files and of databases, in images that were tampered with and in those that were not.
func TestShipped(t *testing.T) {
	md5 := func(content string) string { return fmt.Sprintf("md5:%x", md5Of(content)) }
	sha1 := func(content string) string { return fmt.Sprintf("sha1:%x", sha1.Sum([]byte(content))) }
	tests := []struct {
		name   string
		layers []files
		want   []string
	}{
		{name: "as shipped", layers: []files{base}},
		{"a program is replaced", []files{base, {"usr/bin/curl": trojan}}, []string{
			"/usr/bin/curl layer 1: curl 7 program " + md5(genuine) + " " + md5(trojan)}},
		{"in a layer that another puts right", []files{base, {"usr/bin/curl": trojan}, {"usr/bin/curl": genuine}}, []string{
			"/usr/bin/curl layer 1: curl 7 program " + md5(genuine) + " " + md5(trojan)}},
		{"in one layer with its package", []files{with(base, files{"usr/bin/curl": trojan})}, []string{
			"/usr/bin/curl layer 0: curl 7 program " + md5(genuine) + " " + md5(trojan)}},
		{"and the checksum with it", []files{base, {
			"usr/bin/curl": trojan, "var/lib/dpkg/info/curl.md5sums": fmt.Sprintf("%x  usr/bin/curl\n", md5Of(trojan))}}, []string{
			"/usr/bin/curl layer 1: curl 7 program " + md5(genuine) + " " + md5(trojan),
			"/var/lib/dpkg/status edited in layer 1: 1 curl"}},
		{"and the checksum in the next layer", []files{base, {"usr/bin/curl": trojan}, {
			"var/lib/dpkg/info/curl.md5sums": fmt.Sprintf("%x  usr/bin/curl\n", md5Of(trojan))}}, []string{
			"/usr/bin/curl layer 1: curl 7 program " + md5(genuine) + " " + md5(trojan),
			"/var/lib/dpkg/status edited in layer 2: 1 curl"}},
		{"and the checksums deleted", []files{base, {"usr/bin/curl": trojan, "var/lib/dpkg/info/.wh.curl.md5sums": ""}}, []string{
			"/usr/bin/curl layer 1: curl 7 program " + md5(genuine) + " " + md5(trojan),
			"/var/lib/dpkg/status edited in layer 1: 1 curl"}},
		{"and the file called a conffile", []files{base, {"usr/bin/curl": trojan, "var/lib/dpkg/info/curl.conffiles": "/usr/bin/curl\n"}}, []string{
			"/usr/bin/curl layer 1: curl 7 program " + md5(genuine) + " " + md5(trojan),
			"/var/lib/dpkg/status edited in layer 1: 1 curl"}},
		{"the status is deleted", []files{base, {"var/lib/dpkg/.wh.status": "", "usr/bin/curl": trojan}}, []string{
			"/usr/bin/curl layer 1: curl 7 program " + md5(genuine) + " " + md5(trojan),
			"/var/lib/dpkg/status removed in layer 1: 2 curl zlib1g"}},
		{"the database is deleted", []files{base, {"var/lib/.wh.dpkg": ""}}, []string{
			"/var/lib/dpkg/status removed in layer 1: 2 curl zlib1g"}},
		{"the database is behind a link", []files{base, {"var/lib/dpkg": "-> /opt/dpkg", "opt/dpkg/status": "\n"}}, []string{
			"/var/lib/dpkg/status removed in layer 1: 2 curl zlib1g"}},
		{"the status is empty from the start", []files{with(base, files{"var/lib/dpkg/status": "\n"})}, []string{
			"/var/lib/dpkg/status removed in layer 0: 2 curl zlib1g"}},
		{"a package is taken out of the status", []files{base, {"var/lib/dpkg/status": dpkg(zlib)["var/lib/dpkg/status"]}}, []string{
			"/var/lib/dpkg/status lost in layer 1: 1 curl"}},
		{"a package is taken out from the start", []files{with(base, files{"var/lib/dpkg/status": dpkg(zlib)["var/lib/dpkg/status"]})}, []string{
			"/var/lib/dpkg/status lost in layer 0: 1 curl"}},
		{"a link is replaced by a library", []files{base, {"usr/lib/libz.so.1": trojan}}, []string{
			fmt.Sprintf("/usr/lib/libz.so.1 layer 1: zlib1g 1 program sha256:%x", sha256.Sum256([]byte(trojan)))}},
		{"a program by a link", []files{base, {"usr/bin/curl": "-> /opt/evil", "opt/evil": trojan}}, []string{
			"/usr/bin/curl layer 1: curl 7 program " + md5(genuine) + " " + md5(trojan) + " link /opt/evil"}},
		{"a program by a link to another package's", []files{base, {"usr/bin/curl": "-> ../lib/libz.so.1"}}, nil},
		{"a folder by a link", []files{base, {"usr/bin": "-> /opt/bin", "opt/bin/curl": trojan}}, []string{
			"/opt/bin/curl layer 1: curl 7 program " + md5(genuine) + " " + md5(trojan)}},
		{"dpkg records /bin, and the file is in /usr/bin", []files{
			with(dpkg(deb{"coreutils", "9", files{"bin/ls": genuine}}), files{"bin/ls": gone, "bin": "-> usr/bin", "usr/bin/ls": genuine}),
			{"usr/bin/ls": trojan}}, []string{"/usr/bin/ls layer 1: coreutils 9 program " + md5(genuine) + " " + md5(trojan)}},
		{name: "an upgrade", layers: []files{base, dpkg(curl8, zlib)}},
		{name: "a removal", layers: []files{base, with(dpkg(zlib), files{"usr/bin/.wh.curl": "", "var/lib/dpkg/info/.wh.curl.md5sums": "", "var/lib/dpkg/info/.wh.curl.list": ""})}},
		{"somebody's own program where a package was before", []files{base, {"usr/bin/curl": "-> ../lib/libz.so.1"},
			with(dpkg(zlib), files{"usr/bin/curl": trojan, "var/lib/dpkg/info/.wh.curl.md5sums": "", "var/lib/dpkg/info/.wh.curl.list": ""})}, []string{
			"/usr/bin/curl unowned"}},
		{name: "a shipped link to the package's own program elsewhere", layers: []files{dpkg(deb{"jre", "1", files{"usr/bin/java": "-> /opt/java/java",
			"opt/java/java": genuine}})}},
		{name: "the database is deleted and put back", layers: []files{base, {"var/lib/.wh.dpkg": ""}, base}},
		{"a package is taken out and its program replaced", []files{
			dpkg(zlib, deb{"curl", "7", files{"usr/bin/curl": genuine, "usr/share/doc/curl/copyright": "MIT\n"}}),
			{"var/lib/dpkg/status": dpkg(zlib)["var/lib/dpkg/status"], "usr/bin/curl": trojan}}, []string{
			"/usr/bin/curl layer 1: curl 7 program " + md5(genuine) + " " + md5(trojan),
			"/var/lib/dpkg/status lost in layer 1: 1 curl"}},
		{name: "another package takes a file over", layers: []files{base,
			with(dpkg(curl7, zlib, deb{"curl-ng", "1", files{"usr/bin/curl": next}}), files{"var/lib/dpkg/info/curl.list": "/.\n"})}},
		{name: "the database comes a layer after the files", layers: []files{{"usr/bin/curl": genuine}, dpkg(curl7)}},
		{name: "a missing file", layers: []files{base, {"usr/bin/.wh.curl": ""}}},
		{name: "a changed configuration file", layers: []files{dpkg(deb{"cron", "1", files{"etc/init.d/cron": "#!/bin/sh\n"}}), {"etc/init.d/cron": "#!/bin/bash\n"}}},
		{name: "a package diverts another's file", layers: []files{with(dpkg(curl7, deb{"curl-wrapper", "1", files{"usr/bin/curl": next}}), files{
			"usr/bin/curl.real": genuine, "var/lib/dpkg/diversions": "/usr/bin/curl\n/usr/bin/curl.real\ncurl-wrapper\n"})}},
		{"somebody diverts it by hand", []files{base, {"usr/bin/curl": trojan, "usr/bin/curl.real": genuine,
			"var/lib/dpkg/diversions": "/usr/bin/curl\n/usr/bin/curl.real\n:\n"}}, []string{
			"/usr/bin/curl layer 1: curl 7 program " + md5(genuine) + " " + md5(trojan) + " diverted"}},
		{"a program no package owns", []files{base, {"usr/bin/agent": trojan, "usr/local/bin/agent": trojan, "app/server": trojan, "tmp/.x": trojan,
			"usr/bin/start": "#!/bin/sh\n", "usr/share/example": "#!/bin/sh\n"}}, []string{
			"/tmp/.x unowned", "/usr/bin/agent unowned", "/usr/bin/start unowned"}},
		{name: "no database at all", layers: []files{{"usr/bin/server": trojan}}},
		{"distroless", []files{
			{"var/lib/dpkg/status.d/libssl3": "Package: libssl3\nVersion: 3\nArchitecture: amd64\n",
				"var/lib/dpkg/status.d/libssl3.md5sums": fmt.Sprintf("%x  usr/lib/libssl.so.3\n", md5Of(genuine)), "usr/lib/libssl.so.3": genuine},
			{"server": next}, {"usr/lib/libssl.so.3": trojan}}, []string{
			"/usr/lib/libssl.so.3 layer 2: libssl3 3 program " + md5(genuine) + " " + md5(trojan)}},
		{name: "apk as shipped", layers: []files{apk1, {"etc/curlrc": "b"}}},
		{name: "apk's link to what comes later", layers: []files{apk("lib/apk/db/installed", "tool", "1", files{"usr/bin/tool": "-> /opt/tool"}), {"opt/tool": next}}},
		{"apk's program replaced", []files{apk1, {"usr/bin/curl": trojan}}, []string{
			"/usr/bin/curl layer 1: curl 7 program " + sha1(genuine) + " " + sha1(trojan)}},
		{"apk's link replaced", []files{apk1, {"usr/lib/libc.so": trojan}}, []string{
			"/usr/lib/libc.so layer 1: curl 7 program " + sha1("libc.so.1") + " " + sha1(trojan)}},
		{"apk's database edited", []files{apk1, with(apk("lib/apk/db/installed", "curl", "7", files{"usr/bin/curl": trojan}), nil)}, []string{
			"/lib/apk/db/installed edited in layer 1: 1 curl",
			"/usr/bin/curl layer 1: curl 7 program " + sha1(genuine) + " " + sha1(trojan)}},
		{"apk's package taken out", []files{apk1, {"lib/apk/db/installed": "P:musl\nV:1\n\n"}}, []string{"/lib/apk/db/installed lost in layer 1: 1 curl"}},
		{"apk's database deleted, below /usr", []files{
			apk("usr/lib/apk/db/installed", "curl", "7", files{"usr/bin/curl": genuine}), {"usr/lib/apk/db/.wh.installed": ""}}, []string{
			"/usr/lib/apk/db/installed removed in layer 1: 1 curl"}},
		{name: "apk's upgrade", layers: []files{apk1, apk("lib/apk/db/installed", "curl", "8", files{"usr/bin/curl": next, "usr/lib/libc.so": "-> libc.so.2", "etc/curlrc": "c"})}},
		{"a program in /opt that apk owns", []files{apk("lib/apk/db/installed", "x", "1", files{"opt/x/x": genuine}), {"opt/x/x": trojan}}, []string{
			"/opt/x/x layer 1: x 1 program " + sha1(genuine) + " " + sha1(trojan)}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			checkShipped(t, test.layers, test.want)
		})
	}
}

func md5Of(content string) [md5.Size]byte { return md5.Sum([]byte(content)) }

// shipped is what an SBOM says of files that are not as shipped, and of databases.
func shipped(bom *sbom.SBOM) []string {
	var all []string
	for _, d := range bom.Databases {
		all = append(all, fmt.Sprintf("%s %s in layer %d: %d %s", d.Database, d.Change, d.Layer, d.Count, strings.Join(d.Packages, " ")))
	}
	for _, f := range bom.Files {
		if r := f.Recorded; r != nil {
			text := fmt.Sprintf("%s layer %d: %s %s %s %s %s", f.Path, f.Layer, r.Package, r.Version, r.Content, r.Digest, r.Found)
			if r.Link != "" {
				text += " link " + r.Link
			}
			if r.Diverted {
				text += " diverted"
			}
			all = append(all, strings.ReplaceAll(text, "  ", " "))
		}
		if slices.ContainsFunc(f.Classes, func(c sbom.Class) bool { return c.Class == sbom.Unowned }) {
			all = append(all, f.Path+" unowned")
		}
	}
	slices.Sort(all)
	return all
}

// TestShippedText: a text that nothing runs is told from a program.
func TestShippedText(t *testing.T) {
	page := func(content string) []byte {
		return imagetest.Tar(t, []tar.Header{{Name: "usr/share/nginx/index.html", Mode: 0o644, Typeflag: tar.TypeReg}}, []string{content})
	}
	img := imagetest.Image(t, dpkg(deb{"nginx", "1", files{"usr/share/nginx/index.html": "<p>hello\n"}}))
	img = imagetest.Append(t, imagetest.Append(t, img, page("<p>hello\n")), page("<p>welcome\n"))
	bom, err := sbom.Scan(t.Context(), sbom.OnePlatform(t, img), sbom.Options{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("/usr/share/nginx/index.html layer 2: nginx 1 text md5:%x md5:%x", md5Of("<p>hello\n"), md5Of("<p>welcome\n"))
	if got := shipped(bom); !slices.Equal(got, []string{want}) {
		t.Errorf("\n got %q\nwant %q", got, want)
	}
}

// checkShipped scans an image of the layers, and holds what shipped says of it against want.
func checkShipped(t *testing.T, layers []files, want []string) {
	t.Helper()
	img := imagetest.Image(t, layers...)
	bom, err := sbom.Scan(t.Context(), sbom.OnePlatform(t, img), sbom.Options{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if got := shipped(bom); !slices.Equal(got, want) {
		t.Errorf("\n got %q\nwant %q", got, want)
	}
}
