// Package signature says who vouches for an image's digest: which signatures and attestations stand beside
// it, which of them verify against the keys and identities of a trust policy, and why the others do not.
// An unsigned image is a Result; an error means that it could not be found out.
package signature

import "time"

// Result is what was found out about the signatures of one digest.
type Result struct {
	// Digest is the digest that every signer of this result vouches for.
	Digest string `json:"digest"`
	// Configured tells that the policy has any entry at all.
	Configured bool `json:"configured"`
	// Entries are the policy's entries that match the image, each with whether it holds.
	Entries []EntryResult `json:"entries"`
	// Signers are the distinct keys and identities whose signatures verified under a matching entry.
	Signers []Signer `json:"signers"`
	// Rejected are the signatures that were found and do not count, each with the reason.
	Rejected []Rejection `json:"rejected"`
	// Found counts all signatures that stood beside the image, good and bad.
	Found int `json:"found"`
}

// EntryResult tells how one matching entry of the policy fared.
type EntryResult struct {
	Images    []string `json:"images"`
	Held      bool     `json:"held"`
	Threshold int      `json:"threshold"`
	Signers   []Signer `json:"signers"`
	// Missing says in words what the entry still lacks. Empty if it held.
	Missing string `json:"missing,omitempty"`
}

// Signer is a key or an identity that vouches for the digest.
type Signer struct {
	// Kind is "key" or "keyless".
	Kind string `json:"kind"`
	// Key is how the policy names the key; Fingerprint is the SHA-256 of its DER form.
	Key         string `json:"key,omitempty"`
	Fingerprint string `json:"fingerprint,omitempty"`
	// Issuer and Subject are of the certificate of a keyless signature.
	Issuer  string `json:"issuer,omitempty"`
	Subject string `json:"subject,omitempty"`
	// Layout is where the signature stood: "tag" or "referrer".
	Layout string `json:"layout"`
	// SignedAt is the trusted time of the signature (log or timestamp authority); zero if there is none.
	SignedAt time.Time `json:"signedAt,omitzero"`
	LogIndex *int64    `json:"logIndex,omitempty"`
	// DockerReference is the image name inside the signed claim. It is a claim, not a proof.
	DockerReference string `json:"dockerReference,omitempty"`
}

// Rejection is a signature that does not count, and why.
type Rejection struct {
	Layout string `json:"layout"`
	// Manifest is the digest of the manifest that carries the signature.
	Manifest string `json:"manifest"`
	// Authority is the key or identity that it was checked against.
	Authority string `json:"authority"`
	// Issuer and Subject are what its certificate claims, if it has one that could be read.
	Issuer  string `json:"issuer,omitempty"`
	Subject string `json:"subject,omitempty"`
	Reason  string `json:"reason"`
}
