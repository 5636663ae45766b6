package signature

import (
	"context"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/sigstore/sigstore-go/pkg/root"
)

// panicking stands for a signature that finds a hole in a library.
type panicking struct{}

func (panicking) check(context.Context, v1.Hash, authority, root.TrustedMaterial) (Signer, *refusal) {
	var none []int
	return Signer{}, &refusal{depth: depth(none[0])}
}

func mustHash(t testing.TB) v1.Hash {
	t.Helper()
	h, err := v1.NewHash(digestA)
	noError(t, err)
	return h
}
