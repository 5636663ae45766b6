package signature

import (
	"context"
	"errors"
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/sigstore/sigstore-go/pkg/root"

	"github.com/tidewaiter/tidewaiter/image"
)

// The media types of signature material.
const (
	simpleSigningMediaType = "application/vnd.dev.cosign.simplesigning.v1+json"
	bundleMediaType        = "application/vnd.dev.sigstore.bundle" // a prefix: versions follow
	envelopeMediaType      = "application/vnd.dsse.envelope.v1+json"
)

// candidate is something beside an image that may turn out to be a signature or an attestation of it.
type candidate struct {
	layout, manifest string
	names            certificateNames // what its certificate claims, if it has one
	signed           signed
	// statement is what an attestation says; nil for a signature.
	statement *statement
	// malformed says why nothing could be made of it; signed is nil then.
	malformed string
}

// signed is a signature whose form could be read.
type signed interface {
	// check verifies the signature for a digest and an authority. Acceptance is the verdict of the
	// cryptographic libraries; our own part can only refuse.
	check(ctx context.Context, digest v1.Hash, a authority, trusted root.TrustedMaterial) (Signer, *refusal)
}

// collect sorts signatures and attestations out of an image's attachments.
func collect(attachments []image.Attachment) (signatures, attestations []candidate) {
	for _, a := range attachments {
		c := candidate{layout: a.Layout, manifest: a.Manifest}
		isAttestation, err := c.read(a)
		switch {
		case err != nil:
			c.malformed = clip("malformed: "+err.Error(), maxReason)
		case c.signed == nil:
			continue // something else: an SBOM, another tool's signature
		}
		if isAttestation {
			attestations = append(attestations, c)
		} else {
			signatures = append(signatures, c)
		}
	}
	return signatures, attestations
}

// read takes the attachment for what its media type says. That is an untrusted claim, which can only make a
// signature be overlooked or refused.
func (c *candidate) read(a image.Attachment) (isAttestation bool, err error) {
	isAttestation = a.Layout == "tag" && a.Tag == ".att"
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("reading it failed: %v", p)
		}
	}()
	switch {
	case a.Malformed != "":
		return isAttestation, errors.New(a.Malformed)
	case strings.HasPrefix(a.MediaType, bundleMediaType):
		b, err := readBundle(a)
		if err != nil {
			return isAttestation, err
		}
		c.signed, c.names = b, b.names
		if b.statement.PredicateType != signPredicate {
			c.statement = b.statement
		}
		return c.statement != nil, nil
	case isAttestation || a.MediaType == envelopeMediaType:
		e, err := readEnvelope(a)
		if err != nil {
			return true, err
		}
		c.signed, c.names, c.statement = e, e.names, e.statement
		return true, nil
	case a.MediaType == simpleSigningMediaType:
		s, err := readSimple(a)
		if err != nil {
			return false, err
		}
		c.signed, c.names = s, s.names
	case a.Layout == "tag":
		return false, fmt.Errorf("media type %s is not one of a signature", quote(a.MediaType))
	}
	return false, nil
}

// check is signed.check, from which no panic escapes: a panic is a refusal.
func (c *candidate) check(ctx context.Context, digest v1.Hash, a authority, trusted root.TrustedMaterial) (s Signer, r *refusal) {
	if c.malformed != "" {
		return Signer{}, &refusal{depthMalformed, c.malformed}
	}
	defer func() {
		if p := recover(); p != nil {
			s, r = Signer{}, refuse(depthMalformed, "malformed: verifying it failed: %v", p)
		}
	}()
	s, r = c.signed.check(ctx, digest, a, trusted)
	if r != nil {
		return Signer{}, r
	}
	if a.identity != nil {
		// The libraries know nothing of claims.
		if why := a.identity.mismatch(c.names); why != "" {
			return Signer{}, refuse(depthSigner, "%s", why)
		}
	}
	s.Layout = c.layout
	switch {
	case a.key != nil:
		s.Kind, s.Key, s.Fingerprint = "key", a.key.name, a.key.fingerprint
		return s, nil
	case a.identity.own != nil:
		s.Kind, s.Roots = "certificate", a.identity.own.name
	default:
		s.Kind = "keyless"
	}
	s.Issuer, s.Subject, s.Workflow = c.names.issuer, c.names.subject, c.names.workflow
	return s, nil
}
