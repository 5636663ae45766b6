package signature

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/sigstore/cosign/v2/pkg/cosign"
	cosignbundle "github.com/sigstore/cosign/v2/pkg/cosign/bundle"
	"github.com/sigstore/cosign/v2/pkg/oci"
	"github.com/sigstore/cosign/v2/pkg/oci/static"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature/payload"

	"github.com/tidewaiter/tidewaiter/image"
)

// simple is a signature of cosign's classic layout: a "simple signing" payload, with the signature, the
// certificate and the log's promise in annotations (cosign's SIGNATURE_SPEC.md).
type simple struct {
	payload   []byte
	claim     payload.SimpleContainerImage
	signature []byte
	cert      *x509.Certificate // nil if it is signed with a plain key
	names     certificateNames
	log       *cosignbundle.RekorBundle // nil if no log knows it
}

// simpleTypes are the types of a simple signing payload that vouch for an image: cosign's, and the one of
// containers/image, which it grew from.
var simpleTypes = []string{payload.CosignSignatureType, "atomic container signature"}

func readSimple(a image.Attachment) (*simple, error) {
	s := &simple{payload: a.Payload}
	if err := json.Unmarshal(a.Payload, &s.claim); err != nil {
		return nil, fmt.Errorf("the payload is not JSON: %w", err)
	}
	if !slices.Contains(simpleTypes, s.claim.Critical.Type) {
		return nil, fmt.Errorf("the payload's type %s is not one of an image signature", quote(s.claim.Critical.Type))
	}
	var err error
	if s.signature, err = base64.StdEncoding.Strict().DecodeString(a.Annotations[static.SignatureAnnotationKey]); err != nil {
		return nil, fmt.Errorf("the signature annotation is not base64: %w", err)
	}
	if len(s.signature) == 0 {
		return nil, errors.New("it has no signature annotation")
	}
	if text := a.Annotations[static.CertificateAnnotationKey]; text != "" {
		if err := s.readCertificate(text); err != nil {
			return nil, err
		}
	}
	if text := a.Annotations[static.BundleAnnotationKey]; text != "" {
		if s.log, err = readLog(text); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// readCertificate reads the leaf. The chain annotation beside it is not looked at: the trusted root knows the
// intermediates, and an attacker's have no say.
func (s *simple) readCertificate(text string) error {
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE" || len(bytes.TrimSpace(rest)) > 0 {
		return errors.New("the certificate annotation is not one certificate in PEM")
	}
	var err error
	if s.cert, err = x509.ParseCertificate(block.Bytes); err != nil {
		return fmt.Errorf("the certificate cannot be read: %w", err)
	}
	s.names, err = readNames(s.cert)
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

func (s *simple) check(ctx context.Context, digest v1.Hash, a authority, trusted root.TrustedMaterial) (Signer, *refusal) {
	if err := s.verify(ctx, digest, a, trusted); err != nil {
		return Signer{}, s.explain(digest, a, err)
	}
	out := Signer{DockerReference: s.claim.Critical.Identity.DockerReference}
	if a.needsLog {
		out.SignedAt, out.LogIndex = s.loggedAt(), &s.log.Payload.LogIndex
	}
	return out, nil
}

// verify is cosign's judgement, and then what cosign v2 leaves out.
func (s *simple) verify(ctx context.Context, digest v1.Hash, a authority, trusted root.TrustedMaterial) error {
	options := &cosign.CheckOpts{
		ClaimVerifier: cosign.SimpleClaimVerifier,
		Offline:       true,
		IgnoreTlog:    !a.needsLog,
	}
	if a.needsLog {
		options.TrustedMaterial = trusted
	}
	if a.key != nil {
		options.SigVerifier = a.key
	} else {
		options.Identities = []cosign.Identity{a.identity.cosign()}
	}
	layer, err := s.layer(a)
	if err != nil {
		return err
	}
	logged, err := cosign.VerifyImageSignature(ctx, layer, digest, options)
	switch {
	case err != nil:
		return err
	case a.needsLog && !logged:
		return errors.New("no transparency log entry was verified")
	case a.identity != nil:
		return s.chainAt(s.loggedAt(), trusted)
	}
	return nil
}

// layer is the signature as cosign wants it. A key's signature counts without its certificate, which is handed
// over only for the log, where the certificate may stand in place of the key.
func (s *simple) layer(a authority) (oci.Signature, error) {
	options := []static.Option{static.WithBundle(s.log)}
	if s.cert != nil && a.needsLog {
		cert, err := cryptoutils.MarshalCertificateToPEM(s.cert)
		if err != nil {
			return nil, err
		}
		options = append(options, static.WithCertChain(cert, nil))
	}
	return static.NewSignature(s.payload, base64.StdEncoding.EncodeToString(s.signature), options...)
}

// loggedAt is the time that the log vouches for. It may be trusted only once the log entry was verified.
func (s *simple) loggedAt() time.Time { return time.Unix(s.log.Payload.IntegratedTime, 0).UTC() }

// chainAt verifies the whole chain, root included, at the time of the signature. cosign v2 compares only the
// leaf with that time, and accepts an intermediate that had expired by then (CVE-2026-24122).
func (s *simple) chainAt(at time.Time, trusted root.TrustedMaterial) error {
	if _, err := verify.VerifyLeafCertificate(at, s.cert, trusted); err != nil {
		return fmt.Errorf("the certificate chain was not valid when the signature was logged (%s): %w", at.Format(time.RFC3339), err)
	}
	return nil
}

// explain finds the most telling reason for which cosign refused the signature.
func (s *simple) explain(digest v1.Hash, a authority, err error) *refusal {
	if a.key != nil {
		if e := a.key.VerifySignature(bytes.NewReader(s.signature), bytes.NewReader(s.payload)); e != nil {
			return foreignKey(s.cert, s.names)
		}
	} else if r := foreignIdentity(*a.identity, s.cert, s.names); r != nil {
		return r
	}
	if named := s.claim.Critical.Image.DockerManifestDigest; named != digest.String() {
		return refuse(depthClaim, "signature does not cover %s; it names %s", digest, quote(named))
	}
	if a.needsLog && s.log == nil {
		return refuse(depthTrust, "%s", noLogEntry)
	}
	return refuse(depthTrust, "%v", err)
}

// noLogEntry is the reason for which a signature is refused that no log knows.
const noLogEntry = "no transparency log entry, which the policy requires"

// foreignKey says that a signature is not by the key that it was checked against.
func foreignKey(cert *x509.Certificate, names certificateNames) *refusal {
	if cert != nil {
		return refuse(depthKind, "signed with a certificate of %s, not with this key", quote(names.subject))
	}
	return refuse(depthSigner, "signed by another key, or not a signature of its payload")
}

// foreignIdentity says in which way a signature is not by an identity, nil if its certificate is.
func foreignIdentity(id identity, cert *x509.Certificate, names certificateNames) *refusal {
	if cert == nil {
		return refuse(depthKind, "signed with a key; it carries no certificate")
	}
	if mismatch := id.mismatch(names); mismatch != "" {
		return refuse(depthSigner, "%s", mismatch)
	}
	return nil
}
