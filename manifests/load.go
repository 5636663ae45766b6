package manifests

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"syscall"
)

// Stdin is the target that means standard input.
const Stdin = "-"

// Loaded is what the targets of a run hold. Everything is in the order of the targets, and in a folder by name.
type Loaded struct {
	Objects  []*Object
	Problems []Problem
	// Read are the files whose objects and problems these are, Skipped those that were met in folders and are
	// no manifests. Every file below a folder is in one of the two, in a skipped folder, or has a Problem.
	Read    []string
	Skipped []Skipped
}

// Skipped is a file or folder that was met in a folder and not judged.
type Skipped struct {
	File   string
	Reason string
	// ReadAs is the name by which the same file is read, if that is why this one is not.
	ReadAs string
}

// Load reads targets: files, folders with all that is below them, charts, kustomizations, and "-" for stdin. A file
// that is named is read whatever it is called; one that is met in a folder is read if its name ends in .yaml, .yml or
// .json. A file that is no manifest is skipped. What is part of a chart or a kustomization is read as these make it,
// also if it is named itself. Targets that cannot be read are Problems, and so is every file that is left when ctx is
// done.
func Load(ctx context.Context, targets []string, stdin io.Reader, options Options) Loaded {
	limits := options.Limits.withDefaults()
	s := &scan{limits: limits, seen: make(map[string]*input), groups: make(map[string]*group), consumed: make(map[string]bool)}
	for _, target := range targets {
		s.target(target)
	}
	s.render(ctx, options)
	if err := s.read(ctx, stdin); err != nil {
		return Loaded{Problems: []Problem{newProblem(LimitExceeded, targets[0], 0, err)}, Skipped: s.skipped}
	}
	var files []*file
	for _, in := range s.inputs {
		files = append(files, in.files...)
	}
	decodeAll(files)
	s.readVariables()
	return s.collect(composeFilesIn(files))
}

// read reads all inputs. It fails if they are too large together: then it depends on the order of reading
// which of them were read.
func (s *scan) read(ctx context.Context, stdin io.Reader) error {
	var total atomic.Int64
	parallel(len(s.inputs), func(i int) {
		in := s.inputs[i]
		if in.open == nil && in.name != Stdin || len(s.consumed) > 0 && in.name != Stdin && s.consumed[canonical(in.name)] {
			return // a problem already, rendered, or part of what is
		}
		data, err := read(ctx, in, stdin, s.limits)
		switch {
		case total.Add(int64(len(data))) > s.limits.TotalBytes:
		case err != nil:
			in.problems = append(in.problems, newProblem(Unreadable, in.name, 0, err))
		default:
			in.files = []*file{newFile(in.name, data, s.limits)}
		}
	})
	if total.Load() > s.limits.TotalBytes {
		return &limitError{"limits.yamlTotal", fmt.Sprintf("the files to check are larger than %d bytes together", s.limits.TotalBytes)}
	}
	return nil
}

// input is something to read, in the order in which it is reported.
type input struct {
	name     string
	explicit bool                     // named by the user, not met in a folder
	open     func() (*os.File, error) // nil for stdin, for what is rendered, and for what is a problem already
	// beside opens a file by its path from the folder of this one, out of which no link leads; nil where open is.
	beside func(name string) (*os.File, error)
	// rendering is set if the input is a chart or a kustomization, and parts are those of its files that were named.
	rendering *rendering
	parts     []string
	inChart   bool    // stands in a chart's folder, and may be a template that the chart includes
	files     []*file // once it is read; more than one only of a rendering
	problems  []Problem
}

// read reads an input as far as the limit allows.
func read(ctx context.Context, in *input, stdin io.Reader, limits Limits) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("not read: %w", err)
	}
	reader := stdin
	if in.open != nil {
		f, err := in.open()
		if err != nil {
			return nil, withoutPath(err)
		}
		defer f.Close()
		if info, err := f.Stat(); err != nil || !readable(info, in.explicit) {
			return nil, errors.Join(err, errIrregular)
		}
		reader = f
	}
	if reader == nil {
		return nil, errors.New("there is no standard input")
	}
	data, err := io.ReadAll(io.LimitReader(reader, limits.FileBytes+1))
	if err == nil && int64(len(data)) > limits.FileBytes {
		err = limits.tooLarge()
	}
	return data, withoutPath(err)
}

var errIrregular = errors.New("is neither a file nor a folder: not opened")

// readable tells that opening and reading a file cannot wait forever or have an effect. A pipe may be named,
// as the shells' <(…) does, but is never read because it lies in a folder.
func readable(info os.FileInfo, explicit bool) bool {
	return info.Mode().IsRegular() || explicit && info.Mode()&os.ModeType == os.ModeNamedPipe
}

// openFlags open for reading without waiting for a pipe's writer.
const openFlags = os.O_RDONLY | syscall.O_NONBLOCK

// withoutPath takes the path out of an error: the Problem names the file, as the user wrote it.
func withoutPath(err error) error {
	var pathError *os.PathError
	if errors.As(err, &pathError) {
		return fmt.Errorf("cannot be read: %w", pathError.Err)
	}
	return err
}

// collect puts together what the inputs held. compose are the compose files among them.
func (s *scan) collect(compose composeFiles) Loaded {
	loaded := Loaded{Skipped: s.skipped}
	for _, in := range s.inputs {
		problems := in.problems
		if len(in.files) > 0 || in.rendering != nil {
			loaded.Read = append(loaded.Read, in.name)
			for _, part := range in.parts {
				if !slices.Contains(loaded.Read, part) {
					loaded.Read = append(loaded.Read, part)
				}
			}
		}
		for _, f := range in.files {
			objects, found := f.result(compose)
			if reason := in.passedOver(objects, found); reason != "" {
				loaded.Skipped = append(loaded.Skipped, Skipped{File: f.name, Reason: reason})
				loaded.Read = slices.DeleteFunc(loaded.Read, func(name string) bool { return name == in.name })
				continue
			}
			loaded.Objects = append(loaded.Objects, objects...)
			problems = append(problems, found...)
		}
		loaded.Problems = append(loaded.Problems, problems...)
	}
	loaded.Problems = append(loaded.Problems, link(loaded.Objects, s.limits)...)
	return loaded
}

// passedOver says why a file is not judged, after what was found in it; "" if it is.
func (in *input) passedOver(objects []*Object, found []Problem) string {
	switch {
	case in.rendering != nil || len(found) == 0:
	case len(found) == 1 && found[0].Kind == NotManifest:
		return found[0].Message
	case !in.inChart || len(objects) > 0:
	case !slices.ContainsFunc(found, func(p Problem) bool { return p.Kind != Template }):
		return "template text in the folder of a chart"
	}
	return ""
}

// target adds what a target names to the inputs.
func (s *scan) target(target string) {
	if target == Stdin {
		s.add(&input{name: Stdin, explicit: true})
		return
	}
	info, err := os.Stat(target)
	name := filepath.Clean(target)
	if name == Stdin {
		name = "." + string(filepath.Separator) + name // a file that is called so, not standard input
	}
	file, absErr := filepath.Abs(target)
	switch {
	case err != nil || absErr != nil:
		s.problem(name, Unreadable, withoutPath(errors.Join(err, absErr)))
	case info.IsDir():
		s.folder(name)
	case !readable(info, true):
		s.problem(name, Unreadable, errIrregular)
	case info.Mode().IsRegular() && s.part(name, file):
	default:
		s.add(&input{
			name: name, explicit: true,
			open: func() (*os.File, error) { return os.OpenFile(target, openFlags, 0) },
			beside: func(other string) (*os.File, error) {
				root, err := os.OpenRoot(filepath.Dir(target))
				if err != nil {
					return nil, err
				}
				defer root.Close()
				return root.OpenFile(other, openFlags, 0)
			},
		})
	}
}
