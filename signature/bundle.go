package signature

import (
	"context"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"

	"github.com/tidewaiter/tidewaiter/image"
)

// bundled is a signature or attestation of the layout that cosign v3 writes: a Sigstore bundle around an in-toto
// statement.
type bundled struct {
	bundle    *bundle.Bundle
	statement *statement
	cert      *x509.Certificate // nil if it is signed with a plain key
	names     certificateNames
}

func readBundle(a image.Attachment) (*bundled, error) {
	b := &bundled{bundle: &bundle.Bundle{}}
	if err := b.bundle.UnmarshalJSON(a.Payload); err != nil {
		return nil, fmt.Errorf("it is no Sigstore bundle: %w", err)
	}
	if err := b.readMaterial(); err != nil {
		return nil, err
	}
	envelope, err := b.bundle.Envelope()
	if err != nil {
		return nil, errors.New("the bundle holds no statement about an image, but a signature of some file")
	}
	if envelope.RawEnvelope().PayloadType != statementPayloadType {
		return nil, fmt.Errorf("the bundle's payload is of type %s, which is not an in-toto statement", quote(envelope.RawEnvelope().PayloadType))
	}
	payload, err := envelope.RawEnvelope().DecodeB64Payload()
	if err != nil {
		return nil, fmt.Errorf("the bundle's statement cannot be read: %w", err)
	}
	b.statement, err = readStatement(payload)
	return b, err
}

// readMaterial reads the certificate, if there is one.
func (b *bundled) readMaterial() error {
	content, err := b.bundle.VerificationContent()
	if err != nil {
		return fmt.Errorf("the bundle cannot be read: %w", err)
	}
	if b.cert = content.Certificate(); b.cert != nil {
		b.names, err = readNames(b.cert)
	}
	return err
}

func (b *bundled) check(_ context.Context, digest v1.Hash, a authority, trusted root.TrustedMaterial) (Signer, *refusal) {
	result, err := b.verify(digest, a, trusted)
	if err != nil {
		return Signer{}, b.explain(digest, a, err)
	}
	signer := Signer{}
	for _, t := range result.VerifiedTimestamps {
		signer.SignedAt = earlier(signer.SignedAt, t.Timestamp)
	}
	if a.needsLog {
		signer.LogIndex = b.logIndex()
	}
	if a.needsLog && a.key != nil {
		// A key needs no time to be valid, so the verifier gave none; the log may still know it.
		times, _ := verify.VerifyTlogEntry(b.bundle, keyMaterial{trusted, a.key}, 1, true)
		for _, t := range times {
			signer.SignedAt = earlier(signer.SignedAt, t.Time)
		}
	}
	return signer, nil
}

// earlier returns the earlier one of two times, of which the first may not be known yet.
func earlier(known, t time.Time) time.Time {
	if known.IsZero() || t.Before(known) {
		return t.UTC()
	}
	return known
}

// verify is sigstore-go's judgement: the whole chain at each trusted time, the log entry and what it binds,
// the certificate's own log, the signature, and the subject.
func (b *bundled) verify(digest v1.Hash, a authority, trusted root.TrustedMaterial) (*verify.VerificationResult, error) {
	want, err := hex.DecodeString(digest.Hex)
	if err != nil {
		return nil, err
	}
	verifier, policy, err := b.terms(a, trusted)
	if err != nil {
		return nil, err
	}
	result, err := verifier.Verify(b.bundle, verify.NewPolicy(verify.WithArtifactDigest(digest.Algorithm, want), policy))
	if err != nil {
		return nil, err
	}
	if !b.statement.covers(digest) || result.Statement.GetPredicateType() != b.statement.PredicateType {
		return nil, errors.New("the verified statement is not the one that was read")
	}
	return result, nil
}

// terms says what a signature must prove to count for an authority.
func (b *bundled) terms(a authority, trusted root.TrustedMaterial) (*verify.Verifier, verify.PolicyOption, error) {
	if a.identity != nil {
		verifier, err := verify.NewVerifier(trusted, verify.WithSignedCertificateTimestamps(1),
			verify.WithTransparencyLog(1), verify.WithObserverTimestamps(1))
		if err != nil {
			return nil, nil, err
		}
		who, err := a.identity.sigstore()
		return verifier, verify.WithCertificateIdentity(who), err
	}
	material := keyMaterial{TrustedMaterial: trusted, key: a.key}
	options := []verify.VerifierOption{verify.WithNoObserverTimestamps()}
	if a.needsLog {
		options = append(options, verify.WithTransparencyLog(1))
	}
	verifier, err := verify.NewVerifier(material, options...)
	return verifier, verify.WithKey(), err
}

// keyMaterial trusts one key, whatever hint a bundle gives, beside what a trusted root trusts.
type keyMaterial struct {
	root.TrustedMaterial
	key *publicKey
}

// PublicKeyVerifier returns the key.
func (m keyMaterial) PublicKeyVerifier(string) (root.TimeConstrainedVerifier, error) {
	return root.NewExpiringKey(m.key, time.Time{}, time.Time{}), nil
}

// explain finds the most telling reason for which sigstore-go refused the signature.
func (b *bundled) explain(digest v1.Hash, a authority, err error) *refusal {
	if a.key != nil {
		if !b.signedWith(a.key) {
			return foreignKey(b.cert, b.names)
		}
	} else if r := foreignIdentity(*a.identity, b.cert, b.names); r != nil {
		return r
	}
	if !b.statement.covers(digest) {
		return refuse(depthClaim, "signature does not cover %s; it names %s", digest, b.statement.subjects())
	}
	if entries, e := b.bundle.TlogEntries(); a.needsLog && e == nil && len(entries) == 0 {
		return refuse(depthTrust, "%s", noLogEntry)
	}
	return refuse(depthTrust, "%v", err)
}

func (b *bundled) signedWith(key *publicKey) bool {
	content, err := b.bundle.VerificationContent()
	if err != nil || content.PublicKey() == nil {
		return false
	}
	envelope, err := b.bundle.SignatureContent()
	return err == nil && verify.VerifySignature(envelope, content, keyMaterial{key: key}) == nil
}

// logIndex is the place of the signature in the log, if it was proven: an index beside an inclusion proof alone
// is not signed by anybody, but the proof's own is.
func (b *bundled) logIndex() *int64 {
	entries, err := b.bundle.TlogEntries()
	if err != nil || len(entries) != 1 {
		return nil
	}
	entry := entries[0]
	index := entry.LogIndex()
	if !entry.HasInclusionPromise() {
		index = entry.TransparencyLogEntry().GetInclusionProof().GetLogIndex()
	}
	return &index
}
