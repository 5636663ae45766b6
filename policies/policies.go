// Package policies is the only judge: it loads the rules, written in Rego, and says what they find in a piece
// of evidence. A rule is found because its file exists; its identity is <kind>/<file name>. There is no
// network while rules judge, and an error in a rule is an error of the judgement, never silence.
package policies

// Severity says how bad a finding is. The zero value is Unset, which no loaded rule has.
type Severity int

// The severities, in order. Off switches a rule off by configuration.
const (
	Unset Severity = iota
	Off
	Low
	Medium
	High
	Critical
)

// Kind is what a rule judges: it names the folder that the rule stands in.
type Kind string

// The kinds of evidence. Each has a folder below policies.
const (
	Kubernetes Kind = "kubernetes" // one object with what its containers run
	Set        Kind = "set"        // all objects of a run together
	Image      Kind = "image"      // one platform of an image
	Workload   Kind = "workload"   // one object together with what is in the images that it runs
	Config     Kind = "config"     // tidewaiter's own configuration as it was used in a run: waivers
)

// Rule is one rule as its METADATA describes it.
type Rule struct {
	ID          string   `json:"id"` // <kind>/<name>
	Kind        Kind     `json:"kind"`
	Title       string   `json:"title"`
	Description string   `json:"description"`
	Severity    Severity `json:"severity"`
	Attack      []string `json:"attack"`      // MITRE ATT&CK techniques: T1610
	Mitigations []string `json:"mitigations"` // MITRE ATT&CK mitigations: M1038
	Remediation string   `json:"remediation"`
	Related     []string `json:"related"` // addresses of what to read

	applies []string // the kinds of objects that the rule can find something in, or withPods; empty if in any
}

// Finding is one thing that a rule objects to.
type Finding struct {
	Rule     string
	Severity Severity
	Message  string
	// Path leads to the value at fault from the root of the judged object: strings and ints. It may go
	// further than the object does, where what is wrong is that something is missing.
	Path []any
	// Object is the index of the object that the finding is about, if a rule of kind Set found it.
	Object      int
	Attack      []string
	Remediation string
	Evidence    map[string]any
	// Location is set by users' rules that return _loc: it replaces the position of Path.
	Location *Location
}

// Location is a place in a file as a user's rule names it.
type Location struct {
	File string
	Line int
}
