package signature

import (
	"context"
	"errors"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/sigstore/sigstore-go/pkg/root"

	"github.com/tidewaiter/tidewaiter/image"
)

// envelope is an attestation of cosign's classic layout: a DSSE envelope around an in-toto statement.
type envelope struct {
	classic
	statement *statement
}

func readEnvelope(image.Attachment) (*envelope, error) {
	return nil, errors.New("attestations of the classic layout cannot be read yet")
}

func (e *envelope) check(context.Context, v1.Hash, authority, root.TrustedMaterial) (Signer, *refusal) {
	return Signer{}, refuse(depthMalformed, "attestations of the classic layout cannot be checked yet")
}
