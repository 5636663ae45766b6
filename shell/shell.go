// Package shell says what a command line or a script does: whether it fetches code and runs it, opens a
// reverse shell, or installs software while it starts. It reports facts with the exact piece of source that
// shows them; whether a fact is acceptable is for the rules to say.
package shell

// Kind is something that a command does and that the gate cares about.
type Kind string

// The kinds that Analyze and AnalyzeScript report.
const (
	RuntimeDownload Kind = "runtime-download" // code is fetched while the container runs, and executed
	ReverseShell    Kind = "reverse-shell"    // a shell is given to a remote peer, or offered on a port
	RuntimeInstall  Kind = "runtime-install"  // a package manager installs software while the container runs
)

// Action is one thing that a command does, with the source that shows it.
type Action struct {
	Kind Kind `json:"kind"`
	// Text is the exact source of the statement, shortened to at most 200 bytes.
	Text string `json:"text"`
	// Line is the 1-based line within the script where Text begins.
	Line int `json:"line"`
	// Steps is the chain that leads to the action, in order, one short phrase each:
	// "wget fetches http://host/d.sh", "its output is piped into sh".
	Steps []string `json:"steps"`
	// Tool is the program that does it ("curl", "apt-get", "bash").
	Tool string `json:"tool"`
	// Source is the URL, host or package that it names, as far as it is known. Empty if unknown.
	Source string `json:"source,omitempty"`
	// Verified tells that what was fetched is checked (sha256sum -c, gpg --verify, cosign) before it runs.
	Verified bool `json:"verified,omitempty"`
}

// Result is what a command was seen to do.
type Result struct {
	Actions []Action `json:"actions"`
	// Unreadable says why the command, or a part of it, could not be understood. Empty if all of it was.
	// An unreadable script is not a clean one.
	Unreadable string `json:"unreadable,omitempty"`
}
