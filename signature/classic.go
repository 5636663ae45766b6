package signature

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
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
	log       *cosignbundle.RekorBundle // nil if no log knows it
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

// terms are cosign's options for an authority, all but the claim.
func (c *classic) terms(a authority, trusted root.TrustedMaterial) *cosign.CheckOpts {
	options := &cosign.CheckOpts{Offline: true, IgnoreTlog: !a.needsLog}
	if a.needsLog {
		options.TrustedMaterial = trusted
	}
	if a.key != nil {
		options.SigVerifier = a.key
	} else {
		options.Identities = []cosign.Identity{a.identity.cosign()}
	}
	return options
}

// settle is what cosign v2 leaves out, once it has accepted a signature. logged is what it says of the log.
func (c *classic) settle(a authority, logged bool, trusted root.TrustedMaterial) error {
	switch {
	case a.needsLog && !logged:
		return errors.New("no transparency log entry was verified")
	case a.identity != nil:
		return c.chainAt(c.loggedAt(), trusted)
	}
	return nil
}

// layer is the signature as cosign wants it. A key's signature counts without its certificate, which is handed
// over only for the log, where the certificate may stand in place of the key.
func (c *classic) layer(a authority) (oci.Signature, error) {
	options := []static.Option{static.WithBundle(c.log)}
	if c.cert != nil && a.needsLog {
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

// chainAt verifies the whole chain, root included, at the time of the signature. cosign v2 compares only the
// leaf with that time, and accepts an intermediate that had expired by then (CVE-2026-24122).
func (c *classic) chainAt(at time.Time, trusted root.TrustedMaterial) error {
	if _, err := verify.VerifyLeafCertificate(at, c.cert, trusted); err != nil {
		return fmt.Errorf("the certificate chain was not valid when the signature was logged (%s): %w", at.Format(time.RFC3339), err)
	}
	return nil
}

// proof is what an accepted signature tells beside who made it.
func (c *classic) proof(a authority) Signer {
	if !a.needsLog {
		return Signer{}
	}
	return Signer{SignedAt: c.loggedAt(), LogIndex: &c.log.Payload.LogIndex}
}
