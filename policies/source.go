package policies

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

// embedded holds our own rules. A file that is there is a rule: there is no list to add it to.
//
//go:embed */*.rego
var embedded embed.FS

// library is the folder of what rules share: helpers below the package tidewaiter.lib.
const library = "lib"

// extension is how the name of a file of rules ends.
const extension = ".rego"

// kinds are all kinds of evidence, in the order in which they are listed.
var kinds = []Kind{Kubernetes, Image, Config}

var ruleName = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// source is one file of our own rules.
type source struct {
	file string // <kind>/<name>.rego, or lib/<name>.rego
	text string
}

// id returns the identity of the rule that the file holds: its path without the extension.
func (s source) id() string { return strings.TrimSuffix(s.file, extension) }

// readSources returns the files of each kind and of the library, in order, and refuses files that would not be
// found as rules.
func readSources(fsys fs.FS) (map[Kind][]source, error) {
	files, err := fs.Glob(fsys, "*/*"+extension)
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	found := map[Kind][]source{}
	var bad []error
	for _, file := range files {
		folder := Kind(path.Dir(file))
		s := source{file: file}
		if folder != library && !slices.Contains(kinds, folder) {
			bad = append(bad, fmt.Errorf("%s: there is no kind %q: kinds are %v", file, folder, kinds))
			continue
		}
		if name := path.Base(s.id()); !ruleName.MatchString(name) {
			bad = append(bad, fmt.Errorf("%s: %q is no name for a rule: lower case words joined by hyphens", file, name))
			continue
		}
		text, err := fs.ReadFile(fsys, file)
		if err != nil {
			bad = append(bad, err)
			continue
		}
		s.text = string(text)
		found[folder] = append(found[folder], s)
	}
	return found, errors.Join(bad...)
}
