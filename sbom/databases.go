package sbom

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"path"
	"slices"
	"strings"

	"github.com/anchore/syft/syft/file"
	"github.com/anchore/syft/syft/pkg"
)

// The package managers whose databases have digests, by syft's type of their packages.
const (
	debType = string(pkg.DebPkg)
	apkType = string(pkg.ApkPkg)
	rpmType = string(pkg.RpmPkg)
)

// Where dpkg keeps what it knows. Distroless images have a file for each package instead of the status.
const (
	dpkgStatus     = "/var/lib/dpkg/status"
	dpkgStatusDir  = "/var/lib/dpkg/status.d/"
	dpkgInfo       = "/var/lib/dpkg/info/"
	dpkgDiversions = "/var/lib/dpkg/diversions"
)

var (
	apkDatabases = []string{"/lib/apk/db/installed", "/usr/lib/apk/db/installed"}
	rpmDatabases = []string{"/var/lib/rpm/", "/usr/share/rpm/", "/usr/lib/sysimage/rpm/"}
	rpmFiles     = []string{"Packages", "Packages.db", "rpmdb.sqlite"}
	dpkgEndings  = []string{".md5sums", ".list", ".conffiles"}
)

// databaseOf says of which package manager's database a file is a part; none if the answer is empty.
func databaseOf(name string) string {
	dir, base := path.Split(name)
	switch {
	case name == dpkgStatus, name == dpkgDiversions, dir == dpkgStatusDir,
		dir == dpkgInfo && slices.Contains(dpkgEndings, path.Ext(name)):
		return debType
	case slices.Contains(apkDatabases, name):
		return apkType
	case slices.Contains(rpmDatabases, dir) && slices.Contains(rpmFiles, base):
		return rpmType
	}
	return ""
}

// checksumsOf is the name of the package that a file of dpkg's has the checksums of.
func checksumsOf(name string) (string, bool) {
	dir, base := path.Split(name)
	base, ok := strings.CutSuffix(base, ".md5sums")
	base, _, _ = strings.Cut(base, ":")
	return base, ok && dir == dpkgInfo
}

// configFolder holds what whoever runs the image may change. For apk it is that alone; dpkg's conffiles are there.
const configFolder = "/etc/"

// packageID is what makes two packages of a database the same: what they hold is the same, too.
type packageID struct{ kind, name, version, arch string }

// installed is a package as a database has it.
type installed struct {
	packageID
	database string // the file that says so
	files    map[string]record
	valid    []period
}

// period is some layers on top of each other: from one on, up to another that is not among them.
type period struct{ from, to int }

func (p period) meets(q period) bool { return p.from < q.to && q.from < p.to }

// record is what a database has of one file, by its path.
type record struct {
	algorithm algorithm
	digest    string // in hexadecimal; empty if there is none
	// config tells that whoever runs the image may change the file.
	config bool
	// special tells that the package brings no regular file there, but a link or a directory.
	special bool
}

// stanza is one paragraph of a control file (Debian policy, chapter 5), by the names of its fields.
type stanza map[string]string

// stanzas reads the fields that matter.
func stanzas(text []byte) []stanza {
	var all []stanza
	var now stanza
	field := ""
	for line := range bytes.Lines(text) {
		line = bytes.TrimRight(line, "\r\n")
		name, value, ok := bytes.Cut(line, []byte(":"))
		switch {
		case len(bytes.TrimSpace(line)) == 0:
			now, field = nil, ""
		case line[0] == ' ' || line[0] == '\t':
			if field == "Conffiles" {
				now[field] += string(line) + "\n"
			}
		case ok:
			if now == nil {
				now = stanza{}
				all = append(all, now)
			}
			field = string(name)
			switch field {
			case "Package", "Status", "Version", "Architecture", "Conffiles":
				now[field] = strings.TrimSpace(string(value))
			}
		}
	}
	return all
}

// isInstalled says whether dpkg takes a package for installed. Stanzas of distroless images have no status.
func (s stanza) isInstalled() bool {
	status := strings.Fields(s["Status"])
	if len(status) != 3 {
		return s["Package"] != ""
	}
	return s["Package"] != "" && status[2] != "not-installed" && status[2] != "config-files"
}

// conffiles are the paths of configuration files that a stanza lists, each with its digest.
func (s stanza) conffiles() map[string]string {
	files := map[string]string{}
	for line := range strings.Lines(s["Conffiles"]) {
		if words := strings.Fields(line); len(words) >= 2 {
			files[path.Clean("/"+words[0])] = words[1]
		}
	}
	return files
}

// md5sums reads the lines of a file of checksums.
func md5sums(text []byte) map[string]string {
	files := map[string]string{}
	for line := range bytes.Lines(text) {
		digest, name, ok := strings.Cut(strings.TrimRight(string(line), "\r\n"), " ")
		name = strings.TrimPrefix(strings.TrimLeft(name, " "), "*")
		if digest = md5Digest(digest); ok && digest != "" && name != "" {
			files[path.Clean("/"+name)] = digest
		}
	}
	return files
}

// md5Digest is text in small letters, if it is such a digest in hexadecimal; else it is empty.
func md5Digest(text string) string {
	if sum, err := hex.DecodeString(text); err == nil && len(sum) == md5.Size {
		return hex.EncodeToString(sum)
	}
	return ""
}

// pathLines reads a file of one path a line.
func pathLines(text []byte) []string {
	var paths []string
	for line := range bytes.Lines(text) {
		// dpkg 1.21 knows flags before the path of a conffile
		words := strings.TrimPrefix(strings.TrimSpace(string(line)), "remove-on-upgrade ")
		if words != "" {
			paths = append(paths, path.Clean("/"+words))
		}
	}
	return paths
}

// dpkgRecords puts together what dpkg has of a package's files. What is listed without a digest, while others have
// one, is no regular file. What has a digest and is not listed any more, another package has taken over.
func dpkgRecords(sums map[string]string, list, conffiles []string, known map[string]string) map[string]record {
	files := make(map[string]record, len(list))
	for _, p := range list {
		files[p] = record{special: len(sums) > 0, config: strings.HasPrefix(p, configFolder)}
	}
	for p, digest := range sums {
		if _, listed := files[p]; listed || len(list) == 0 {
			files[p] = record{algorithm: md5Sum, digest: digest}
		}
	}
	for _, p := range conffiles {
		files[p] = record{algorithm: md5Sum, digest: files[p].digest, config: true}
	}
	for p, digest := range known {
		files[p] = record{algorithm: md5Sum, digest: md5Digest(digest), config: true} // some are "newconffile"
	}
	return files
}

// diversion is a place of which dpkg has moved what packages bring to another, for a package or, with ":", for
// whoever asked it to (dpkg-divert).
type diversion struct{ from, to, by string }

func diversions(text []byte) []diversion {
	var all []diversion
	lines := strings.Split(string(text), "\n")
	for ; len(lines) >= 3; lines = lines[3:] {
		all = append(all, diversion{path.Clean("/" + lines[0]), path.Clean("/" + lines[1]), lines[2]})
	}
	return all
}

// apkPackages reads the database of apk: lines of a letter and a value (apk-tools, src/database.c).
func apkPackages(text []byte, database string) []*installed {
	var all []*installed
	var now *installed
	dir, at := "/", ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\r\n")
		name, value, ok := strings.Cut(line, ":")
		if line == "" || !ok {
			now, dir, at = nil, "/", ""
			continue
		}
		if now == nil {
			now = &installed{packageID: packageID{kind: apkType}, database: database, files: map[string]record{}}
			all = append(all, now)
		}
		switch name {
		case "P":
			now.name = value
		case "V":
			now.version = value
		case "A":
			now.arch = value
		case "F":
			dir = path.Clean("/" + value)
		case "R":
			at = path.Join(dir, value)
			now.files[at] = record{config: strings.HasPrefix(at, configFolder)}
		case "Z":
			if at != "" {
				now.files[at] = apkRecord(value, now.files[at])
			}
		}
	}
	return slices.DeleteFunc(all, func(p *installed) bool { return p.name == "" })
}

// apkRecord adds a digest: Q1 and SHA-1 in base64, or, in old databases, MD5 in hexadecimal.
func apkRecord(value string, r record) record {
	if encoded, ok := strings.CutPrefix(value, "Q1"); ok {
		if sum, err := base64.StdEncoding.DecodeString(encoded); err == nil && len(sum) == sha1.Size {
			r.algorithm, r.digest = sha1Sum, hex.EncodeToString(sum)
		}
	} else {
		r.algorithm, r.digest = md5Sum, md5Digest(value)
	}
	return r
}

// The type of a file in its mode (stat.h), as rpm has it.
const (
	rpmTypeMask    = 0o170000
	rpmTypeRegular = 0o100000
)

// rpmPackage takes a package over from syft; nil if it is of no database of the image's own.
func rpmPackage(p pkg.Package) *installed {
	entry, ok := p.Metadata.(pkg.RpmDBEntry)
	if !ok {
		return nil
	}
	made := &installed{packageID: packageID{rpmType, entry.Name, p.Version, entry.Arch}, files: map[string]record{}}
	for _, at := range p.Locations.ToSlice() {
		if databaseOf(at.RealPath) == rpmType {
			made.database = at.RealPath
		}
	}
	for _, f := range entry.Files {
		r := record{config: strings.ContainsAny(f.Flags, "cg"), special: f.Mode&rpmTypeMask != rpmTypeRegular}
		if !r.special {
			r.algorithm, r.digest = rpmDigest(f.Digest)
		}
		made.files[path.Clean("/"+f.Path)] = r
	}
	if made.database == "" {
		return nil
	}
	return made
}

// rpmDigest is a digest that rpm recorded; without a name of the algorithm it is MD5.
func rpmDigest(d file.Digest) (algorithm, string) {
	digest := strings.ToLower(d.Value)
	if a := slices.Index(algorithmNames[:], d.Algorithm); a >= 0 {
		return algorithm(a), digest
	}
	return md5Sum, md5Digest(digest)
}
