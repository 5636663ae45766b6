package gate

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"

	"github.com/tidewaiter/tidewaiter/signature"
)

// loadTrust loads the trust policy of a configuration as the program does, with the files of dir.
func loadTrust(c *Config, dir string) error {
	_, err := signature.New(c.TrustPolicy(), signature.Options{
		Dir: dir, TrustedRoot: c.TrustedRoot, TrustedRoots: c.TrustedRoots, Offline: true,
		Rules: func(string) (func(context.Context, any) ([]string, error), error) {
			return func(context.Context, any) ([]string, error) { return nil, nil }, nil
		},
	})
	return err
}

// trustFiles writes the files that the configurations of fixtures and documents name, and returns their folder:
// public keys, a certificate authority, a trusted root with everything in it, and one like GitHub's, which has
// neither a transparency log nor one of certificates.
func trustFiles(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"cosign.pub", "alice.pub", "bob.pub", "carol.pub"} {
		writePEM(t, filepath.Join(dir, name), "PUBLIC KEY", publicDER(t, newKey(t)))
	}
	authority, stamper := newAuthority(t, x509.ExtKeyUsageCodeSigning), newAuthority(t, x509.ExtKeyUsageTimeStamping)
	writePEM(t, filepath.Join(dir, "ca.pem"), "CERTIFICATE", authority.Raw)
	since := time.Now().Add(-time.Hour)
	authorities := []root.CertificateAuthority{&root.FulcioCertificateAuthority{Root: authority, ValidityPeriodStart: since}}
	stampers := []root.TimestampingAuthority{&root.SigstoreTimestampingAuthority{Root: stamper, ValidityPeriodStart: since}}
	none := map[string]*root.TransparencyLog{}
	writeRoot(t, filepath.Join(dir, "trusted_root.json"), authorities, newLog(t), stampers, newLog(t))
	writeRoot(t, filepath.Join(dir, "trusted_root.jsonl"), authorities, none, stampers, none)
	if err := os.Mkdir(filepath.Join(dir, "review-policy"), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func publicDER(t *testing.T, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func newAuthority(t *testing.T, usage x509.ExtKeyUsage) *x509.Certificate {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{usage},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func newLog(t *testing.T) map[string]*root.TransparencyLog {
	t.Helper()
	key := newKey(t)
	id := sha256.Sum256(publicDER(t, key))
	return map[string]*root.TransparencyLog{hex.EncodeToString(id[:]): {
		BaseURL: "https://log.example", ID: id[:], HashFunc: crypto.SHA256, PublicKey: key.Public(),
		SignatureHashFunc: crypto.SHA256, ValidityPeriodStart: time.Now().Add(-time.Hour),
	}}
}

func writeRoot(t *testing.T, file string, authorities []root.CertificateAuthority, ctLogs map[string]*root.TransparencyLog,
	stampers []root.TimestampingAuthority, logs map[string]*root.TransparencyLog) {
	t.Helper()
	trusted, err := root.NewTrustedRoot(root.TrustedRootMediaType01, authorities, ctLogs, stampers, logs)
	if err != nil {
		t.Fatal(err)
	}
	data, err := trusted.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func writePEM(t *testing.T, file, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}
