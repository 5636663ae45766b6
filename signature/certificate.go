package signature

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sigstore/sigstore-go/pkg/root"
)

// maxRootsFile bounds the size of a file with certificates, in bytes: several hundred of them.
const maxRootsFile = 1 << 20

// ownAuthority is a certificate authority of one's own.
type ownAuthority struct {
	name  string // as the policy writes it
	roots []*x509.Certificate
	// authorities is one for each root, each with all intermediates.
	authorities []root.CertificateAuthority
}

// ownMaterial trusts certificates of one's own authority in place of those of a trusted root, whose logs and
// timestamp authorities it trusts.
type ownMaterial struct {
	root.TrustedMaterial
	own *ownAuthority
}

// FulcioCertificateAuthorities returns the own authority.
func (m ownMaterial) FulcioCertificateAuthorities() []root.CertificateAuthority {
	return m.own.authorities
}

// fingerprints are those of the roots, in order.
func (o *ownAuthority) fingerprints() []string {
	out := make([]string, len(o.roots))
	for i, r := range o.roots {
		sum := sha256.Sum256(r.Raw)
		out[i] = hex.EncodeToString(sum[:])
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// loadRoots reads the file with the certificates of one's own authority: those that signed themselves are its
// roots, the others intermediates. An error continues "roots …".
func loadRoots(dir, name string) (*ownAuthority, error) {
	data, err := readTrusted(resolve(dir, name), maxRootsFile)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", name, err)
	}
	own, err := parseRoots(data)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", name, err)
	}
	own.name = name
	return own, nil
}

func parseRoots(data []byte) (*ownAuthority, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, errors.New("the file is empty")
	}
	own := &ownAuthority{}
	var intermediates []*x509.Certificate
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		cert, err := parseAuthority(block)
		switch {
		case err != nil:
			return nil, err
		case selfSigned(cert):
			own.roots = append(own.roots, cert)
		default:
			intermediates = append(intermediates, cert)
		}
	}
	if len(own.roots) == 0 {
		return nil, errors.New("the file holds no root: put the certificate in PEM that the authority signed for itself (-----BEGIN CERTIFICATE-----) into it")
	}
	for _, r := range own.roots {
		own.authorities = append(own.authorities, &root.FulcioCertificateAuthority{Root: r, Intermediates: intermediates})
	}
	return own, nil
}

// parseAuthority reads the certificate of an authority.
func parseAuthority(block *pem.Block) (*x509.Certificate, error) {
	switch {
	case strings.Contains(block.Type, "PRIVATE KEY"):
		return nil, errors.New("the file holds a private key, which should not be here: leave only certificates in it")
	case block.Type != "CERTIFICATE":
		return nil, fmt.Errorf("the file holds a %q, not only a CERTIFICATE", block.Type)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("a certificate cannot be read: %w", err)
	}
	if !cert.BasicConstraintsValid || !cert.IsCA {
		return nil, fmt.Errorf("the certificate of %s is not one of an authority: name the authority's, and whom it is for as subject", quote(cert.Subject.String()))
	}
	if err := strong(cert.PublicKey); err != nil {
		return nil, fmt.Errorf("the certificate of %s: %w", quote(cert.Subject.String()), err)
	}
	return cert, nil
}

func selfSigned(cert *x509.Certificate) bool {
	return bytes.Equal(cert.RawIssuer, cert.RawSubject) && cert.CheckSignatureFrom(cert) == nil
}

// certificate compiles an identity in certificates of one's own authority.
func (c *compiler) certificate(path []any, want Certificate) *identity {
	id := &identity{subject: c.matcher(path, "subject", want.Subject, want.SubjectPattern)}
	if id.anyIssuer = want.Issuer == "" && want.IssuerPattern == ""; !id.anyIssuer {
		id.issuer = c.matcher(path, "issuer", want.Issuer, want.IssuerPattern)
	}
	if want.Roots == "" {
		c.problem(path, "has no roots: name the PEM file with the authority's certificates (roots: ca.pem)")
		return id
	}
	own, err := loadRoots(c.dir, want.Roots)
	if err != nil {
		c.problem(append(path, "roots"), "%v", err)
		return id
	}
	id.own = own
	return id
}

// mixed tells that two authorities of one's own have a root in common, and are not the same.
func mixed(a, b *ownAuthority) bool {
	if a == nil || b == nil || a.name == b.name {
		return false
	}
	theirs := b.fingerprints()
	return slices.ContainsFunc(a.fingerprints(), func(f string) bool { return slices.Contains(theirs, f) })
}
