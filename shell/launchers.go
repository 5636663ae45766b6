package shell

import (
	"slices"
	"strings"
)

// helpers are the options of programs whose value is a command that the program starts.
var helpers = map[string]struct {
	options
	short, long string
}{
	"split":    {options{short: "abClnt", long: "filter "}, "", "filter"},
	"sort":     {options{short: "kStTo", long: "compress-program "}, "", "compress-program"},
	"rsync":    {options{short: "eBfTM", long: "rsh exclude include "}, "e", "rsh"},
	"zip":      {options{single: true, long: "TT unzip-command "}, "TT", "unzip-command"},
	"compgen":  {options{short: "ACFGPSWXo"}, "C", ""},
	"complete": {options{short: "ACFGPSWXo"}, "C", ""},
	"fc":       {options{short: "e"}, "e", ""},
	"tcpdump":  {options{short: "CGiFmrsTwyzZBcV"}, "z", ""},
	"wget":     {options{short: "OPoaetTUiBARDIXlQw", long: "use-askpass "}, "", "use-askpass"},
	"man":      {options{short: "PCMSersL", long: "pager "}, "P", "pager"},
	"scp":      {options{short: "cDFiJloPSX"}, "S", ""},
	"sftp":     {options{short: "BbcDFiJloPRSsX"}, "S", ""},
}

// helper walks the commands that a program is told by its options to start.
func (in *interp) helper(c *call) {
	in.escaped(c)
	in.macros(c)
	in.hooks(c)
	h, ok := helpers[c.name()]
	if !ok {
		return
	}
	in.sshSettings(c, h.parse(c.args()))
	for _, o := range h.parse(c.args()).opts {
		if o.value != "" && (o.name == h.short || o.name == h.long) {
			in.childShell(o.value, scriptRun{via: c.name() + " runs it", fds: c.fds})
		}
	}
}

// scriptVerb is deno run FILE or URL, deno eval CODE, and bun's likes of them.
func (in *interp) scriptVerb(c *call, verb string, i interpreter) effect {
	for _, a := range c.args()[1:] {
		switch {
		case strings.HasPrefix(a, "-"):
		case verb == "eval":
			return in.inlineCode(c, a, i.lang)
		case isURL(a), strings.HasPrefix(a, "npm:"), strings.HasPrefix(a, "jsr:"):
			in.report(RuntimeDownload, c.name(), a, []string{c.name() + " fetches " + a, "it is run"}, in.newFetch(c.name(), a, false))
			return effect{}
		default:
			if _, ok := in.lookup(in.path(a)); ok {
				text, shown := in.content(c, a)
				in.runCode(c, text, i.lang, in.via(shown, "run by "+c.name()))
			}
			return effect{}
		}
	}
	return effect{}
}

// bunScript tells that bun, which is a package manager as well, is to run code.
func (in *interp) bunScript(c *call, name string) bool {
	if name != "bun" || len(c.argv) < 2 {
		return false
	}
	verb := c.argv[1]
	return verb == "run" || verb == "-e" || verb == "--eval" || verb == "-p" || isURL(verb) || strings.HasSuffix(verb, "ts") || strings.HasSuffix(verb, "js")
}

// java is java -jar FILE, -javaagent:FILE, -cp FILE:FILE.
func (in *interp) java(c *call, args []string) {
	for k, a := range args {
		var file string
		switch next := firstOr(args[k+1:], ""); {
		case a == "-jar":
			file = firstOr(slices.DeleteFunc(slices.Clone(args[k+1:]), func(a string) bool { return strings.HasPrefix(a, "-") }), "")
		case !strings.HasPrefix(a, "-") && (k == 0 || !slices.Contains([]string{"-jar", "-cp", "-classpath"}, args[k-1])):
			if f, ok := in.lookup(in.path(strings.TrimSuffix(a, ".java") + ".class")); ok {
				in.executed(f.text, in.display(a)+" is run by java")
			}
			file = a
		case a == "-cp" || a == "-classpath" || a == "--class-path":
			file = firstOr(strings.Split(next, ":"), "")
		case strings.HasPrefix(a, "-javaagent:"), strings.HasPrefix(a, "-agentpath:"):
			_, file, _ = strings.Cut(a, ":")
			file, _, _ = strings.Cut(file, "=")
		default:
			continue
		}
		if f, ok := in.lookup(in.path(file)); ok && file != "" {
			in.executed(f.text, in.display(file)+" is run by java")
		} else if t := in.treeOf(in.path(file)); t != nil && !t.home && file != "" {
			in.executed(t.text, in.display(file)+" is run by java")
		}
	}
}
