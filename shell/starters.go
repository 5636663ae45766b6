package shell

import (
	"path"
	"strings"
)

// starter is a program that starts what a file says: npm start, supervisord, make.
type starter struct {
	// files are the files that it reads: names, or patterns. With first, it reads the first of them that is there.
	files func(in *interp, c *call) []string
	first bool
	// commands are what it starts, by the text of one of the files. With each, it runs the files themselves.
	commands func(in *interp, c *call, name, text string) (holding, error)
	each     bool
}

// holding is what a starter finds in a file.
type holding struct {
	runs  []started
	reads []string // further files of the same kind
}

// started is a command in a file of a starter.
type started struct {
	text string            // for a shell, unless
	argv []string          // it is one without
	dir  string            // where it is started; where the starter is if empty
	env  map[string]string // variables that it is given
	line int
}

// starterOf returns what is known of a program that is one. It is a switch for the reason that handlerOf is.
func starterOf(name string) (s starter, ok bool) {
	switch name {
	case "npm", "yarn", "yarnpkg", "pnpm", "bun", "node", "deno":
		return starter{files: packageFiles, first: true, commands: packageCommands}, true
	case "supervisord":
		return starter{files: supervisorFiles, first: true, commands: supervisorCommands}, true
	case "s6-svscan", "runsvdir", "runsvdir-start":
		return starter{files: serviceFiles, each: true}, true
	case "run-parts":
		return starter{files: partFiles, each: true}, true
	case "crond", "dcron":
		return starter{files: cronFiles, commands: cronCommands}, true
	case "foreman", "honcho", "hivemind", "overmind", "goreman", "forego":
		return starter{files: procFiles, first: true, commands: procCommands}, true
	case "make", "gmake":
		return starter{files: makeFiles, first: true, commands: makeCommands}, true
	case "rake":
		return starter{files: rakeFiles, first: true, commands: noCommands}, true
	case "ninja":
		return starter{files: ninjaFiles, first: true, commands: noCommands}, true
	case "just":
		return starter{files: justFiles, first: true, commands: justCommands}, true
	}
	return starter{}, false
}

func isStarter(name string) bool {
	_, ok := starterOf(name)
	return ok
}

// startedBy walks what a program starts because a file says so.
func (in *interp) startedBy(c *call) {
	s, ok := starterOf(c.name())
	if !ok {
		return
	}
	for _, name := range s.files(in, c) {
		if in.startFrom(c, s, name) && s.first {
			break
		}
	}
}

// startFrom walks what a starter starts because of the files of a name or a pattern. It tells whether there are any.
func (in *interp) startFrom(c *call, s starter, name string) bool {
	if !in.known(name) {
		return false
	}
	names := in.asked(name)
	if f, ok := in.lookup(name); ok && !f.given {
		names = append(names, name)
	} else if t := in.treeOf(name); t != nil && (!t.home || in.namedAfter(t, name)) {
		in.executed(t.text, "its files say what "+c.name()+" runs")
		return true
	}
	for _, file := range names {
		in.deeper(func() { in.startFile(c, s, file) })
	}
	return len(names) > 0
}

func (in *interp) startFile(c *call, s starter, name string) {
	if s.each {
		why := in.why
		in.launch(c, started{argv: []string{name}}, name)
		if !in.budget.stopped && !meantForShell(name, in.fileText(name)) {
			in.why = why
		}
		return
	}
	in.startText(c, s, name, in.fileText(name))
}

// startText walks what a starter starts because of a text: that of a file, or of none.
func (in *interp) startText(c *call, s starter, name, text string) {
	if h := in.leading(text); h != nil && h.fetch != nil {
		in.executed(text, "its "+path.Base(name)+" is run by "+c.name())
		return
	}
	in.charge(parseWeight * len(text))
	found, err := s.commands(in, c, name, text)
	if err != nil {
		in.unreadable("%s, which %s reads, cannot be read: %v", in.display(name), c.name(), err)
	}
	for _, run := range found.runs {
		if !in.step() {
			return
		}
		in.launch(c, run, name)
	}
	for _, more := range found.reads {
		if !path.IsAbs(more) {
			more = path.Join(path.Dir(name), more)
		}
		if more != name {
			in.startFrom(c, s, more)
		}
	}
}

// launch walks one command of a file.
func (in *interp) launch(c *call, s started, name string) {
	at := in.placeOf(name)
	if at.file != "" {
		at.line = s.line
	}
	in.subshell(func() {
		for _, variable := range sortedKeys(s.env) {
			in.env.vars.set(variable, in.bounded(s.env[variable]))
		}
		if s.dir != "" {
			in.env.cwd = in.path(s.dir)
		}
		if len(s.argv) == 0 {
			in.childShell(s.text, scriptRun{via: c.name() + " runs it", fds: c.fds, at: at})
			return
		}
		l := in.layer
		if joined, ok := in.joinArgs(s.argv); ok && s.line > 0 {
			l = &layer{src: joined, vector: true, outer: l, via: c.name() + " runs it", at: at}
		}
		in.within(l, func() { in.run(c.with(s.argv)) })
	})
}

// optionFile returns the value of an option as a file, or the names that count without it, in the folder.
func (in *interp) optionFile(dir, value string, otherwise ...string) []string {
	if value != "" {
		otherwise = []string{value}
	}
	names := make([]string, len(otherwise))
	for i, name := range otherwise {
		if names[i] = in.path(name); dir != "" && !path.IsAbs(name) {
			names[i] = in.path(path.Join(dir, name))
		}
	}
	return names
}

// serviceFiles are the scripts of s6's and runit's services.
func serviceFiles(in *interp, c *call) []string {
	dirs := options{short: "dtCc"}.parse(c.args()).args
	var all []string
	for _, dir := range append(dirs[:min(len(dirs), 1):min(len(dirs), 1)], "/etc/service") {
		for _, file := range []string{"/*/run", "/*/finish", "/*/log/run"} {
			all = append(all, path.Join(in.path(dir), file))
		}
	}
	return all
}

func partFiles(in *interp, c *call) []string {
	p := options{short: "au", long: "arg umask regex "}.parse(c.args())
	if len(p.args) == 0 {
		return nil
	}
	return []string{path.Join(in.path(p.args[0]), "*")}
}

// cronFiles are those that crond is told to read; what it reads otherwise starts by itself.
func cronFiles(in *interp, c *call) []string {
	if dir := (options{short: "cLld"}).parse(c.args()).value("c"); dir != "" {
		return []string{path.Join(in.path(dir), "*")}
	}
	return nil
}

func cronCommands(_ *interp, _ *call, _, text string) (holding, error) {
	var found holding
	for i, line := range strings.Split(text, "\n") {
		if command := cronLine(line, false); command != "" {
			found.runs = append(found.runs, started{text: command, line: i + 1})
		}
	}
	return found, nil
}

func rakeFiles(in *interp, c *call) []string {
	p := options{short: "fCI", long: "rakefile directory "}.parse(c.args())
	return in.optionFile(p.value("C", "directory"), p.value("f", "rakefile"), "Rakefile", "rakefile")
}

func ninjaFiles(in *interp, c *call) []string {
	p := options{short: "Cfjkl"}.parse(c.args())
	return in.optionFile(p.value("C"), p.value("f"), "build.ninja")
}

// noCommands finds nothing in a file, which counts only where it was fetched.
func noCommands(_ *interp, _ *call, _, _ string) (holding, error) { return holding{}, nil }

// procFiles are the Procfile, wherever it is.
func procFiles(in *interp, c *call) []string {
	p := options{short: "fdepr", long: "procfile root app-root env port "}.parse(c.args())
	return in.optionFile(p.value("d", "root", "app-root"), p.value("f", "procfile"), "Procfile")
}

// procCommands are the lines of a Procfile: NAME: COMMAND.
func procCommands(_ *interp, _ *call, name, text string) (holding, error) {
	var found holding
	for i, line := range strings.Split(text, "\n") {
		process, command, ok := strings.Cut(line, ":")
		if ok && !strings.ContainsAny(process, " \t#") && strings.TrimSpace(command) != "" {
			found.runs = append(found.runs, started{text: strings.TrimSpace(command), dir: folderOf(name), line: i + 1})
		}
	}
	return found, nil
}

// folderOf is the folder of a file, "" for the one in which everything starts.
func folderOf(name string) string {
	if dir := path.Dir(name); dir != "." {
		return dir
	}
	return ""
}
