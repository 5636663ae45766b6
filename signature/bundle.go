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

// openBundle reads a bundle, whatever it holds.
func openBundle(data []byte) (*bundled, error) {
	b := &bundled{bundle: &bundle.Bundle{}}
	if err := b.bundle.UnmarshalJSON(data); err != nil {
		return nil, fmt.Errorf("it is no Sigstore bundle: %w", err)
	}
	if err := b.bounded(); err != nil {
		return nil, err
	}
	return b, b.readMaterial()
}

// readBundle reads a bundle that holds a statement, as those beside images do.
func readBundle(a image.Attachment) (*bundled, error) {
	b, err := openBundle(a.Payload)
	if err != nil {
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

// maxCertificates bounds the chain that a bundle may bring. sigstore-go bounds log entries and timestamps, to 32.
const maxCertificates = 10

// bounded refuses a chain that would cost more to read than any that is meant to be verified.
func (b *bundled) bounded() error {
	if n := len(b.bundle.GetVerificationMaterial().GetX509CertificateChain().GetCertificates()); n > maxCertificates {
		return fmt.Errorf("the bundle has a chain of %d certificates, more than %d", n, maxCertificates)
	}
	return nil
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
	for _, t := range b.times(result, a, trusted) {
		signer.SignedAt = earlier(signer.SignedAt, t)
	}
	if a.needsLog {
		signer.LogIndex = b.logIndex()
	}
	if subject := b.statement.about(digest); subject != nil {
		signer.DockerReference = subject.Name
		signer.Annotations = claimedAnnotations(subject.Annotations)
	}
	return signer, nil
}

// times are those that the log and timestamp authorities vouch for. A key is valid at any time, for which the
// verifier looked for none; the log may know one all the same, and where it does not, a timestamp authority.
func (b *bundled) times(result *verify.VerificationResult, a authority, trusted root.TrustedMaterial) (times []time.Time) {
	for _, t := range result.VerifiedTimestamps {
		if t.Type != currentTime {
			times = append(times, t.Timestamp)
		}
	}
	if a.key == nil || !a.needsLog || a.needsTimestamp {
		return times
	}
	logged, _ := verify.VerifyTlogEntry(b.bundle, keyMaterial{trusted, a.key}, 1, true)
	for _, t := range logged {
		times = append(times, t.Time)
	}
	if len(times) == 0 && a.usesTimestamp {
		stamped, _, _ := verify.VerifySignedTimestamp(b.bundle, trusted)
		for _, t := range stamped {
			times = append(times, t.Time)
		}
	}
	return times
}

// currentTime is how sigstore-go calls a time that nobody vouches for.
const currentTime = "CurrentTime"

// earlier returns the earlier one of two times, of which the first may not be known yet.
func earlier(known, t time.Time) time.Time {
	if known.IsZero() || t.Before(known) {
		return t.UTC()
	}
	return known
}

// verify verifies a bundle that holds a statement.
func (b *bundled) verify(digest v1.Hash, a authority, trusted root.TrustedMaterial) (*verify.VerificationResult, error) {
	result, err := b.prove(digest, a, trusted)
	if err != nil {
		return nil, err
	}
	if !b.statement.covers(digest) || result.Statement.GetPredicateType() != b.statement.PredicateType {
		return nil, errors.New("the verified statement is not the one that was read")
	}
	return result, nil
}

// prove is sigstore-go's judgement: the whole chain at each trusted time, the log entry and what it binds,
// the certificate's own log, the signature, and the subject.
func (b *bundled) prove(digest v1.Hash, a authority, trusted root.TrustedMaterial) (*verify.VerificationResult, error) {
	want, err := hex.DecodeString(digest.Hex)
	if err != nil {
		return nil, err
	}
	verifier, policy, err := b.terms(a, trusted)
	if err != nil {
		return nil, err
	}
	return verifier.Verify(b.bundle, verify.NewPolicy(verify.WithArtifactDigest(digest.Algorithm, want), policy))
}

// terms says what a signature must prove to count for an authority.
func (b *bundled) terms(a authority, trusted root.TrustedMaterial) (*verify.Verifier, verify.PolicyOption, error) {
	if a.key != nil {
		verifier, err := verify.NewVerifier(keyMaterial{trusted, a.key}, a.options()...)
		return verifier, verify.WithKey(), err
	}
	verifier, err := verify.NewVerifier(trusted, a.options()...)
	if err != nil {
		return nil, nil, err
	}
	who, err := a.identity.sigstore()
	return verifier, verify.WithCertificateIdentity(who), err
}

// options are what a signature must prove, in sigstore-go's terms. Observers are both logs and timestamp
// authorities: whoever of them tells a time, the chain must be valid then.
func (a authority) options() []verify.VerifierOption {
	var options []verify.VerifierOption
	if a.needsLog {
		options = append(options, verify.WithTransparencyLog(1))
	}
	if a.needsSCT {
		options = append(options, verify.WithSignedCertificateTimestamps(1))
	}
	switch {
	case a.needsTimestamp:
		return append(options, verify.WithSignedTimestamps(1), verify.WithObserverTimestamps(1))
	case a.key != nil:
		return append(options, verify.WithNoObserverTimestamps())
	case a.now:
		return append(options, verify.WithCurrentTime())
	case !a.usesTimestamp:
		return append(options, verify.WithIntegratedTimestamps(1))
	}
	return append(options, verify.WithObserverTimestamps(1))
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
	if timestamps, e := b.bundle.Timestamps(); a.needsTimestamp && e == nil && len(timestamps) == 0 {
		return refuse(depthTrust, "%s", noTimestamp)
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
