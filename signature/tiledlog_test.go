package signature

import (
	"context"
	"crypto"
	"crypto/sha256"
	"testing"
	"time"

	"github.com/cyberphone/json-canonicalization/go/src/webpki.org/jsoncanonicalizer"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	rekortiles "github.com/sigstore/rekor-tiles/v2/pkg/generated/protobuf"
	rekornote "github.com/sigstore/rekor-tiles/v2/pkg/note"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"google.golang.org/protobuf/encoding/protojson"
)

// TestTiledLog has signatures in a log of Rekor's second version, which tells no time: a timestamp authority
// must, for a certificate.
func TestTiledLog(t *testing.T) {
	w := newWorld(t, time.Hour)
	v, err := New(byWorkflow(), Options{TrustedRoot: w.trustedRoot(), Offline: true})
	noError(t, err)
	me := w.identity(leaf{from: -time.Minute}) // the timestamp authority says now
	for name, test := range map[string]struct {
		timestamp bool
		logged    signer
		want      string
	}{
		"good":                   {true, me, ""},
		"without a time":         {false, me, "timestamps"},
		"of another certificate": {true, w.identity(leaf{from: -time.Minute}), "log inclusion"},
	} {
		t.Run(name, func(t *testing.T) {
			s := signedStatement(digestA, signPredicate)
			b := w.bundle(me, s, bundleOptions{timestamp: test.timestamp})
			b.VerificationMaterial.TlogEntries = []*protorekor.TransparencyLogEntry{
				w.logTiled(test.logged, s, b.GetDsseEnvelope().GetSignatures()[0].GetSig()),
			}
			r := mustVerify(t, v, attach(t, b))
			checkOutcome(t, r, test.want)
			if test.want == "" && (r.Signers[0].SignedAt.IsZero() || *r.Signers[0].LogIndex != 0) {
				t.Errorf("got %+v", r.Signers)
			}
		})
	}
}

// logTiled returns the entry of the tiled log, which holds nothing else.
func (w *world) logTiled(s signer, statement, sig []byte) *protorekor.TransparencyLogEntry {
	w.t.Helper()
	digest := sha256.Sum256(dsse.PAE("application/vnd.in-toto+json", statement))
	verifier := &rekortiles.Verifier{KeyDetails: protocommon.PublicKeyDetails_PKIX_ECDSA_P256_SHA_256}
	if s.cert != nil {
		verifier.Verifier = &rekortiles.Verifier_X509Certificate{X509Certificate: &protocommon.X509Certificate{RawBytes: s.cert.Raw}}
	} else {
		verifier.Verifier = &rekortiles.Verifier_PublicKey{PublicKey: &rekortiles.PublicKey{RawBytes: derOf(w.t, s.key.Public())}}
	}
	entry, err := protojson.Marshal(&rekortiles.Entry{
		Kind: "hashedrekord", ApiVersion: "0.0.2",
		Spec: &rekortiles.Spec{Spec: &rekortiles.Spec_HashedRekordV002{HashedRekordV002: &rekortiles.HashedRekordLogEntryV002{
			Data:      &protocommon.HashOutput{Algorithm: protocommon.HashAlgorithm_SHA2_256, Digest: digest[:]},
			Signature: &rekortiles.Signature{Content: sig, Verifier: verifier},
		}}},
	})
	noError(w.t, err)
	body, err := jsoncanonicalizer.Transform(entry)
	noError(w.t, err)
	hash := rfc6962.DefaultHasher.HashLeaf(body)
	id := sha256.Sum256(derOf(w.t, w.tilesKey.Public()))
	return &protorekor.TransparencyLogEntry{
		LogId:       &protocommon.LogId{KeyId: id[:]},
		KindVersion: &protorekor.KindVersion{Kind: "hashedrekord", Version: "0.0.2"},
		InclusionProof: &protorekor.InclusionProof{
			RootHash: hash, TreeSize: 1, Checkpoint: &protorekor.Checkpoint{Envelope: w.checkpoint(hash)},
		},
		CanonicalizedBody: body,
	}
}

// checkpoint is the tiled log's word on a tree of one entry.
func (w *world) checkpoint(root []byte) string {
	w.t.Helper()
	key, err := signature.LoadECDSASigner(w.tilesKey, crypto.SHA256)
	noError(w.t, err)
	by, err := rekornote.NewNoteSigner(context.Background(), tilesHost, key)
	noError(w.t, err)
	signed, err := note.Sign(&note.Note{Text: string(log.Checkpoint{Origin: tilesHost, Size: 1, Hash: root}.Marshal())}, by)
	noError(w.t, err)
	return string(signed)
}
