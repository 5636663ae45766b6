package sbom

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz/lzma"
)

func zlibOf(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zlib.NewWriter(&out)
	_, err := z.Write(b)
	if err := errorsOf(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func lz4Of(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := lz4.NewWriter(&out)
	_, err := z.Write(b)
	if err := errorsOf(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func lzmaOf(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z, err := lzma.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	_, err = z.Write(b)
	if err := errorsOf(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// v7Tar is an archive of before POSIX, which has no magic number.
func v7Tar(t testing.TB, name string, content []byte) []byte {
	t.Helper()
	file := tarOf(t, name, content)
	clear(file[257:blockSize])
	checksum(file)
	return file
}

// newCpio is an archive as cpio -H newc makes it.
func newCpio(name string, content []byte) []byte {
	pad := func(b []byte) []byte { return append(b, make([]byte, (4-len(b)%4)%4)...) }
	member := func(name string, mode int, content []byte) []byte {
		head := fmt.Sprintf("070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00", 1, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name)+1, 0, name)
		return slices.Concat(pad([]byte(head)), pad(slices.Clone(content)))
	}
	return slices.Concat(member("d", 0o040755, nil), member(name, 0o100755, content), member(cpioTrailer, 0, nil))
}

// odcCpio is one as cpio -H odc makes it.
func odcCpio(name string, content []byte) []byte {
	member := func(name string, mode int, content []byte) string {
		return fmt.Sprintf("070707%06o%06o%06o%06o%06o%06o%06o%011o%06o%011o%s\x00%s", 0, 1, mode, 0, 0, 1, 0, 0, len(name)+1, len(content), name, content)
	}
	return []byte(member(name, 0o100755, content) + member(cpioTrailer, 0, nil))
}

// binCpio is one as cpio makes it if it is not told otherwise.
func binCpio(order binary.AppendByteOrder, name string, content []byte) []byte {
	var out []byte
	member := func(name string, mode int, content []byte) {
		for _, n := range []int{0o070707, 0, 1, mode, 0, 0, 1, 0, 0, 0, len(name) + 1, len(content) >> 16, len(content) & 0xffff} {
			out = order.AppendUint16(out, uint16(n))
		}
		for _, part := range [][]byte{append([]byte(name), 0), content} {
			out = append(append(out, part...), make([]byte, len(part)%2)...)
		}
	}
	member(name, 0o100755, content)
	member(cpioTrailer, 0, nil)
	return out
}

// rpmOf is a package of a payload.
func rpmOf(payload []byte) []byte {
	header := func(entries, data int) []byte {
		head := append([]byte("\x8e\xad\xe8\x01\x00\x00\x00\x00"), binary.BigEndian.AppendUint32(nil, uint32(entries))...)
		head = binary.BigEndian.AppendUint32(head, uint32(data))
		return append(head, make([]byte, 16*entries+data)...)
	}
	lead := append([]byte("\xed\xab\xee\xdb\x03\x00"), make([]byte, 90)...)
	return slices.Concat(lead, header(2, 13), make([]byte, 3), header(1, 5), payload)
}

// asarOf is an archive of files in the order given: name, content, name, content.
func asarOf(t testing.TB, files ...string) []byte {
	t.Helper()
	tree, contents := map[string]any{}, ""
	for i := 0; i < len(files); i += 2 {
		tree[files[i]] = map[string]any{"offset": fmt.Sprint(len(contents)), "size": len(files[i+1])}
		contents += files[i+1]
	}
	return asarAround(t, map[string]any{"files": map[string]any{"app": map[string]any{"files": tree}}}, contents)
}

func asarAround(t testing.TB, tree map[string]any, contents string) []byte {
	t.Helper()
	text, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	pad := (4 - len(text)%4) % 4
	var out []byte
	for _, n := range []int{4, len(text) + pad + 8, len(text) + pad + 4, len(text)} {
		out = binary.LittleEndian.AppendUint32(out, uint32(n))
	}
	return slices.Concat(out, text, make([]byte, pad), []byte(contents))
}

// lzmaZipOf is a zip archive of one member by method 14.
func lzmaZipOf(t testing.TB, name string, content []byte) []byte {
	t.Helper()
	packed := lzmaOf(t, content)
	packed = slices.Concat([]byte{9, 20, 5, 0}, packed[:5], packed[13:]) // a version, and the properties after their size
	head := make([]byte, zipHeaderSize)
	copy(head, zipHeader)
	binary.LittleEndian.PutUint16(head[8:], zipLZMA)
	binary.LittleEndian.PutUint32(head[18:], uint32(len(packed)))
	binary.LittleEndian.PutUint16(head[26:], uint16(len(name)))
	return slices.Concat(head, []byte(name), packed)
}

// frozen is a program as PyInstaller makes it: the file that starts Python, and the others behind each other,
// which a list that comes last tells apart.
func frozen(t testing.TB, files ...[]byte) []byte {
	t.Helper()
	out := elfFile(binary.LittleEndian, amd64, []byte(strings.ReplaceAll("sys._ME~IPASS\x00", "~", "")))
	for _, f := range files {
		out = append(out, zlibOf(t, f)...)
	}
	return append(out, "MEI\x0c\x0b\x0a\x0b\x0e"...)
}

// carriers are archives of further kinds, and programs that carry one.
func carriers() []hidden {
	miner := linuxMiner()
	script := secret("#!/bin/sh\n./worker -o stratum+~tcp://pool.example:3333 -u wallet.1 -p x\n")
	picture := append([]byte("\x89PNG\r\n\x1a\n\x00\x00"), 7, 7)
	return []hidden{
		{"tar of before POSIX", "/a", 0o644, func(t testing.TB) []byte { return v7Tar(t, "b/c", miner) }, "b/c"},
		{"cpio", "/a.cpio", 0o644, fixed(newCpio("b/c", miner)), "b/c"},
		{"cpio of POSIX", "/a.cpio", 0o644, fixed(odcCpio("b/c", miner)), "b/c"},
		{"old cpio", "/a.cpio", 0o644, fixed(binCpio(binary.LittleEndian, "b/c", miner)), "b/c"},
		{"old cpio, big endian", "/a.cpio", 0o644, fixed(binCpio(binary.BigEndian, "b/c", miner)), "b/c"},
		{"initramfs", "/boot/initrd", 0o644, func(t testing.TB) []byte {
			return slices.Concat(newCpio("early", []byte("microcode")), make([]byte, 512), newCpio("b/c", miner))
		}, "b/c"},
		{"initramfs, compressed behind the first", "/boot/initrd", 0o644, func(t testing.TB) []byte {
			return slices.Concat(newCpio("early", []byte("microcode")), make([]byte, 512), gzipOf(t, newCpio("b/c", miner)))
		}, "after the end!/b/c"},
		{"rpm", "/a.rpm", 0o644, func(t testing.TB) []byte { return rpmOf(gzipOf(t, newCpio("b/c", miner))) }, "payload!/b/c"},
		{"rpm, zstd", "/a.rpm", 0o644, func(t testing.TB) []byte { return rpmOf(zstdOf(t, newCpio("b/c", miner))) }, "payload!/b/c"},
		{"rpm, LZMA", "/a.rpm", 0o644, func(t testing.TB) []byte { return rpmOf(lzmaOf(t, newCpio("b/c", miner))) }, "payload!/b/c"},
		{"rpm, xz", "/a.rpm", 0o644, func(t testing.TB) []byte { return rpmOf(filtered(t, newCpio("b/c", miner), "xz", "-c")) }, "payload!/b/c"},
		{"xz with a filter for programs", "/a.xz", 0o644, func(t testing.TB) []byte { return filtered(t, miner, "xz", "-c", "--x86", "--lzma2") }, ""},
		{"LZMA", "/a.lzma", 0o644, func(t testing.TB) []byte { return lzmaOf(t, miner) }, ""},
		{"lz4", "/a.lz4", 0o644, func(t testing.TB) []byte { return lz4Of(t, tarOf(t, "b/c", miner)) }, "b/c"},
		{"zip, LZMA", "/a.zip", 0o644, func(t testing.TB) []byte { return lzmaZipOf(t, "b/c", miner) }, "b/c"},
		{"ar as BSD's", "/a.a", 0o644, fixed(arOf("#1/8", append([]byte("run.sh\x00\x00"), script...))), "run.sh"},
		{"asar", "/app.asar", 0o644, func(t testing.TB) []byte { return asarOf(t, "first.js", "1", "b.sh", script) }, "app/b.sh"},
		{"between the files of an asar", "/app.asar", 0o644, func(t testing.TB) []byte {
			tree := map[string]any{"files": map[string]any{"a": map[string]any{"offset": fmt.Sprint(len(script)), "size": 1}}}
			return asarAround(t, tree, script+"x")
		}, "before a"},
		{"PyInstaller", "/bin/app", 0o755, func(t testing.TB) []byte { return frozen(t, []byte("struct"), noise(10_000), miner) }, "+124!/+10107"},
		{"a module in PyInstaller", "/bin/app", 0o755, func(t testing.TB) []byte {
			return frozen(t, slices.Concat([]byte("\xe3\x00\x00\x00\x00"), []byte(telltale)))
		}, "+124!/+73"},
		{"Nuitka", "/bin/app", 0o755, func(t testing.TB) []byte {
			return slices.Concat(elfFile(binary.LittleEndian, amd64, []byte("stub")), []byte("KAY"), zstdOf(t, append([]byte("app.bin\x00"), gzipOf(t, miner)...)))
		}, "+191!/+8"},
		{"zip behind a picture", "/cat.png", 0o644, func(t testing.TB) []byte { return append(slices.Clone(picture), zipOf(t, 8, "b/c", miner)...) }, "+12!/b/c"},
		{"gzip behind a picture", "/cat.png", 0o644, func(t testing.TB) []byte { return append(slices.Clone(picture), gzipOf(t, miner)...) }, "+12"},
		{"zip application", "/app.pyz", 0o755, func(t testing.TB) []byte {
			return append([]byte("#!/usr/bin/env python3\n"), zipOf(t, 8, "run", []byte(script))...)
		}, "+23!/run"},
	}
}

// TestCarriesUnread: a program, or a script, that carries something which is not read is packed; a file of data
// that does is none of a program's, and says so itself if it is an archive.
func TestCarriesUnread(t *testing.T) {
	program := elfFile(binary.LittleEndian, amd64, []byte("stub"))
	const shell = "#!/bin/sh\ntail -n +3 $0 | unpack\nexit\n"
	sealed := zipOf(t, 8, "x", []byte("text"))
	sealed[6] |= zipEncrypted
	signature := peFile(".text", []byte("code"))
	signature = append(signature, noise(100_000)...)
	binary.LittleEndian.PutUint16(signature[0x80+peHeaderSize:], 0x20b)
	binary.LittleEndian.PutUint32(signature[0x80+peHeaderSize+96+16+32:], uint32(len(signature)-100_000))
	binary.LittleEndian.PutUint32(signature[0x80+peHeaderSize+96+16+36:], 100_000)
	tests := []struct {
		name string
		file []byte
		want string
	}{
		{"7z behind a program", append(slices.Clone(program), "7z\xbc\xaf\x27\x1c\x00\x04"...), "7z archive"},
		{"RAR behind a program", append(slices.Clone(program), "Rar!\x1a\x07\x01\x00"...), "RAR archive"},
		{"AppImage", append(slices.Clone(program), "hsqs\x00\x00\x00\x00"...), "squashfs"},
		{"an encrypted zip behind a program", append(slices.Clone(program), sealed...), "encrypted"},
		{"noise behind a program", append(slices.Clone(program), noise(200_000)...), "bits a byte"},
		{"noise behind what looks like PyInstaller's", append(frozen(t), noise(200_000)...), "bits a byte"},
		{"noise behind a Windows program", append(peFile(".text", []byte("code")), noise(200_000)...), "bits a byte"},
		{"PyInstaller with its files encrypted", append(frozen(t, []byte("struct")), strings.ReplaceAll("pyimod00_cry~pto_key", "~", "")...), "_MEI"},
		{"7z behind a script", []byte(shell + "7z\xbc\xaf\x27\x1c\x00\x04"), "7z archive"},
		{"what OpenSSL encrypted behind a script", []byte(shell + "Salted__\x00\x01"), "OpenSSL"},
		{"broken gzip behind a script", []byte(shell + "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xff\xff"), "the compressed data are invalid"},
		{"noise behind a script", append([]byte(shell), noise(200_000)...), "bits a byte"},
		{"the signature of a Windows program", signature, ""},
		{"a little behind a program", append(slices.Clone(program), noise(8_000)...), ""},
		{"zeros behind a program", append(slices.Clone(program), make([]byte, 200_000)...), ""},
		{"zip behind a program", append(slices.Clone(program), zipOf(t, 8, "x", noise(200_000))...), ""},
		{"gzip behind a script", append([]byte(shell), gzipOf(t, noise(200_000))...), ""},
		{"7z in a picture", []byte("\x89PNG\r\n7z\xbc\xaf\x27\x1c\x00\x04"), ""},
	}
	for _, tt := range tests {
		classes := classesOf(t, "/opt/x", 0o755, tt.file, 1<<30)
		i := slices.IndexFunc(classes, func(c Class) bool { return c.Class == "packed" })
		if found := i >= 0; found != (tt.want != "") || found && !strings.Contains(classes[i].Marks[0].Text, tt.want) {
			t.Errorf("%s: got %+v, want packed: %q", tt.name, classes, tt.want)
		}
	}
}

// TestCrates: the crates of a Rust program speak for what it is: the one that was built, and those that it is linked
// with, which may be a node's or a wallet's, too.
func TestCrates(t *testing.T) {
	pool := secret("stratum+~tcp://")
	built, linked := strings.ReplaceAll("rx-~miner", "~", ""), strings.ReplaceAll("random~x-rs", "~", "")
	list := func(crates ...string) string {
		for i := range 200 { // as many as there are: the text is one of a real size
			crates = append(crates, fmt.Sprintf(`{"name":"lib%d","version":"%d.0.1","source":"crates.io","dependencies":[%d,%d]}`, i, i%7, i, i+1))
		}
		return crateList + strings.Join(crates, ",") + "]}"
	}
	crate := func(name, more string) string { return fmt.Sprintf(`{"name":%q,"version":"1.0.0"%s}`, name, more) }
	for name, tt := range map[string]struct {
		list, words string
		want        []string
	}{
		"built, with words":    {list(crate(built, `,"root":true`)), pool, []string{"miner"}},
		"built":                {list(crate(built, `,"root":true`)), "", []string{"suspicious-miner"}},
		"linked, with words":   {list(crate(linked, ""), crate("app", `,"root":true`)), pool, []string{"miner"}},
		"linked":               {list(crate(linked, ""), crate("node", `,"root":true`)), "", []string{"suspicious-miner"}},
		"words alone":          {list(crate("app", `,"root":true`)), pool, []string{"suspicious-miner"}},
		"used to build it":     {list(crate(linked, `,"kind":"build"`)), pool, []string{"suspicious-miner"}},
		"a list that is none":  {crateList + `{"name":["` + built + `"]}]}` + strings.Repeat("abc", 100), "", nil},
		"a list that ends not": {strings.TrimSuffix(list(crate(built, `,"root":true`)), "]}"), "", nil},
	} {
		for _, at := range []int{0, readSize - 5, readSize - crateWindow, readSize, 3*readSize - 1} {
			code := slices.Concat(make([]byte, at), zlibOf(t, []byte(tt.list)), make([]byte, at), []byte(tt.words+"\x00"))
			got := classNames(classesOf(t, "/usr/bin/agent", 0o755, elfFile(binary.LittleEndian, amd64, code), 1<<30))
			if !slices.Equal(got, tt.want) {
				t.Errorf("%s, at %d: got %q, want %q", name, at, got, tt.want)
			}
		}
	}
}
