// Package helm renders Helm charts with Helm's own engine, as `helm install` would with an empty cluster: no
// lookups, no network, no file but those of the chart. Rendering runs the chart's templates, which may take any
// time and memory they like; it belongs into a process that somebody else bounds.
package helm

import (
	"fmt"
	"log"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/strvals"
	"sigs.k8s.io/yaml"
)

// Options are what a user may say of how a chart is rendered. The zero Options render it as `helm template` does
// without flags.
type Options struct {
	// Values are files of values, each over those before it.
	Values []File
	// Set and SetString are assignments, key=value, as Helm's --set and --set-string read them, over Values.
	Set, SetString []string
	// Release and Namespace are the names that templates see. They are "release-name" and "default" if empty.
	Release, Namespace string
	// KubeVersion is the version of Kubernetes that templates see, DefaultKubeVersion if empty; APIVersions are
	// API groups and kinds (batch/v1/CronJob) that its cluster has besides the built-in ones.
	KubeVersion string
	APIVersions []string
}

// DefaultKubeVersion is the version of the Kubernetes libraries that this program is built with.
const DefaultKubeVersion = "v1.37.0"

// File is a file and what it holds.
type File struct {
	Name string
	Data []byte
}

// Document is what became of one template, or one definition of a chart's crds folder.
type Document struct {
	// File is the template's name below the root, Template its text and Text what it became. Of a chart inside
	// an archive File is the archive, and Template is empty.
	File, Template, Text string
}

// Error is a failure to render with the place that it is about, as far as that is known.
type Error struct {
	File string // below the root
	Line int    // 1-based, 0 if it is not known
	Text string
}

func (e *Error) Error() string { return e.Text }

// Render renders the chart at name, a folder with a Chart.yaml or an archive of one, below root. Nothing outside of
// root is read. A library chart renders to nothing.
func Render(root *os.Root, name string, o Options) ([]Document, error) {
	log.SetOutput(discard{}) // Helm warns of old charts by the standard logger
	sources, err := read(root, name)
	if err != nil {
		return nil, &Error{File: sources.entry, Text: err.Error()}
	}
	c := sources.chart
	if c.Metadata.Type == "library" {
		return nil, nil
	}
	texts, err := render(c, o)
	if err != nil {
		return nil, sources.explain(err)
	}
	var documents []Document
	for _, crd := range c.CRDObjects() {
		documents = append(documents, sources.document(crd.File, crd.File.Data, string(crd.File.Data)))
	}
	return append(documents, sources.rendered(c, texts)...), nil
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// render returns the texts of all templates by their names.
func render(c *chart.Chart, o Options) (map[string]string, error) {
	if err := checkVendored(c); err != nil {
		return nil, err
	}
	capabilities, err := o.capabilities()
	if err != nil {
		return nil, err
	}
	if want := c.Metadata.KubeVersion; want != "" && !chartutil.IsCompatibleRange(want, capabilities.KubeVersion.Version) {
		return nil, fmt.Errorf("chart requires kubeVersion %s, which %s is not: say --kube-version", want, capabilities.KubeVersion.Version)
	}
	values, err := o.values()
	if err != nil {
		return nil, err
	}
	if err := chartutil.ProcessDependenciesWithMerge(c, values); err != nil {
		return nil, err
	}
	if err := localSchemas(c); err != nil {
		return nil, err
	}
	release := chartutil.ReleaseOptions{Name: o.Release, Namespace: o.Namespace, Revision: 1, IsInstall: true}
	setDefault(&release.Name, "release-name")
	setDefault(&release.Namespace, "default")
	all, err := chartutil.ToRenderValues(c, values, release, capabilities)
	if err != nil {
		return nil, err
	}
	return engine.Engine{}.Render(c, all)
}

func setDefault(field *string, value string) {
	if *field == "" {
		*field = value
	}
}

// checkVendored fails if a chart that c needs is not in its charts folder. Fetching it is not ours to do.
func checkVendored(c *chart.Chart) error {
	var missing []string
	for _, need := range c.Metadata.Dependencies {
		had := slices.ContainsFunc(c.Dependencies(), func(have *chart.Chart) bool { return have.Name() == need.Name })
		if !had && !slices.Contains(missing, need.Name) { // by an alias, one is needed more than once
			missing = append(missing, need.Name)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("needs charts that are not in its charts folder: %s; run helm dependency build first", strings.Join(missing, ", "))
	}
	for _, dependency := range c.Dependencies() {
		if err := checkVendored(dependency); err != nil {
			return fmt.Errorf("%s: %w", dependency.Name(), err)
		}
	}
	return nil
}

// capabilities are the cluster that templates see.
func (o Options) capabilities() (*chartutil.Capabilities, error) {
	c := chartutil.DefaultCapabilities.Copy()
	written := o.KubeVersion
	setDefault(&written, DefaultKubeVersion)
	version, err := chartutil.ParseKubeVersion(written)
	if err != nil {
		return nil, fmt.Errorf("--kube-version %s: %w", written, err)
	}
	c.KubeVersion = *version
	c.APIVersions = append(c.APIVersions, o.APIVersions...)
	return c, nil
}

// values are the values that the user gives.
func (o Options) values() (map[string]any, error) {
	values := map[string]any{}
	for _, file := range o.Values {
		var more map[string]any
		if err := yaml.Unmarshal(file.Data, &more); err != nil {
			return nil, fmt.Errorf("--values %s: %w", file.Name, err)
		}
		values = merge(values, more)
	}
	for _, assignment := range o.Set {
		if err := strvals.ParseInto(assignment, values); err != nil {
			return nil, fmt.Errorf("--set %s: %w", assignment, err)
		}
	}
	for _, assignment := range o.SetString {
		if err := strvals.ParseIntoString(assignment, values); err != nil {
			return nil, fmt.Errorf("--set-string %s: %w", assignment, err)
		}
	}
	return values, nil
}

// merge puts the entries of over over those of base, map by map. Null stays null: it deletes a chart's default.
func merge(base, over map[string]any) map[string]any {
	for key, value := range over {
		inner, isMap := value.(map[string]any)
		under, wasMap := base[key].(map[string]any)
		if isMap && wasMap {
			base[key] = merge(under, inner)
		} else {
			base[key] = value
		}
	}
	return base
}

// rendered returns what the templates of a chart and of those below it became. Hooks and tests are among them:
// their pods run too. Partials and notes are not.
func (s *sources) rendered(c *chart.Chart, texts map[string]string) []Document {
	var documents []Document
	for _, template := range c.Templates {
		base := path.Base(template.Name)
		text := texts[path.Join(c.ChartFullPath(), template.Name)]
		if base == "NOTES.txt" || strings.HasPrefix(base, "_") || strings.TrimSpace(text) == "" {
			continue
		}
		documents = append(documents, s.document(template, template.Data, text))
	}
	for _, dependency := range c.Dependencies() {
		documents = append(documents, s.rendered(dependency, texts)...)
	}
	return documents
}

// place is how Helm's errors name a template and a line.
var place = regexp.MustCompile(`\(([^\s():]+):(\d+)(?::\d+)?\)|template: ([^\s():]+):(\d+)`)

// maxError is how much of an error of Helm is kept: its beginning, which names the template, and its end, which says
// what is wrong. Between them stands every template that includes another.
const maxError = 320

// explain finds the place that an error of Helm is about. It is the last that the error names: the template that
// was rendered first, or the one called deepest in it; all are the chart's.
func (s *sources) explain(err error) error {
	e := &Error{File: s.entry, Text: strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; ")}
	m := place.FindStringSubmatch(e.Text)
	if n := len(e.Text); n > maxError {
		e.Text = strings.ToValidUTF8(e.Text[:maxError/2]+" … "+e.Text[n-maxError/2:], "")
	}
	if m != nil {
		name, line := m[1]+m[3], m[2]+m[4]
		if file := s.templateFile(s.chart, name); file != "" {
			e.File = file
			e.Line, _ = strconv.Atoi(line)
		}
	}
	return e
}

// templateFile returns the file of the template that Helm calls by a name; "" if it is none of the chart's.
func (s *sources) templateFile(c *chart.Chart, name string) string {
	for _, template := range c.Templates {
		if path.Join(c.ChartFullPath(), template.Name) == name {
			return s.file(template)
		}
	}
	for _, dependency := range c.Dependencies() {
		if file := s.templateFile(dependency, name); file != "" {
			return file
		}
	}
	return ""
}
