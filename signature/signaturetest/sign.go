// Package signaturetest signs images the way cosign does, for tests and for the demonstration. It needs no
// log and no network, and is no way to sign anything that matters.
package signaturetest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// The names that cosign gives to its classic layout (cosign's SIGNATURE_SPEC.md).
const (
	payloadType         = "application/vnd.dev.cosign.simplesigning.v1+json"
	signatureAnnotation = "dev.cosignproject.cosign/signature"
)

// Key is a pair of keys that signs.
type Key struct{ private *ecdsa.PrivateKey }

// NewKey makes a key on the curve P-256.
func NewKey() (Key, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return Key{private}, err
}

// PublicPEM is the public key as a trust policy names it: PKIX in PEM.
func (k Key) PublicPEM() ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(&k.private.PublicKey)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}

// Push signs the image with that digest and pushes the signature under cosign's tag beside it.
func (k Key) Push(repository name.Repository, digest v1.Hash, options ...remote.Option) error {
	claim, err := json.Marshal(map[string]any{
		"critical": map[string]any{
			"identity": map[string]string{"docker-reference": repository.Name()},
			"image":    map[string]string{"docker-manifest-digest": digest.String()},
			"type":     "cosign container image signature",
		},
		"optional": nil,
	})
	if err != nil {
		return err
	}
	hash := sha256.Sum256(claim)
	sig, err := ecdsa.SignASN1(rand.Reader, k.private, hash[:])
	if err != nil {
		return err
	}
	carrier, err := mutate.Append(mutate.MediaType(empty.Image, types.OCIManifestSchema1), mutate.Addendum{
		Layer:       static.NewLayer(claim, payloadType),
		Annotations: map[string]string{signatureAnnotation: base64.StdEncoding.EncodeToString(sig)},
	})
	if err != nil {
		return err
	}
	tag := repository.Tag(strings.Replace(digest.String(), ":", "-", 1) + ".sig")
	if err := remote.Write(tag, carrier, options...); err != nil {
		return fmt.Errorf("push signature: %w", err)
	}
	return nil
}
