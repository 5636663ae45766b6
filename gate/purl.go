package gate

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// packageID is what a package URL says of which package it is, in the form in which the writers of SBOMs agree.
type packageID struct {
	kind, name, version string
}

// comparedTypes are the types of package URLs whose packages every cataloguer finds. Others find no programs that
// are known by their content only (generic), and what a DLL says of itself (nuget) is anybody's guess.
var comparedTypes = []string{"apk", "cargo", "composer", "deb", "gem", "golang", "maven", "npm", "pypi", "rpm"}

// vagueNamespaces are of types whose namespace tools guess differently: the distribution's name (rhel, redhat),
// and the group of a jar without a pom.
var vagueNamespaces = []string{"apk", "deb", "maven", "rpm"}

var (
	pypiSeparators = regexp.MustCompile(`[-_.]+`) // PEP 503
	epoch          = regexp.MustCompile(`^\d+:`)
	// pseudoVersion is how Go calls a commit without a tag, and a build of a changed tree. Tools make one up for
	// a program's main module.
	pseudoVersion = regexp.MustCompile(`\d{14}-[0-9a-f]{12}|\+dirty$`)
)

// parsePURL reads a package URL (package-url/purl-spec), without its qualifiers and subpath. ok tells that it is
// one of a type that is compared.
func parsePURL(text string) (id packageID, ok bool) {
	rest, ok := strings.CutPrefix(text, "pkg:")
	if !ok {
		return packageID{}, false
	}
	rest, _, _ = strings.Cut(rest, "#")
	rest, _, _ = strings.Cut(rest, "?")
	kind, path, ok := strings.Cut(strings.TrimLeft(rest, "/"), "/")
	kind = strings.ToLower(kind)
	if !ok || !slices.Contains(comparedTypes, kind) {
		return packageID{}, false
	}
	version := ""
	if at := strings.LastIndex(path, "@"); at > strings.LastIndex(path, "/")+1 || at > 0 && kind == "golang" {
		path, version = path[:at], path[at+1:]
	}
	name, err := url.PathUnescape(strings.Trim(path, "/"))
	if err != nil || name == "" {
		return packageID{}, false
	}
	if version, err = url.PathUnescape(version); err != nil {
		return packageID{}, false
	}
	return packageID{kind, normalName(kind, name), normalVersion(kind, version)}, true
}

// normalName writes a name, with its namespace, as all tools could have. Case never counts: the types in which
// it should (rpm, maven) have no two packages that differ in nothing else.
func normalName(kind, name string) string {
	name = strings.ToLower(name)
	if slices.Contains(vagueNamespaces, kind) {
		name = name[strings.LastIndex(name, "/")+1:]
	}
	if kind == "pypi" {
		name = pypiSeparators.ReplaceAllString(name, "-")
	}
	return name
}

// normalVersion writes a version as all tools could have; empty if it tells nothing. The epoch of a package is a
// part of its version, or a qualifier, or left out.
func normalVersion(kind, version string) string {
	switch kind {
	case "deb", "rpm", "apk":
		version = epoch.ReplaceAllString(version, "")
	case "golang":
		version = strings.TrimPrefix(version, "v")
		if pseudoVersion.MatchString(version) {
			return ""
		}
	}
	if version == "(devel)" || strings.EqualFold(version, "unknown") {
		return ""
	}
	return strings.ToLower(version)
}
