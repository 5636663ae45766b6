package gate

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tidewaiter/tidewaiter/manifests"
)

// maxNamed is how many files a note names before it only counts.
const maxNamed = 5

// load reads the manifests of the input. What could not be read, and a target that held nothing to judge, is
// an undecided subject.
func (r *run) load(ctx context.Context, in Input) ([]*manifests.Object, []Subject) {
	var paths []string
	for _, t := range in.Targets {
		if t.Path != "" {
			paths = append(paths, t.Path)
		}
	}
	if len(paths) == 0 {
		if len(in.Targets) == 0 {
			return nil, []Subject{undecidedFile("", "no target was given: nothing was checked")}
		}
		return nil, nil
	}
	loaded := manifests.Load(ctx, paths, in.Stdin, r.Manifests)
	subjects := make([]Subject, 0, len(loaded.Problems))
	for _, p := range loaded.Problems {
		named := slices.ContainsFunc(paths, func(path string) bool { return filepath.Clean(path) == p.File })
		if in.AllowNothing && isOther(p) && named {
			loaded.Skipped = append(loaded.Skipped, manifests.Skipped{File: p.File, Reason: p.Message})
			continue
		}
		message := p.Message
		if named {
			message += imageHint(p.File)
		}
		s := undecidedFile(p.File, message)
		s.Line = p.Line
		subjects = append(subjects, s)
	}
	for _, path := range paths {
		if in.AllowNothing && isNamedFile(path, loaded) {
			continue
		}
		if len(loaded.Objects) == 0 && len(loaded.Problems) == 0 || isEmptyFolder(path, loaded) {
			subjects = append(subjects, undecidedFile(path, "holds no Kubernetes object: nothing was checked"+imageHint(path)))
		}
	}
	r.noteSkipped(loaded.Skipped)
	return loaded.Objects, subjects
}

// imageHint says how to write a target that is an image in a folder or a file, and was taken for manifests.
func imageHint(path string) string {
	info, err := os.Stat(path)
	switch {
	case err != nil:
	case info.IsDir():
		if _, err := os.Stat(filepath.Join(path, "oci-layout")); err == nil {
			return "; to check the image in it, write oci:" + path
		}
	case info.Mode().IsRegular() && isTar(path):
		return "; to check the image in it, write oci-archive:" + path + " or docker-archive:" + path
	}
	return ""
}

// isTar tells that a file begins as an archive of tar does, by the magic of POSIX in its first header.
func isTar(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	magic := make([]byte, len("ustar"))
	_, err = f.ReadAt(magic, 257)
	return err == nil && string(magic) == "ustar"
}

func undecidedFile(name, err string) Subject {
	return Subject{Kind: "file", Name: name, File: name, Error: err, Findings: []Finding{}}
}

// isEmptyFolder tells that a target is a folder in which nothing was found, neither objects nor problems.
func isEmptyFolder(path string, loaded manifests.Loaded) bool {
	if path == manifests.Stdin || slices.Contains(loaded.Read, filepath.Clean(path)) || wasSkipped(path, loaded) {
		return false // a file that is no manifest is noted
	}
	folder := filepath.Clean(path) + string(filepath.Separator)
	if folder == "./" {
		folder = ""
	}
	below := func(file string) bool { return strings.HasPrefix(file, folder) || file == filepath.Clean(path) }
	return !slices.ContainsFunc(loaded.Objects, func(o *manifests.Object) bool { return below(o.File) }) &&
		!slices.ContainsFunc(loaded.Problems, func(p manifests.Problem) bool { return below(p.File) })
}

// isOther tells that a problem is no more than that a file is something else than a manifest: no cluster takes it.
func isOther(p manifests.Problem) bool {
	return p.Kind == manifests.Template
}

// isNamedFile tells that a target is a file that was read, whatever was in it.
func isNamedFile(path string, loaded manifests.Loaded) bool {
	return path != manifests.Stdin && (wasSkipped(path, loaded) || slices.Contains(loaded.Read, filepath.Clean(path)))
}

// wasSkipped tells that a target is a file that is no manifest.
func wasSkipped(path string, loaded manifests.Loaded) bool {
	return slices.ContainsFunc(loaded.Skipped, func(s manifests.Skipped) bool { return s.File == filepath.Clean(path) })
}

// noteSkipped says which files were passed over although their names promise manifests, and that no other name has
// them read.
func (r *run) noteSkipped(skipped []manifests.Skipped) {
	var names []string
	for _, s := range skipped {
		if s.ReadAs == "" && manifests.IsManifestName(s.File) {
			names = append(names, s.File)
		}
	}
	switch {
	case len(names) == 0:
	case len(names) == 1:
		r.Note("passed over a file that is no Kubernetes manifest: " + names[0])
	case len(names) <= maxNamed:
		r.Note(fmt.Sprintf("passed over %d files that are no Kubernetes manifests: %s", len(names), strings.Join(names, ", ")))
	default:
		r.Note(fmt.Sprintf("passed over %d files that are no Kubernetes manifests: %s and %d more",
			len(names), strings.Join(names[:maxNamed], ", "), len(names)-maxNamed))
	}
}
