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

// identity is whom a certificate must be for.
type identity struct {
	issuer, subject matcher
	// anyIssuer tells that the subject alone says who is meant, as it may with an authority of one's own.
	anyIssuer bool
	// own is the authority of one's own that must have issued the certificate; nil: those of the trusted root.
	own *ownAuthority
	// claims are wanted of the workflow that signed.
	claims []claim
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
func (id identity) open() bool {
	return id.anyIssuer || id.issuer.pattern != nil || id.subject.pattern != nil
}

func (id identity) String() string {
	var b strings.Builder
	if id.own != nil {
		fmt.Fprintf(&b, "certificate %s (roots %s", id.subject, id.own.name)
		if !id.anyIssuer {
			fmt.Fprintf(&b, ", issuer %s", id.issuer)
		}
	} else {
		fmt.Fprintf(&b, "keyless %s (issuer %s", id.subject, id.issuer)
	}
	for _, c := range id.claims {
		fmt.Fprintf(&b, ", %s %s", c.name, c.want)
	}
	return b.String() + ")"
}

// mismatch says in which way a certificate is of somebody else. Empty if it is of this identity.
func (id identity) mismatch(cert certificateNames) string {
	switch {
	case !id.subject.match(cert.subject):
		return fmt.Sprintf("certificate subject %s does not match %s", quote(cert.subject), id.subject)
	case !id.anyIssuer && !id.issuer.match(cert.issuer):
		return fmt.Sprintf("certificate issuer %s does not match %s", quote(cert.issuer), id.issuer)
	}
	return mismatch(id.claims, cert.workflow)
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
	if id.anyIssuer {
		c.IssuerRegExp = ".*" // it wants to be told
	}
	return verify.NewShortCertificateIdentity(c.Issuer, c.IssuerRegExp, c.Subject, c.SubjectRegExp)
}

// certificateNames is whom a certificate is for, and which identity provider said so.
type certificateNames struct {
	issuer, subject string
	workflow        *Workflow
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
	return certificateNames{summary.Issuer, summary.SubjectAlternativeName, workflowOf(summary.Extensions)}, nil
}

// keyless compiles an identity in certificates of a trusted root's authority.
func (c *compiler) keyless(path []any, k Keyless) *identity {
	return &identity{
		issuer:  c.matcher(path, "issuer", k.Issuer, k.IssuerPattern),
		subject: c.matcher(path, "subject", k.Subject, k.SubjectPattern),
		claims:  c.claims(append(path, "claims"), k.Claims),
	}
}

func (c *compiler) matcher(path []any, field, exact, pattern string) matcher {
	switch {
	case exact == "" && pattern == "":
		c.problem(path, "has no %[1]s: anybody's certificate would do; write %[1]s or %[1]sPattern", field)
	case exact != "" && pattern != "":
		c.problem(path, "has both %[1]s and %[1]sPattern: leave one of them out", field)
	case strings.Contains(exact, "*"):
		c.problem(append(path, field), "is %q, and is compared as it is: write %sPattern, a regular expression", exact, field)
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
