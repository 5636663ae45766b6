package sbom

import (
	"bytes"
	"encoding/binary"
	"runtime/debug"
)

// maxApplet is the longest name of an applet, in bytes.
const maxApplet = 32

// applets reads busybox's table of applets: names that end in NUL, one after the other, sorted.
func applets(table []byte) []string {
	var names []string
	for {
		name, rest, ok := bytes.Cut(table, []byte{0})
		if !ok || !isApplet(name) {
			return names
		}
		names = append(names, string(name))
		table = rest
	}
}

func isApplet(name []byte) bool {
	if len(name) == 0 || len(name) > maxApplet {
		return false
	}
	for _, c := range name {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && !bytes.ContainsRune([]byte("_-.[+"), rune(c)) {
			return false
		}
	}
	return true
}

// Go's linker writes the build information of a program as a header of 32 bytes that begins with the word
// of goBuildInfo and has inlineStrings among its flags, followed by two strings, each after its length as a
// varint: Go's version, and the modules between 16 random bytes on either side (debug/buildinfo).
const (
	buildInfoAlign  = 16
	buildInfoHeader = 32
	buildInfoFlags  = 15
	inlineStrings   = 2
	moduleGuard     = 16
)

// buildInfo reads the build information of a Go program where it begins at offset; nil if it is none. Go
// before 1.18 keeps it elsewhere; then the program's packages and words have to tell.
func buildInfo(data []byte, offset int64) *debug.BuildInfo {
	if offset%buildInfoAlign != 0 || len(data) < buildInfoHeader || data[buildInfoFlags]&inlineStrings == 0 {
		return nil
	}
	_, rest, ok := cutString(data[buildInfoHeader:])
	if !ok {
		return nil
	}
	modules, _, ok := cutString(rest)
	if !ok || len(modules) < 2*moduleGuard {
		return nil
	}
	info, err := debug.ParseBuildInfo(string(modules[moduleGuard : len(modules)-moduleGuard]))
	if err != nil {
		return nil
	}
	return info
}

func cutString(b []byte) (s, rest []byte, ok bool) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) {
		return nil, nil, false
	}
	b = b[size:]
	return b[:n], b[n:], true
}
