package signature

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sigstore/cosign/v2/pkg/cosign"
	cosignbundle "github.com/sigstore/cosign/v2/pkg/cosign/bundle"
	"github.com/sigstore/cosign/v2/pkg/oci"
	"github.com/sigstore/cosign/v2/pkg/oci/static"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/cryptoutils"

	"github.com/tidewaiter/tidewaiter/image"
)

// classic is what signatures and attestations of cosign's classic layout have in common: the certificate and
// the log's promise stand in annotations beside the payload.
type classic struct {
	payload   []byte
	signature []byte            // empty for an attestation, whose envelope holds it
	cert      *x509.Certificate // nil if it is signed with a plain key
	names     certificateNames
	log       *cosignbundle.RekorBundle      // nil if no log knows it
	timestamp *cosignbundle.RFC3161Timestamp // nil if no timestamp authority has seen it
	// proven are the times that settle found to be proven, earliest first.
	proven []time.Time
}

func readClassic(a image.Attachment) (c classic, err error) {
	c.payload = a.Payload
	if text := a.Annotations[static.CertificateAnnotationKey]; text != "" {
		if err := c.readCertificate(text); err != nil {
			return classic{}, err
		}
	}
	if text := a.Annotations[static.BundleAnnotationKey]; text != "" {
		if c.log, err = readLog(text); err != nil {
			return classic{}, err
		}
	}
	if text := a.Annotations[static.RFC3161TimestampAnnotationKey]; text != "" {
		if c.timestamp, err = readTimestamp(text); err != nil {
			return classic{}, err
		}
	}
	return c, nil
}

// readCertificate reads the leaf. The chain annotation beside it is not looked at: the trusted root knows the
// intermediates, and an attacker's have no say.
func (c *classic) readCertificate(text string) error {
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE" || len(bytes.TrimSpace(rest)) > 0 {
		return errors.New("the certificate annotation is not one certificate in PEM")
	}
	var err error
	if c.cert, err = x509.ParseCertificate(block.Bytes); err != nil {
		return fmt.Errorf("the certificate cannot be read: %w", err)
	}
	c.names, err = readNames(c.cert)
	return err
}

// readLog reads the promise of a transparency log to include the signature.
func readLog(text string) (*cosignbundle.RekorBundle, error) {
	var log *cosignbundle.RekorBundle
	if err := json.Unmarshal([]byte(text), &log); err != nil {
		return nil, fmt.Errorf("the log entry is not JSON: %w", err)
	}
	if log == nil {
		return nil, errors.New("the log entry is null")
	}
	// cosign takes it for granted that the body is a string, and ignores where it stops being base64.
	body, ok := log.Payload.Body.(string)
	if !ok || body == "" {
		return nil, errors.New("the log entry has no body")
	}
	if _, err := base64.StdEncoding.Strict().DecodeString(body); err != nil {
		return nil, fmt.Errorf("the body of the log entry is not base64: %w", err)
	}
	return log, nil
}

// readTimestamp reads the answer of a timestamp authority (RFC 3161).
func readTimestamp(text string) (*cosignbundle.RFC3161Timestamp, error) {
	var timestamp *cosignbundle.RFC3161Timestamp
	if err := json.Unmarshal([]byte(text), &timestamp); err != nil {
		return nil, fmt.Errorf("the timestamp is not JSON: %w", err)
	}
	if timestamp == nil || len(timestamp.SignedRFC3161Timestamp) == 0 {
		return nil, errors.New("the timestamp is empty")
	}
	return timestamp, nil
}

// terms are cosign's options for an authority, all but the claim.
func (c *classic) terms(a authority, trusted root.TrustedMaterial) *cosign.CheckOpts {
	options := &cosign.CheckOpts{Offline: true, IgnoreTlog: !a.needsLog, IgnoreSCT: !a.needsSCT, TrustedMaterial: trusted}
	if a.usesTimestamp && c.timestamp != nil {
		// cosign crashes on a timestamp that does not verify.
		_, err := c.stamped(trusted)
		options.UseSignedTimestamps = err == nil
	}
	if a.key != nil {
		options.SigVerifier = a.key
	} else {
		options.Identities = []cosign.Identity{a.identity.cosign()}
	}
	return options
}

// stamped returns the time that a timestamp authority vouches for. It has seen the signature, or an attestation's
// whole envelope.
func (c *classic) stamped(trusted root.TrustedMaterial) (time.Time, error) {
	signed := c.signature
	if len(signed) == 0 {
		signed = c.payload
	}
	why := errors.New("no timestamp authority is trusted")
	for _, authority := range trusted.TimestampingAuthorities() {
		at, err := authority.Verify(c.timestamp.SignedRFC3161Timestamp, signed)
		if err == nil {
			return at.Time.UTC(), nil
		}
		why = err
	}
	return time.Time{}, fmt.Errorf("the timestamp could not be verified: %w", why)
}

// settle is what cosign v2 leaves out, once it has accepted a signature. logged is what it says of the log.
func (c *classic) settle(a authority, logged bool, trusted root.TrustedMaterial) error {
	c.proven = nil
	if a.needsLog {
		if !logged {
			return errors.New("no transparency log entry was verified")
		}
		c.proven = append(c.proven, c.loggedAt())
	}
	switch {
	case a.needsTimestamp && c.timestamp == nil:
		return errors.New(noTimestamp)
	case a.usesTimestamp && c.timestamp != nil:
		at, err := c.stamped(trusted)
		if err == nil {
			c.proven = append(c.proven, at)
		} else if a.needsTimestamp {
			return err
		}
	}
	slices.SortFunc(c.proven, time.Time.Compare)
	if a.identity == nil {
		return nil
	}
	return c.chain(a, trusted)
}

// chain verifies the whole chain, root included, at all times that are proven. cosign v2 compares only the leaf
// with them, and accepts an intermediate that had expired by then (CVE-2026-24122).
func (c *classic) chain(a authority, trusted root.TrustedMaterial) error {
	times := c.proven
	if len(times) == 0 {
		if !a.now {
			return errors.New("nothing that is trusted tells when it was signed")
		}
		times = []time.Time{time.Now().UTC()}
	}
	for _, at := range times {
		if _, err := verify.VerifyLeafCertificate(at, c.cert, trusted); err != nil {
			return fmt.Errorf("the certificate chain was not valid at the time of the signature (%s): %w", at.Format(time.RFC3339), err)
		}
	}
	return nil
}

// layer is the signature as cosign wants it. A key's signature counts without its certificate, which is handed
// over only for the log, where the certificate may stand in place of the key.
func (c *classic) layer(a authority) (oci.Signature, error) {
	options := []static.Option{static.WithBundle(c.log), static.WithRFC3161Timestamp(c.timestamp)}
	if c.cert != nil && (a.needsLog || a.identity != nil) {
		cert, err := cryptoutils.MarshalCertificateToPEM(c.cert)
		if err != nil {
			return nil, err
		}
		options = append(options, static.WithCertChain(cert, nil))
	}
	if len(c.signature) == 0 {
		return static.NewAttestation(c.payload, options...)
	}
	return static.NewSignature(c.payload, base64.StdEncoding.EncodeToString(c.signature), options...)
}

// loggedAt is the time that the log vouches for. It may be trusted only once the log entry was verified.
func (c *classic) loggedAt() time.Time { return time.Unix(c.log.Payload.IntegratedTime, 0).UTC() }

// proof is what a signature that settle has accepted tells beside who made it.
func (c *classic) proof(a authority) Signer {
	var out Signer
	if len(c.proven) > 0 {
		out.SignedAt = c.proven[0]
	}
	if a.needsLog {
		out.LogIndex = &c.log.Payload.LogIndex
	}
	return out
}

// lacking says which proof a signature does not even claim to have, nil if it claims all that the authority wants.
func (c *classic) lacking(a authority) *refusal {
	switch {
	case a.needsLog && c.log == nil:
		return refuse(depthTrust, "%s", noLogEntry)
	case a.needsTimestamp && c.timestamp == nil:
		return refuse(depthTrust, "%s", noTimestamp)
	}
	return nil
}

// The reasons for which a signature is refused that no log knows, or no timestamp authority.
const (
	noLogEntry  = "no transparency log entry, which the policy requires"
	noTimestamp = "no timestamp, which the policy requires"
)
