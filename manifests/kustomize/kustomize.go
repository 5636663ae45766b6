// Package kustomize builds kustomizations with kustomize's own library: from the files below one root and nothing
// else, without network, git, plugins, containers or charts. Like rendering a chart it belongs into a process that
// somebody else bounds.
package kustomize

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/resource"
)

// Names are the names of kustomization files, in the order in which kustomize looks for them.
var Names = []string{"kustomization.yaml", "kustomization.yml", "Kustomization"}

// IsName tells that a file is called as kustomizations are.
func IsName(name string) bool { return slices.Contains(Names, name) }

// Resource is one object that a kustomization builds.
type Resource struct {
	// JSON is the object.
	JSON string
	// File is the file below the root that the object is from: a resource, or the kustomization that generates it.
	File string
	// Generated tells that File holds the recipe of the object, not the object.
	Generated bool
}

// Built is what a kustomization builds.
type Built struct {
	Resources []Resource
	// Files are all files below the root that were read for it.
	Files []string
}

// Build builds the kustomization in the folder name below root. What it names outside of root is an error, and so
// is what it names on another machine. Files are told even where it fails.
func Build(root *os.Root, name string) (Built, error) {
	http.DefaultTransport = refusing{}
	f, err := newFiles(root, name)
	if err != nil {
		return Built{}, err
	}
	built, err := build(f, name)
	built.Files = f.list()
	return built, err
}

// refusing is a network that nothing gets through. Kustomize would ask servers by http.DefaultTransport; files
// refuses what it knows to be remote before that.
type refusing struct{}

func (refusing) RoundTrip(r *http.Request) (*http.Response, error) {
	return nil, errRemote(r.URL.String())
}

func errRemote(url string) error {
	return fmt.Errorf("%q is on another machine, and nothing is fetched here: vendor it, or check what kustomize build prints", url)
}

func build(f *files, name string) (Built, error) {
	m, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(f, f.main)
	if f.refused != nil {
		// Kustomize goes on to try a file that it may not read as a folder, and words the error of that.
		return Built{}, f.refused
	}
	if err != nil {
		return Built{}, errors.New(innermost(strings.NewReplacer(f.top+string(filepath.Separator), "", "\n", "; ").Replace(err.Error())))
	}
	return collect(m, name)
}

// recursed and accumulating are what kustomize says of each kustomization on its way to the one that is wrong, and of
// one that names something wrong: what it took for a file, and why it cannot be a folder either.
var (
	recursed     = regexp.MustCompile(`^.*recursed accumulation of path '([^']*)': `)
	accumulating = regexp.MustCompile(`^accumulating resources: accumulation err='accumulating resources from '([^']*)': (.*)': (.*)$`)
)

// innermost is the part of an error of kustomize that says what is wrong, and in which folder.
func innermost(text string) string {
	where := ""
	if m := recursed.FindStringSubmatch(text); m != nil {
		where, text = "in "+m[1]+": ", text[len(m[0]):]
	}
	if m := accumulating.FindStringSubmatch(text); m != nil {
		cause := m[3]
		if strings.HasPrefix(cause, "must build at directory: ") {
			cause = m[2]
		}
		text = fmt.Sprintf("resource %q: %s", m[1], cause)
	}
	return where + text
}

func collect(m resmap.ResMap, name string) (Built, error) {
	var built Built
	for _, r := range m.Resources() {
		origin, err := r.GetOrigin()
		if err != nil {
			return Built{}, err
		}
		if err := r.SetOrigin(nil); err != nil {
			return Built{}, err
		}
		text, err := r.MarshalJSON()
		if err != nil {
			return Built{}, err
		}
		built.Resources = append(built.Resources, place(Resource{JSON: string(text)}, origin, name))
	}
	return built, nil
}

// place says where a resource of the kustomization in the folder name is from.
func place(r Resource, origin *resource.Origin, name string) Resource {
	switch {
	case origin != nil && origin.Path != "":
		r.File = path.Join(name, origin.Path)
	case origin != nil && origin.ConfiguredIn != "":
		r.File, r.Generated = path.Join(name, origin.ConfiguredIn), true
	}
	return r
}
