package signature

import (
	"fmt"
	"strings"
)

// Policy says which images must be vouched for, and by whom. Every entry that matches an image must hold.
type Policy struct {
	Entries []Entry `yaml:"trust" json:"trust"`
}

// Entry is one requirement: the images that it is about, and who must vouch for them.
type Entry struct {
	// Images are patterns of repositories: host and path, without tag or digest. "*" stands for exactly one
	// component of the path and "**" for any number of them, none included. A pattern is canonical like a
	// reference: "nginx" is docker.io/library/nginx.
	Images []string `yaml:"images" json:"images"`
	// Threshold is how many distinct keys or identities must have signed. 0 means 1.
	Threshold int `yaml:"threshold,omitempty" json:"threshold,omitempty"`
	// Authorities are who may sign. Any of them does, up to Threshold of them. There may be none if the entry
	// asks only for attestations, and each of these names its own.
	Authorities []Authority `yaml:"authorities,omitempty" json:"authorities,omitempty"`
	// Attestations must all be there, each about the same digest as the signatures.
	Attestations []Requirement `yaml:"attestations,omitempty" json:"attestations,omitempty"`
	// EveryChild asks for signatures and attestations of each platform's own manifest, instead of the index
	// that lists them. An image that is no index is its own only child.
	EveryChild bool `yaml:"everyChild,omitempty" json:"everyChild,omitempty"`
	// Signatures is the repository (host and path) where signatures and attestations are kept, if it is not the
	// image's own: what cosign calls COSIGN_REPOSITORY.
	Signatures string `yaml:"signatures,omitempty" json:"signatures,omitempty"`
	// MatchReference asks that a signature names the image's repository: without it, an image that was copied
	// with its signature is as good as the original.
	MatchReference bool `yaml:"matchReference,omitempty" json:"matchReference,omitempty"`
	// Annotations must all stand in a signature's signed claim, with these values.
	Annotations map[string]string `yaml:"annotations,omitempty" json:"annotations,omitempty"`
	// MaxAge is how long ago a signature or attestation may have been made, by a trusted clock. 0: any time.
	MaxAge Age `yaml:"maxAge,omitempty" json:"maxAge,omitempty"`
}

// Authority is somebody who may vouch. Exactly one of Key, Certificate and Keyless is set.
type Authority struct {
	// Key is the path of a file with one public key in PEM, relative to the configuration's folder, or the
	// reference of a key in a key management service: awskms://, azurekms://, gcpkms:// or hashivault://.
	Key string `yaml:"key,omitempty" json:"key,omitempty"`
	// Certificate is an identity in certificates of an authority of one's own.
	Certificate *Certificate `yaml:"certificate,omitempty" json:"certificate,omitempty"`
	// Keyless is an identity in certificates of a Sigstore certificate authority.
	Keyless *Keyless `yaml:"keyless,omitempty" json:"keyless,omitempty"`
	// TransparencyLog is Required, or Ignore, which is what the empty string means for a key: its signature is
	// complete in itself (docs/decisions/0001). Certificates need the log, because nothing else tells when they
	// were used, unless Timestamp is Required instead.
	TransparencyLog string `yaml:"transparencyLog,omitempty" json:"transparencyLog,omitempty"`
	// Timestamp is Required for a signed timestamp (RFC 3161) of an authority in the trusted root, Ignore, or
	// empty: it is looked at where no log told the time.
	Timestamp string `yaml:"timestamp,omitempty" json:"timestamp,omitempty"`
	// CertificateLog is Required, which the empty string means for keyless authorities, or Ignore: the certificate
	// needs no timestamp of a certificate transparency log. GitHub's own trusted root has no such log.
	CertificateLog string `yaml:"certificateLog,omitempty" json:"certificateLog,omitempty"`
	// TrustedRoot names one of the configuration's trustedRoots. Empty: its trustedRoot.
	TrustedRoot string `yaml:"trustedRoot,omitempty" json:"trustedRoot,omitempty"`
}

// The values of Authority.TransparencyLog, Timestamp and CertificateLog.
const (
	// Required wants the proof.
	Required = "required"
	// Ignore does without it. A stolen key that no log needs to have seen leaves no trace.
	Ignore = "ignore"
)

// Certificate is an identity as certificates of one's own authority name it. Subject must be constrained, either
// exactly or by a pattern: a regular expression that must match the whole value. Issuer may be: it is who
// Sigstore's certificate extension says has logged the subject in.
type Certificate struct {
	// Roots is the path of a PEM file with the authority's root certificates, and intermediate ones after them.
	Roots          string `yaml:"roots" json:"roots"`
	Issuer         string `yaml:"issuer,omitempty" json:"issuer,omitempty"`
	IssuerPattern  string `yaml:"issuerPattern,omitempty" json:"issuerPattern,omitempty"`
	Subject        string `yaml:"subject,omitempty" json:"subject,omitempty"`
	SubjectPattern string `yaml:"subjectPattern,omitempty" json:"subjectPattern,omitempty"`
}

// Keyless is an identity as Sigstore's certificates name it. Issuer and subject must both be constrained, each
// either exactly or by a pattern: a regular expression that must match the whole value.
type Keyless struct {
	Issuer         string `yaml:"issuer,omitempty" json:"issuer,omitempty"`
	IssuerPattern  string `yaml:"issuerPattern,omitempty" json:"issuerPattern,omitempty"`
	Subject        string `yaml:"subject,omitempty" json:"subject,omitempty"`
	SubjectPattern string `yaml:"subjectPattern,omitempty" json:"subjectPattern,omitempty"`
	// Claims constrain further what the certificate says of the workflow that signed.
	Claims *Claims `yaml:"claims,omitempty" json:"claims,omitempty"`
}

// Claims are what a certificate must say of the CI workflow that signed (Fulcio's OID extensions). Each may be
// wanted exactly or by a pattern of the whole value.
type Claims struct {
	// Repository is the source repository: its URL, or owner/name at GitHub.
	Repository        string `yaml:"repository,omitempty" json:"repository,omitempty"`
	RepositoryPattern string `yaml:"repositoryPattern,omitempty" json:"repositoryPattern,omitempty"`
	// Ref is the git ref that was built: refs/heads/main.
	Ref        string `yaml:"ref,omitempty" json:"ref,omitempty"`
	RefPattern string `yaml:"refPattern,omitempty" json:"refPattern,omitempty"`
	// Trigger is the event that started the workflow: push.
	Trigger        string `yaml:"trigger,omitempty" json:"trigger,omitempty"`
	TriggerPattern string `yaml:"triggerPattern,omitempty" json:"triggerPattern,omitempty"`
	// Runner is where it ran: github-hosted or self-hosted.
	Runner string `yaml:"runner,omitempty" json:"runner,omitempty"`
}

// Requirement is an attestation that must be there.
type Requirement struct {
	// PredicateType is the exact type URI of the attestation's predicate.
	PredicateType string `yaml:"predicateType" json:"predicateType"`
	// Authorities are who may attest; none means those of the entry. Threshold is how many must; 0 means 1.
	Authorities []Authority `yaml:"authorities,omitempty" json:"authorities,omitempty"`
	Threshold   int         `yaml:"threshold,omitempty" json:"threshold,omitempty"`
	// MaxAge is how long ago it may have been made; 0 means the entry's.
	MaxAge Age `yaml:"maxAge,omitempty" json:"maxAge,omitempty"`
	// Provenance says what SLSA provenance must tell.
	Provenance *ProvenanceTerms `yaml:"provenance,omitempty" json:"provenance,omitempty"`
	// Vulnerabilities says what a vulnerability report may tell.
	Vulnerabilities *VulnerabilityTerms `yaml:"vulnerabilities,omitempty" json:"vulnerabilities,omitempty"`
	// Rules is a folder of Rego in conftest's dialect that judges the whole in-toto statement.
	Rules string `yaml:"rules,omitempty" json:"rules,omitempty"`
}

// ProvenanceTerms are what SLSA provenance (v0.2 or v1) must tell. Each may be wanted exactly or by a pattern
// of the whole value.
type ProvenanceTerms struct {
	// Builder is the ID of the platform that built.
	Builder        string `yaml:"builder,omitempty" json:"builder,omitempty"`
	BuilderPattern string `yaml:"builderPattern,omitempty" json:"builderPattern,omitempty"`
	// Source is the repository that was built, with or without the git+ before its scheme.
	Source        string `yaml:"source,omitempty" json:"source,omitempty"`
	SourcePattern string `yaml:"sourcePattern,omitempty" json:"sourcePattern,omitempty"`
	// Ref is the git ref of the source.
	Ref        string `yaml:"ref,omitempty" json:"ref,omitempty"`
	RefPattern string `yaml:"refPattern,omitempty" json:"refPattern,omitempty"`
	// BuildType is the URI of how the build is described.
	BuildType        string `yaml:"buildType,omitempty" json:"buildType,omitempty"`
	BuildTypePattern string `yaml:"buildTypePattern,omitempty" json:"buildTypePattern,omitempty"`
}

// VulnerabilityTerms are what a vulnerability report may tell.
type VulnerabilityTerms struct {
	// Worst is the worst severity that is still accepted: none, low, medium, high or critical.
	Worst string `yaml:"worst,omitempty" json:"worst,omitempty"`
	// MaxAge is how long ago the scan may have been; 0: any time.
	MaxAge Age `yaml:"maxAge,omitempty" json:"maxAge,omitempty"`
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
