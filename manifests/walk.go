package manifests

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// scan finds the files to read. It opens none of them.
type scan struct {
	limits  Limits
	entries int // met in folders so far
	inputs  []*input
	skipped []Skipped
	seen    map[string]*input // by name
}

// add adds an input once, however many targets lead to it.
func (s *scan) add(in *input) {
	if first := s.seen[in.name]; first != nil {
		first.explicit = first.explicit || in.explicit
		return
	}
	s.seen[in.name] = in
	s.inputs = append(s.inputs, in)
}

func (s *scan) problem(name string, kind ProblemKind, err error) {
	s.inputs = append(s.inputs, &input{name: name, problems: []Problem{newProblem(kind, name, 0, err)}})
}

func (s *scan) skip(name, reason string) {
	s.skipped = append(s.skipped, Skipped{name, reason})
}

// folder adds the files below a folder that may be manifests. The folder is opened as a root that no symbolic
// link leads out of, not even one that is put there while it is read.
func (s *scan) folder(name string) {
	root, err := os.OpenRoot(name)
	if err != nil {
		s.problem(name, Unreadable, withoutPath(err))
		return
	}
	w := &walk{scan: s, name: name, root: root, files: make(map[string]bool)}
	w.folder(".")
	w.followLinks()
}

// walk is the scan of one folder target. Paths within it are relative, with slashes.
type walk struct {
	*scan
	name  string // of the folder, as the user gave it
	root  *os.Root
	files map[string]bool // that are read
	links []string        // symbolic links named like manifests
}

// full is the name of a path within the folder as reports say it.
func (w *walk) full(rel string) string { return filepath.Join(w.name, filepath.FromSlash(rel)) }

func (w *walk) folder(rel string) {
	entries, err := fs.ReadDir(w.root.FS(), rel)
	if err != nil {
		w.problem(w.full(rel), Unreadable, withoutPath(err))
		return
	}
	if isChart(entries) {
		w.problem(w.full(path.Join(rel, "Chart.yaml")), Unrendered, errChart)
		return
	}
	for _, entry := range entries {
		if w.entries++; w.entries > w.limits.Entries {
			if w.entries == w.limits.Entries+1 {
				w.problem(w.name, LimitExceeded, &limitError{"limits.files", fmt.Sprintf("holds more than %d files and folders", w.limits.Entries)})
			}
			return
		}
		w.entry(path.Join(rel, entry.Name()), entry)
	}
}

func (w *walk) entry(rel string, entry fs.DirEntry) {
	name := w.full(rel)
	manifest := IsManifestName(rel)
	switch mode := entry.Type(); {
	case mode.IsDir() && entry.Name() == ".git":
		w.skip(name, "git's own files")
	case mode.IsDir():
		w.folder(rel)
	case unrendered(entry.Name()) != nil:
		w.problem(name, Unrendered, unrendered(entry.Name()))
	case !manifest:
		w.skip(name, "not named .yaml, .yml or .json")
	case mode.IsRegular():
		w.file(rel)
	case mode&fs.ModeSymlink != 0:
		w.links = append(w.links, rel)
	default:
		w.problem(name, Unreadable, errIrregular)
	}
}

func (w *walk) file(rel string) {
	w.files[rel] = true
	w.add(&input{name: w.full(rel), open: func() (*os.File, error) { return w.root.OpenFile(filepath.FromSlash(rel), openFlags, 0) }})
}

// followLinks reads the links to files within the folder, unless the file itself is read. kubectl would also
// follow a link that leads out; a gate that reads other people's folders must not.
func (w *walk) followLinks() {
	top, err := filepath.EvalSymlinks(w.name)
	for _, rel := range w.links {
		name := w.full(rel)
		info, statErr := w.root.Stat(filepath.FromSlash(rel))
		if statErr != nil {
			w.problem(name, Unreadable, fmt.Errorf("a symbolic link that leads nowhere within the folder: %w", withoutPath(statErr)))
			continue
		}
		if info.IsDir() {
			w.skip(name, "symbolic link to a folder")
			continue
		}
		target, evalErr := filepath.EvalSymlinks(name)
		inside, relErr := filepath.Rel(top, target)
		if failed := errors.Join(err, evalErr, relErr); failed != nil {
			w.problem(name, Unreadable, withoutPath(failed))
			continue
		}
		if inside = filepath.ToSlash(inside); w.files[inside] {
			w.skip(name, "symbolic link to "+w.full(inside))
			continue
		}
		w.files[inside] = true
		w.file(rel)
	}
}

// IsManifestName tells that a file met in a folder is read: its name ends in .yaml, .yml or .json, in any case.
func IsManifestName(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return false
}

// errChart is said of a chart's folder, of which nothing is read, and of a Chart.yaml by itself, which names
// charts to fetch.
var (
	errChart         = errors.New("a Helm chart, not rendered yet: what it installs was not checked; check what helm template prints")
	errKustomization = errors.New("a kustomization, not rendered yet: what it builds was not checked; check what kustomize build prints")
)

// isChart tells that a folder is a Helm chart.
func isChart(entries []fs.DirEntry) bool {
	has := func(name string) bool {
		return slices.ContainsFunc(entries, func(entry fs.DirEntry) bool { return entry.Name() == name })
	}
	return has("Chart.yaml") && has("templates")
}

// unrendered says of which tool a file is the entry point; it is nil for all other files.
func unrendered(name string) error {
	switch name {
	case "kustomization.yaml", "kustomization.yml", "Kustomization":
		return errKustomization
	case "Chart.yaml":
		return errChart
	}
	return nil
}
