package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
)

// Auth is how a sender proves itself: exactly one of these. "auth: none" believes everybody, and has to be written so.
type Auth struct {
	Header *HeaderAuth `yaml:"header"`
	HMAC   *HMACAuth   `yaml:"hmac"`
	Basic  *BasicAuth  `yaml:"basic"`
	OIDC   *OIDCAuth   `yaml:"oidc"`
	MTLS   *MTLSAuth   `yaml:"mtls"`
	Path   *PathAuth   `yaml:"path"`
	// None is set by the word none in place of all others.
	None bool `yaml:"-"`
}

// UnmarshalYAML reads the word none, or the keys. (This form of the method keeps the decoder strict about them.)
func (a *Auth) UnmarshalYAML(unmarshal func(any) error) error {
	var word string
	if unmarshal(&word) == nil && word != "" {
		if word != "none" {
			return fmt.Errorf("%s is not known; write one of %s below it, or auth: none to believe everybody", quote(word), strings.Join(methodNames(allMethods), ", "))
		}
		a.None = true
		return nil
	}
	type keys Auth
	return unmarshal((*keys)(a))
}

// method is one way to prove who sends, by its key in the configuration.
type method string

const (
	byHeader method = "header"
	byHMAC   method = "hmac"
	byBasic  method = "basic"
	byOIDC   method = "oidc"
	byMTLS   method = "mtls"
	byPath   method = "path"
)

var allMethods = []method{byHeader, byHMAC, byBasic, byOIDC, byMTLS, byPath}

// proof checks who sends a request. Its errors are *Error.
type proof interface {
	verify(r *http.Request, body []byte) error
}

// opener makes the proof of an endpoint, after reading its secrets.
type opener interface {
	open(e *Endpoint, o *Options) (proof, error)
}

// configured returns what is set, by method.
func (a *Auth) configured() map[method]opener {
	set := map[method]opener{}
	if a.Header != nil {
		set[byHeader] = a.Header
	}
	if a.HMAC != nil {
		set[byHMAC] = a.HMAC
	}
	if a.Basic != nil {
		set[byBasic] = a.Basic
	}
	if a.OIDC != nil {
		set[byOIDC] = a.OIDC
	}
	if a.MTLS != nil {
		set[byMTLS] = a.MTLS
	}
	if a.Path != nil {
		set[byPath] = a.Path
	}
	return set
}

func unauthorized(format string, args ...any) error {
	return refuse(http.StatusUnauthorized, format, args...)
}

// equal compares in a time that depends on the length of got alone.
func equal(got, want string) bool {
	a, b := sha256.Sum256([]byte(got)), sha256.Sum256([]byte(want))
	return hmac.Equal(a[:], b[:])
}

// oneHeader returns a header that must be there once: who sends it twice hopes that two readers take different ones.
func oneHeader(r *http.Request, name string) (string, error) {
	switch values := r.Header.Values(name); len(values) {
	case 0:
		return "", unauthorized("header %s is missing", name)
	case 1:
		return values[0], nil
	default:
		return "", unauthorized("header %s stands there %d times", name, len(values))
	}
}

// HeaderAuth is a secret in a header.
type HeaderAuth struct {
	// Name is the header's. Empty: Authorization.
	Name string `yaml:"name"`
	// Scheme is a word before the secret: Bearer. Empty: the secret is the whole value.
	Scheme string `yaml:"scheme"`
	Secret Secret `yaml:"secret"`
}

type headerProof struct{ name, value string }

func (a *HeaderAuth) open(_ *Endpoint, o *Options) (proof, error) {
	p := headerProof{name: a.Name}
	if p.name == "" {
		p.name = "Authorization"
	}
	if !isToken(p.name) || a.Scheme != "" && !isToken(a.Scheme) {
		return nil, fmt.Errorf("name and scheme of a header are letters, digits and dashes")
	}
	secret, err := a.Secret.read(o)
	if err != nil {
		return nil, err
	}
	if p.value = secret; a.Scheme != "" {
		p.value = a.Scheme + " " + secret
	}
	return p, nil
}

// isToken tells whether s may be the name of a header.
func isToken(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-'
	}) < 0
}

func (p headerProof) verify(r *http.Request, _ []byte) error {
	got, err := oneHeader(r, p.name)
	if err != nil {
		return err
	}
	if !equal(got, p.value) {
		return unauthorized("header %s is not the secret", p.name)
	}
	return nil
}

// HMACAuth is a signature of the body (HMAC-SHA256, in lower-case hexadecimal digits) in the header that the sender has
// for it.
type HMACAuth struct {
	Secret Secret `yaml:"secret"`
}

// signed is how a sender carries the HMAC of a body.
type signed struct{ header, prefix string }

type hmacProof struct {
	signed
	key []byte
}

func (a *HMACAuth) open(e *Endpoint, o *Options) (proof, error) {
	secret, err := a.Secret.read(o)
	return hmacProof{e.sender.signed, []byte(secret)}, err
}

func (p hmacProof) verify(r *http.Request, body []byte) error {
	got, err := oneHeader(r, p.header)
	if err != nil {
		return err
	}
	if !equal(got, p.sign(body)) {
		return unauthorized("header %s is not the HMAC of the body", p.header)
	}
	return nil
}

func (p hmacProof) sign(body []byte) string {
	mac := hmac.New(sha256.New, p.key)
	mac.Write(body)
	return p.prefix + hex.EncodeToString(mac.Sum(nil))
}

// BasicAuth is a name and a password (RFC 7617).
type BasicAuth struct {
	Username string `yaml:"username"`
	Password Secret `yaml:"password"`
}

type basicProof struct{ username, password string }

func (a *BasicAuth) open(_ *Endpoint, o *Options) (proof, error) {
	if a.Username == "" || strings.Contains(a.Username, ":") {
		return nil, fmt.Errorf("username %s is empty or has a colon", quote(a.Username))
	}
	password, err := a.Password.read(o)
	return basicProof{a.Username, password}, err
}

func (p basicProof) verify(r *http.Request, _ []byte) error {
	if _, err := oneHeader(r, "Authorization"); err != nil {
		return err
	}
	username, password, ok := r.BasicAuth()
	if !ok {
		return unauthorized("header Authorization is not of basic authentication")
	}
	if known, right := equal(username, p.username), equal(password, p.password); !known || !right {
		return unauthorized("user name or password is wrong")
	}
	return nil
}

// PathAuth is a last component of the path that nobody can guess, for senders that can do no better.
type PathAuth struct {
	Secret Secret `yaml:"secret"`
}

type pathProof struct{ prefix, secret string }

func (a *PathAuth) open(e *Endpoint, o *Options) (proof, error) {
	secret, err := a.Secret.read(o)
	if err == nil && !isToken(strings.ReplaceAll(secret, "_", "-")) {
		err = fmt.Errorf("the secret is not letters, digits, dashes and underscores, as in a path it must be")
	}
	return pathProof{e.Path + "/", secret}, err
}

func (p pathProof) verify(r *http.Request, _ []byte) error {
	got, ok := strings.CutPrefix(r.URL.Path, p.prefix)
	if !ok || !equal(got, p.secret) {
		return unauthorized("the end of the path is not the secret")
	}
	return nil
}

// noProof believes everybody.
type noProof struct{}

func (noProof) verify(*http.Request, []byte) error { return nil }
