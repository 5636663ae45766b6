package gate

import "github.com/tidewaiter/tidewaiter/policies"

// Schema is the identifier of the report's JSON Schema (docs/report.schema.json).
const Schema = "https://tidewaiter.dev/report/v1"

// Report is the outcome of a run, as every format renders it and as --format json prints it.
type Report struct {
	Schema   string    `json:"schema"`
	Verdict  Verdict   `json:"verdict"`
	Tool     Tool      `json:"tool"`
	Subjects []Subject `json:"subjects"`
}

// Tool says what judged: the program's version and the digest of all rules that were loaded.
type Tool struct {
	Version string `json:"version"`
	Rules   string `json:"rules"`
}

// Subject is one thing that was judged: an object of a manifest, one platform of an image, a file that could
// not be read, or the configuration itself.
type Subject struct {
	// Kind is "kubernetes", "image", "file" or "config".
	Kind string `json:"kind"`
	// Name is Kind/namespace/name of an object (without the namespace where it has none), the reference of an
	// image as it was written, or the name of a file.
	Name string `json:"name"`
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
	// Digest and Platform are of images: the digest that the reference resolved to, and os/arch[/variant].
	Digest   string `json:"digest,omitempty"`
	Platform string `json:"platform,omitempty"`
	// ReferencedBy are the places, file:line, of the manifests that name the image.
	ReferencedBy []string `json:"referencedBy,omitempty"`
	Verdict      Verdict  `json:"verdict"`
	// Error says why the subject could not be judged. Empty unless the verdict is Undecided because of it.
	Error    string    `json:"error"`
	Findings []Finding `json:"findings"`

	// evidence is what the rules got to see, of one kind after the other. It is kept only for Inspect.
	evidence []any
}

// Finding is what a rule objects to, with its place.
type Finding struct {
	Rule        string            `json:"rule"`
	Severity    policies.Severity `json:"severity"`
	Message     string            `json:"message"`
	File        string            `json:"file,omitempty"`
	Line        int               `json:"line,omitempty"`
	Column      int               `json:"column,omitempty"`
	Path        string            `json:"path,omitempty"`
	Attack      []string          `json:"attack"`
	Remediation string            `json:"remediation"`
	Evidence    map[string]any    `json:"evidence,omitempty"`
	// Denies tells that the finding is bad enough to deny its subject: at least as severe as --fail-on and not waived.
	Denies bool    `json:"denies"`
	Waived *Waived `json:"waived,omitempty"`
}

// Waived says that a waiver of the configuration covers a finding.
type Waived struct {
	Reason  string `json:"reason"`
	Owner   string `json:"owner,omitempty"`
	Expires string `json:"expires"` // a day: 2027-03-01
}
