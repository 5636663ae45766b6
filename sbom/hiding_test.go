package sbom

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// secret takes apart what the test's own binary must not hold: see TestClassifySelf.
func secret(text string) string { return strings.ReplaceAll(text, "~", "") }

// telltale are two independent indicators of a miner, as a program has them.
var telltale = secret("stratum+~tcp://%s:%d\x00donate-~level\x00")

// The machines of the stand-ins for ELF programs.
const (
	x86   = 3
	arm   = 40
	amd64 = 62
	arm64 = 183
	riscv = 243
	s390  = 22
)

// elfFile is a program of one executable segment, for any machine of 64 bits.
func elfFile(order binary.ByteOrder, machine uint16, code []byte) []byte {
	const header, segment = 64, 56
	file := make([]byte, header+segment)
	copy(file, "\x7fELF\x02\x01\x01")
	if order == binary.ByteOrder(binary.BigEndian) {
		file[5] = 2
	}
	order.PutUint16(file[16:], 2)
	order.PutUint16(file[18:], machine)
	order.PutUint32(file[20:], 1)
	order.PutUint64(file[32:], header)
	order.PutUint64(file[40:], uint64(header+segment+len(code))) // a table of sections, of one
	order.PutUint16(file[52:], header)
	order.PutUint16(file[54:], segment)
	order.PutUint16(file[56:], 1)
	order.PutUint16(file[58:], 64)
	order.PutUint16(file[60:], 1)
	order.PutUint32(file[header:], 1)
	order.PutUint32(file[header+4:], 5)
	order.PutUint64(file[header+32:], uint64(header+segment+len(code)))
	return slices.Concat(file, code, make([]byte, 64))
}

// elf32 is the same for 32 bits.
func elf32(machine uint16, code []byte) []byte {
	const header, segment = 52, 32
	file := make([]byte, header+segment)
	copy(file, "\x7fELF\x01\x01\x01")
	order := binary.LittleEndian
	order.PutUint16(file[16:], 2)
	order.PutUint16(file[18:], machine)
	order.PutUint32(file[20:], 1)
	order.PutUint32(file[28:], header)
	order.PutUint16(file[40:], header)
	order.PutUint16(file[42:], segment)
	order.PutUint16(file[44:], 1)
	order.PutUint32(file[header:], 1)
	order.PutUint32(file[header+16:], uint32(header+segment+len(code)))
	order.PutUint32(file[header+24:], 5)
	return append(file, code...)
}

// peFile is a Windows program of one section.
func peFile(section string, code []byte) []byte {
	const at, optional = 0x80, 0xf0
	file := make([]byte, 0x200)
	copy(file, "MZ")
	copy(file[dosStub:], "This program cannot be run in DOS mode.\r\r\n$")
	binary.LittleEndian.PutUint32(file[peOffsetAt:], at)
	copy(file[at:], "PE\x00\x00")
	binary.LittleEndian.PutUint16(file[at+4:], 0x8664)
	binary.LittleEndian.PutUint16(file[at+6:], 1)
	binary.LittleEndian.PutUint16(file[at+20:], optional)
	s := file[at+peHeaderSize+optional:]
	copy(s, section)
	binary.LittleEndian.PutUint32(s[16:], uint32(len(code)))
	binary.LittleEndian.PutUint32(s[20:], uint32(len(file)))
	binary.LittleEndian.PutUint32(s[36:], peExecutable)
	return append(file, code...)
}

func linuxMiner() []byte { return elfFile(binary.LittleEndian, amd64, []byte(telltale)) }

// noise is what compressed or encrypted code looks like.
func noise(size int) []byte {
	r := rand.NewChaCha8([32]byte{1})
	b := make([]byte, size)
	_, _ = r.Read(b)
	return b
}

func gzipOf(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, err := z.Write(b)
	if err := errorsOf(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func errorsOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func zstdOf(t testing.TB, b []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(b, nil)
}

func tarOf(t testing.TB, name string, content []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content)), Typeflag: tar.TypeReg})
	_, err2 := w.Write(content)
	if err := errorsOf(err, err2, w.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// zstdWindow asks for a window of so many bytes.
func zstdWindow(t testing.TB, window int, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := zstd.NewWriter(&out, zstd.WithWindowSize(window), zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Write(b)
	if err := errorsOf(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zipOf(t testing.TB, method uint16, name string, contents ...[]byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, content := range contents {
		f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: method})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func arOf(name string, content []byte) []byte {
	head := fmt.Sprintf("!<arch>\n%-16s%-12s%-6s%-6s%-8s%-10d`\n", name, "0", "0", "0", "100644", len(content))
	return append([]byte(head), content...)
}

// filtered runs a compressor that the machine may have.
func filtered(t testing.TB, content []byte, command ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath(command[0]); err != nil {
		t.Skipf("%s is not installed", command[0])
	}
	run := exec.CommandContext(t.Context(), command[0], command[1:]...)
	run.Stdin = bytes.NewReader(content)
	out, err := run.Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// hidden is a file that hides a miner.
type hidden struct {
	name, path string
	mode       os.FileMode
	file       func(testing.TB) []byte
	in         string // where the marks are, if inside
}

func fixed(b []byte) func(testing.TB) []byte { return func(testing.TB) []byte { return b } }

// hidingPlaces are files in which a miner is hidden.
func hidingPlaces() []hidden {
	miner := linuxMiner()
	text := secret(`{"donate-~level": 1, "pools": [{"url": "pool.example:3333", "user": "w"}]}`)
	script := secret("./worker -o stratum+~tcp://pool.example:3333 -u wallet.1 -p x\n")
	return []hidden{
		{"any name", "/usr/sbin/nginx", 0o755, fixed(miner), ""},
		{"in shared memory", "/dev/shm/.x", 0o755, fixed(miner), ""},
		{"not executable", "/var/tmp/cache", 0o644, fixed(miner), ""},
		{"called a picture", "/srv/cat.jpg", 0o644, fixed(miner), ""},
		{"called a library", "/usr/lib/libfoo.so", 0o644, fixed(miner), ""},
		{"Arm", "/bin/app", 0o755, fixed(elfFile(binary.LittleEndian, arm64, []byte(telltale))), ""},
		{"RISC-V", "/bin/app", 0o755, fixed(elfFile(binary.LittleEndian, riscv, []byte(telltale))), ""},
		{"big endian", "/bin/app", 0o755, fixed(elfFile(binary.BigEndian, s390, []byte(telltale))), ""},
		{"32 bits", "/bin/app", 0o755, fixed(elf32(x86, []byte(telltale))), ""},
		{"Windows", "/ProgramData/svc.dll", 0o644, fixed(peFile(".text", []byte(telltale))), ""},
		{"tar", "/a.tar", 0o644, func(t testing.TB) []byte { return tarOf(t, "b/c", miner) }, "b/c"},
		{"gzip", "/a.gz", 0o644, func(t testing.TB) []byte { return gzipOf(t, miner) }, ""},
		{"tar in gzip", "/a.tgz", 0o644, func(t testing.TB) []byte { return gzipOf(t, tarOf(t, "b/c", miner)) }, "b/c"},
		{"zstd", "/a.tzst", 0o644, func(t testing.TB) []byte { return zstdOf(t, tarOf(t, "b/c", miner)) }, "b/c"},
		{"zstd behind a frame that is skipped", "/a.zst", 0o644, func(t testing.TB) []byte {
			return append([]byte("\x5a\x2a\x4d\x18\x03\x00\x00\x00xyz"), zstdOf(t, miner)...)
		}, ""},
		{"zstd behind a long frame that is skipped", "/a.zst", 0o644, func(t testing.TB) []byte {
			return append(append([]byte("\x50\x2a\x4d\x18\x00\x00\x01\x00"), make([]byte, 1<<16)...), zstdOf(t, miner)...)
		}, ""},
		{"xz", "/a.txz", 0o644, func(t testing.TB) []byte { return filtered(t, tarOf(t, "b/c", miner), "xz", "-c") }, "b/c"},
		{"bzip2", "/a.tbz", 0o644, func(t testing.TB) []byte { return filtered(t, tarOf(t, "b/c", miner), "bzip2", "-c") }, "b/c"},
		{"zip", "/a.jar", 0o644, func(t testing.TB) []byte { return zipOf(t, zip.Deflate, "b/c", miner) }, "b/c"},
		{"stored zip", "/a.whl", 0o644, func(t testing.TB) []byte { return zipOf(t, zip.Store, "b/c", miner) }, "b/c"},
		{"zip in zip", "/a.war", 0o644, func(t testing.TB) []byte {
			return zipOf(t, zip.Deflate, "lib/x.jar", zipOf(t, zip.Deflate, "b/c", miner))
		}, "lib/x.jar!/b/c"},
		{"zip without its directory", "/a.zip", 0o644, func(t testing.TB) []byte {
			z := zipOf(t, zip.Deflate, "b/c", miner)
			return z[:bytes.LastIndex(z, []byte("PK\x01\x02"))]
		}, "b/c"},
		{"deb", "/a.deb", 0o644, func(t testing.TB) []byte { return arOf("data.tar.gz", gzipOf(t, tarOf(t, "b/c", miner))) }, "data.tar.gz!/b/c"},
		{"apk: tar after tar", "/a.apk", 0o644, func(t testing.TB) []byte {
			return append(gzipOf(t, tarOf(t, ".PKGINFO", []byte("pkgname = a\n"))), gzipOf(t, tarOf(t, "b/c", miner))...)
		}, "b/c"},
		{"behind a tar archive", "/a.tar", 0o644, func(t testing.TB) []byte { return append(tarOf(t, "b", []byte("x")), miner...) }, "after the end"},
		{"behind an archive in gzip", "/a.gz", 0o644, func(t testing.TB) []byte { return append(gzipOf(t, []byte("x")), miner...) }, "after the end"},
		{"behind a picture", "/cat.png", 0o644, fixed(append([]byte("\x89PNG\r\n\x1a\n\x00\x00"), miner...)), "+10"},
		{"Windows behind a picture", "/cat.png", 0o644, fixed(append([]byte("\x89PNG\r\n\x1a\n\x00\x00"), peFile(".text", []byte(telltale))...)), "+10"},
		{"archive behind a script", "/install.run", 0o755, func(t testing.TB) []byte {
			return append([]byte("#!/bin/sh\ntail -n +3 $0 | tar xz\nexit\n"), gzipOf(t, tarOf(t, "b/c", miner))...)
		}, "+38!/b/c"},
		{"zip behind a program", "/setup", 0o755, func(t testing.TB) []byte {
			return append(elfFile(binary.LittleEndian, amd64, []byte("stub")), zipOf(t, zip.Deflate, "b/c", miner)...)
		}, "+188!/b/c"},
		{"base64", "/run.sh", 0o644, fixed([]byte("echo " + base64.StdEncoding.EncodeToString(miner) + " | base64 -d > x\n")), "+5"},
		{"base64 of gzip in lines", "/run.py", 0o644, func(t testing.TB) []byte {
			text := base64.StdEncoding.EncodeToString(gzipOf(t, append(noise(200), miner...)))
			var lines strings.Builder
			for i := 0; i < len(text); i += 76 {
				lines.WriteString(text[i:min(i+76, len(text))] + "\n")
			}
			return []byte("data = '''" + lines.String() + "'''\n")
		}, "+10!/+200"},
		{"base64 of xz", "/run.sh", 0o644, func(t testing.TB) []byte {
			return []byte("echo " + base64.StdEncoding.EncodeToString(filtered(t, miner, "xz", "-c")) + " | base64 -d | xz -d > x\n")
		}, "+5"},
		{"base64 of bzip2", "/run.sh", 0o644, func(t testing.TB) []byte {
			return []byte("echo " + base64.StdEncoding.EncodeToString(filtered(t, miner, "bzip2", "-c")) + " | base64 -d | bunzip2 > x\n")
		}, "+5"},
		{"base64 of zstd", "/run.sh", 0o644, func(t testing.TB) []byte {
			return []byte("echo " + base64.StdEncoding.EncodeToString(zstdOf(t, miner)) + " | base64 -d | unzstd > x\n")
		}, "+5"},
		{"base64 of zip", "/run.py", 0o644, func(t testing.TB) []byte {
			return []byte("zip = '" + base64.StdEncoding.EncodeToString(zipOf(t, zip.Deflate, "b/c", miner)) + "'\n")
		}, "+7!/b/c"},
		{"base64 twice", "/run.sh", 0o644, fixed([]byte("echo " + base64.StdEncoding.EncodeToString([]byte(base64.StdEncoding.EncodeToString(miner))) + "\n")), "+5!/+0"},
		{"hexadecimal", "/run.pl", 0o644, fixed([]byte("print pack 'H*', '" + hex.EncodeToString(miner) + "'")), "+18"},
		{"configuration of any name", "/srv/data.bin", 0o644, fixed([]byte(text)), ""},
		{"script", "/run", 0o644, fixed([]byte("#!/bin/sh\n" + script)), ""},
		{"script with a mark and returns", "/run", 0o644, fixed([]byte("\ufeff#!/bin/sh\r\n" + strings.ReplaceAll(script, "\n", "\r\n"))), ""},
		{"script without a first line", "/run.txt", 0o644, fixed([]byte("cd /tmp\n" + script)), ""},
		{"script in an archive", "/a.zip", 0o644, func(t testing.TB) []byte { return zipOf(t, zip.Deflate, "run", []byte("#!/bin/sh\n"+script)) }, "run"},
	}
}

func TestHidingPlaces(t *testing.T) {
	for _, h := range slices.Concat(hidingPlaces(), carriers()) {
		t.Run(h.name, func(t *testing.T) {
			classes := classesOf(t, h.path, h.mode, h.file(t), 1<<30)
			i := slices.IndexFunc(classes, func(c Class) bool { return c.Class == "miner" })
			if i < 0 {
				t.Fatalf("no miner: %+v", classes)
			}
			for _, m := range classes[i].Marks {
				if m.In != h.in && h.in != "anywhere" {
					t.Errorf("mark %q is in %q, want %q", m.Text, m.In, h.in)
				}
				if h.in != "" && len(m.SHA256) != 64 {
					t.Errorf("mark %q has sha256 %q", m.Text, m.SHA256)
				}
			}
		})
	}
}

func TestPacked(t *testing.T) {
	bare := elfFile(binary.LittleEndian, amd64, noise(1<<16))
	clear(bare[40:48]) // no table of sections
	code := bytes.Repeat([]byte("\x48\x89\xe5\x0f\x1f\x44\x00\x00\xc3\x55"), 4000)
	tests := []struct {
		name string
		file []byte
		want bool
	}{
		{"encrypted code", elfFile(binary.LittleEndian, amd64, noise(1<<16)), true},
		{"encrypted code for Arm", elf32(arm, noise(1<<16)), true},
		{"packed, marks wiped", bare, true},
		{"packed for Windows", peFile("UPX1", noise(1<<16)), true},
		{"packed for Windows, marks wiped", peFile("abc1", noise(1<<16)), true},
		{"code", elfFile(binary.LittleEndian, amd64, code), false},
		{"code for Windows", peFile(".text", code), false},
		{"very little code", elfFile(binary.LittleEndian, amd64, noise(256)), false},
		{"data", noise(1 << 16), false},
	}
	for _, tt := range tests {
		got := slices.Contains(classNames(classesOf(t, "/opt/x", 0o755, tt.file, 1<<30)), "packed")
		if got != tt.want {
			t.Errorf("%s: packed is %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestPackedUPX packs a real program, and wipes what UPX says of itself.
func TestPackedUPX(t *testing.T) {
	upx, err := exec.LookPath("upx")
	if err != nil {
		t.Skip("upx is not installed")
	}
	program := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(program, build(t, "scanner"), 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), upx, "-1", program).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	packed, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string][]byte{"as it is": packed, "wiped": bytes.ReplaceAll(packed, []byte("UPX"), []byte("abc"))} {
		if got := classNames(classesOf(t, "/usr/bin/agent", 0o755, file, 1<<30)); !slices.Contains(got, "packed") {
			t.Errorf("%s: got %q, want packed", name, got)
		}
	}
}

// TestUnscanned: what is not looked at to its end is said, and why.
func TestUnscanned(t *testing.T) {
	nested := tarOf(t, "x", []byte("x"))
	for range maxArchives {
		nested = tarOf(t, "x", nested)
	}
	squeezed := []byte("x")
	for range maxLayers + 1 {
		squeezed = gzipOf(t, squeezed)
	}
	windows := zstdWindow(t, maxWindow, make([]byte, 1<<20))
	for range 2 {
		windows = zstdWindow(t, maxWindow, append(windows, make([]byte, 1<<20)...))
	}
	zips := zipOf(t, zip.Deflate, "x", make([]byte, 16<<20))
	for range 3 {
		zips = zipOf(t, zip.Deflate, "z", zips, zips, zips, zips, zips, zips, zips, zips)
	}
	encrypted := zipOf(t, zip.Deflate, "x", []byte("text"))
	encrypted[6] |= zipEncrypted
	whole := gzipOf(t, noise(1<<16))
	tests := []struct {
		name, tool, why string
		file            []byte
	}{
		{"archives in archives", gapLimit, "in each other", nested},
		{"gzip in gzip", gapLimit, "in each other", squeezed},
		{"bomb", gapLimit, "times its size", gzipOf(t, make([]byte, nestedFloor+1<<20))},
		{"bomb in a zip", gapLimit, "times its size", zipOf(t, zip.Deflate, "x", make([]byte, nestedFloor+1<<20))},
		{"zip in zip", gapLimit, "times its size", zips},
		{"many members", gapLimit, "files", zipOf(t, zip.Store, "x", make([][]byte, maxMembers+1)...)},
		{"windows in windows", gapLimit, "memory", windows},
		{"a window too large", gapBroken, "window", zstdWindow(t, 2*maxWindow, make([]byte, 3*maxWindow))},
		{"encrypted", gapBroken, "encrypted", encrypted},
		{"cut short", gapBroken, "EOF", whole[:len(whole)/2]},
		{"7z", gapBroken, "not read", []byte("7z\xbc\xaf\x27\x1c\x00\x04")},
	}
	for _, tt := range tests {
		classes := classesOf(t, "/a", 0o644, tt.file, 1<<30)
		i := slices.IndexFunc(classes, func(c Class) bool { return c.Class == Unscanned })
		if i < 0 || classes[i].Tool != tt.tool || !strings.Contains(classes[i].Marks[0].Text, tt.why) {
			t.Errorf("%s: got %+v, want %s %s: %s", tt.name, classes, Unscanned, tt.tool, tt.why)
		}
	}
}

// TestNestedLimit: the limit is for all archives of an image together.
func TestNestedLimit(t *testing.T) {
	table, b := mustTable(t), newBounds(Limits{File: 1 << 30, Nested: 3 << 20})
	file := gzipOf(t, make([]byte, 2<<20))
	for i, want := range []int{0, 1} {
		c, err := table.inspect("/a.gz", 0o644, file, bytes.NewReader(nil), b)
		if err != nil {
			t.Fatal(err)
		}
		var got []Class
		if c != nil {
			got = table.classify("/a.gz", 0o644, c, nil)
		}
		if len(got) != want {
			t.Errorf("archive %d: got %+v, want %d classes", i, got, want)
		}
	}
}

// TestSparse: what is behind a file with endless holes is looked at, and the file is said not to be.
func TestSparse(t *testing.T) {
	first := tarOf(t, "holes", []byte("x"))
	first = first[:2*blockSize]
	copy(first[257:], "ustar  \x00") // GNU's header
	first[156] = tar.TypeGNUSparse
	copy(first[386:], "000000000000\x00000000000001\x00") // one byte at 0
	copy(first[483:], "77777777777\x00")                  // of 8 GiB
	checksum(first)
	file := append(first, tarOf(t, "b/c", linuxMiner())...)
	got := classNames(classesOf(t, "/a.tar", 0o644, file, 1<<30))
	if want := []string{"miner", Unscanned}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// checksum writes the checksum of a tar header.
func checksum(header []byte) {
	copy(header[148:156], "        ")
	sum := 0
	for _, b := range header[:blockSize] {
		sum += int(b)
	}
	copy(header[148:], fmt.Sprintf("%06o\x00 ", sum))
}

// FuzzArchives: whatever begins as an archive or a program is read in bounded time and memory.
func FuzzArchives(f *testing.F) {
	for _, h := range slices.Concat(hidingPlaces(), carriers()) {
		if !strings.Contains(h.name, "xz") && !strings.HasPrefix(h.name, "bzip2") {
			f.Add(h.file(f))
		}
	}
	f.Add(elf32(arm, noise(64)))
	f.Add(zipOf(f, zip.Store, "a", []byte("PK\x03\x04")))
	f.Fuzz(func(t *testing.T, file []byte) {
		table, b := mustTable(t), newBounds(Limits{File: 1 << 20, Nested: 1 << 20})
		head := file[:min(len(file), headSize)]
		c, err := table.inspect("/a", 0o755, head, bytes.NewReader(file[len(head):]), b)
		if err != nil {
			t.Fatal(err)
		}
		if c != nil && c.size != int64(len(file)) {
			t.Errorf("size %d of %d", c.size, len(file))
		}
		if b.nested.Load() < -(1 << 20) {
			t.Errorf("%d bytes over the limit", -b.nested.Load())
		}
	})
}

// FuzzShape: headers of any content give parts that lie where they say.
func FuzzShape(f *testing.F) {
	f.Add(elfFile(binary.LittleEndian, amd64, noise(64)))
	f.Add(elfFile(binary.BigEndian, s390, noise(64)))
	f.Add(elf32(x86, noise(64)))
	f.Add(peFile("UPX0", noise(64)))
	f.Fuzz(func(t *testing.T, file []byte) {
		s := shapeOf(file[:min(len(file), headSize)])
		s.add(file, 0)
		if n := s.inCode.total; n > int64(len(file))*maxSections || n < 0 {
			t.Errorf("%d bytes of code in %d", n, len(file))
		}
		if n := s.behind.total; n > int64(len(file)) || n < 0 {
			t.Errorf("%d bytes behind the end of %d", n, len(file))
		}
		s.packed()
		s.carries()
	})
}
