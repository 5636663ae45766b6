package shell

import (
	"cmp"
	"path"
	"slices"
	"strings"
)

// isShell tells whether a program is a shell of the Bourne family, or one whose -c works alike.
func isShell(name string) bool {
	switch name {
	case "sh", "bash", "dash", "ash", "zsh", "ksh", "ksh93", "mksh", "pdksh", "rbash", "hush", "yash", "posh", "fish", "csh", "tcsh", "lash":
		return true
	}
	return false
}

// shellLine is the command line of a shell taken apart.
type shellLine struct {
	script      string // of -c
	hasScript   bool
	operands    []string // script file and parameters; after -c, $0 and parameters
	readsInput  bool     // -s, or neither script nor file
	interactive bool
	login       bool
	errexit     bool
	rcfile      string
}

// parseShell follows POSIX: the options end at the first operand, and -c takes the first operand.
func parseShell(args []string) shellLine {
	var s shellLine
	i := 0
	for ; i < len(args); i++ {
		a := args[i]
		if a == "--" || a == "-" {
			i++
			break
		}
		if len(a) < 2 || a[0] != '-' && a[0] != '+' {
			break
		}
		if strings.HasPrefix(a, "--") {
			if (a == "--rcfile" || a == "--init-file") && i+1 < len(args) {
				i++
				s.rcfile = args[i]
			}
			s.login = s.login || a == "--login"
			continue
		}
		if a[0] == '-' {
			s.hasScript = s.hasScript || strings.Contains(a, "c")
			s.readsInput = s.readsInput || strings.Contains(a, "s")
			s.interactive = s.interactive || strings.Contains(a, "i")
			s.login = s.login || strings.Contains(a, "l")
			s.errexit = s.errexit || strings.Contains(a, "e")
		}
		if last := a[len(a)-1]; last == 'o' || last == 'O' {
			i++ // -o pipefail
		}
	}
	s.operands = args[min(i, len(args)):]
	if s.hasScript {
		s.readsInput = false
		if len(s.operands) == 0 {
			return s
		}
		s.script, s.operands = s.operands[0], s.operands[1:]
	} else if len(s.operands) == 0 {
		s.readsInput = true
	}
	return s
}

func (in *interp) shell(c *call) effect {
	s := parseShell(c.args())
	in.shellStarts(c, s)
	if !s.hasScript { // options that no shell has may be meant for an image's ENTRYPOINT, which nobody knows here
		in.minerArguments(c, "the program")
	}
	run := scriptRun{fds: c.fds, errexit: s.errexit, params: s.operands}
	switch {
	case s.hasScript:
		run.via = "its output is run by " + c.name() + " -c"
		if len(s.operands) > 0 {
			run.zero, run.params = s.operands[0], s.operands[1:]
		}
		return in.childShell(s.script, run)
	case s.readsInput:
		return in.shellInput(c, s, run)
	}
	var e effect
	in.eachOf(s.operands[0], func(file string) {
		text, name := in.content(c, file)
		run.via, run.zero, run.params, run.at = in.via(name, "run by "+c.name()), file, s.operands[1:], in.placeOf(name)
		if !in.remoteInput(c, text, c.name()) {
			e = in.childShell(text, run)
		}
	})
	return e
}

// shellStarts walks what a shell reads before it does what it is told: as the shell of a login, or one to type into.
func (in *interp) shellStarts(c *call, s shellLine) {
	var names []string
	if s.rcfile != "" {
		names = append(names, s.rcfile)
	}
	homes := []string{in.setting("HOME")}
	if homes[0] == "" {
		homes = []string{"/root", "/home/*"}
	}
	for _, home := range homes {
		if s.login {
			names = append(names, "/etc/profile", home+"/.bash_profile", home+"/.bash_login", home+"/.profile", home+"/.zprofile", "/etc/zsh/zprofile")
		}
		if s.interactive {
			names = append(names, "/etc/bash.bashrc", "/etc/bashrc", home+"/.bashrc", home+"/.zshrc", "/etc/zsh/zshrc", in.setting("ENV"))
		}
		if c.name() == "zsh" {
			names = append(names, "/etc/zsh/zshenv", "/etc/zshenv", path.Join(cmp.Or(in.setting("ZDOTDIR"), home), ".zshenv"))
		}
	}
	for i, name := range names {
		if name == "" || slices.Contains(names[:i], name) {
			continue
		}
		in.eachOf(name, func(file string) {
			text, shown := in.content(c, file)
			in.childShell(text, scriptRun{via: in.via(shown, "read by "+c.name()+" as it starts"), fds: c.fds, at: in.placeOf(shown)})
		})
	}
}

// shellInput is a shell that takes its commands from its standard input.
func (in *interp) shellInput(c *call, s shellLine, run scriptRun) effect {
	input := c.fds.get(0)
	if in.reverseShell(c, s.interactive) {
		return effect{}
	}
	text := in.read(input)
	if in.remoteInput(c, text, c.name()) {
		return effect{}
	}
	how := "its output is read by "
	if input != nil && input.piped {
		how = "its output is piped into "
	}
	if input != nil && input.path != "" {
		how = in.display(input.path) + " is read by "
	}
	run.via = how + c.name()
	return in.childShell(text, run)
}

// su is su [-] [user] -c command, and runuser -u user command.
func (in *interp) su(c *call) effect {
	p := options{short: "cgGsuw", long: "command session-command group supp-group shell user whitelist-environment "}.parse(c.args())
	if script, ok := p.get("c", "command", "session-command"); ok {
		return in.childShell(script, scriptRun{via: "its output is run by su -c", fds: c.fds})
	}
	if c.name() == "runuser" && p.has("u", "user") {
		first := options{short: "gGsu", long: "group supp-group shell user ", first: true}.parse(c.args())
		return in.run(c.with(first.args))
	}
	shell := p.value("s", "shell")
	if shell == "" {
		shell = "sh"
	}
	operands := slices.DeleteFunc(slices.Clone(p.args), func(a string) bool { return a == "-" })
	return in.run(c.with(append([]string{shell}, operands[min(1, len(operands)):]...)))
}

// startDaemon is start-stop-daemon --start --exec program -- arguments.
func (in *interp) startDaemon(c *call) effect {
	p := options{short: "xapnucgkdRrINP", long: "exec startas pidfile name user chuid group chdir chroot nicelevel "}.parse(c.args())
	program := p.value("a", "startas")
	if program == "" {
		program = p.value("x", "exec")
	}
	if program == "" || p.has("K", "stop") {
		return effect{}
	}
	return in.run(c.with(append([]string{program}, p.args...)))
}

// scriptCommand is script(1), which runs a command with its output logged.
func (in *interp) scriptCommand(c *call) effect {
	p := options{short: "cEIOBTmo", long: "command log-in log-out log-io "}.parse(c.args())
	if script, ok := p.get("c", "command"); ok {
		return in.childShell(script, scriptRun{via: "its output is run by script -c", fds: c.fds})
	}
	return in.run(c.with([]string{"sh", "-i"}))
}

// watch joins its operands into one command for sh.
func (in *interp) watch(c *call) effect {
	p := options{short: "nq", long: "interval equexit ", first: true}.parse(c.args())
	if p.has("x", "exec") {
		return in.run(c.with(p.args))
	}
	return in.childShell(strings.Join(p.args, " "), scriptRun{via: "watch runs it", fds: c.fds})
}

// tmux is tmux new-session [options] command.
func (in *interp) tmux(c *call) effect {
	p := options{short: "SLfc", first: true}.parse(c.args())
	if verb := firstOr(p.args, ""); verb != "new" && verb != "new-session" && verb != "new-window" && verb != "neww" && verb != "split-window" {
		return effect{}
	}
	inner := options{short: "snxyctFe", first: true}.parse(p.args[1:])
	return in.childShell(strings.Join(inner.args, " "), scriptRun{via: "tmux runs it", fds: c.fds})
}

// nixShell is nix-shell --run command.
func (in *interp) nixShell(c *call) effect {
	p := options{short: "pAIE", long: "run command packages "}.parse(c.args())
	return in.childShell(p.value("run", "command"), scriptRun{via: "nix-shell runs it", fds: c.fds})
}

// flock is flock [options] file command, file -c script, or descriptor.
func (in *interp) flock(c *call) effect {
	p := options{short: "wEc", long: "wait timeout conflict-exit-code command ", first: true}.parse(c.args())
	if len(p.args) < 2 {
		return effect{}
	}
	if rest := p.args[1:]; rest[0] == "-c" || rest[0] == "--command" {
		if len(rest) < 2 {
			return effect{}
		}
		return in.childShell(rest[1], scriptRun{via: "its output is run by flock -c", fds: c.fds})
	}
	return in.run(c.with(p.args[1:]))
}

// envCommand is env [options] [NAME=VALUE]... command; -S splits one argument into several.
func (in *interp) envCommand(c *call) effect {
	p := options{short: "uCS", long: "unset chdir split-string ", first: true}.parse(c.args())
	if dir := p.value("C", "chdir"); dir != "" {
		in.env.cwd = in.path(dir)
	}
	argv := p.args
	if line, ok := p.get("S", "split-string"); ok {
		argv = append(splitString(line), argv...)
	}
	var e effect
	in.subshell(func() {
		for len(argv) > 0 {
			name, value, ok := strings.Cut(argv[0], "=")
			if !ok || strings.Contains(name, "/") {
				break
			}
			in.env.vars.set(name, value)
			if name == "LD_PRELOAD" || name == "BASH_ENV" {
				in.preloaded(name, value)
			}
			argv = argv[1:]
		}
		e = in.run(c.with(argv))
	})
	return e
}

// splitString takes the value of env -S apart: words between blanks, with quotes and backslashes.
func splitString(line string) []string {
	var words []string
	var word strings.Builder
	open, quote := false, byte(0)
	for i := 0; i < len(line); i++ {
		switch ch := line[i]; {
		case ch == quote:
			quote = 0
		case ch == '\\' && i+1 < len(line) && (quote != '\'' || line[i+1] == '\'' || line[i+1] == '\\'):
			i++
			open = true
			word.WriteByte(line[i])
		case quote == 0 && (ch == '\'' || ch == '"'):
			quote, open = ch, true
		case quote == 0 && strings.IndexByte(" \t\n\v\f\r", ch) >= 0:
			if open {
				words = append(words, word.String())
			}
			word.Reset()
			open = false
		default:
			open = true
			word.WriteByte(ch)
		}
	}
	if open {
		words = append(words, word.String())
	}
	return words
}

// applet is busybox NAME arguments.
func (in *interp) applet(c *call) effect {
	if len(c.argv) < 2 {
		return effect{}
	}
	return in.run(c.with(c.args()))
}

// ssh runs its operands after the host as one script, on the other machine; what it is given on its input goes
// there too.
func (in *interp) ssh(c *call) effect {
	p := options{short: "bcDEeFIiJLlmOopQRSWw", first: true}.parse(c.args())
	in.sshSettings(c, p)
	if len(p.args) == 0 {
		return effect{}
	}
	fds := *c.fds
	var printed strings.Builder
	fds.set(1, &end{sink: &printed})
	e := in.childShell(strings.Join(p.args[1:], " "), scriptRun{via: "ssh runs it", fds: &fds})
	if host := p.args[0]; len(p.args) > 1 {
		f := in.newFetch("ssh", host, false)
		in.print(c, in.newHole(hole{spelling: "$(ssh " + in.display(host) + ")", fetch: f, steps: []string{"ssh gets it from " + in.display(host)}}))
	}
	return e
}

// sshSettings walks the commands that -o KEY=VALUE, or -o "KEY VALUE", has ssh and its kin run.
func (in *interp) sshSettings(c *call, p parsed) {
	for _, o := range p.opts {
		i := strings.IndexAny(o.value, "= ")
		if o.name == "o" && i > 0 && strings.HasSuffix(strings.ToLower(o.value[:i]), "command") {
			in.childShell(strings.TrimLeft(o.value[i:], "= "), scriptRun{via: c.name() + " runs it", fds: c.fds})
		}
	}
}

// wrapper is a program that runs the command that it is given.
type wrapper struct {
	options
	operands int // operands of its own before the command: timeout DURATION command
}

func isWrapper(name string) bool {
	_, ok := wrappers[name]
	return ok
}

// wrapped runs the command inside a wrapper.
func (in *interp) wrapped(c *call, w wrapper) effect {
	o := w.options
	o.first = true
	argv := o.parse(c.args()).args
	if len(argv) < w.operands {
		return effect{}
	}
	argv = argv[w.operands:]
	if len(argv) > 0 && argv[0] == "--" {
		argv = argv[1:]
	}
	for len(argv) > 0 && strings.Contains(argv[0], "=") && !strings.Contains(argv[0], "/") {
		argv = argv[1:] // sudo NAME=VALUE command
	}
	return in.run(c.with(argv))
}

// wrappers are the programs that do nothing but run another one in some way.
var wrappers = map[string]wrapper{
	"nohup": {}, "setsid": {}, "time": {}, "unbuffer": {}, "eatmydata": {}, "chronic": {}, "setarch": {}, "linux64": {},
	"with-contenv": {}, "catatonit": {}, "fakeroot": {}, "ts": {},
	"screen":       {options: options{short: "cehpsStTX"}},
	"nice":         {options: options{short: "n", long: "adjustment "}},
	"ionice":       {options: options{short: "cnpPu", long: "class classdata "}},
	"timeout":      {options: options{short: "ks", long: "kill-after signal "}, operands: 1},
	"stdbuf":       {options: options{short: "ioe", long: "input output error "}},
	"tini":         {options: options{short: "pe"}},
	"tini-static":  {options: options{short: "pe"}},
	"docker-init":  {options: options{short: "pe"}},
	"dumb-init":    {options: options{short: "r", long: "rewrite "}},
	"su-exec":      {operands: 1},
	"gosu":         {operands: 1},
	"setuser":      {operands: 1},
	"s6-setuidgid": {operands: 1},
	"chpst":        {options: options{short: "uUbemdofpcrtlL"}},
	"sudo":         {options: options{short: "ugCphrtTUR", long: "user group close-from prompt host role type chdir "}},
	"doas":         {options: options{short: "uC"}},
	"unshare":      {options: options{short: "SGRw", long: "root wd setuid setgid "}},
	"setpriv":      {options: options{long: "reuid regid groups inh-caps ambient-caps bounding-set securebits pdeathsig selinux-label apparmor-profile "}},
	"strace":       {options: options{short: "abeEIoOpPsSuU"}},
	"ltrace":       {options: options{short: "abeFlnopsuwxX"}},
	"taskset":      {operands: 1},
	"prlimit":      {},
	"cpulimit":     {options: options{short: "lpPe", long: "limit pid exe path "}},
	"faketime":     {operands: 1},
	"firejail":     {},
	"bwrap":        {options: options{long: "bind ro-bind dev proc tmpfs chdir setenv uid gid "}},
	"xvfb-run":     {options: options{short: "nefsw"}},
	"dbus-launch":  {},
	"cross-env":    {},
	"dotenv":       {options: options{short: "evpc"}},
	"s6-envdir":    {operands: 1},
}
