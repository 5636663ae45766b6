package sbom

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// packing is how something is packed.
type packing int

const (
	notPacked packing = iota
	tarPacking
	zipPacking
	arPacking
	cpioPacking
	rpmPacking
	asarPacking
	gzipPacking
	bzip2Packing
	xzPacking
	zstdPacking
	lzmaPacking
	lzmaZipPacking // as members of zip archives have it
	lz4Packing
	zlibPacking   // streams of zlib behind each other, with anything between them
	unreadPacking // of a kind that nothing here reads
	plainPacking  // a program as it is
	base64Packing
	hexPacking
)

// magics begin what is packed. What has its magic number elsewhere, or none, is in forms.
var magics = []struct {
	magic string
	packing
}{
	{"\x1f\x8b\x08", gzipPacking}, {"\x28\xb5\x2f\xfd", zstdPacking}, {"\xfd7zXZ\x00", xzPacking},
	{"\x04\x22\x4d\x18", lz4Packing}, {"\x02\x21\x4c\x18", lz4Packing},
	{"PK\x03\x04", zipPacking}, {"PK\x07\x08PK\x03\x04", zipPacking}, {"!<arch>\n", arPacking},
	{"\xed\xab\xee\xdb", rpmPacking},
}

// unread are the archives and file systems that nothing here reads, by what begins them. Most say at their end
// where their files are, and would have to be kept whole.
var unread = []struct{ magic, name string }{
	{"7z\xbc\xaf\x27\x1c", "7z archive"}, {"Rar!\x1a\x07", "RAR archive"}, {"MSCF\x00\x00\x00\x00", "cabinet"},
	{"MSWIM\x00\x00\x00", "Windows image"}, {"xar!\x00\x1c", "xar archive"},
	{"hsqs", "squashfs file system"}, {"sqsh", "squashfs file system"}, {"\x45\x3d\xcd\x28", "cramfs file system"},
	{"Salted__", "file encrypted by OpenSSL"},
	{"LZIP\x01", "lzip file"}, {"\x89LZO\x00\x0d\x0a\x1a\x0a", "lzop file"},
}

// forms are the kinds that no magic number at the begin tells.
var forms = []struct {
	is func(head []byte) bool
	packing
}{
	{isSkippedZstd, zstdPacking}, {isSkippedLZ4, lz4Packing}, {isTar, tarPacking}, {isCpio, cpioPacking},
	{isBzip2, bzip2Packing}, {isLZMA, lzmaPacking}, {isAsar, asarPacking},
}

// packingOf says what head begins.
func packingOf(head []byte) packing {
	for _, m := range magics {
		if bytes.HasPrefix(head, []byte(m.magic)) {
			return m.packing
		}
	}
	for _, f := range forms {
		if f.is(head) {
			return f.packing
		}
	}
	if unreadName(head) != "" {
		return unreadPacking
	}
	return notPacked
}

// unreadName says what head begins of what is not read, or nothing.
func unreadName(head []byte) string {
	i := slices.IndexFunc(unread, func(u struct{ magic, name string }) bool { return bytes.HasPrefix(head, []byte(u.magic)) })
	if i < 0 {
		return ""
	}
	return unread[i].name
}

const (
	tarMagicAt = 257
	tarMagic   = "ustar"
)

// isTar knows tar archives since POSIX, and those of before by the sum of their header.
func isTar(head []byte) bool {
	if len(head) < blockSize {
		return false
	}
	if string(head[tarMagicAt:tarMagicAt+len(tarMagic)]) == tarMagic {
		return true
	}
	const at, size = 148, 8 // of the sum, which counts as spaces
	written, err := strconv.ParseUint(string(bytes.Trim(head[at:at+size], " \x00")), 8, 32)
	if err != nil || head[0] == 0 {
		return false
	}
	sum := uint64(size * ' ')
	for i, b := range head[:blockSize] {
		if i < at || i >= at+size {
			sum += uint64(b)
		}
	}
	return sum == written
}

// skipFrames returns what follows frames that decoders of zstd and lz4 skip (RFC 8878, 3.1.2), and whether there are
// any: pzstd begins its files with one, and it may hold whatever one likes.
func skipFrames(head []byte) (rest []byte, skipped bool) {
	const frameHead = 8
	for len(head) >= frameHead && head[0]>>4 == 5 && string(head[1:4]) == "\x2a\x4d\x18" {
		skipped = true
		head = head[min(int64(len(head)), frameHead+int64(binary.LittleEndian.Uint32(head[4:]))):]
	}
	return head, skipped
}

// isSkippedZstd takes frames that are skipped for zstd's also if it cannot be seen in the head what follows them.
func isSkippedZstd(head []byte) bool {
	const magic = "\x28\xb5\x2f\xfd"
	rest, skipped := skipFrames(head)
	return skipped && strings.HasPrefix(magic, string(rest[:min(len(rest), len(magic))]))
}

func isSkippedLZ4(head []byte) bool {
	rest, skipped := skipFrames(head)
	return skipped && bytes.HasPrefix(rest, []byte("\x04\x22\x4d\x18"))
}

func isBzip2(head []byte) bool {
	return len(head) >= 10 && string(head[:3]) == "BZh" && string(head[4:10]) == "1AY&SY"
}

// isLZMA knows what xz calls the legacy .lzma format, which has no magic number: the properties that all tools
// write, a dictionary of a size that they write, a size below 256 GiB or none, and the zero that the code begins with.
func isLZMA(head []byte) bool {
	const headerSize = 13
	if len(head) <= headerSize || head[0] != 0x5d || head[headerSize] != 0 {
		return false
	}
	dictionary, size := binary.LittleEndian.Uint32(head[1:]), binary.LittleEndian.Uint64(head[5:])
	power := dictionary&(dictionary-1) == 0
	return power && dictionary >= 1<<12 && (size < 1<<38 || size == 1<<64-1)
}

// notReadError says what it is that is not read.
func notReadError(head []byte) error {
	return fmt.Errorf("it is a %s, which is not read", unreadName(head))
}
