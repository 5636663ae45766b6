package shell

import (
	"strings"
)

// promised walks what a shell, or a program that it starts, runs some time later because a variable says so.
func (in *interp) promised(name, value string) {
	switch name {
	case "PS4", "PS0", "PS1", "PS2", "PS3":
		in.interpolated(value)
	case "PROMPT_COMMAND":
		in.later(value, "bash runs it before each prompt")
	case "BASH_ENV", "ENV":
		in.interpolated(value)
		if in.known(value) || strings.HasPrefix(value, "/proc/self/fd/") {
			in.later(". "+quoteAll([]string{value}), "bash reads it because of "+name)
		}
	case "LESSOPEN", "LESSCLOSE":
		in.later(strings.TrimLeft(value, "|-"), "less runs it")
	case "PAGER", "MANPAGER", "EDITOR", "VISUAL":
		if strings.Contains(value, " ") {
			in.later(value, "it is run because of "+name)
		}
	}
}

// later walks a script that is run some time, from the environment as it is now.
func (in *interp) later(script, via string) {
	in.childShell(script, scriptRun{via: via, fds: &in.env.fds})
}

// interpolated walks the commands in a value that a shell expands as if it stood between double quotes, and returns what it
// becomes: PS4, ${x@P}.
func (in *interp) interpolated(value string) string {
	if !strings.Contains(value, "$(") && !strings.Contains(value, "`") {
		return value
	}
	return in.capture(func() {
		in.later(`printf %s "`+strings.ReplaceAll(value, `"`, `\"`)+`"`, "the shell expands it")
	})
}

// subscript walks the commands in the key of an array, where a text is taken for the name of a variable or for a number:
// test -v 'a[$(command)]'.
func (in *interp) subscript(text string) {
	if i := strings.IndexByte(text, '['); i > 0 && strings.ContainsAny(text[i:], "$`") {
		in.interpolated(text[i+1:])
	}
}

// subscripts are the arguments of builtins that take names of variables, or of let, which takes numbers.
func (in *interp) subscripts(c *call) effect {
	for _, a := range c.args() {
		in.subscript(a)
	}
	return effect{}
}
