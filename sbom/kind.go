package sbom

import (
	"bytes"
	"encoding/binary"
	"os"
	"path"
)

// kind is what a file is by its first bytes, as far as it matters how closely to look at it.
type kind int

const (
	// data is not looked into.
	data kind = iota
	// program is ELF, PE or Mach-O.
	program
	// unknown may be executed and is of no known kind.
	unknown
	// script begins with #!, or is named as scripts are.
	script
	// config may be the configuration of a tool, by its name and size.
	config
)

func (k kind) isText() bool { return k == script || k == config }

// kindOf says what a file is. An executable bit, or a place where programs are, makes it worth a look whatever
// it begins with: what runs is not the file's own choice of first bytes alone.
func (t *table) kindOf(name string, mode os.FileMode, size int64, head []byte) kind {
	switch {
	case isProgram(head):
		return program
	case bytes.HasPrefix(bytes.TrimLeft(head, "\ufeff \t\r\n"), []byte("#!")):
		return script
	case size <= maxText && nameMatches(t.texts, path.Base(name)) && isText(head):
		if path.Ext(name) == ".sh" {
			return script
		}
		return config
	case mode&0o111 != 0:
		if isText(head) {
			return script
		}
		return unknown
	}
	return data
}

// isProgram knows ELF, PE with its DOS stub, and Mach-O in both byte orders, also of several architectures.
func isProgram(head []byte) bool {
	if len(head) < 4 {
		return false
	}
	if string(head[:2]) == "MZ" {
		return true
	}
	switch binary.BigEndian.Uint32(head) {
	case 0x7f454c46, // \x7fELF
		0xfeedface, 0xfeedfacf, 0xcefaedfe, 0xcffaedfe:
		return true
	case 0xcafebabe, 0xcafebabf: // also Java classes, whose next four bytes are a version above 40
		return len(head) >= 8 && binary.BigEndian.Uint32(head[4:]) < 40
	}
	return false
}

func isText(head []byte) bool {
	return len(head) > 0 && bytes.IndexByte(head, 0) < 0
}
