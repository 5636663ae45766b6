package signature

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/sigstore/sigstore/pkg/signature"
)

// maxKeyFile bounds the size of a key file, in bytes. The largest allowed RSA key takes 1.5 KiB.
const maxKeyFile = 64 << 10

// Bounds of RSA moduli, in bits. Larger ones serve only to make verification slow.
const minRSA, maxRSA = 2048, 8192

// publicKey is a key that may vouch for images.
type publicKey struct {
	name        string // as the policy writes it
	fingerprint string // hex SHA-256 of the DER form
	// verifiers are what its signatures may be: by SHA-256 first, which cosign uses for every key, then by
	// the key's own hash.
	verifiers []signature.Verifier
}

// loadKey reads the public key file that a policy names. An error continues "key …".
func loadKey(dir, name string) (*publicKey, error) {
	if i := strings.Index(name, "://"); i >= 0 {
		return nil, fmt.Errorf("is %q: keys are read from files, and from awskms://, azurekms://, gcpkms:// and hashivault://; store the public key beside the configuration", name)
	}
	data, err := readTrusted(resolve(dir, name), maxKeyFile)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", name, err)
	}
	key, err := parsePublicKey(data)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", name, err)
	}
	return newPublicKey(name, key)
}

func resolve(dir, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(dir, name)
}

// readTrusted reads a file that decides who is trusted, of at most limit bytes.
func readTrusted(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no file %s", path)
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file", path)
	case info.Size() > limit:
		return nil, fmt.Errorf("%s is larger than the %d bytes that are read", path, limit)
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o002 != 0:
		return nil, fmt.Errorf("anybody on this machine may replace %s: chmod o-w it", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, limit))
}

// parsePublicKey reads the one public key of a PEM file.
func parsePublicKey(data []byte) (crypto.PublicKey, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, errors.New("the file is empty")
	}
	block, rest := pem.Decode(data)
	switch {
	case block == nil:
		return nil, errors.New("the file holds no PEM block (-----BEGIN PUBLIC KEY-----)")
	case strings.Contains(block.Type, "PRIVATE KEY"):
		return nil, errors.New("the file holds a private key, which should not be here: name the public one (cosign public-key --key cosign.key)")
	case block.Type != "PUBLIC KEY":
		return nil, fmt.Errorf("the file holds a %q, not a PUBLIC KEY", block.Type)
	case bytes.Contains(rest, []byte("-----BEGIN")):
		return nil, errors.New("the file holds more than one PEM block: give every key a file and an authority of its own")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("the public key cannot be read: %w", err)
	}
	if err := strong(key); err != nil {
		return nil, err
	}
	return key, nil
}

// strong refuses keys that can be forged, and kinds that are not known to be sound.
func strong(key crypto.PublicKey) error {
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		switch key.Curve {
		case elliptic.P256(), elliptic.P384(), elliptic.P521():
			return nil
		}
		return fmt.Errorf("ECDSA on the curve %s is not accepted: P-256, P-384 or P-521", key.Curve.Params().Name)
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits < minRSA || bits > maxRSA {
			return fmt.Errorf("RSA with %d bits is not accepted: %d to %d", bits, minRSA, maxRSA)
		}
		return nil
	case ed25519.PublicKey:
		return nil
	}
	return fmt.Errorf("a key of type %T is not accepted: ECDSA, RSA or Ed25519", key)
}

func newPublicKey(name string, key crypto.PublicKey) (*publicKey, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", name, err)
	}
	sum := sha256.Sum256(der)
	out := &publicKey{name: name, fingerprint: hex.EncodeToString(sum[:])}
	for _, hash := range hashesFor(key) {
		v, err := signature.LoadVerifier(key, hash)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", name, err)
		}
		out.verifiers = append(out.verifiers, v)
	}
	return out, nil
}

func hashesFor(key crypto.PublicKey) []crypto.Hash {
	if key, ok := key.(*ecdsa.PublicKey); ok {
		switch key.Curve {
		case elliptic.P384():
			return []crypto.Hash{crypto.SHA256, crypto.SHA384}
		case elliptic.P521():
			return []crypto.Hash{crypto.SHA256, crypto.SHA512}
		}
	}
	return []crypto.Hash{crypto.SHA256}
}

// VerifySignature accepts what any of the key's verifiers accepts. It implements signature.Verifier.
func (k *publicKey) VerifySignature(sig, message io.Reader, opts ...signature.VerifyOption) error {
	sigBytes, err := io.ReadAll(sig)
	if err != nil {
		return err
	}
	messageBytes, err := io.ReadAll(message)
	if err != nil {
		return err
	}
	for _, v := range k.verifiers {
		if err = v.VerifySignature(bytes.NewReader(sigBytes), bytes.NewReader(messageBytes), opts...); err == nil {
			return nil
		}
	}
	return err
}

// PublicKey returns the key itself. It implements signature.Verifier.
func (k *publicKey) PublicKey(opts ...signature.PublicKeyOption) (crypto.PublicKey, error) {
	return k.verifiers[0].PublicKey(opts...)
}
