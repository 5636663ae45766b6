package manifests

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tidewaiter/tidewaiter/manifests/helm"
	"github.com/tidewaiter/tidewaiter/manifests/kustomize"
)

const chartFile = "Chart.yaml"

// isFile tells that there is a file of a name in a folder.
func isFile(folder, name string) bool {
	info, err := os.Stat(filepath.Join(folder, name))
	return err == nil && info.Mode().IsRegular()
}

func isKustomization(folder string) bool {
	return slices.ContainsFunc(kustomize.Names, func(name string) bool { return isFile(folder, name) })
}

// chartPart tells that a file of a chart's folder, by its name below it, is read when the chart is rendered, or says
// how. Anything else may lie there and be a manifest of its own.
func chartPart(name string) bool {
	first, _, deeper := strings.Cut(filepath.ToSlash(name), "/")
	switch first {
	case "templates", "crds", "charts":
		return deeper
	case chartFile, "Chart.lock", "values.yaml", "values.schema.json", "requirements.yaml", "requirements.lock":
		return !deeper
	}
	return false
}

// chartOf finds the chart that a file is part of: the outermost, of charts that stand in charts folders. It returns ""
// if there is none below the folder above.
func chartOf(file, above string) string {
	found := ""
	for dir := filepath.Dir(file); within(above, dir); dir = filepath.Dir(dir) {
		if isFile(dir, chartFile) {
			if rel, _ := filepath.Rel(dir, file); chartPart(rel) {
				found = dir
			}
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	return found
}

// addChart adds the chart at an absolute name, a folder or an archive, and returns its input.
func (s *scan) addChart(name, target string, absolute bool) *input {
	return s.addRendering(newRendering(name, target, true, absolute))
}

func (s *scan) addRendering(r *rendering) *input {
	return s.add(&input{name: r.entry(), explicit: true, rendering: r})
}

// part adds what a file that was named is part of, if it is part of a chart or of kustomizations. A file is deployed
// as these make it, not as it is.
func (s *scan) part(name, file string) bool {
	above := top(filepath.Dir(file), filepath.Dir(file))
	absolute := filepath.IsAbs(name)
	if helm.IsArchive(file) {
		s.addChart(file, filepath.Dir(file), absolute)
		return true
	}
	if chart := chartOf(file, above); chart != "" {
		in := s.addChart(chart, chart, absolute)
		in.parts = append(in.parts, name)
		return true
	}
	owner := kustomizationOf(file, above)
	if owner == "" {
		return false
	}
	g := s.kustomizationsBelow(above)
	used := false
	for _, main := range g.mains() {
		reached := map[string]bool{}
		if g.reach(main, reached); reached[owner] {
			r := newRendering(filepath.Join(above, filepath.FromSlash(main)), above, false, absolute)
			in := s.addRendering(r)
			in.parts = append(in.parts, name)
			used = true
		}
	}
	return used
}

// kustomizationOf finds the kustomization that a file is, or that names it, by its folder's name below the folder above;
// "" if there is none.
func kustomizationOf(file, above string) string {
	root, err := os.OpenRoot(above)
	if err != nil {
		return ""
	}
	defer root.Close()
	rel, _ := filepath.Rel(above, file)
	name := filepath.ToSlash(rel)
	for dir := filepath.Dir(file); within(above, dir); dir = filepath.Dir(dir) {
		if isKustomization(dir) {
			rel, _ := filepath.Rel(above, dir)
			folder := filepath.ToSlash(rel)
			references, err := kustomize.Read(root, folder)
			named := slices.Contains(references.Resources, name) || slices.Contains(references.Others, name)
			if named || filepath.Dir(file) == dir && kustomize.IsName(filepath.Base(file)) || err != nil {
				return folder
			}
		}
		if dir == above || dir == filepath.Dir(dir) {
			break
		}
	}
	return ""
}

// kustomizationsBelow finds all kustomizations below a folder, once a run.
func (s *scan) kustomizationsBelow(folder string) *group {
	if g := s.groups[folder]; g != nil {
		return g
	}
	g := &group{top: folder, known: map[string]kustomize.References{}}
	s.groups[folder] = g
	met := 0
	_ = filepath.WalkDir(folder, func(name string, entry fs.DirEntry, err error) error {
		if met++; met > s.limits.Entries {
			s.problem(folder, LimitExceeded, s.limits.tooManyEntries())
			return fs.SkipAll
		}
		switch {
		case err != nil:
		case entry.IsDir() && entry.Name() == ".git":
			return fs.SkipDir
		case kustomize.IsName(entry.Name()):
			g.add(filepath.Dir(name))
		}
		return nil // what cannot be read is no kustomization that could be built
	})
	return g
}

// addKustomizations adds those kustomizations that were met in a folder and are not only parts of others.
func (s *scan) addKustomizations(folders []string, target string, absolute bool) {
	groups := map[string]*group{}
	var order []*group
	for _, folder := range folders {
		above := top(folder, target)
		g := groups[above]
		if g == nil {
			g = &group{top: above, known: map[string]kustomize.References{}}
			groups[above] = g
			order = append(order, g)
		}
		g.add(folder)
	}
	for _, g := range order {
		reached := map[string]bool{}
		for _, main := range g.mains() {
			g.reach(main, reached)
			s.addRendering(newRendering(filepath.Join(g.top, filepath.FromSlash(main)), target, false, absolute))
		}
		for name, references := range g.known {
			s.consume(g.top, references.Others)
			if reached[name] {
				s.consume(g.top, references.Resources)
			}
		}
	}
}

// consume marks files as parts of kustomizations, which are judged as these make them.
func (s *scan) consume(top string, names []string) {
	for _, name := range names {
		s.consumed[canonical(filepath.Join(top, filepath.FromSlash(name)))] = true
	}
}

// canonical is the one name of a file, whatever links lead to it.
func canonical(name string) string {
	if absolute, err := filepath.Abs(name); err == nil {
		name = absolute
	}
	if real, err := filepath.EvalSymlinks(name); err == nil {
		return real
	}
	return name
}
