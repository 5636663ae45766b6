package signature

import (
	"crypto/x509"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/sigstore/cosign/v2/pkg/cosign"
	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
	"github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
)

// identity is a keyless authority that can be matched.
type identity struct {
	issuer, subject matcher
}

// matcher wants a value exactly, or by a pattern of the whole value. It has one of the two.
type matcher struct {
	exact   string
	pattern *regexp.Regexp
}

func (m matcher) match(value string) bool {
	if m.pattern != nil {
		return m.pattern.MatchString(value)
	}
	return m.exact != "" && m.exact == value
}

func (m matcher) String() string {
	if m.pattern != nil {
		return "pattern " + m.pattern.String()
	}
	return m.exact
}

// open tells that the identity stands for any number of people or workflows.
func (id identity) open() bool { return id.issuer.pattern != nil || id.subject.pattern != nil }

func (id identity) String() string {
	return fmt.Sprintf("keyless %s (issuer %s)", id.subject, id.issuer)
}

// mismatch says in which way a certificate is of somebody else. Empty if it is of this identity.
func (id identity) mismatch(cert certificateNames) string {
	switch {
	case !id.subject.match(cert.subject):
		return fmt.Sprintf("certificate subject %s does not match %s", quote(cert.subject), id.subject)
	case !id.issuer.match(cert.issuer):
		return fmt.Sprintf("certificate issuer %s does not match %s", quote(cert.issuer), id.issuer)
	}
	return ""
}

// cosign is the identity in cosign's terms.
func (id identity) cosign() cosign.Identity {
	out := cosign.Identity{Issuer: id.issuer.exact, Subject: id.subject.exact}
	if p := id.issuer.pattern; p != nil {
		out.IssuerRegExp = p.String()
	}
	if p := id.subject.pattern; p != nil {
		out.SubjectRegExp = p.String()
	}
	return out
}

// sigstore is the identity in sigstore-go's terms.
func (id identity) sigstore() (verify.CertificateIdentity, error) {
	c := id.cosign()
	return verify.NewShortCertificateIdentity(c.Issuer, c.IssuerRegExp, c.Subject, c.SubjectRegExp)
}

// certificateNames is whom a certificate is for, and which identity provider said so.
type certificateNames struct {
	issuer, subject string
}

// readNames reads whom a certificate is for, and prepares it for verification. Sigstore's certificates have
// exactly one subject alternative name; with two, matching any would let their owner choose which one counts.
func readNames(cert *x509.Certificate) (certificateNames, error) {
	if err := strong(cert.PublicKey); err != nil {
		return certificateNames{}, fmt.Errorf("the certificate's key is too weak: %w", err)
	}
	if n := len(cryptoutils.GetSubjectAlternateNames(cert)); n != 1 {
		return certificateNames{}, fmt.Errorf("the certificate has %d subject alternative names instead of one", n)
	}
	summary, err := certificate.SummarizeCertificate(cert)
	if err != nil {
		return certificateNames{}, fmt.Errorf("the certificate's names cannot be read: %w", err)
	}
	// crypto/x509 does not know the subject alternative name that Sigstore uses for user names, which is now read.
	cert.UnhandledCriticalExtensions = slices.DeleteFunc(cert.UnhandledCriticalExtensions, cryptoutils.SANOID.Equal)
	return certificateNames{issuer: summary.Issuer, subject: summary.SubjectAlternativeName}, nil
}

func (c *compiler) identity(path []any, k Keyless) *identity {
	return &identity{
		issuer:  c.matcher(path, "issuer", k.Issuer, k.IssuerPattern),
		subject: c.matcher(path, "subject", k.Subject, k.SubjectPattern),
	}
}

func (c *compiler) matcher(path []any, field, exact, pattern string) matcher {
	switch {
	case exact == "" && pattern == "":
		c.problem(path, "has no %[1]s: anybody's certificate would do; write %[1]s or %[1]sPattern", field)
	case exact != "" && pattern != "":
		c.problem(path, "has both %[1]s and %[1]sPattern: leave one of them out", field)
	case exact != "":
		return matcher{exact: exact}
	default:
		re, err := anchored(pattern)
		if err != nil {
			c.problem(append(path, field+"Pattern"), "%v", err)
			return matcher{}
		}
		return matcher{pattern: re}
	}
	return matcher{}
}

// anchored compiles a pattern that must match a whole value. A pattern that constrains nothing is refused.
func anchored(pattern string) (*regexp.Regexp, error) {
	// It must be whole by itself: "a)|(?:b" would escape the group that anchors it.
	if _, err := regexp.Compile(pattern); err != nil {
		return nil, fmt.Errorf("is no regular expression: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	re, err := regexp.Compile("^(?:" + pattern + ")$")
	if err != nil {
		return nil, fmt.Errorf("is no regular expression: %w", err)
	}
	if re.MatchString("") || re.MatchString("\x00 nobody \x00") {
		return nil, fmt.Errorf("is %q, which matches anything or nothing at all: say who is meant", pattern)
	}
	return re, nil
}
