package page_test

import (
	"crypto/sha256"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tidewaiter/tidewaiter/server/page"
)

// Without a login there is the login page, its style and its icon, and nothing else.
func TestNothingIsServedWithoutLogin(t *testing.T) {
	w := newWorld(t, nil)
	v := w.judged("shop/denied", "1.0")
	stranger := w.browser()
	_, login := w.get(stranger, "/login")
	for _, path := range []string{"/", "/queue", imagePath(v.Image), "/verdict/" + v.ID + "/report.json", "/verdict/" + v.ID + "/sbom.json", "/live", "/nothing", "/logout", "/theme", "/again", "/?q=x"} {
		response, body := w.get(stranger, path)
		switch location := response.Header.Get("Location"); {
		case path == "/live" && response.StatusCode == http.StatusUnauthorized:
		case response.StatusCode != http.StatusSeeOther || !strings.HasPrefix(location, "/login"):
			t.Errorf("GET %s: %s to %q", path, response.Status, location)
		}
		if strings.Contains(body, "miner") || strings.Contains(body, "libssl3") {
			t.Errorf("GET %s shows %q", path, body)
		}
	}
	for _, path := range []string{"/logout", "/theme", "/again"} {
		if response, _ := w.post(stranger, path, nil); response.StatusCode != http.StatusUnauthorized {
			t.Errorf("POST %s: %s", path, response.Status)
		}
	}
	if strings.Contains(login, ".js") {
		t.Error("the login page has a script")
	}
	script := between(t, w.shows(w.ada(), "/"), `<script src="`, `"`)
	if response, _ := w.get(stranger, script); response.StatusCode != http.StatusNotFound {
		t.Errorf("GET %s: %s", script, response.Status)
	}
	for _, open := range []string{between(t, login, `rel="stylesheet" href="`, `"`), "/assets/icon.svg"} {
		if response, _ := w.get(stranger, open); response.StatusCode != http.StatusOK {
			t.Errorf("GET %s: %s", open, response.Status)
		}
	}
}

func between(t *testing.T, s, before, after string) string {
	t.Helper()
	_, rest, found := strings.Cut(s, before)
	text, _, ended := strings.Cut(rest, after)
	if !found || !ended {
		t.Fatalf("nothing stands between %q and %q", before, after)
	}
	return text
}

func TestEveryAnswerIsGuarded(t *testing.T) {
	w := newWorld(t, nil)
	ada := w.ada()
	v := w.judged("shop/denied", "1.0")
	script := between(t, w.shows(ada, "/"), `<script src="`, `"`)
	for _, path := range []string{"/", "/login", "/queue", imagePath(v.Image), "/verdict/" + v.ID + "/sbom.json", "/nothing", "/?since=x", script} {
		response, _ := w.get(ada, path)
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
			"X-Content-Type-Options":  "nosniff", "Cache-Control": "no-store", "Referrer-Policy": "same-origin",
		} {
			if got := response.Header.Get(name); got != want {
				t.Errorf("GET %s: %s is %q", path, name, got)
			}
		}
	}
}

func TestToken(t *testing.T) {
	w := newWorld(t, nil)
	for i, wrong := range []string{"", " ", "x", token + "x", strings.Repeat("x", 2000), strings.ToUpper(token)} {
		client := w.browser()
		w.ago(-time.Hour * time.Duration(i)) // all guesses are back
		response, body := w.post(client, "/login", url.Values{"token": {wrong}})
		if response.StatusCode != http.StatusForbidden || !strings.Contains(body, "not known here") || len(response.Cookies()) > 0 {
			t.Errorf("%.20q: %s", wrong, response.Status)
		}
	}
	w.ago(-24 * time.Hour)
	client := w.browser()
	response, _ := w.post(client, "/login", url.Values{"token": {token}, "next": {"/queue"}})
	if response.StatusCode != http.StatusSeeOther || response.Header.Get("Location") != "/queue" {
		t.Fatalf("%s to %q", response.Status, response.Header.Get("Location"))
	}
	cookie := response.Cookies()[0]
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" || cookie.Domain != "" || cookie.MaxAge <= 0 {
		t.Errorf("the cookie is %v", cookie)
	}
	w.shows(client, "/", ">Ada<")
}

func TestGuessesAreThrottled(t *testing.T) {
	w := newWorld(t, nil)
	w.ago(0)
	client := w.browser()
	last := 0
	for range 6 {
		response, _ := w.post(client, "/login", url.Values{"token": {"x"}})
		last = response.StatusCode
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("the sixth guess gets %d, want 429", last)
	}
	if response, _ := w.post(client, "/login", url.Values{"token": {token}}); response.StatusCode != http.StatusTooManyRequests {
		t.Errorf("the right token gets %s while others are throttled: guessing could go on", response.Status)
	}
	w.ago(-time.Minute)
	if response, _ := w.post(client, "/login", url.Values{"token": {token}}); response.StatusCode != http.StatusSeeOther {
		t.Errorf("a minute later: %s", response.Status)
	}
}

func TestSessionEnds(t *testing.T) {
	w := newWorld(t, func(o *page.Options) { o.Login.Session = time.Hour })
	ada := w.ada()
	w.shows(ada, "/")
	w.ago(-time.Hour)
	if response, _ := w.get(ada, "/"); response.StatusCode != http.StatusSeeOther {
		t.Errorf("after its time: %s", response.Status)
	}
	w.ago(0)
	copied := w.browser()
	address, err := url.Parse(w.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	copied.Jar.SetCookies(address, ada.Jar.Cookies(address))
	other := w.ada()
	w.shows(copied, "/")
	if response, _ := w.post(ada, "/logout", nil); response.StatusCode != http.StatusSeeOther || response.Header.Get("Location") != "/login" {
		t.Errorf("log out: %s", response.Status)
	}
	if response, _ := w.get(ada, "/"); response.StatusCode != http.StatusSeeOther {
		t.Errorf("after logging out: %s", response.Status)
	}
	if response, _ := w.get(copied, "/"); response.StatusCode != http.StatusSeeOther {
		t.Errorf("with a copy of the cookie, after logging out: %s", response.Status)
	}
	w.shows(other, "/") // another session of the same person
}

func TestCookiesCannotBeMade(t *testing.T) {
	w, other := newWorld(t, nil), newWorld(t, func(o *page.Options) { o.Login.Key = []byte(strings.Repeat("k", 32)) })
	sealed := func(w *world) string {
		response, _ := w.post(w.browser(), "/login", url.Values{"token": {token}})
		return response.Cookies()[0].Value
	}
	good := sealed(w)
	status := func(cookies ...*http.Cookie) int {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.server.URL+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cookies {
			request.AddCookie(c)
		}
		response, _ := w.read(w.browser().Do(request))
		return response.StatusCode
	}
	session := func(value string) *http.Cookie { return &http.Cookie{Name: "tidewaiter-session", Value: value} }
	if got := status(session(good)); got != http.StatusOK {
		t.Fatalf("the right cookie: %d", got)
	}
	changed := []byte(good)
	changed[len(changed)/2] ^= 1
	for name, cookies := range map[string][]*http.Cookie{
		"changed":         {session(string(changed))},
		"another key's":   {session(sealed(other))},
		"in plain":        {session("eyJ3aG8iOiJFdmUifQ")},
		"empty":           {session("")},
		"there twice":     {session(good), session(good)},
		"too long":        {session(strings.Repeat("A", 5000))},
		"of another name": {{Name: "tidewaiter-login", Value: good}},
	} {
		if got := status(cookies...); got != http.StatusSeeOther {
			t.Errorf("%s: %d", name, got)
		}
	}
}

// Another site cannot make a browser log out, log in or ask for anything.
func TestOtherSitesCannotPost(t *testing.T) {
	w := newWorld(t, nil)
	ada := w.ada()
	for _, path := range []string{"/logout", "/login", "/theme", "/again"} {
		for name, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"} {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.server.URL+path, strings.NewReader("token="+token))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			request.Header.Set(name, value)
			if response, _ := w.read(ada.Do(request)); response.StatusCode != http.StatusForbidden {
				t.Errorf("POST %s with %s: %s", path, name, response.Status)
			}
		}
	}
	w.shows(ada, "/", ">Ada<")
}

func TestNextStaysHere(t *testing.T) {
	w := newWorld(t, nil)
	for next, want := range map[string]string{
		"/queue": "/queue", "/?q=a%20b&x=1": "/?q=a%20b&x=1", "/image/r.example/a@sha256:0": "/image/r.example/a@sha256:0",
		"": "/", "https://evil.example": "/", "//evil.example": "/", `/\evil.example`: "/", `\\evil.example`: "/", "/\t/evil.example": "/",
		"/\n/evil.example": "/", "javascript:alert(1)": "/", "/login": "/", "/logout": "/", "/live": "/", "/x//../..//evil.example": "/evil.example",
		"/%2fevil.example": "/", "///evil.example": "/", "////evil.example": "/", "/" + strings.Repeat("a", 2000): "/", "evil.example": "/", " /queue": "/",
	} {
		response, _ := w.post(w.browser(), "/login", url.Values{"token": {token}, "next": {next}})
		if got := response.Header.Get("Location"); got != want {
			t.Errorf("%.40q leads to %q, want %q", next, got, want)
		}
	}
}

func TestWhatLetsNobodyOrAnybodyIn(t *testing.T) {
	good := page.Token{Name: "Ada", SHA256: sha256.Sum256([]byte(token))}
	oidc := page.OIDC{Issuer: "https://id.example", ClientID: "x", Domains: []string{"shop.example"}}
	for name, o := range map[string]page.Options{
		"no login":                {URL: "https://scan.example"},
		"no url":                  {Login: page.Login{Tokens: []page.Token{good}}},
		"plain http":              {URL: "http://scan.example", Login: page.Login{Tokens: []page.Token{good}}},
		"a path":                  {URL: "https://scan.example/scans", Login: page.Login{Tokens: []page.Token{good}}},
		"an empty token":          {URL: "https://scan.example", Login: page.Login{Tokens: []page.Token{{Name: "x", SHA256: sha256.Sum256(nil)}}}},
		"a token without a hash":  {URL: "https://scan.example", Login: page.Login{Tokens: []page.Token{{Name: "x"}}}},
		"a short key":             {URL: "https://scan.example", Login: page.Login{Tokens: []page.Token{good}, Key: []byte("x")}},
		"nobody is allowed":       {URL: "https://scan.example", Login: page.Login{OIDC: &page.OIDC{Issuer: oidc.Issuer, ClientID: "x"}}},
		"an issuer by plain http": {URL: "https://scan.example", Login: page.Login{OIDC: &page.OIDC{Issuer: "http://id.example", ClientID: "x", Domains: oidc.Domains}}},
		"no client id":            {URL: "https://scan.example", Login: page.Login{OIDC: &page.OIDC{Issuer: oidc.Issuer, Domains: oidc.Domains}}},
	} {
		if _, err := page.New(o); err == nil {
			t.Errorf("%s: there is no error", name)
		}
	}
	if _, err := page.New(page.Options{URL: "https://scan.example", Login: page.Login{OIDC: &oidc}}); err != nil {
		t.Error(err)
	}
}

// By https, cookies have the prefix that no other host can write.
func TestCookiesByTLS(t *testing.T) {
	w := newWorld(t, func(o *page.Options) { o.URL = "https://scan.example" })
	response, _ := w.post(w.browser(), "/login", url.Values{"token": {token}})
	if cookie := response.Cookies()[0]; cookie.Name != "__Host-tidewaiter-session" || !cookie.Secure || cookie.Path != "/" || cookie.Domain != "" {
		t.Errorf("the cookie is %v", cookie)
	}
}
