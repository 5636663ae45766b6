package signature

import (
	"fmt"
	"strings"
)

// Policy says which images must be vouched for, and by whom. Every entry that matches an image must hold.
type Policy struct {
	Entries []Entry `yaml:"trust" json:"trust"`
}

// Entry is one requirement: the images that it is about, and who may vouch for them.
type Entry struct {
	// Images are patterns of repositories: host and path, without tag or digest. "*" stands for exactly one
	// component of the path and "**" for any number of them, none included. A pattern is canonical like a
	// reference: "nginx" is docker.io/library/nginx.
	Images []string `yaml:"images" json:"images"`
	// Threshold is how many distinct keys or identities must vouch for an image. 0 means 1.
	Threshold int `yaml:"threshold" json:"threshold,omitempty"`
	// Authorities are who may vouch. Any of them does, up to Threshold of them.
	Authorities []Authority `yaml:"authorities" json:"authorities"`
}

// Authority is a public key or an identity in certificates of a Sigstore certificate authority. Exactly one
// of Key and Keyless is set.
type Authority struct {
	// Key is the path of a file with one public key in PEM, relative to the configuration's folder.
	Key string `yaml:"key" json:"key,omitempty"`
	// TransparencyLog is TransparencyLogRequired, or TransparencyLogIgnore, which is what the empty string
	// means for a key: its signature is complete in itself (docs/decisions/0001). A keyless authority always
	// needs the log: nothing else tells when a short-lived certificate was used.
	TransparencyLog string   `yaml:"transparencyLog" json:"transparencyLog,omitempty"`
	Keyless         *Keyless `yaml:"keyless" json:"keyless,omitempty"`
}

// The values of Authority.TransparencyLog.
const (
	// TransparencyLogRequired wants proof that the signature is in a transparency log of the trusted root.
	TransparencyLogRequired = "required"
	// TransparencyLogIgnore accepts a key's signature that no log has seen: a stolen key leaves no trace then.
	TransparencyLogIgnore = "ignore"
)

// Keyless is an identity as certificates name it. Issuer and subject must both be constrained, each either
// exactly or by a pattern: a regular expression that must match the whole value.
type Keyless struct {
	Issuer         string `yaml:"issuer" json:"issuer,omitempty"`
	IssuerPattern  string `yaml:"issuerPattern" json:"issuerPattern,omitempty"`
	Subject        string `yaml:"subject" json:"subject,omitempty"`
	SubjectPattern string `yaml:"subjectPattern" json:"subjectPattern,omitempty"`
}

// Problem is one thing in a policy that cannot be meant.
type Problem struct {
	// Path leads to the value from the root of the configuration: "trust", then keys and list indexes.
	Path []any
	// Message says what is wrong and how to write it right.
	Message string
}

func (p Problem) String() string {
	var b strings.Builder
	for _, step := range p.Path {
		switch step := step.(type) {
		case int:
			fmt.Fprintf(&b, "[%d]", step)
		default:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			fmt.Fprint(&b, step)
		}
	}
	return b.String() + ": " + p.Message
}

// PolicyError holds all the problems of a policy, in the order of the policy.
type PolicyError struct {
	Problems []Problem
}

// Error lists the problems, one a line.
func (e *PolicyError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Validate reports everything in the policy that cannot be meant, as a *PolicyError. It reads the key files,
// whose paths are relative to dir, and needs no network.
func (p Policy) Validate(dir string) error {
	_, err := compile(p, dir)
	return err
}
