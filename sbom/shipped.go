package sbom

import (
	"crypto/sha1"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/tidewaiter/tidewaiter/image"
)

const (
	// Tampered is the class of a file that is not what its package brought: Recorded says why.
	Tampered = "tampered"
	// Unowned is the class of a program that no package brought, in a folder of the distribution and of an image
	// that has a package database. What images are built for is elsewhere by convention: below /usr/local, /opt,
	// /srv, /home, or a folder of its own such as /app.
	Unowned = "unowned"
)

// Recorded is what the database of a package says of a file that is not so.
type Recorded struct {
	Type     string `json:"type"` // deb, apk, rpm
	Package  string `json:"package"`
	Version  string `json:"version"`
	Database string `json:"database"` // path of the file with the package's entry
	// Digest was recorded, Found is that of the content; both begin with the algorithm. Digest is empty if the
	// package brings a link there.
	Digest string `json:"digest,omitempty"`
	Found  string `json:"found,omitempty"`
	// Content is "program" (libraries are programs), "executable" (of no known kind), "script", "bytecode",
	// "archive" or "text".
	Content string `json:"content"`
	// Link is where a link leads that is there in the place of what was recorded.
	Link string `json:"link,omitempty"`
	// Diverted tells that dpkg was told by hand to move the package's file out of the way (dpkg-divert --local).
	Diverted bool `json:"diverted,omitempty"`
}

// judgement is what the ledger says of an entry.
type judgement struct {
	recorded *Recorded // Tampered, if it is there
	unowned  bool
}

// judge says whether an entry is as a package brought it. owned tells that another package manager, of a programming
// language, lists it.
func (l *ledger) judge(e *image.Entry, owned bool) judgement {
	if len(l.states) == 0 {
		return judgement{}
	}
	at := l.place(e.Path)
	claims := l.valid(at, e)
	if e.Type == image.Symlink {
		return judgement{recorded: l.judgeLink(e, claims)}
	}
	f := factsOf(contentOf(e))
	if contentOf(e).Type != image.Regular || !f.isChecked() {
		return judgement{}
	}
	if len(claims) == 0 {
		return judgement{unowned: !owned && e.DeletedIn < 0 && l.ownersKnown && isSystemProgram(e, f)}
	}
	if slices.ContainsFunc(claims, func(c claim) bool { return c.holds(f) }) {
		return judgement{}
	}
	return judgement{recorded: claims[0].broken(f, l.isDiverted(at))}
}

// valid are the claims on a path while an entry was visible there, sorted by package.
func (l *ledger) valid(at string, e *image.Entry) []claim {
	var valid []claim
	for _, c := range l.claims[at] {
		if slices.ContainsFunc(c.by.valid, lives(e).meets) {
			valid = append(valid, c)
		}
	}
	slices.SortFunc(valid, func(a, b claim) int {
		return strings.Compare(a.by.name+"\x00"+a.by.version, b.by.name+"\x00"+b.by.version)
	})
	return valid
}

// isDiverted says whether dpkg was told to move what packages bring at a path elsewhere.
func (l *ledger) isDiverted(at string) bool {
	return slices.ContainsFunc(l.diversions, func(d diversion) bool { return d.from != d.to && l.place(d.from) == at })
}

// holds says whether a file is as claimed. Configuration may be changed, but does not become a program.
func (c claim) holds(f facts) bool {
	switch {
	case c.special && f.kind == script:
		return c.config // of which some databases say only the path
	case c.special:
		return !f.kind.isCode()
	case c.config && f.kind != program, c.digest == "":
		return true
	}
	return f.sums[c.algorithm] == "" || f.sums[c.algorithm] == c.digest
}

// broken is the evidence that a file is not as claimed.
func (c claim) broken(f facts, diverted bool) *Recorded {
	r := &Recorded{
		Type: c.by.kind, Package: c.by.name, Version: c.by.version, Database: c.by.database,
		Content: f.kind.String(), Diverted: diverted,
	}
	if c.digest != "" {
		r.Digest = algorithmNames[c.algorithm] + ":" + c.digest
		r.Found = algorithmNames[c.algorithm] + ":" + f.sums[c.algorithm]
	} else {
		r.Found = algorithmNames[sha256Sum] + ":" + f.sums[sha256Sum]
	}
	return r
}

// judgeLink says of a link whether it is there in the place of something else, or leads to what no package brought.
// A link to another package's file is a matter of taste: dash for bash.
func (l *ledger) judgeLink(e *image.Entry, claims []claim) *Recorded {
	if len(claims) == 0 || e.DeletedIn >= 0 {
		return nil
	}
	to := l.s.files.Lookup(e.Path)
	if to == nil || contentOf(to).Type != image.Regular {
		return nil
	}
	f := factsOf(contentOf(to))
	if !f.isChecked() || !f.kind.isRun() || len(l.valid(l.place(to.Path), to)) > 0 {
		return nil // what is wrong with a package's file is said of that
	}
	written := sha1.Sum([]byte(e.Linkname))
	for _, c := range claims {
		asWritten := c.algorithm == sha1Sum && c.digest == hex.EncodeToString(written[:])
		if asWritten || c.config || !c.special && c.holds(f) {
			return nil
		}
	}
	r := claims[0].broken(f, false)
	r.Link = to.Path
	return r
}

// programFolders are where the names of programs lead.
var programFolders = []string{"/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/", "/usr/libexec/"}

// strange are the folders beside those of the system in which no programs are expected at all.
var strange = []string{"/etc/", "/dev/", "/run/", "/tmp/", "/var/", "/boot/", "/proc/", "/sys/"}

// isSystemProgram says whether a file is a program or a library in a folder of the distribution, or a script that
// may be called by its name.
func isSystemProgram(e *image.Entry, f facts) bool {
	mode := contentOf(e).Mode
	if contentOf(e) != e && contentOf(e).DeletedIn < 0 && isSystemProgram(contentOf(e), f) {
		return false // it is said of that already
	}
	switch inSystem := isBelow(system, e.Path) && !isBelow(local, e.Path); {
	case f.kind == program:
		return inSystem || isBelow(strange, e.Path)
	case (f.kind == script || f.kind == unknown) && mode&0o111 != 0:
		return inSystem && isBelow(programFolders, e.Path)
	}
	return false
}

func (j judgement) says() bool { return j.recorded != nil || j.unowned }

// mark puts a judgement into what is said of the entry.
func (j judgement) mark(f *File, e *image.Entry) {
	if f.SHA256 == "" {
		f.SHA256 = factsOf(contentOf(e)).sums[sha256Sum]
	}
	if j.unowned {
		f.Classes = append(f.Classes, Class{Unowned, "", []Mark{{By: byPath, Text: e.Path, Offset: -1}}})
		return
	}
	f.Recorded = j.recorded
	text := j.recorded.Type + ":" + j.recorded.Package
	f.Classes = append(f.Classes, Class{Tampered, j.recorded.Package, []Mark{{By: byPackage, Text: text, Offset: -1}}})
}
