package signature

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/sigstore/cosign/v2/pkg/cosign"
	"github.com/sigstore/cosign/v2/pkg/oci/static"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore/pkg/signature/payload"

	"github.com/tidewaiter/tidewaiter/image"
)

// simple is a signature of cosign's classic layout: a "simple signing" payload (cosign's SIGNATURE_SPEC.md).
type simple struct {
	classic
	claim payload.SimpleContainerImage
}

// simpleTypes are the types of a simple signing payload that vouch for an image: cosign's, and the one of
// containers/image, which it grew from.
var simpleTypes = []string{payload.CosignSignatureType, "atomic container signature"}

func readSimple(a image.Attachment) (*simple, error) {
	common, err := readClassic(a)
	if err != nil {
		return nil, err
	}
	s := &simple{classic: common}
	if err := json.Unmarshal(a.Payload, &s.claim); err != nil {
		return nil, fmt.Errorf("the payload is not JSON: %w", err)
	}
	if !slices.Contains(simpleTypes, s.claim.Critical.Type) {
		return nil, fmt.Errorf("the payload's type %s is not one of an image signature", quote(s.claim.Critical.Type))
	}
	if s.signature, err = base64.StdEncoding.Strict().DecodeString(a.Annotations[static.SignatureAnnotationKey]); err != nil {
		return nil, fmt.Errorf("the signature annotation is not base64: %w", err)
	}
	if len(s.signature) == 0 {
		return nil, errors.New("it has no signature annotation")
	}
	return s, nil
}

func (s *simple) check(ctx context.Context, digest v1.Hash, a authority, trusted root.TrustedMaterial) (Signer, *refusal) {
	if err := s.verify(ctx, digest, a, trusted); err != nil {
		return Signer{}, s.explain(digest, a, err)
	}
	out := s.proof(a)
	out.DockerReference = s.claim.Critical.Identity.DockerReference
	out.Annotations = claimedAnnotations(s.claim.Optional)
	return out, nil
}

// verify is cosign's judgement, and then what cosign v2 leaves out.
func (s *simple) verify(ctx context.Context, digest v1.Hash, a authority, trusted root.TrustedMaterial) error {
	options := s.terms(a, trusted)
	options.ClaimVerifier = cosign.SimpleClaimVerifier
	layer, err := s.layer(a)
	if err != nil {
		return err
	}
	logged, err := cosign.VerifyImageSignature(ctx, layer, digest, options)
	if err != nil {
		return err
	}
	return s.settle(a, logged, trusted)
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
	if r := s.lacking(a); r != nil {
		return r
	}
	return refuse(depthTrust, "%v", err)
}

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
