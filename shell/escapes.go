package shell

import (
	"regexp"
	"strings"
)

// shellEscapes are the prefixes by which a line that a program reads, or an argument of it, is a command for a shell.
var shellEscapes = map[string][]string{
	"ed": {"!"}, "red": {"!"}, "dc": {"!"}, "less": {"+!"}, "more": {"+!"}, "lftp": {"!"}, "ftp": {"!"}, "sftp": {"!"},
	"sqlite3": {".shell ", ".system "}, "sqlite": {".shell "}, "mysql": {`\! `, "system "}, "mariadb": {`\! `, "system "}, "psql": {`\! `, `\!`},
	"telnet": {"!"}, "mutt": {"!"}, "gnuplot": {"!", "system "}, "octave": {"!"}, "irb": {"!"}, "ghci": {":!"},
}

// escaped walks the commands that a program is told to hand to a shell: sqlite3 x '.shell command'.
func (in *interp) escaped(c *call) {
	prefixes := shellEscapes[c.name()]
	if prefixes == nil {
		return
	}
	for _, text := range append(c.args()[:len(c.args()):len(c.args())], waiting(c)) {
		for line := range strings.SplitSeq(text, "\n") {
			for _, p := range prefixes {
				if command, ok := strings.CutPrefix(strings.TrimSpace(line), p); ok && in.step() {
					in.later(command, c.name()+" runs it")
					break
				}
			}
		}
		if m := fromProgram.FindStringSubmatch(text); m != nil && c.name() == "psql" {
			in.later(strings.ReplaceAll(m[1], "''", "'"), "PostgreSQL runs it")
		}
	}
}

// fromProgram is how SQL gets its rows from a command, or gives them to one.
var fromProgram = regexp.MustCompile(`(?is)\bcopy\b.*\b(?:from|to)\s+program\s+'((?:[^']|'')*)'`)

// lisp is emacs --eval, of whose functions some run commands.
func (in *interp) lisp(c *call) effect {
	p := options{single: true, long: "eval execute l load script "}.parse(c.args())
	for _, o := range p.opts {
		if o.name != "eval" && o.name != "execute" || !strings.Contains(o.value, "shell-command") && !strings.Contains(o.value, "-process") {
			continue
		}
		for _, t := range lex(o.value, awkLang) {
			if t.kind == literal {
				in.later(t.text, "emacs runs it")
			}
		}
	}
	return effect{}
}

// macros walks what rpm runs as it expands a macro: %(command).
func (in *interp) macros(c *call) {
	if c.name() != "rpm" && c.name() != "rpmbuild" && c.name() != "rpmspec" {
		return
	}
	for _, a := range c.args() {
		if i := strings.Index(a, "%("); i >= 0 {
			command, _ := delimited(a[i+1:])
			in.later(command, c.name()+" runs it")
		}
	}
}

// hooks walks the commands that apt is told by its settings to run before or after what it does.
func (in *interp) hooks(c *call) {
	if c.name() != "apt" && c.name() != "apt-get" {
		return
	}
	for _, a := range c.args() {
		if key, value, ok := strings.Cut(a, "="); ok && aptHook.MatchString(key) {
			in.later(strings.Trim(value, `={}"; `), c.name()+" runs it")
		}
	}
}

var aptHook = regexp.MustCompile(`(?i)(?:pre|post)-invoke|pre-install-pkgs`)
