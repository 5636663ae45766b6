package signature

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-openapi/runtime"
	ct "github.com/google/certificate-transparency-go"
	"github.com/google/certificate-transparency-go/tls"
	"github.com/google/certificate-transparency-go/x509util"
	cosignbundle "github.com/sigstore/cosign/v2/pkg/cosign/bundle"
	"github.com/sigstore/cosign/v2/pkg/oci/static"
	"github.com/sigstore/rekor/pkg/generated/models"
	"github.com/sigstore/rekor/pkg/types"
	"github.com/sigstore/rekor/pkg/types/hashedrekord"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/testing/ca"
	"github.com/sigstore/sigstore-go/pkg/tlog"

	"github.com/tidewaiter/tidewaiter/image"
)

// world is a Sigstore of our own: a certificate authority, a certificate transparency log, a transparency log
// and a timestamp authority.
type world struct {
	t               testing.TB
	services        *ca.VirtualSigstore // the log and the timestamp authority
	root            *x509.Certificate
	intermediate    *x509.Certificate
	intermediateKey *ecdsa.PrivateKey
	ctKey           *ecdsa.PrivateKey
	tilesKey        *ecdsa.PrivateKey // of a second transparency log, of Rekor's second version
	now             time.Time
}

// newWorld makes a world whose intermediate is valid from an hour ago until the given time from now on.
func newWorld(t testing.TB, intermediateLasts time.Duration) *world {
	t.Helper()
	services, err := ca.NewVirtualSigstore()
	noError(t, err)
	w := &world{t: t, services: services, ctKey: newECDSA(t), tilesKey: newECDSA(t), now: time.Now().Truncate(time.Second)}
	rootKey := newECDSA(t)
	w.root = w.certificate(x509.Certificate{
		Subject:   pkix.Name{CommonName: "test root"},
		NotBefore: w.now.Add(-24 * time.Hour), NotAfter: w.now.Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil, rootKey.Public(), rootKey)
	w.intermediateKey = newECDSA(t)
	w.intermediate = w.certificate(x509.Certificate{
		Subject:   pkix.Name{CommonName: "test intermediate"},
		NotBefore: w.now.Add(-time.Hour), NotAfter: w.now.Add(intermediateLasts),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
	}, w.root, w.intermediateKey.Public(), rootKey)
	return w
}

func (w *world) certificate(template x509.Certificate, parent *x509.Certificate, public any, by crypto.Signer) *x509.Certificate {
	w.t.Helper()
	if template.SerialNumber == nil {
		template.SerialNumber = big.NewInt(1)
	}
	if parent == nil {
		parent = &template
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, parent, public, by)
	noError(w.t, err)
	cert, err := x509.ParseCertificate(der)
	noError(w.t, err)
	return cert
}

// trustedRoot writes the world's trusted_root.json and returns its path.
func (w *world) trustedRoot() string {
	w.t.Helper()
	logs := w.services.RekorLogs()
	for _, l := range logs {
		l.ID, _ = hex.DecodeString(string(l.ID))
		l.ValidityPeriodStart = w.now.Add(-24 * time.Hour)
	}
	w.addLog(logs, tilesHost, w.tilesKey)
	ctLogs := map[string]*root.TransparencyLog{}
	w.addLog(ctLogs, "ct.example", w.ctKey)
	authority := &root.FulcioCertificateAuthority{
		Root: w.root, Intermediates: []*x509.Certificate{w.intermediate},
		ValidityPeriodStart: w.now.Add(-24 * time.Hour), URI: "https://ca.example",
	}
	trusted, err := root.NewTrustedRoot(root.TrustedRootMediaType01, []root.CertificateAuthority{authority},
		ctLogs, w.services.TimestampingAuthorities(), logs)
	noError(w.t, err)
	data, err := trusted.MarshalJSON()
	noError(w.t, err)
	path := filepath.Join(w.t.TempDir(), "trusted_root.json")
	noError(w.t, os.WriteFile(path, data, 0o600))
	return path
}

// tilesHost is the host of the tiled log, by which its checkpoints name it.
const tilesHost = "tiles.example"

func (w *world) addLog(logs map[string]*root.TransparencyLog, host string, key *ecdsa.PrivateKey) {
	id := sha256.Sum256(derOf(w.t, key.Public()))
	logs[hex.EncodeToString(id[:])] = &root.TransparencyLog{
		BaseURL: "https://" + host, ID: id[:], HashFunc: crypto.SHA256, PublicKey: key.Public(),
		SignatureHashFunc: crypto.SHA256, ValidityPeriodStart: w.now.Add(-24 * time.Hour),
	}
}

// leaf describes a signing certificate. The zero leaf is of workflow, valid for ten minutes from now on.
type leaf struct {
	subjects []string
	issuer   string
	from     time.Duration // after now
	noSCT    bool
	says     []pkix.Extension // beside whom it is for
	key      crypto.Signer    // a new one if it is nil
}

// identity issues a certificate, with the timestamp of the certificate transparency log in it.
func (w *world) identity(l leaf) signer {
	w.t.Helper()
	key := l.key
	if key == nil {
		key = newECDSA(w.t)
	}
	template := x509.Certificate{
		NotBefore: w.now.Add(l.from), NotAfter: w.now.Add(l.from + 10*time.Minute),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
	}
	if l.issuer == "" {
		l.issuer = provider
	}
	if l.subjects == nil {
		l.subjects = []string{workflow}
	}
	for _, s := range l.subjects {
		u, err := url.Parse(s)
		noError(w.t, err)
		template.URIs = append(template.URIs, u)
	}
	template.ExtraExtensions = append([]pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 1}, Value: []byte(l.issuer)}}, l.says...)
	cert := w.certificate(template, w.intermediate, key.Public(), w.intermediateKey)
	if !l.noSCT {
		template.ExtraExtensions = append(template.ExtraExtensions, w.sct(cert))
		cert = w.certificate(template, w.intermediate, key.Public(), w.intermediateKey)
	}
	return signer{key, cert}
}

// sct is the extension by which the certificate transparency log says that it saw the certificate (RFC 6962).
func (w *world) sct(cert *x509.Certificate) pkix.Extension {
	w.t.Helper()
	sct := ct.SignedCertificateTimestamp{
		SCTVersion: ct.V1,
		LogID:      ct.LogID{KeyID: sha256.Sum256(derOf(w.t, w.ctKey.Public()))},
		Timestamp:  uint64(cert.NotBefore.UnixMilli()),
	}
	input, err := ct.SerializeSCTSignatureInput(sct, ct.LogEntry{Leaf: ct.MerkleTreeLeaf{
		Version: ct.V1, LeafType: ct.TimestampedEntryLeafType,
		TimestampedEntry: &ct.TimestampedEntry{
			Timestamp: sct.Timestamp, EntryType: ct.PrecertLogEntryType,
			PrecertEntry: &ct.PreCert{
				IssuerKeyHash:  sha256.Sum256(w.intermediate.RawSubjectPublicKeyInfo),
				TBSCertificate: cert.RawTBSCertificate,
			},
		},
	}})
	noError(w.t, err)
	sct.Signature = ct.DigitallySigned{
		Algorithm: tls.SignatureAndHashAlgorithm{Hash: tls.SHA256, Signature: tls.ECDSA},
		Signature: signer{key: w.ctKey}.sign(w.t, input),
	}
	list, err := x509util.MarshalSCTsIntoSCTList([]*ct.SignedCertificateTimestamp{&sct})
	noError(w.t, err)
	serialized, err := tls.Marshal(*list)
	noError(w.t, err)
	value, err := asn1.Marshal(serialized)
	noError(w.t, err)
	return pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2}, Value: value}
}

// stamp lets the timestamp authority see a signature of the classic layout. It always says now.
func (w *world) stamp(a image.Attachment) image.Attachment {
	w.t.Helper()
	sig, err := base64.StdEncoding.DecodeString(a.Annotations[static.SignatureAnnotationKey])
	noError(w.t, err)
	response, err := w.services.TimestampResponse(sig)
	noError(w.t, err)
	text, err := json.Marshal(cosignbundle.RFC3161Timestamp{SignedRFC3161Timestamp: response})
	noError(w.t, err)
	a.Annotations[static.RFC3161TimestampAnnotationKey] = string(text)
	return a
}

// rootsFile writes the certificates of the world's authority, as one's own, and returns its path.
func (w *world) rootsFile() string {
	w.t.Helper()
	var text []byte
	for _, c := range []*x509.Certificate{w.root, w.intermediate} {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	path := filepath.Join(w.t.TempDir(), "ca.pem")
	noError(w.t, os.WriteFile(path, text, 0o600))
	return path
}

func (w *world) promised(body []byte, after time.Duration) tlog.RekorPayload {
	id, err := w.services.RekorLogID()
	noError(w.t, err)
	return tlog.RekorPayload{
		Body:           base64.StdEncoding.EncodeToString(body),
		IntegratedTime: w.now.Add(after).Unix(), LogIndex: 1000, LogID: id,
	}
}

// entry is the canonical body of a log entry.
func (w *world) entry(kind, version string, artifact, publicKey, sig []byte) []byte {
	w.t.Helper()
	properties := types.ArtifactProperties{PublicKeyBytes: [][]byte{publicKey}, PKIFormat: "x509", SignatureBytes: sig}
	if kind == hashedrekord.KIND {
		sum := sha256.Sum256(artifact)
		properties.ArtifactHash = hex.EncodeToString(sum[:])
	} else {
		properties.ArtifactBytes = artifact
	}
	ctx := context.Background()
	proposed, err := types.NewProposedEntry(ctx, kind, version, properties)
	noError(w.t, err)
	entry, err := types.CreateVersionedEntry(proposed)
	noError(w.t, err)
	body, err := types.CanonicalizeEntry(ctx, entry)
	noError(w.t, err)
	_, err = models.UnmarshalProposedEntry(bytes.NewReader(body), runtime.JSONConsumer())
	noError(w.t, err)
	return body
}
