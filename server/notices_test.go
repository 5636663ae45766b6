package server

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tidewaiter/tidewaiter/gate"
	"github.com/tidewaiter/tidewaiter/server/store"
	"github.com/tidewaiter/tidewaiter/server/webhook"
)

// received is what a receiver got.
type received struct {
	header http.Header
	body   string
}

func receiverServer(t *testing.T, answer http.HandlerFunc) (address string, got chan received) {
	t.Helper()
	got = make(chan received, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- received{r.Header, string(body)}
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, got
}

// TestNoticeOfChange: a receiver is told of a new verdict, signed such that it can tell that it is ours and new.
func TestNoticeOfChange(t *testing.T) {
	address, got := receiverServer(t, func(http.ResponseWriter, *http.Request) {})
	file := filepath.Join(t.TempDir(), "address")
	write(t, file, address+"\n")
	r := start(t, fmt.Sprintf("url: https://tidewaiter.example/\nnotices: [{name: ci, url: {file: %s}, secret: {env: NOTICE}, internal: true}]\n", file))
	ref := r.push("shop/deny", "1")
	var n received
	select {
	case n = <-got:
	case <-time.After(time.Minute):
		t.Fatal("no notice came")
	}
	var notice struct {
		store.Notice
		URL string
	}
	if err := json.Unmarshal([]byte(n.body), &notice); err != nil {
		t.Fatal(err)
	}
	if notice.Image.String() != ref || notice.Verdict != gate.Deny || notice.URL != "https://tidewaiter.example/image/"+ref {
		t.Errorf("got %+v", notice)
	}
	seconds, signature, _ := strings.Cut(strings.TrimPrefix(n.header.Get("Tidewaiter-Signature"), "t="), ",v1=")
	mac := hmac.New(sha256.New, []byte(noticeKey))
	mac.Write([]byte(seconds + "." + n.body))
	when, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil || signature != hex.EncodeToString(mac.Sum(nil)) || time.Since(time.Unix(when, 0)).Abs() > time.Minute {
		t.Errorf("the signature is %q", n.header.Get("Tidewaiter-Signature"))
	}
	if n.header.Get("Tidewaiter-Notice") != notice.ID || notice.ID == "" {
		t.Errorf("the ID is %q and %q", n.header.Get("Tidewaiter-Notice"), notice.ID)
	}
}

// openReceiver opens the only receiver of a configuration.
func openReceiver(t *testing.T, settings, address string) (*receiver, error) {
	t.Helper()
	c, err := ParseConfig("serve.yaml", []byte(baseConfig+"notices: [{name: ci, url: {env: ADDRESS}, "+settings+"}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	all, err := c.openReceivers(webhook.Options{Getenv: func(name string) string {
		if name == "ADDRESS" {
			return address
		}
		return getenv(name)
	}})
	return all["ci"], err
}

func TestSendFailures(t *testing.T) {
	elsewhere, hits := receiverServer(t, func(http.ResponseWriter, *http.Request) {})
	redirecting, _ := receiverServer(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere, http.StatusTemporaryRedirect)
	})
	failing, _ := receiverServer(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	const signed = "secret: {env: NOTICE}, internal: true"
	for name, test := range map[string]struct{ settings, address, want string }{
		"redirect":       {signed, redirecting + "/canary-address", "answers 307"},
		"failure":        {signed, failing, "answers 500"},
		"nobody":         {signed, "http://127.0.0.1:1/canary-address", "refused"},
		"private":        {"secret: {env: NOTICE}", strings.Replace(elsewhere, "http://", "https://", 1), "internal: true allows"},
		"private name":   {"secret: {env: NOTICE}", "https://localhost:1/canary-address", "internal: true allows"},
		"metadata":       {"format: slack", "https://169.254.169.254/canary-address", "internal: true allows"},
		"mapped address": {"format: slack", "https://[::ffff:127.0.0.1]:1/canary-address", "internal: true allows"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := openReceiver(t, test.settings, test.address)
			if err != nil {
				t.Fatal(err)
			}
			err = r.send(t.Context(), []byte("{}"), "1", time.Now())
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "canary") {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
	if len(hits) != 0 {
		t.Errorf("%d requests came where none may", len(hits))
	}
}

func TestReceiverAddresses(t *testing.T) {
	for address, internal := range map[string]bool{
		"http://receiver.example/x": false, "ftp://receiver.example/xxxxxx": true, "https://u:p@receiver.example/": true, "receiver.example:443/xxxx": true,
	} {
		settings := fmt.Sprintf("secret: {env: NOTICE}, internal: %v", internal)
		if _, err := openReceiver(t, settings, address); err == nil || !strings.Contains(err.Error(), "serve.yaml:") || strings.Contains(err.Error(), "receiver.example") {
			t.Errorf("%s: got %v", address, err)
		}
	}
}

func TestSlackText(t *testing.T) {
	n := store.Notice{
		Image: store.Image{Host: "registry.example", Repository: "shop/web", Digest: digestOf("1")}, Verdict: gate.Deny, VerdictID: "1",
		Error:    "<!channel> `x` & \x1b[2K\n",
		Findings: store.Counts{Critical: 1, Low: 2},
		Changes:  []store.ChangedVerdict{{Tag: "1.4", From: "allow", To: "deny"}},
	}
	want := ":no_entry: `registry.example/shop/web:1.4` is *deny*, was allow\n1 critical, 0 high, 0 medium, 2 low: `&lt;!channel&gt; 'x' &amp; \\x1b[2K\\n` <https://t.example/verdicts/1|verdict>"
	if got := slackText(n, "https://t.example/verdicts/1"); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
