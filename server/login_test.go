package server

import (
	"net/http"
	"strings"
	"testing"
)

// TestLoginBehindProxy: who guesses tokens through a proxy keeps nobody else who comes through it from logging in, and gets no
// further guesses for what he says himself.
func TestLoginBehindProxy(t *testing.T) {
	r := start(t, "proxies: [127.0.0.1]\nlogin: {tokens: [{name: on-call, secret: {env: PERSON}}]}\n")
	logIn := func(from, token string) int {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), "POST", r.base+"/login", strings.NewReader("token="+token))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("X-Forwarded-For", from)
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	guesses := 0
	for logIn("192.0.2.1, 203.0.113.66", "a-guess") == http.StatusForbidden {
		guesses++
	}
	if got := logIn("127.0.0.1, 203.0.113.66", "a-guess"); guesses == 0 || guesses > 10 || got != http.StatusTooManyRequests {
		t.Errorf("after %d guesses, another one as from the proxy: got %d", guesses, got)
	}
	if got := logIn("203.0.113.66, 203.0.113.7", personToken); got != http.StatusSeeOther {
		t.Errorf("another person: got %d", got)
	}
	if log := r.log.String(); !strings.Contains(log, `"from":"203.0.113.66"`) {
		t.Errorf("the log does not say who guesses:\n%s", log)
	}
}
