package shell

import (
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// file is what the script is known to have made of a file.
type file struct {
	text     string
	fifo     bool              // a named pipe
	reader   string            // the shell that reads its commands from the pipe, if one does
	consumer *syntax.ProcSubst // >(command): what is written goes to its input
	fds      *fdTable          // the descriptors that the consumer was given
	program  string            // it is a copy of, or a link to, this program
	given    bool              // it was there before, as it is
	name     string            // of one that was given
}

// tree is a folder into which an archive or a repository was unpacked: what is in it came from elsewhere.
type tree struct {
	dir  string
	text string // the archive, as a value
	home bool   // dir is the folder in which the container starts, where the image's own files are too
}

func (in *interp) file(name string) *file {
	if in.files == nil {
		in.files = map[string]*file{}
	}
	f := in.files[name]
	if f == nil {
		if len(in.files) >= maxFiles {
			in.stop("more than %d files", maxFiles)
		}
		f = &file{}
		in.files[name] = f
	}
	return f
}

// path makes a file name absolute as far as the current folder is known. Names that begin with an unknown
// part are taken to be absolute: $TMP/x.
func (in *interp) path(name string) string {
	if name == "" {
		return ""
	}
	if strings.HasPrefix(name, "/") || in.leadingHole(name) != nil {
		return path.Clean(name)
	}
	return path.Join(in.env.cwd, name)
}

// readFile returns the content of a file: what the script wrote into it, or a value that only has a name.
func (in *interp) readFile(name string) string {
	f, ok := in.lookup(name)
	if !ok {
		if name == "/dev/null" {
			return ""
		}
		if t := in.treeOf(name); t != nil {
			return in.derived(t.text, "<"+in.display(name), "it holds "+in.display(name))
		}
		return in.newHole(hole{spelling: "<" + in.display(name), file: name})
	}
	if f.fifo && f.text == "" {
		return in.newHole(hole{spelling: "<" + in.display(name), fifo: name})
	}
	return f.text
}

// fileText is the content of a file that the script has made, "" of any other.
func (in *interp) fileText(name string) string {
	if f, ok := in.lookup(name); ok {
		return f.text
	}
	if t := in.treeOf(name); t != nil {
		return t.text
	}
	return ""
}

// lookup finds a file that the script has made. The folder in which a container starts is not known here, so an
// absolute name also finds a file of that name that was made there; a name with * finds what it matches.
func (in *interp) lookup(name string) (*file, bool) {
	if f, ok := in.files[name]; ok {
		return f, true
	}
	if len(in.files) == 0 {
		return nil, false
	}
	if strings.HasPrefix(name, "/") {
		if f, ok := in.files[path.Base(name)]; ok && f.consumer == nil && in.fetched(f.text) != nil {
			return f, true
		}
	}
	if in.env.cwd == "" && !strings.HasPrefix(name, "/") {
		if f, ok := in.files["/"+name]; ok && in.fetched(f.text) != nil {
			return f, true
		}
	}
	if !strings.ContainsAny(name, "*?[") {
		return nil, false
	}
	for _, candidate := range in.fileNames() {
		if ok, err := path.Match(name, candidate); err == nil && ok && in.fetched(in.files[candidate].text) != nil {
			return in.files[candidate], true
		}
	}
	return nil, false
}

// fileNames returns the names of all files in order, and counts for as many steps as that takes.
func (in *interp) fileNames() []string {
	in.work(len(in.files) / 4)
	return sortedKeys(in.files)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// truncate empties a file, as opening it for writing does.
func (in *interp) truncate(name string) {
	if name == "/dev/null" {
		return
	}
	if f := in.file(name); !f.fifo && f.consumer == nil {
		*f = file{}
	}
}

// writeFile puts text into a file, and walks what that sets off.
func (in *interp) writeFile(name, text string, more bool) {
	if name == "/dev/null" || name == "" {
		return
	}
	f := in.file(name)
	if f.consumer != nil {
		in.consume(f, text)
		return
	}
	if f.reader != "" {
		in.executed(text, "it is written to a pipe that "+f.reader+" reads")
	}
	in.flows++
	text = in.moved(text, "it is written to "+in.display(name))
	if more {
		text = in.bounded(f.text + text)
	}
	f.text, f.given, f.name = text, false, ""
	in.hostWrite(name, text)
	in.minerSettings(name, text)
	in.autorun(name, text)
}

// consume walks the command behind >(command) with text as its input.
func (in *interp) consume(f *file, text string) {
	in.subshell(func() {
		in.env.fds = *f.fds
		in.env.fds.set(0, &end{text: text, piped: true})
		in.deeper(func() { in.list(f.consumer.Stmts) })
	})
}

// unpack notes that what is below dir comes out of the archive whose content is text.
func (in *interp) unpack(dir, text string) {
	if in.remarkable(text) == nil {
		return
	}
	in.addTree(tree{dir: dir, text: in.moved(text, "it is unpacked"), home: dir == ""})
}

// addTree adds a tree; a folder that something was unpacked into before is the same folder.
func (in *interp) addTree(t tree) {
	for i := range in.trees {
		if in.trees[i].dir == t.dir && in.trees[i].home == t.home && in.display(in.trees[i].text) == in.display(t.text) {
			in.trees[i] = t
			return
		}
	}
	if len(in.trees) >= maxTrees {
		in.stop("more than %d folders that are unpacked", maxTrees)
		return
	}
	in.trees = append(in.trees, t)
}

// treeOf returns the unpacked folder in which name lies. Of a file directly in a folder that also has files of
// the image, nobody knows; it counts if the archive's name says so.
func (in *interp) treeOf(name string) *tree {
	for i, t := range slices.Backward(in.trees) {
		rel, ok := within(t.dir, name)
		if !ok {
			continue
		}
		if shared := systemFolder(t.dir); !shared || in.namedAfter(&t, rel) || scratch(name) {
			return &in.trees[i]
		}
	}
	return nil
}

// within tells whether name lies below dir, and where.
func within(dir, name string) (rel string, ok bool) {
	switch {
	case dir == "":
		return name, !strings.HasPrefix(name, "/") && !strings.HasPrefix(name, "../")
	case dir == "/":
		return name, strings.HasPrefix(name, "/")
	}
	return strings.CutPrefix(name, dir+"/")
}

// systemFolder tells whether the image has its own programs in dir.
func systemFolder(dir string) bool {
	switch dir {
	case "/", "/usr", "/usr/local", "/opt", "/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/lib", "/usr/lib":
		return true
	}
	return false
}

// scratch tells whether name lies where an image has no programs.
func scratch(name string) bool {
	for _, dir := range []string{"/tmp/", "/var/tmp/", "/dev/shm/"} {
		if strings.HasPrefix(name, dir) {
			return true
		}
	}
	return false
}

// namedAfter tells whether the file's name, or that of the folder which it would lie in within the archive, is part of
// the name of the archive: helm of helm-v3.1-linux.tar.gz, go/bin/gofmt of go1.24.tar.gz.
func (in *interp) namedAfter(t *tree, name string) bool {
	h := in.fetched(t.text)
	if h == nil {
		return false
	}
	source := in.display(h.fetch.source)
	folder, _, nested := strings.Cut(name, "/")
	if nested && len(folder) > 1 && !systemFolder("/"+folder) && strings.Contains(path.Base(source), folder) {
		return true
	}
	base := path.Base(name)
	return len(base) > 1 && strings.Contains(source, base)
}
