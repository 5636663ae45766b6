package webhook

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	audience = "https://tidewaiter.example/hooks/gar"
	email    = "tidewaiter@project.iam.gserviceaccount.com"
)

// issuer is an OpenID Connect issuer on loopback, with TLS.
type issuer struct {
	*httptest.Server
	keys    string // where the discovery document says that they are
	key     *rsa.PrivateKey
	kid     string
	fetched atomic.Int32 // requests for the keys
	answer  atomic.Pointer[http.HandlerFunc]
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{key: newKey(t), kid: "first"}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, i.URL, i.keys)
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, r *http.Request) {
		i.fetched.Add(1)
		if h := i.answer.Load(); h != nil {
			(*h)(w, r)
			return
		}
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: i.key.Public(), KeyID: i.kid, Algorithm: "RS256", Use: "sig"}}})
	})
	i.Server = httptest.NewTLSServer(mux)
	t.Cleanup(i.Close)
	i.keys = i.URL + "/keys"
	return i
}

func newKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// claims are those of a good token, with some changed.
func (i *issuer) claims(now time.Time, changed map[string]any) map[string]any {
	c := map[string]any{
		"iss": i.URL, "aud": audience, "sub": "113774264463038321964", "email": email, "email_verified": true,
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
	maps.Copy(c, changed)
	return c
}

func sign(t *testing.T, algorithm jose.SignatureAlgorithm, key any, kid string, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// good makes a token that is let in, with some claims changed.
func (i *issuer) good(t *testing.T, now time.Time, changed map[string]any) string {
	return sign(t, jose.RS256, i.key, i.kid, i.claims(now, changed))
}

// endpoint opens one for Pub/Sub whose clock the test can move.
func (i *issuer) endpoint(t *testing.T, auth OIDCAuth) (e *Endpoint, like recorded, now *time.Time) {
	t.Helper()
	f := readFixture(t, "gar")
	o := f.options()
	now = &f.Now
	o.Now, o.Client = func() time.Time { return *now }, i.Client()
	return open(t, f.endpoint("gar", Auth{OIDC: &auth}), o), f.Requests[0], now
}

// bearer has the endpoint receive a request with these tokens.
func bearer(e *Endpoint, like recorded, tokens ...string) ([]Event, error) {
	r := like.request(e.Path)
	for _, token := range tokens {
		r.Header.Add("Authorization", "Bearer "+token)
	}
	events, _, err := e.Receive(r, like.Body)
	return events, err
}

// TestOIDC lets in who the issuer says is the service account, for us, now; and nobody else.
func TestOIDC(t *testing.T) {
	i := newIssuer(t)
	e, like, now := i.endpoint(t, OIDCAuth{Issuer: i.URL, Audience: audience, Email: email})
	public, err := x509.MarshalPKIXPublicKey(i.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	with := func(key string, value any) string { return i.good(t, *now, map[string]any{key: value}) }
	good := i.good(t, *now, nil)
	parts := strings.Split(good, ".")
	unsigned := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + parts[1] + "."
	for name, tt := range map[string]struct {
		tokens []string
		want   string
	}{
		"good":                      {[]string{good}, ""},
		"good, for two":             {[]string{with("aud", []string{"other", audience})}, ""},
		"no token":                  {nil, "401"},
		"empty":                     {[]string{""}, "401"},
		"no JWT":                    {[]string{"a.b.c"}, "401"},
		"two tokens":                {[]string{good, good}, "401"},
		"alg none":                  {[]string{unsigned}, "401"},
		"alg HS256, the public key": {[]string{sign(t, jose.HS256, public, i.kid, i.claims(*now, nil))}, "401"},
		"another key":               {[]string{sign(t, jose.RS256, newKey(t), i.kid, i.claims(*now, nil))}, "401"},
		"an unknown key":            {[]string{sign(t, jose.RS256, newKey(t), "second", i.claims(*now, nil))}, "401"},
		"claims altered":            {[]string{parts[0] + "." + parts[1][:len(parts[1])-4] + "AAAA." + parts[2]}, "401"},
		"signature truncated":       {[]string{good[:len(good)-2]}, "401"},
		"another audience":          {[]string{with("aud", "https://other.example")}, "401"},
		"no audience":               {[]string{with("aud", "")}, "401"},
		"another issuer":            {[]string{with("iss", "https://accounts.google.com")}, "401"},
		"another email":             {[]string{with("email", "x@project.iam.gserviceaccount.com")}, "401"},
		"email in capitals":         {[]string{with("email", strings.ToUpper(email))}, "401"},
		"no email":                  {[]string{with("email", "")}, "401"},
		"email not verified":        {[]string{with("email_verified", false)}, "401"},
		"email verified, in words":  {[]string{with("email_verified", "true")}, "401"},
		"expired":                   {[]string{with("exp", now.Add(-time.Second).Unix())}, "401"},
		"without an end":            {[]string{with("exp", 0)}, "401"},
		"of tomorrow":               {[]string{with("nbf", now.Add(24*time.Hour).Unix())}, "401"},
		"too long":                  {[]string{with("x", strings.Repeat("a", maxToken))}, "401"},
	} {
		events, err := bearer(e, like, tt.tokens...)
		if tt.want == "" && (err != nil || len(events) != 1) || tt.want != "" && (status(err) != tt.want || len(events) > 0 || !printable(err.Error())) {
			t.Errorf("%s: %d events, %s, %v; want %q", name, len(events), status(err), err, tt.want)
		}
	}
}

// TestOIDCSubject asks for the name instead of the address, as for the job of a CI system.
func TestOIDCSubject(t *testing.T) {
	i := newIssuer(t)
	e, like, now := i.endpoint(t, OIDCAuth{Issuer: i.URL, Audience: audience, Subject: "repo:shop/web:ref:refs/heads/main"})
	for subject, want := range map[string]string{"repo:shop/web:ref:refs/heads/main": "<nil> (<nil>)", "repo:shop/web:ref:refs/heads/x": "401", "": "401"} {
		if _, err := bearer(e, like, i.good(t, *now, map[string]any{"sub": subject})); status(err) != want {
			t.Errorf("%q: %s, want %s", subject, status(err), want)
		}
	}
}

// TestKeysCached asks the issuer once for many tokens, forged ones among them, and learns of a new key after a minute.
func TestKeysCached(t *testing.T) {
	i := newIssuer(t)
	e, like, now := i.endpoint(t, OIDCAuth{Issuer: i.URL, Audience: audience, Email: email})
	forged := newKey(t)
	for n := range 100 {
		if _, err := bearer(e, like, sign(t, jose.RS256, forged, fmt.Sprint("forged-", n), i.claims(*now, nil))); status(err) != "401" {
			t.Fatal(status(err))
		}
		if _, err := bearer(e, like, i.good(t, *now, nil)); err != nil {
			t.Fatal(err)
		}
	}
	if n := i.fetched.Load(); n != 1 {
		t.Errorf("the keys were fetched %d times", n)
	}
	i.key, i.kid = newKey(t), "second"
	if _, err := bearer(e, like, i.good(t, *now, nil)); status(err) != "401" {
		t.Errorf("a new key, at once: %s", status(err))
	}
	*now = now.Add(keyInterval)
	if err := settled(t, i, e, like, *now); err != nil {
		t.Errorf("a new key, a minute later: %v", err)
	}
}

// settled is what becomes of a good token that is sent again while it is refused. A question for keys that is answered
// stays open in go-oidc for some microseconds, and whoever asks then is given that answer, which is of before. Our own
// memory stands still with now, so that a refusal by it is not outlived.
func settled(t *testing.T, i *issuer, e *Endpoint, like recorded, now time.Time) error {
	t.Helper()
	token := i.good(t, now, nil)
	var err error
	for range 100 {
		if _, err = bearer(e, like, token); err == nil {
			return nil
		}
		time.Sleep(time.Millisecond)
	}
	return err
}

// TestKeysUnavailable tells what cannot be checked now from what is wrong, and tries again.
func TestKeysUnavailable(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"status 500": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
		"no JSON":    func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") },
		"too large": func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"keys":[]}`+strings.Repeat(" ", maxKeys))
		},
		"an error with keys": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"keys":[]}`)
		},
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.RawQuery == "" {
				http.Redirect(w, r, "/keys?again", http.StatusFound)
				return
			}
			fmt.Fprint(w, `{"keys":[]}`)
		},
		"hung up upon": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		i := newIssuer(t)
		e, like, now := i.endpoint(t, OIDCAuth{Issuer: i.URL, Audience: audience, Email: email})
		i.answer.Store(&answer)
		for range 20 {
			if events, err := bearer(e, like, i.good(t, *now, nil)); status(err) != "503" || len(events) > 0 {
				t.Fatalf("%s: %s, %v", name, status(err), err)
			}
		}
		if n := i.fetched.Load(); n > 2 { // a client may repeat a request that was hung up upon
			t.Errorf("%s: asked %d times", name, n)
		}
		i.answer.Store(nil)
		*now = now.Add(failureInterval)
		if err := settled(t, i, e, like, *now); err != nil {
			t.Errorf("%s, later: %v", name, err)
		}
	}
}

// TestIssuerGone is the same where the issuer is not there at all, or is another.
func TestIssuerGone(t *testing.T) {
	gone, other := newIssuer(t), newIssuer(t)
	e, like, now := gone.endpoint(t, OIDCAuth{Issuer: gone.URL, Audience: audience, Email: email})
	gone.Close()
	if _, err := bearer(e, like, gone.good(t, *now, nil)); status(err) != "503" {
		t.Errorf("gone: %s", status(err))
	}
	plain := newIssuer(t)
	plain.keys = strings.Replace(plain.keys, "https://", "http://", 1)
	e, like, now = plain.endpoint(t, OIDCAuth{Issuer: plain.URL, Audience: audience, Email: email})
	if _, err := bearer(e, like, plain.good(t, *now, nil)); status(err) != "503" || !strings.Contains(err.Error(), "is not https") {
		t.Errorf("without TLS: %v", err)
	}
	e, like, now = other.endpoint(t, OIDCAuth{Issuer: other.URL + "/", Audience: audience, Email: email})
	if _, err := bearer(e, like, other.good(t, *now, map[string]any{"iss": other.URL + "/"})); status(err) != "503" {
		t.Errorf("another: %s", status(err))
	}
}
