// Package shell says what a command line or a script does: whether it fetches code and runs it, opens a
// reverse shell, or installs software while it starts. It reports facts with the exact piece of source that
// shows them; whether a fact is acceptable is for the rules to say.
//
// It is a small abstract interpreter. Nothing is executed: the script is parsed, every branch is walked, and
// what is known of each piece of data (its text, and where it was fetched from) flows through words, variables,
// files, pipes, substitutions and functions until something runs it. See values.go for how data is represented,
// and the tables fetchers, filters, installers, interpreters and wrappers for what programs do.
//
// What it refuses to do: match strings in the source. A command in a comment, in an echo, or in a function that
// nobody calls does nothing, and is not reported.
package shell

import "strings"

// Kind is something that a command does and that the gate cares about.
type Kind string

// The kinds that Analyze and AnalyzeScript report.
const (
	RuntimeDownload Kind = "runtime-download" // code is fetched while the container runs, and executed
	ReverseShell    Kind = "reverse-shell"    // a shell is given to a remote peer, or offered on a port
	RuntimeInstall  Kind = "runtime-install"  // a package manager installs software while the container runs
	HostTakeover    Kind = "host-takeover"    // the command gets into the node, or leaves something there that will
	HostAccess      Kind = "host-access"      // it would be one, if Action.Path were the node's: the manifest knows that
	MinerArguments  Kind = "miner-arguments"  // a program is told a mining pool or a wallet
)

// Action is one thing that a command does, with the source that shows it.
type Action struct {
	Kind Kind `json:"kind"`
	// Text is the exact source of the statement, shortened to at most 200 bytes. Of an argument vector without
	// a shell it is the arguments joined by spaces. Where the statement was hidden in a decoded script (base64,
	// hex ...), it is a piece of the decoded script.
	Text string `json:"text"`
	// Line is the 1-based line within the script where Text begins; for a decoded script, the line of the
	// statement that decodes and runs it.
	Line int `json:"line"`
	// File is the file of the container that Line is in, where that is no script but holds commands in a form of its
	// own (package.json). Empty otherwise.
	File string `json:"-"`
	// Steps is the chain that leads to the action, in order, one short phrase each:
	// "wget fetches http://host/d.sh", "its output is piped into sh".
	Steps []string `json:"steps"`
	// Tool is the program that does it ("curl", "apt-get", "bash").
	Tool string `json:"tool"`
	// Source is the URL, host or package that it names, as far as it is known. Empty if unknown.
	Source string `json:"source,omitempty"`
	// Path is the folder or file that a HostTakeover or HostAccess is about; empty if it is about none.
	Path string `json:"path,omitempty"`
	// Verified tells that what was fetched is checked (sha256sum -c, gpg --verify, cosign) before it runs, and
	// does not run if the check fails. A checksum that was itself fetched is no check.
	Verified bool `json:"verified,omitempty"`
	// Applied tells that what was fetched does not run here: it is a manifest or a chart that is applied to the cluster.
	Applied bool `json:"applied,omitempty"`
}

// Result is what a command was seen to do.
type Result struct {
	Actions []Action `json:"actions"`
	// Unreadable says why the command, or a part of it, could not be understood. Empty if all of it was.
	// An unreadable script is not a clean one.
	Unreadable string `json:"unreadable,omitempty"`
	// Fetched is what the command has fetched and leaves for others.
	Fetched []Fetched `json:"-"`
	// Sought are the files that the command runs, or reads as code, and that are not among Options.Files: the names
	// by which it opens them, or patterns (path.Match; "/**" at the end is all below a folder) of what it takes all of.
	Sought []string `json:"-"`
}

// Analyze says what an argument vector does when a container runs it: args is command and args of the pod, or
// ENTRYPOINT and CMD of the image, as they reach execve.
func Analyze(args []string) Result { return Options{}.Analyze(args) }

// AnalyzeScript says what the text of a script does: an entrypoint script, a script in a ConfigMap. A #! line
// that names another interpreter is followed.
func AnalyzeScript(script string) Result { return Options{}.AnalyzeScript(script) }

// Options say what is known of the container that a command runs in. The zero value knows nothing.
type Options struct {
	Limits Limits
	// Env are the variables that the process is given. One that is not among them is unknown, not unset.
	Env map[string]string
	// Files are the texts of files that are there before anything runs, by the names that they may be opened
	// by: absolute, or relative to the folder in which the command starts.
	Files map[string]string
	// Fetched is what others have fetched and left there before.
	Fetched []Fetched
}

// Analyze is the function of that name with these options.
func (o Options) Analyze(args []string) Result { return o.interp().analyze(args).result() }

// AnalyzeScript is the function of that name with these options; args are the script's $1, $2 ...
func (o Options) AnalyzeScript(script string, args ...string) Result {
	in := o.interp()
	in.env.params = args
	return in.analyzeScript(script).result()
}

// interp returns an interpreter that knows what the options say.
func (o Options) interp() *interp {
	in := newInterp(o.Limits)
	if len(o.Files) > maxFiles {
		in.stop("more than %d files", maxFiles)
	}
	for name, text := range o.Files {
		if in.files == nil {
			in.files = make(map[string]*file, len(o.Files))
		}
		in.files[name] = &file{text: text, given: true, name: name}
	}
	in.finds(o.Fetched)
	for name, value := range o.Env {
		in.env.vars.set(name, value)
	}
	return in
}

// startBash walks what bash reads before anything else because a variable that it is given says so: the file that
// BASH_ENV names, a name that bash expands first; functions, which come as variables, too; and the command before each
// prompt.
func (in *interp) startBash() {
	for _, name := range sortedKeys(in.env.vars.vars) {
		value := in.env.vars.vars[name]
		if function, ok := strings.CutPrefix(name, "BASH_FUNC_"); ok {
			in.runText(strings.TrimSuffix(function, "%%")+" "+value, scriptRun{})
		}
	}
	for _, name := range [...]string{"PROMPT_COMMAND", "PS4", "PS1"} {
		if value, ok := in.env.vars.get(name); ok {
			in.promised(name, value)
		}
	}
	if file, ok := in.env.vars.get("BASH_ENV"); ok && file != "" {
		in.runText(". "+file, scriptRun{via: "bash reads it because of BASH_ENV"})
	}
}

// AnalyzeFile says what a file does that something starts by itself: an entry of cron, a unit of systemd, an init
// script, a shell's profile. Which of them it is, its path says.
func AnalyzeFile(name, text string) Result { return Options{}.AnalyzeFile(name, text) }

// AnalyzeFile is the function of that name with these options.
func (o Options) AnalyzeFile(name, text string) Result {
	in := o.interp()
	in.autorun(name, text)
	in.walkUncalled()
	return in.result()
}

func (in *interp) analyze(args []string) *interp {
	args = commandLine(args)
	joined, ok := in.joinArgs(args)
	if !ok || len(args) == 0 {
		return in
	}
	in.layer = &layer{src: joined, vector: true}
	in.startBash()
	in.startByVariables()
	in.ended = in.run(&call{argv: args, fds: &in.env.fds})
	in.walkUncalled()
	return in
}

func (in *interp) analyzeScript(script string) *interp {
	in.startBash()
	in.startByVariables()
	in.runText(script, scriptRun{})
	in.walkUncalled()
	return in
}
