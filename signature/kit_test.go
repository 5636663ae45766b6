package signature

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	cosignbundle "github.com/sigstore/cosign/v2/pkg/cosign/bundle"
	"github.com/sigstore/cosign/v2/pkg/oci/static"
	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protodsse "github.com/sigstore/protobuf-specs/gen/pb-go/dsse"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	dsseEntry "github.com/sigstore/rekor/pkg/types/dsse"
	"github.com/sigstore/rekor/pkg/types/hashedrekord"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/tidewaiter/tidewaiter/image"
)

// The image that tests sign, another one, and who signs.
const (
	digestA  = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	digestB  = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	workflow = "https://github.com/shop/web/.github/workflows/release.yml@refs/heads/main"
	provider = "https://token.actions.githubusercontent.com"
)

// signer is somebody who signs: with a plain key, or with a certificate for it.
type signer struct {
	key  crypto.Signer
	cert *x509.Certificate
}

func (s signer) sign(t testing.TB, message []byte) []byte {
	t.Helper()
	if key, ok := s.key.(ed25519.PrivateKey); ok {
		return ed25519.Sign(key, message)
	}
	sum := sha256.Sum256(message)
	sig, err := s.key.Sign(rand.Reader, sum[:], crypto.SHA256)
	noError(t, err)
	return sig
}

// pem is what a log knows the signer by.
func (s signer) pem(t testing.TB) []byte {
	if s.cert != nil {
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.cert.Raw})
	}
	return publicPEM(t, s.key.Public())
}

// simplePayload is what cosign signs in the classic layout.
func simplePayload(digest string) []byte {
	quoted, _ := json.Marshal(digest)
	return fmt.Appendf(nil, `{"critical":{"identity":{"docker-reference":"registry.example/shop/web"},"image":{"docker-manifest-digest":%s},"type":"cosign container image signature"},"optional":null}`, quoted)
}

// simple signs a digest in the classic layout, without a log.
func (s signer) simple(t testing.TB, digest string) image.Attachment {
	t.Helper()
	return s.simpleOver(t, simplePayload(digest))
}

func (s signer) simpleOver(t testing.TB, payload []byte) image.Attachment {
	t.Helper()
	sig := s.sign(t, payload)
	a := image.Attachment{
		Layout: "tag", Tag: ".sig", Manifest: manifestOf(sig), MediaType: simpleSigningMediaType, Payload: payload,
		Annotations: map[string]string{static.SignatureAnnotationKey: base64.StdEncoding.EncodeToString(sig)},
	}
	if s.cert != nil {
		a.Annotations[static.CertificateAnnotationKey] = string(s.pem(t))
	}
	return a
}

func manifestOf(sig []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(sig)) }

// simple signs a digest in the classic layout, and logs it some time after now.
func (w *world) simple(s signer, digest string, after time.Duration) image.Attachment {
	w.t.Helper()
	a := s.simple(w.t, digest)
	a.Annotations[static.BundleAnnotationKey] = w.logSimple(s, a, after)
	return a
}

// logSimple returns the promise of the log to include the signature of a.
func (w *world) logSimple(s signer, a image.Attachment, after time.Duration) string {
	w.t.Helper()
	sig, err := base64.StdEncoding.DecodeString(a.Annotations[static.SignatureAnnotationKey])
	noError(w.t, err)
	body := w.entry(hashedrekord.KIND, hashedrekord.New().DefaultVersion(), a.Payload, s.pem(w.t), sig)
	payload := w.promised(body, after)
	set, err := w.services.RekorSignPayload(payload)
	noError(w.t, err)
	text, err := json.Marshal(cosignbundle.RekorBundle{SignedEntryTimestamp: set, Payload: cosignbundle.RekorPayload(payload)})
	noError(w.t, err)
	return string(text)
}

// signedStatement is what cosign signs in the bundle layout.
func signedStatement(digest, predicateType string) []byte {
	return fmt.Appendf(nil, `{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":%q}}],"predicateType":%q,"predicate":{}}`,
		strings.TrimPrefix(digest, "sha256:"), predicateType)
}

// bundleOptions say what a bundle carries beside signature and certificate.
type bundleOptions struct {
	log       bool
	after     time.Duration // that it was logged after now
	timestamp bool          // by the timestamp authority, which always says now
}

// bundle signs a statement in the layout of cosign v3.
func (w *world) bundle(s signer, statement []byte, o bundleOptions) *protobundle.Bundle {
	w.t.Helper()
	const payloadType = "application/vnd.in-toto+json"
	sig := s.sign(w.t, dsse.PAE(payloadType, statement))
	material := &protobundle.VerificationMaterial{}
	if s.cert != nil {
		material.Content = &protobundle.VerificationMaterial_Certificate{Certificate: &protocommon.X509Certificate{RawBytes: s.cert.Raw}}
	} else {
		material.Content = &protobundle.VerificationMaterial_PublicKey{PublicKey: &protocommon.PublicKeyIdentifier{Hint: "any"}}
	}
	if o.log {
		material.TlogEntries = []*protorekor.TransparencyLogEntry{w.logEnvelope(s, statement, sig, o.after)}
	}
	if o.timestamp {
		response, err := w.services.TimestampResponse(sig)
		noError(w.t, err)
		material.TimestampVerificationData = &protobundle.TimestampVerificationData{
			Rfc3161Timestamps: []*protocommon.RFC3161SignedTimestamp{{SignedTimestamp: response}},
		}
	}
	return &protobundle.Bundle{
		MediaType:            "application/vnd.dev.sigstore.bundle.v0.3+json",
		VerificationMaterial: material,
		Content: &protobundle.Bundle_DsseEnvelope{DsseEnvelope: &protodsse.Envelope{
			Payload: statement, PayloadType: payloadType, Signatures: []*protodsse.Signature{{Sig: sig}},
		}},
	}
}

// logEnvelope returns the log's entry of a DSSE envelope, with promise and proof.
func (w *world) logEnvelope(s signer, statement, sig []byte, after time.Duration) *protorekor.TransparencyLogEntry {
	w.t.Helper()
	envelope, err := json.Marshal(dsse.Envelope{
		PayloadType: "application/vnd.in-toto+json", Payload: base64.StdEncoding.EncodeToString(statement),
		Signatures: []dsse.Signature{{Sig: base64.StdEncoding.EncodeToString(sig)}},
	})
	noError(w.t, err)
	body := w.entry(dsseEntry.KIND, dsseEntry.New().DefaultVersion(), envelope, s.pem(w.t), sig)
	payload := w.promised(body, after)
	set, err := w.services.RekorSignPayload(payload)
	noError(w.t, err)
	proof, err := w.services.GetInclusionProof(body)
	noError(w.t, err)
	rootHash, err := hex.DecodeString(*proof.RootHash)
	noError(w.t, err)
	id, err := hex.DecodeString(payload.LogID)
	noError(w.t, err)
	return &protorekor.TransparencyLogEntry{
		LogIndex: payload.LogIndex, LogId: &protocommon.LogId{KeyId: id}, IntegratedTime: payload.IntegratedTime,
		KindVersion:      &protorekor.KindVersion{Kind: "dsse", Version: "0.0.1"},
		InclusionPromise: &protorekor.InclusionPromise{SignedEntryTimestamp: set},
		InclusionProof: &protorekor.InclusionProof{
			LogIndex: *proof.LogIndex, RootHash: rootHash, TreeSize: *proof.TreeSize,
			Checkpoint: &protorekor.Checkpoint{Envelope: *proof.Checkpoint},
		},
		CanonicalizedBody: body,
	}
}

// attach puts a bundle beside an image as a referrer.
func attach(t testing.TB, b *protobundle.Bundle) image.Attachment {
	t.Helper()
	data, err := protojson.Marshal(b)
	noError(t, err)
	return image.Attachment{
		Layout: "referrer", Manifest: manifestOf(data), ArtifactType: b.MediaType, MediaType: b.MediaType, Payload: data,
	}
}

func newECDSA(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	noError(t, err)
	return key
}

func derOf(t testing.TB, key crypto.PublicKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	noError(t, err)
	return der
}

func publicPEM(t testing.TB, key crypto.PublicKey) []byte {
	t.Helper()
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: derOf(t, key)})
}

func noError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// writeKeys writes the public keys as 0.pub, 1.pub ... and returns their folder.
func writeKeys(t testing.TB, keys ...crypto.Signer) string {
	t.Helper()
	dir := t.TempDir()
	for i, k := range keys {
		noError(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.pub", i)), publicPEM(t, k.Public()), 0o600))
	}
	return dir
}

// verify makes a verifier and judges attachments of digestA, for the image registry.example/shop/web.
func verifyAttachments(t testing.TB, p Policy, o Options, attachments ...image.Attachment) Result {
	t.Helper()
	o.Offline = true
	v, err := New(p, o)
	noError(t, err)
	return mustVerify(t, v, attachments...)
}

func mustVerify(t testing.TB, v *Verifier, attachments ...image.Attachment) Result {
	t.Helper()
	rules := v.matching(image.Reference{Transport: image.Registry, Host: "registry.example", Repository: "shop/web"})
	if len(rules) == 0 {
		t.Fatal("no entry of the policy matches")
	}
	result, err := v.judge(context.Background(), t, rules, attachments...)
	noError(t, err)
	return result
}

// judge judges attachments of digestA, the only platform's digest too, by rules.
func (v *Verifier) judge(ctx context.Context, t testing.TB, rules []rule, attachments ...image.Attachment) (Result, error) {
	t.Helper()
	found := gathered{}
	for _, r := range rules {
		for _, p := range r.places(digestA, []string{digestA}) {
			noError(t, found.add(p, attachments))
		}
	}
	return v.verify(ctx, rules, digestA, []string{digestA}, found)
}

// held tells whether every entry of a result holds.
func held(r Result) bool {
	for _, e := range r.Entries {
		if !e.Held {
			return false
		}
	}
	return len(r.Entries) > 0
}

// byKeys is a policy of one entry with the keys 0.pub, 1.pub ..., which need no log.
func byKeys(n, threshold int) Policy {
	e := Entry{Images: []string{"registry.example/shop/**"}, Threshold: threshold}
	for i := range n {
		e.Authorities = append(e.Authorities, Authority{Key: fmt.Sprintf("%d.pub", i), TransparencyLog: Ignore})
	}
	return Policy{[]Entry{e}}
}

// byWorkflow is a policy of one entry with one keyless identity.
func byWorkflow() Policy {
	return Policy{[]Entry{{
		Images:      []string{"registry.example/shop/**"},
		Authorities: []Authority{{Keyless: &Keyless{Issuer: provider, Subject: workflow}}},
	}}}
}

func mustHash(t testing.TB) v1.Hash {
	t.Helper()
	h, err := v1.NewHash(digestA)
	noError(t, err)
	return h
}
