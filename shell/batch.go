package shell

import (
	"path"
	"slices"
	"strings"
)

// xargs runs a command with what it reads as arguments.
func (in *interp) xargs(c *call) effect {
	p := options{short: "IiELnPsdaj", long: "replace max-args max-procs max-lines max-chars delimiter arg-file jobs ", first: true}.parse(c.args())
	text := ""
	if from := p.value("a", "arg-file"); from != "" && c.name() == "xargs" {
		text, _ = in.content(c, from)
	} else {
		text = in.stdin(c)
	}
	argv := p.args
	if i := slices.Index(argv, ":::"); i >= 0 && c.name() == "parallel" {
		argv, text = argv[:i], strings.Join(argv[i+1:], "\n")
		if i == 0 {
			argv = []string{"sh", "-c", "{}"}
		}
	}
	if len(argv) == 0 {
		argv = []string{"echo"}
	}
	mark := p.value("I", "replace", "i")
	if c.name() == "parallel" && mark == "" {
		mark = "{}"
		if len(p.args) == 0 {
			argv = []string{"sh", "-c", "{}"} // every line is a command
		}
		if len(argv) == 1 {
			argv = []string{"sh", "-c", argv[0]}
		}
	}
	inner := *c.fds
	inner.set(0, nil)
	run := &call{fds: &inner}
	if mark == "" || c.name() == "parallel" && !strings.Contains(strings.Join(argv, " "), mark) {
		items := strings.Fields(text)
		if p.has("0", "null", "d", "delimiter") {
			items = []string{strings.TrimRight(text, "\n")}
		}
		run.argv = append(argv[:len(argv):len(argv)], items...)
		return in.run(run)
	}
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for _, line := range lines[:min(len(lines), loopItems)] {
		run.argv = make([]string, len(argv))
		for i, a := range argv {
			run.argv[i] = in.replaced(a, mark, line, -1)
		}
		in.run(run)
	}
	return effect{}
}

// find runs commands on what it finds; which files those are is known only where the script has made them.
func (in *interp) find(c *call) effect {
	args := c.args()
	root := firstOr(args, ".")
	for i, a := range args {
		if a != "-exec" && a != "-execdir" && a != "-ok" {
			continue
		}
		argv := args[i+1:]
		for k, b := range argv {
			if b == ";" || b == "+" {
				argv = argv[:k]
				break
			}
		}
		found := in.foundIn(in.path(root))
		run := make([]string, len(argv))
		for k, b := range argv {
			run[k] = in.replaced(b, "{}", found, -1)
		}
		in.run(c.with(run))
	}
	in.print(c, in.foundIn(in.path(root))+"\n")
	return effect{}
}

// foundIn returns a fetched file below dir, or else a name of which nothing is known.
func (in *interp) foundIn(dir string) string {
	for _, name := range in.fileNames() {
		if _, ok := within(dir, name); ok && in.fetched(in.files[name].text) != nil {
			return name
		}
	}
	for _, t := range in.trees {
		if _, ok := within(dir, path.Join(t.dir, "x")); ok && !t.home {
			return path.Join(t.dir, "x")
		}
	}
	return in.newHole(hole{spelling: "$(find)", below: dir})
}

// schedule is crontab FILE, crontab -, at and batch: what they are given runs later.
func (in *interp) schedule(c *call) effect {
	p := options{short: "ufqt"}.parse(c.args())
	name := c.name()
	if name == "crontab" {
		if p.has("l", "r", "e") {
			in.print(c, in.unknown("$(crontab -l)")+"\n")
			return effect{}
		}
		in.runCrontab(in.inputs(c, p.args), false, "crontab schedules it")
		return effect{}
	}
	text := in.stdin(c)
	if f := p.value("f"); f != "" {
		text, _ = in.content(c, f)
	}
	in.subshell(func() { in.runText(text, scriptRun{via: name + " schedules it"}) })
	return effect{}
}

// runCrontab walks the commands of a crontab; in those of the system the sixth field is a user.
func (in *interp) runCrontab(text string, withUser bool, via string) {
	for line := range strings.SplitSeq(text, "\n") {
		if in.leading(line) != nil {
			in.executed(line, via)
			continue
		}
		in.subshell(func() { in.runText(cronLine(line, withUser), scriptRun{via: via}) })
	}
}

// cronLine is the command on a line of a crontab, "" if there is none.
func cronLine(line string, withUser bool) string {
	line = strings.TrimSpace(line)
	skip := 5
	switch {
	case strings.HasPrefix(line, "@"):
		skip = 1
	case line == "" || !strings.ContainsAny(line[:1], "0123456789*"):
		return "" // a comment, NAME=value
	}
	if withUser {
		skip++
	}
	for ; skip > 0; skip-- {
		end := strings.IndexAny(line, " \t")
		if end < 0 {
			return ""
		}
		line = strings.TrimLeft(line[end:], " \t")
	}
	return line
}

// autorun walks what is written to a file that something else runs by itself: cron, a login, the boot.
func (in *interp) autorun(name, text string) {
	switch {
	case strings.HasSuffix(name, "/etc/crontab"), strings.Contains(name, "/etc/cron.d/"):
		in.runCrontab(text, true, "cron runs it")
	case strings.Contains(name, "/spool/cron/"), strings.Contains(name, "/etc/crontabs/"):
		in.runCrontab(text, false, "cron runs it")
	case strings.HasSuffix(name, "/etc/ld.so.preload"):
		in.preloaded("/etc/ld.so.preload", strings.TrimSpace(text))
	case strings.HasSuffix(name, "/authorized_keys"):
	case strings.HasSuffix(name, "/etc/inittab"):
		in.inittab(text)
	case strings.Contains(name, "/s6-rc.d/") && (path.Base(name) == "up" || path.Base(name) == "down"):
		in.within(&layer{src: text, outer: in.layer}, func() {
			in.subshell(func() { in.execline(&call{argv: []string{"execlineb"}, fds: &in.env.fds}, text) })
		})
	case strings.Contains(name, "/systemd/") && strings.HasSuffix(name, ".service"):
		in.systemdUnit(text)
	default:
		if runsByItself(name) {
			in.subshell(func() { in.runText(text, scriptRun{via: in.display(name) + " is run by itself"}) })
		}
	}
}

// systemdUnit walks the commands of a service.
func (in *interp) systemdUnit(text string) {
	if h := in.leading(text); h != nil {
		in.executed(text, "systemd runs what it says")
		return
	}
	for line := range strings.SplitSeq(text, "\n") {
		key, value, _ := strings.Cut(line, "=")
		if strings.HasPrefix(key, "Exec") {
			in.subshell(func() { in.runText(strings.TrimLeft(value, "-@+! "), scriptRun{via: "systemd runs it"}) })
		}
	}
}

// inittab walks the processes that init starts: ID:LEVELS:ACTION:PROCESS.
func (in *interp) inittab(text string) {
	for line := range strings.SplitSeq(text, "\n") {
		if fields := strings.SplitN(line, ":", 4); len(fields) == 4 && !strings.HasPrefix(line, "#") {
			in.subshell(func() { in.runText(strings.TrimLeft(fields[3], "-@+"), scriptRun{via: "init runs it"}) })
		}
	}
}

// runsByItself tells whether a file is a script that the system or a login runs. Names may begin with the mount of
// a host: /mnt/etc/cron.daily/x.
func runsByItself(name string) bool {
	for _, dir := range []string{"/etc/cron.hourly/", "/etc/cron.daily/", "/etc/cron.weekly/", "/etc/cron.monthly/", "/etc/periodic/",
		"/etc/init.d/", "/etc/rc.local", "/etc/rc.d/", "/etc/local.d/", "/etc/profile", "/docker-entrypoint.d/",
		"/docker-entrypoint-initdb.d/", "/etc/cont-init.d/", "/etc/cont-finish.d/", "/etc/services.d/", "/etc/service/", "/etc/sv/",
		"/etc/s6-overlay/"} {
		if strings.Contains(name, dir) {
			return true
		}
	}
	switch path.Base(name) {
	case ".bashrc", ".profile", ".bash_profile", ".zshrc", ".bash_login", "rc.local":
		return true
	}
	return false
}
