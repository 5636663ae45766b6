package manifests

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/tidewaiter/tidewaiter/manifests/kustomize"
)

// scan finds the files to read. It opens none of them.
type scan struct {
	limits  Limits
	entries int // met in folders so far
	inputs  []*input
	skipped []Skipped
	seen    map[string]*input // by name
	// groups are the kustomizations below folders, and consumed the files that kustomizations are made of.
	groups   map[string]*group
	consumed map[string]bool
}

// add adds an input once, however many targets lead to it. It returns the one that there is.
func (s *scan) add(in *input) *input {
	if first := s.seen[in.name]; first != nil {
		first.explicit = first.explicit || in.explicit
		return first
	}
	s.seen[in.name] = in
	s.inputs = append(s.inputs, in)
	return in
}

func (s *scan) problem(name string, kind ProblemKind, err error) {
	s.inputs = append(s.inputs, &input{name: name, problems: []Problem{newProblem(kind, name, 0, err)}})
}

func (s *scan) skip(name, reason string) {
	s.skipped = append(s.skipped, Skipped{File: name, Reason: reason})
}

// folder adds the files below a folder that may be manifests. The folder is opened as a root that no symbolic
// link leads out of, not even one that is put there while it is read.
func (s *scan) folder(name string) {
	root, err := os.OpenRoot(name)
	if err != nil {
		s.problem(name, Unreadable, withoutPath(err))
		return
	}
	absolute, err := filepath.Abs(name)
	if err != nil {
		s.problem(name, Unreadable, err)
		return
	}
	w := &walk{scan: s, name: name, absolute: absolute, root: root, files: make(map[string]bool)}
	w.folder(".", false)
	w.followLinks()
	s.addKustomizations(w.kustomizations, absolute, filepath.IsAbs(name))
}

// walk is the scan of one folder target. Paths within it are relative, with slashes.
type walk struct {
	*scan
	name, absolute string // of the folder, as the user gave it and in full
	root           *os.Root
	files          map[string]bool // that are read
	links          []string        // symbolic links named like manifests
	kustomizations []string        // absolute names of folders
}

// full is the name of a path within the folder as reports say it.
func (w *walk) full(rel string) string { return filepath.Join(w.name, filepath.FromSlash(rel)) }

func (w *walk) folder(rel string, inChart bool) {
	entries, err := fs.ReadDir(w.root.FS(), rel)
	if err != nil {
		w.problem(w.full(rel), Unreadable, withoutPath(err))
		return
	}
	here := filepath.Join(w.absolute, filepath.FromSlash(rel))
	chart := isFile(here, chartFile)
	if chart {
		w.addChart(here, w.absolute, filepath.IsAbs(w.name))
	}
	if isKustomization(here) {
		w.kustomizations = append(w.kustomizations, here)
	}
	for _, entry := range entries {
		if w.entries++; w.entries > w.limits.Entries {
			if w.entries == w.limits.Entries+1 {
				w.problem(w.name, LimitExceeded, w.limits.tooManyEntries())
			}
			return
		}
		name := entry.Name()
		if entry.IsDir() {
			name += "/"
		}
		if !chart || !chartPart(name) {
			w.entry(path.Join(rel, entry.Name()), entry, chart || inChart)
		}
	}
}

func (w *walk) entry(rel string, entry fs.DirEntry, inChart bool) {
	name := w.full(rel)
	manifest := IsManifestName(rel)
	switch mode := entry.Type(); {
	case mode.IsDir() && entry.Name() == ".git":
		w.skip(name, "git's own files")
	case mode.IsDir():
		w.folder(rel, inChart)
	case kustomize.IsName(entry.Name()) && !mode.IsRegular():
		w.problem(name, Unreadable, errIrregular)
	case kustomize.IsName(entry.Name()):
		// Its folder is built, by itself or as a part of others.
	case !manifest:
		w.skip(name, "not named .yaml, .yml or .json")
	case mode.IsRegular():
		w.file(rel, inChart)
	case mode&fs.ModeSymlink != 0:
		w.links = append(w.links, rel)
	default:
		w.problem(name, Unreadable, errIrregular)
	}
}

func (w *walk) file(rel string, inChart bool) {
	w.files[rel] = true
	open := func(rel string) (*os.File, error) { return w.root.OpenFile(filepath.FromSlash(rel), openFlags, 0) }
	w.add(&input{
		name: w.full(rel), inChart: inChart,
		open:   func() (*os.File, error) { return open(rel) },
		beside: func(other string) (*os.File, error) { return open(path.Join(path.Dir(rel), other)) },
	})
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
			as := w.full(inside)
			w.skipped = append(w.skipped, Skipped{File: name, Reason: "symbolic link to " + as, ReadAs: as})
			continue
		}
		w.files[inside] = true
		w.file(rel, false)
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
