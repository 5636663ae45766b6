package shell

import (
	"path"
	"slices"
	"strings"
)

// maxSought is how many names of files one analysis asks for.
const maxSought = 5_000

// seek notes that a file is run, or read as code, of which nothing is known here: whoever has the container's files can
// say what is in it. Of a name that is not known to its end, all that it may mean is asked for.
func (in *interp) seek(name string) {
	if pattern, ok := in.pattern(name); ok {
		in.ask(pattern)
	}
}

// ask is seek for a name, or a pattern, that says enough.
func (in *interp) ask(pattern string) {
	if _, known := in.files[pattern]; known || pattern == "" || len(in.sought) >= maxSought {
		return
	}
	if in.sought == nil {
		in.sought = map[string]bool{}
	}
	in.sought[pattern] = true
}

// pattern is a name with a star for everything that is not known of it. One that would mean the system's own programs,
// or just anything, is of no use, unless the script itself says so.
func (in *interp) pattern(name string) (string, bool) {
	if h := in.leadingHole(name); h != nil && h.below != "" {
		return path.Join(h.below, "**"), in.known(h.below) && !systemFolder(path.Clean(h.below))
	}
	stars := strings.Map(func(r rune) rune {
		if in.leadingHole(string(r)) != nil {
			return '*'
		}
		return r
	}, name)
	at := strings.IndexAny(stars, wildcards)
	if at < 0 || stars == name {
		return stars, stars != "" && stars != "/"
	}
	dir := path.Dir(stars[:at] + "x")
	return stars, dir != "." && !systemFolder(dir)
}

// wildcards are the characters by which a name may mean several files.
const wildcards = "*?["

// seekText asks for the files that a text was read from, wherever a command begins in it.
func (in *interp) seekText(text string) {
	if strings.IndexByte(text, holeByte) < 0 {
		return
	}
	for line := range strings.SplitSeq(text, "\n") {
		if h := in.leadingHole(strings.TrimLeft(line, " \t")); h != nil && h.file != "" {
			in.seek(h.file)
		}
	}
}

// placeOf is the beginning of a file that the container has.
func (in *interp) placeOf(name string) place {
	if f := in.files[name]; f != nil && f.given {
		return place{file: name, line: 1}
	}
	return place{}
}

// seekProgram asks for a program that is looked for on the PATH.
func (in *interp) seekProgram(name string) {
	if !in.known(name) || strings.ContainsAny(name, wildcards+"/= ") || name == "" {
		return
	}
	for _, dir := range in.searchPath() {
		in.seek(path.Join(dir, name))
	}
}

// eachOf calls body with a name, and with those of the container's files that it may mean.
func (in *interp) eachOf(name string, body func(name string)) {
	body(name)
	for _, file := range in.candidates(in.path(name)) {
		why := in.why
		body(file)
		if !in.budget.stopped && !meantForShell(file, in.fileText(file)) {
			in.why = why // it may be data that is left alone
		}
	}
}

// candidates are those of the container's files that a name with wildcards, or with parts that are not known, may mean.
func (in *interp) candidates(name string) []string {
	pattern, ok := in.pattern(name)
	if !ok {
		return nil
	}
	return in.matching(pattern)
}

// matching are those of the container's files that a pattern means.
func (in *interp) matching(pattern string) []string {
	if _, err := path.Match(pattern, ""); err != nil || !strings.ContainsAny(pattern, wildcards) || len(in.files) == 0 {
		return nil
	}
	folder, all := strings.CutSuffix(pattern, "/**")
	return slices.DeleteFunc(in.fileNames(), func(file string) bool {
		matched, _ := path.Match(pattern, file)
		if all {
			_, matched = within(folder, file)
		}
		return !matched || !in.files[file].given
	})
}

// asked are the container's files of a name or a pattern that says enough, as far as they are known.
func (in *interp) asked(pattern string) []string {
	in.ask(pattern)
	if f := in.files[pattern]; f != nil && f.given {
		return []string{pattern}
	}
	return in.matching(pattern)
}

// meantForShell tells whether a text is a shell's, as far as its first line and its name say.
func meantForShell(name, text string) bool {
	return strings.HasPrefix(text, "#!") || slices.Contains([]string{"", ".sh", ".bash", ".envsh"}, path.Ext(name))
}

// seekingNames are the files that were asked for, in order.
func (in *interp) seekingNames() []string { return sortedKeys(in.sought) }
