package sbom

import (
	"bytes"
	"encoding/binary"
	"os"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// kind is what a file is by its first bytes, as far as it matters how closely to look at it.
type kind int

const (
	// data is of no kind below: only what is hidden in it is looked for.
	data kind = iota
	// program is ELF, PE or Mach-O.
	program
	// bytecode is compiled Python, a Java class or WebAssembly: its strings stand in it as they are.
	bytecode
	// unknown may be executed and is of no known kind.
	unknown
	// script begins with #!, is text that may be executed, or is named as scripts are.
	script
	// config is any other text: configuration, source, documentation.
	config
	// archived is an archive or something compressed: what is in it is looked at.
	archived
)

func (k kind) isText() bool { return k == script || k == config }

// isCode says whether words count as they do in programs.
func (k kind) isCode() bool { return k == program || k == bytecode || k == unknown }

// isRun says whether something may run a file, or what is in it.
func (k kind) isRun() bool { return k.isCode() || k == script || k == archived }

// kindNames are what kinds are called in evidence.
var kindNames = map[kind]string{
	data: "data", program: "program", bytecode: "bytecode", unknown: "executable", script: "script", config: "text",
	archived: "archive",
}

func (k kind) String() string { return kindNames[k] }

// headSize is how many of the first bytes of a file tell what it is. Programs that UPX has packed say so in as many.
const headSize = 8 << 10

// scriptNames are the endings of scripts that need no #! line: something else is told to run them.
var scriptNames = []string{".sh", ".bash", ".js", ".mjs", ".cjs", ".py", ".pl", ".rb", ".php", ".lua", ".ps1", ".bat", ".cmd", ".vbs"}

// kindOf says what a file is: by its content, except for text, of which the name and the mode say whether it
// is to be run.
func kindOf(name string, mode os.FileMode, head []byte) kind {
	switch {
	case isProgram(head):
		return program
	case packingOf(head) != notPacked:
		return archived
	case hashBang(head):
		return script
	case isBytecode(head):
		return bytecode
	case isText(head):
		if mode&0o111 != 0 || slices.Contains(scriptNames, strings.ToLower(path.Ext(name))) {
			return script
		}
		return config
	case mode&0o111 != 0:
		return unknown
	}
	return data
}

// hashBang knows a script's first line, also behind a byte order mark or empty lines: kernels do not run such
// a file, shells do.
func hashBang(head []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(head, "\ufeff \t\r\n"), []byte("#!"))
}

// isProgram knows ELF, PE with its DOS stub, and Mach-O in both byte orders, also of several architectures.
func isProgram(head []byte) bool {
	if len(head) < 4 {
		return false
	}
	if string(head[:2]) == "MZ" {
		return !isText(head) || len(head) < 64
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

// isBytecode knows Java classes, WebAssembly, and Python's compiled modules, which have \r\n behind a number
// that is another for every version, then flags of which three bits are in use, or, before 3.7, a time.
func isBytecode(head []byte) bool {
	if len(head) < 16 {
		return false
	}
	python := head[2] == '\r' && head[3] == '\n' && !isText(head)
	return python || bytes.HasPrefix(head, []byte("\xca\xfe\xba\xbe")) || bytes.HasPrefix(head, []byte("\x00asm"))
}

// isText says whether a file begins as text does.
func isText(head []byte) bool {
	return len(head) > 0 && bytes.IndexByte(head, 0) < 0
}

// isRead says whether a shell that is told to run a file would read it: it does if the first line is text, whatever
// follows.
func isRead(head []byte) bool {
	if isProgram(head) || isText(head) {
		return !isProgram(head)
	}
	line, _, ends := bytes.Cut(head, []byte("\n"))
	return ends && utf8.Valid(line) && !bytes.ContainsFunc(line, func(r rune) bool { return r < ' ' && r != '\t' && r != '\r' })
}
