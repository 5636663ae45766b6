package report

import (
	"fmt"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/tidewaiter/tidewaiter/gate"
)

// stdin is what standard input, "-", is called where the name of a file is expected.
const stdin = "stdin"

// A place is where a finding stands. Line and column are 1-based; 0 is unknown, and so is an empty file.
type place struct {
	file         string
	line, column int
}

// placeOf says where to point at for a finding: its own place, else the first manifest that runs the image,
// else where the subject is.
func placeOf(s gate.Subject, f gate.Finding) place {
	switch {
	case f.File == "":
		return placeOfSubject(s)
	case f.Line == 0 && f.File == s.File:
		return place{file: f.File, line: s.Line}
	}
	return place{file: f.File, line: f.Line, column: f.Column}
}

func placeOfSubject(s gate.Subject) place {
	if len(s.ReferencedBy) > 0 {
		return parsePlace(s.ReferencedBy[0])
	}
	return place{file: s.File, line: s.Line}
}

// parsePlace reads file:line, as a subject's ReferencedBy has it.
func parsePlace(s string) place {
	if i := strings.LastIndexByte(s, ':'); i > 0 {
		if line, err := strconv.Atoi(s[i+1:]); err == nil && line > 0 {
			return place{file: s[:i], line: line}
		}
	}
	return place{file: s}
}

// String returns file:line:column, as far as they are known: terminals and editors make it a link.
func (p place) String() string {
	file := p.file
	if file == "-" {
		file = stdin
	}
	switch {
	case file == "" || p.line <= 0:
		return file
	case p.column <= 0:
		return fmt.Sprintf("%s:%d", file, p.line)
	}
	return fmt.Sprintf("%s:%d:%d", file, p.line, p.column)
}

// inRepository returns the name of a file as the repository has it: from its root, with slashes, never
// absolute and never leading out, because code scanning refuses a whole report over one such name. A file
// that is outside of the repository keeps its name less what leads there.
func (o Options) inRepository(file string) string {
	if file == "" || file == "-" {
		return stdin
	}
	absolute := file
	if !filepath.IsAbs(file) && o.Dir != "" {
		absolute = filepath.Join(o.Dir, file)
	}
	if filepath.IsAbs(absolute) && o.Root != "" {
		if name, err := filepath.Rel(o.Root, absolute); err == nil && filepath.IsLocal(name) {
			return filepath.ToSlash(name)
		}
	}
	return path.Clean("/" + filepath.ToSlash(file))[1:]
}
