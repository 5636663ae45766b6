// Package signature says who vouches for an image's digest: which signatures and attestations stand beside
// it, which of them verify against the keys and identities of a trust policy, and why the others do not.
// An unsigned image is a Result; an error means that it could not be found out.
package signature

import "time"

// Result is what was found out about the signatures and attestations of one image.
type Result struct {
	// Digest is the image's digest. Signers vouch for it, or, under an entry with everyChild, for the digest of
	// every platform's manifest.
	Digest string `json:"digest"`
	// Configured tells that the policy has any entry at all.
	Configured bool `json:"configured"`
	// Entries are the policy's entries that match the image, each with whether it holds.
	Entries []EntryResult `json:"entries"`
	// Signers are the distinct keys and identities whose signatures verified under a matching entry.
	Signers []Signer `json:"signers"`
	// Attestations are those that verified under a requirement of a matching entry.
	Attestations []Attestation `json:"attestations"`
	// Rejected are the signatures and attestations that were found and do not count, each with the reason.
	Rejected []Rejection `json:"rejected"`
	// Found counts all signatures that stood beside the image, good and bad; FoundAttestations the attestations.
	Found             int `json:"found"`
	FoundAttestations int `json:"foundAttestations"`
}

// EntryResult tells how one matching entry of the policy fared.
type EntryResult struct {
	Images []string `json:"images"`
	// Held tells that everything is there that the entry asks for.
	Held bool `json:"held"`
	// Signed tells that enough signers vouch; so it is if the entry asks for none.
	Signed    bool     `json:"signed"`
	Threshold int      `json:"threshold"`
	Signers   []Signer `json:"signers"`
	// Missing says in words which signatures the entry still lacks. Empty if it is signed.
	Missing string `json:"missing,omitempty"`
	// Attestations tell how each of the entry's requirements fared, in the order of the policy.
	Attestations []RequirementResult `json:"attestations"`
}

// RequirementResult tells how one required attestation fared.
type RequirementResult struct {
	PredicateType string   `json:"predicateType"`
	Held          bool     `json:"held"`
	Threshold     int      `json:"threshold"`
	Signers       []Signer `json:"signers"`
	// Missing says in words what is lacking. Empty if it held.
	Missing string `json:"missing,omitempty"`
}

// Signer is a key or an identity that vouches for a digest.
type Signer struct {
	// Kind is "key", "certificate" or "keyless".
	Kind string `json:"kind"`
	// Key is how the policy names the key; Fingerprint is the SHA-256 of its DER form.
	Key         string `json:"key,omitempty"`
	Fingerprint string `json:"fingerprint,omitempty"`
	// Issuer and Subject are of the certificate.
	Issuer  string `json:"issuer,omitempty"`
	Subject string `json:"subject,omitempty"`
	// Roots is how the policy names the file of the certificate's own authority.
	Roots string `json:"roots,omitempty"`
	// Workflow is what the certificate says of the CI workflow that signed.
	Workflow *Workflow `json:"workflow,omitempty"`
	// Layout is where the signature stood: "tag" or "referrer".
	Layout string `json:"layout"`
	// SignedAt is the trusted time of the signature (log or timestamp authority); zero if there is none.
	SignedAt time.Time `json:"signedAt,omitzero"`
	LogIndex *int64    `json:"logIndex,omitempty"`
	// DockerReference is the image name inside the signed claim. It is a claim, not a proof.
	DockerReference string `json:"dockerReference,omitempty"`
	// Annotations are those of the signed claim.
	Annotations map[string]string `json:"annotations,omitempty"`
}

// Workflow is what a Sigstore certificate says of the CI workflow that it was issued to (Fulcio's OID
// extensions 1.3.6.1.4.1.57264.1.2 and on).
type Workflow struct {
	Repository string `json:"repository,omitempty"`
	Ref        string `json:"ref,omitempty"`
	Commit     string `json:"commit,omitempty"`
	Trigger    string `json:"trigger,omitempty"`
	Runner     string `json:"runner,omitempty"`
	// Run is the address of the run.
	Run string `json:"run,omitempty"`
}

// Attestation is a statement about the image that somebody whom the policy trusts for it has signed.
type Attestation struct {
	PredicateType string `json:"predicateType"`
	// Subject is the digest that it is about: the image's, or, under an entry with everyChild, a platform's.
	Subject string `json:"subject"`
	Layout  string `json:"layout"`
	// Manifest is the digest of the manifest that carries it.
	Manifest string   `json:"manifest"`
	Signers  []Signer `json:"signers"`
	// At most one of the following is set: what the predicate tells, if its type is known.
	Provenance      *Provenance          `json:"provenance,omitempty"`
	SBOM            *AttestedSBOM        `json:"sbom,omitempty"`
	Vulnerabilities *VulnerabilityReport `json:"vulnerabilities,omitempty"`
	VEX             *VEX                 `json:"vex,omitempty"`
}

// Rejection is a signature or attestation that does not count, and why.
type Rejection struct {
	Layout string `json:"layout"`
	// Manifest is the digest of the manifest that carries the signature.
	Manifest string `json:"manifest"`
	// PredicateType is what an attestation claims to be; empty for signatures.
	PredicateType string `json:"predicateType,omitempty"`
	// Authority is the key or identity that it was checked against.
	Authority string `json:"authority"`
	// Issuer and Subject are what its certificate claims, if it has one that could be read.
	Issuer  string `json:"issuer,omitempty"`
	Subject string `json:"subject,omitempty"`
	Reason  string `json:"reason"`
}
