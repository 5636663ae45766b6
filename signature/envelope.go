package signature

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"github.com/sigstore/cosign/v2/pkg/cosign"
	"github.com/sigstore/sigstore-go/pkg/root"

	"github.com/tidewaiter/tidewaiter/image"
)

// maxEnvelopeSignatures bounds the signatures in one envelope. cosign writes one.
const maxEnvelopeSignatures = 16

// envelope is an attestation of cosign's classic layout: a DSSE envelope around an in-toto statement.
type envelope struct {
	classic
	statement  *statement
	signatures [][]byte
}

func readEnvelope(a image.Attachment) (*envelope, error) {
	if a.MediaType != envelopeMediaType {
		return nil, fmt.Errorf("media type %s is not one of an attestation", quote(a.MediaType))
	}
	common, err := readClassic(a)
	if err != nil {
		return nil, err
	}
	e := &envelope{classic: common}
	payload, err := e.open()
	if err != nil {
		return nil, err
	}
	if e.statement, err = readStatement(payload); err != nil {
		return nil, err
	}
	return e, nil
}

// open reads the envelope (DSSE, envelope.md) and returns the statement that is inside. The signature is over
// what the cryptographic library takes for the payload, which reads JSON less strictly: both must be the same.
func (e *envelope) open() ([]byte, error) {
	var read dsse.Envelope
	if err := decode(e.payload, &read); err != nil {
		return nil, fmt.Errorf("it is no DSSE envelope: %w", err)
	}
	switch n := len(read.Signatures); {
	case read.PayloadType != statementPayloadType:
		return nil, fmt.Errorf("the envelope's payload is of type %s, which is not an in-toto statement", quote(read.PayloadType))
	case n == 0:
		return nil, errors.New("the envelope has no signature")
	case n > maxEnvelopeSignatures:
		return nil, fmt.Errorf("the envelope has %d signatures, more than %d", n, maxEnvelopeSignatures)
	}
	for _, s := range read.Signatures {
		sig, err := base64.StdEncoding.Strict().DecodeString(s.Sig)
		if err != nil || len(sig) == 0 {
			return nil, errors.New("a signature of the envelope is not base64")
		}
		e.signatures = append(e.signatures, sig)
	}
	payload, err := base64.StdEncoding.Strict().DecodeString(read.Payload)
	if err != nil {
		return nil, fmt.Errorf("the envelope's payload is not base64: %w", err)
	}
	var verified dsse.Envelope
	if err := json.Unmarshal(e.payload, &verified); err != nil {
		return nil, fmt.Errorf("it is no DSSE envelope: %w", err)
	}
	same, err := verified.DecodeB64Payload()
	if err != nil || !bytes.Equal(payload, same) || verified.PayloadType != read.PayloadType {
		return nil, errors.New("the envelope can be read in two ways: a key stands in it twice, in different case")
	}
	return payload, nil
}

func (e *envelope) check(ctx context.Context, digest v1.Hash, a authority, trusted root.TrustedMaterial) (Signer, *refusal) {
	if err := e.verify(ctx, digest, a, trusted); err != nil {
		return Signer{}, e.explain(digest, a, err)
	}
	return e.proof(a), nil
}

// verify is cosign's judgement, and then what cosign v2 leaves out.
func (e *envelope) verify(ctx context.Context, digest v1.Hash, a authority, trusted root.TrustedMaterial) error {
	options := e.terms(a, trusted)
	options.ClaimVerifier = cosign.IntotoSubjectClaimVerifier
	layer, err := e.layer(a)
	if err != nil {
		return err
	}
	logged, err := cosign.VerifyBlobAttestation(ctx, layer, digest, options)
	if err != nil {
		return err
	}
	if !e.statement.covers(digest) {
		return errors.New("the statement that was read is about something else")
	}
	return e.settle(a, logged, trusted)
}

// explain finds the most telling reason for which cosign refused the attestation.
func (e *envelope) explain(digest v1.Hash, a authority, err error) *refusal {
	if a.key != nil {
		if !e.signedWith(a.key) {
			return foreignKey(e.cert, e.names)
		}
	} else if r := foreignIdentity(*a.identity, e.cert, e.names); r != nil {
		return r
	}
	if !e.statement.covers(digest) {
		return refuse(depthClaim, "attestation does not cover %s; it names %s", digest, e.statement.subjects())
	}
	if r := e.lacking(a); r != nil {
		return r
	}
	return refuse(depthTrust, "%v", err)
}

func (e *envelope) signedWith(key *publicKey) bool {
	message := dsse.PAE(statementPayloadType, e.statement.raw)
	for _, sig := range e.signatures {
		if key.VerifySignature(bytes.NewReader(sig), bytes.NewReader(message)) == nil {
			return true
		}
	}
	return false
}
