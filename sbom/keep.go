package sbom

import (
	"bytes"
	_ "embed"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/gabriel-vasile/mimetype"

	"github.com/tidewaiter/tidewaiter/image"
)

// wantedPatterns are what syft's cataloguers ask files by, one a line: those that they search for, and those
// that they read beside what they found. A file that is missing here costs a second reading of its layer.
//
//go:embed wanted.txt
var wantedPatterns string

// wanted answers quickly whether a file is one that cataloguers ask for by name.
type wanted struct {
	// byBase, byExtension and others have patterns by what their last part says: the whole name, how it ends,
	// or something else.
	byBase, byExtension map[string][]string
	others              []string
	// programs are parts of the names of programs that cataloguers look into. They look through links, too:
	// gcc is x86_64-linux-gnu-gcc-12.
	programs []string
}

// shortestPart is how long a name has to be to be looked for inside others, in bytes.
const shortestPart = 3

var theWanted = sync.OnceValue(func() *wanted {
	w := &wanted{byBase: map[string][]string{}, byExtension: map[string][]string{}}
	for line := range strings.Lines(wantedPatterns) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		for _, pattern := range expandBraces(line) {
			w.add(pattern)
		}
	}
	return w
})

func (w *wanted) add(pattern string) {
	base := path.Base(pattern)
	meta := strings.LastIndexAny(base, metaCharacters)
	switch extension := path.Ext(base); {
	case meta < 0:
		w.byBase[base] = append(w.byBase[base], pattern)
		if len(base) >= shortestPart && pattern == "**/"+base {
			w.programs = append(w.programs, base)
		}
	case extension != "" && meta < len(base)-len(extension):
		w.byExtension[extension] = append(w.byExtension[extension], pattern)
	default:
		w.others = append(w.others, pattern)
	}
}

// file says whether cataloguers ask for a file of that name.
func (w *wanted) file(name string) bool {
	base := path.Base(name)
	return matchesAny(w.byBase[base], name) || matchesAny(w.byExtension[path.Ext(base)], name) ||
		slices.ContainsFunc(w.others, func(p string) bool {
			last := path.Base(p)
			return strings.HasPrefix(base, last[:strings.IndexAny(last, metaCharacters)]) && matchesAny([]string{p}, name)
		})
}

func matchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		ok, _ := doublestar.Match(p, name)
		return ok
	})
}

// program says whether cataloguers may reach a program of that name through a link.
func (w *wanted) program(name string) bool {
	base := path.Base(name)
	return slices.ContainsFunc(w.programs, func(part string) bool { return strings.Contains(base, part) })
}

// licenseNames begin the names of files that hold the text of licences, in lower case.
var licenseNames = []string{"license", "licence", "unlicense", "mit-license", "copying", "notice"}

// isLicense says whether a file is one that syft would read for the licence of a package that does not say which
// is its own. Nothing here is judged by licence, so such files are neither kept nor shown.
func isLicense(name string) bool {
	base := strings.ToLower(path.Base(name))
	begins := func(prefix string) bool { return strings.HasPrefix(base, prefix) }
	return slices.ContainsFunc(licenseNames, begins) && !theWanted().file(name)
}

// programMarks are the words in programs that syft's cataloguers can say more about than their name: of Go
// and Rust ("cargo auditable"), with a package's note (systemd), of GraalVM, and of .NET as a single file.
var programMarks = []string{
	"\xff Go buildinf:", ".dep-v0", ".rust-deps-v0", ".note.package", "__svm_version_info",
	"\x8b\x12\x02\xb9\x6a\x61\x20\x38\x72\x7b\x93\x02\x14\xd7\xa0\x32\x13\xf5\xb9\xe6\xef\xae\x33\x18\xee\x3b\x2d\xce\x24\xb3\x6a\xae",
}

// packedMark is in the first headSize bytes of programs that were packed with UPX, of which syft unpacks those
// of Go.
var packedMark = []byte("UPX!")

// tells says whether syft's cataloguers would find anything in a program that they ask for by its MIME type.
// Windows programs have a version among their resources.
func (c *content) tells(head []byte) bool {
	return c.cataloged || c.size > c.scanned || bytes.HasPrefix(head, []byte("MZ")) || bytes.Contains(head, packedMark)
}

// facts are what the walk found out about a file of a layer.
type facts struct {
	content *content // nil if it was not looked into
	// mime is the type of a program that cataloguers ask for by type; empty for all other files.
	mime string
	// oversized tells that it is a script of a shell, and larger than such a text may be to be read.
	oversized bool
	// binary tells that it is no text.
	binary bool
	// kind is the file's, and sums are its digests, if it is checkable.
	kind kind
	sums sums
}

// factsOf returns what the walk left with an entry.
func factsOf(e *image.Entry) facts {
	if f, ok := e.Facts.(*facts); ok {
		return *f
	}
	return facts{}
}

// heads are reused between the files of a scan.
var heads = sync.Pool{New: func() any { return new([headSize]byte) }}

// visit looks at a file of a layer as it streams by, and keeps it if syft will ask for it.
func (s *scanner) visit(m *image.Member, stream *image.Content) (keep bool, err error) {
	buffer := heads.Get().(*[headSize]byte)
	defer heads.Put(buffer)
	head, err := readHead(stream, buffer[:])
	if err != nil {
		return false, err
	}
	isProgram := isProgram(head)
	keep = s.wanted.file(m.Name) || isProgram && s.wanted.program(m.Name) || s.startable(m, head) || databaseOf(m.Name) != ""
	if !keep && !isProgram {
		stream.Drop()
	}
	digests := s.hasher.begin(m.Name, kindOf(m.Name, m.Mode, head), head)
	c, err := s.table.inspectAny(m.Name, m.Mode, head, digests.through(stream), s.bounds, digests != nil)
	if err != nil {
		return keep, err
	}
	f := &facts{kind: c.kind, binary: !isRead(head)}
	f.oversized = m.Size > s.limits.Script && !f.binary && mayBeShells(m.Name, head)
	if s.table.matters(m.Name, m.Mode, c) {
		f.content = c
	}
	if c.sha256 != "" && checkable(m.Name, f.kind) {
		f.sums = digests.sums(c.sha256)
	} else if f.content == nil && !f.oversized {
		if f.binary {
			m.Facts = binaryFacts
		}
		return keep, nil
	}
	if isProgram && f.content != nil && c.tells(head) {
		f.mime, _, _ = strings.Cut(mimetype.Detect(head[:min(len(head), mimeWindow)]).String(), ";")
		keep = true
	}
	m.Facts = f
	return keep, nil
}

// startable says whether a file may be a text that something starts: text will be asked for it then. A file that
// is missed here costs a second reading of its layer.
func (s *scanner) startable(m *image.Member, head []byte) bool {
	return m.Size <= s.limits.Script && isRead(head) &&
		(s.starts[path.Base(m.Name)] || hashBang(head) || path.Ext(m.Name) == ".sh" || isAutostart(m.Name) || tellsStarters(m.Name))
}

// starterFiles are the names of files that say what programs start: such a file is small, and likely to be asked for.
var starterFiles = []string{
	"package.json", "supervisord.conf", "Procfile", "Makefile", "justfile", "sitecustomize.py", "usercustomize.py", ".bashrc",
	".profile", ".bash_profile", "envvars", "e2scrub.conf", "init-functions", "os-release", "locale",
}

// tellsStarters says whether a file is one of starterFiles, or by its folder is of that kind.
func tellsStarters(name string) bool {
	if slices.Contains(starterFiles, path.Base(name)) || path.Ext(name) == ".pth" {
		return true
	}
	folder := path.Base(path.Dir(name))
	return folder == "conf.d" && path.Ext(name) == ".ini" || strings.HasPrefix(folder, "supervisor") || folder == "conf.d" && strings.Contains(name, "supervisor")
}

// mayBeShells says whether a text may be a shell's script: by its first line, or without one by its name.
func mayBeShells(name string, head []byte) bool {
	if !hashBang(head) {
		return slices.Contains([]string{"", ".sh", ".bash", ".ksh", ".zsh"}, path.Ext(name))
	}
	line, _, _ := bytes.Cut(bytes.TrimLeft(head, "\ufeff \t\r\n"), []byte("\n"))
	return shellLine.Match(line)
}

// shellLine is the first line of a shell's script.
var shellLine = regexp.MustCompile(`[/\s](?:ba|da|a|z|k|mk|c|tc|fi|busybox )?sh\b`)

// mimeWindow is how many of the first bytes syft tells MIME types by.
const mimeWindow = 3072
