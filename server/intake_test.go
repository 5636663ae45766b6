package server

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime/pprof"
	"strings"
	"testing"
	"time"
)

func TestIntake(t *testing.T) {
	r := start(t, "")
	good := pushEvent("registry.example", "shop/web", digestOf("1"))
	for _, test := range []struct {
		name, method, path, body string
		header                   []string
		want                     int
	}{
		{"good", "POST", "/hooks/registry", good, []string{"Authorization", hookSecret, "Content-Type", eventsType}, 202},
		{"again", "POST", "/hooks/registry", good, []string{"Authorization", hookSecret, "Content-Type", eventsType}, 202},
		{"no secret", "POST", "/hooks/registry", good, []string{"Content-Type", eventsType}, 401},
		{"wrong secret", "POST", "/hooks/registry", good, []string{"Authorization", "x" + hookSecret, "Content-Type", eventsType}, 401},
		{"a token is no secret", "POST", "/hooks/registry", good, []string{"Authorization", adminToken, "Content-Type", eventsType}, 401},
		{"wrong signature", "POST", "/hooks/ghcr", good, []string{"X-Hub-Signature-256", "sha256=" + strings.Repeat("0", 64), "Content-Type", "application/json", "X-GitHub-Event", "package"}, 401},
		{"method", "GET", "/hooks/registry", "", []string{"Authorization", hookSecret}, 405},
		{"type", "POST", "/hooks/registry", good, []string{"Authorization", hookSecret, "Content-Type", "text/plain"}, 415},
		{"packed", "POST", "/hooks/registry", good, []string{"Authorization", hookSecret, "Content-Type", eventsType, "Content-Encoding", "gzip"}, 415},
		{"no JSON", "POST", "/hooks/registry", "{", []string{"Authorization", hookSecret, "Content-Type", eventsType}, 400},
		{"large", "POST", "/hooks/registry", strings.Repeat(" ", 1<<20+1), []string{"Authorization", hookSecret, "Content-Type", eventsType}, 413},
		{"elsewhere", "POST", "/hooks/other", good, []string{"Authorization", hookSecret}, 404},
		{"dots", "POST", "/hooks/x/../registry", good, []string{"Authorization", hookSecret, "Content-Type", eventsType}, 404},
		{"slashes", "POST", "//hooks/registry", good, []string{"Authorization", hookSecret, "Content-Type", eventsType}, 404},
	} {
		t.Run(test.name, func(t *testing.T) {
			resp, body := r.do(test.method, test.path, "", test.body, test.header...)
			if resp.StatusCode != test.want {
				t.Errorf("got %d, want %d: %s", resp.StatusCode, test.want, body)
			}
			if resp.StatusCode != 202 && len(body) > 100 {
				t.Errorf("whoever is refused is told too much: %s", body)
			}
		})
	}
}

// TestForeignHosts: events about registries that the endpoint may not speak for are not taken, and their sender, who would
// repeat them for ever, goes on. One who would not is told.
func TestForeignHosts(t *testing.T) {
	r := start(t, "")
	for _, host := range []string{"127.0.0.1:9", "169.254.169.254", "[::1]:80", "2130706433:80", "registry.example.evil.test", "Registry.Example:8443", ""} {
		resp, body := r.do("POST", "/hooks/registry", "", pushEvent(host, "shop/web", digestOf(host)), "Authorization", hookSecret, "Content-Type", eventsType)
		if resp.StatusCode != 202 || body != `{"accepted":0,"refused":1}`+"\n" {
			t.Errorf("%q: got %d %s", host, resp.StatusCode, body)
		}
	}
	body := `{"action": "published", "package": {"name": "web", "package_type": "CONTAINER", "package_version": {"version": "` + digestOf("x") + `", "package_url": "evil.test/shop/web:1"}}}`
	resp, text := r.do("POST", "/hooks/ghcr", "", body, "X-Hub-Signature-256", signed(body),
		"Content-Type", "application/json", "X-GitHub-Event", "package", "X-GitHub-Delivery", "1")
	if resp.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("got %d %s", resp.StatusCode, text)
	}
	stats, err := r.current().Stats(t.Context())
	if err != nil || stats.Events+stats.Queued+stats.Running+stats.Dead != 0 {
		t.Errorf("got %+v, %v", stats, err)
	}
}

// eventsHead begins a request of a registry whose body does not come.
const eventsHead = "POST /hooks/registry HTTP/1.1\r\nHost: x\r\nAuthorization: " + hookSecret + "\r\nContent-Type: " + eventsType +
	"\r\nContent-Length: 100000\r\n\r\n"

// TestBusy: when there is no room, a sender is told to come again.
func TestBusy(t *testing.T) {
	r := start(t, "rate: 1\n")
	var slow []net.Conn
	for range placesOfEndpoint {
		c, _ := r.slowly(eventsHead)
		slow = append(slow, c)
	}
	event := pushEvent("registry.example", "shop/web", digestOf("1"))
	wantLater := func(want int) {
		t.Helper()
		resp, body := r.do("POST", "/hooks/registry", "", event, "Authorization", hookSecret, "Content-Type", eventsType)
		if resp.StatusCode != want || resp.Header.Get("Retry-After") == "" {
			t.Errorf("got %d, want %d with Retry-After: %v %s", resp.StatusCode, want, resp.Header, body)
		}
	}
	wantLater(http.StatusServiceUnavailable)
	if resp, body := r.do("POST", "/hooks/registry", "", event, "Content-Type", eventsType); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("a stranger takes a place: got %d %s", resp.StatusCode, body)
	}
	for _, c := range slow {
		c.Close()
	}
	for { // until their places are free
		if resp, _ := r.do("POST", "/hooks/registry", "", "{", "Authorization", hookSecret, "Content-Type", eventsType); resp.StatusCode == http.StatusBadRequest {
			break
		}
	}
	r.wantHurried(event)
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	if got := serve(r.Server, "POST", "/hooks/registry"); got != http.StatusServiceUnavailable {
		t.Errorf("after the end: got %d", got)
	}
}

// wantHurried sends more requests at once than two seconds' worth of a rate of 1: some are told to come later.
func (r *running) wantHurried(event string) {
	r.t.Helper()
	later := make(chan string, 50)
	for range cap(later) {
		go func() {
			req, err := http.NewRequest("POST", r.base+"/hooks/registry", strings.NewReader(event))
			if err != nil {
				later <- err.Error()
				return
			}
			req.Header.Set("Authorization", hookSecret)
			req.Header.Set("Content-Type", eventsType)
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				later <- err.Error()
				return
			}
			resp.Body.Close()
			later <- fmt.Sprint(resp.StatusCode, " ", resp.Header.Get("Retry-After"))
		}()
	}
	got := map[string]int{}
	for range cap(later) {
		got[<-later]++
	}
	if got["429 10"] == 0 || got["429 10"]+got["202 "]+got["503 10"] != cap(later) {
		r.t.Errorf("got %v, want some of 429", got)
	}
}

// slowly begins a request whose body does not come. The server is reading it.
func (r *running) slowly(head string) (net.Conn, *bufio.Reader) {
	r.t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(r.base, "http://"))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	_, _ = io.WriteString(c, strings.TrimSuffix(head, "\r\n")+"Expect: 100-continue\r\n\r\n")
	answers := bufio.NewReader(c)
	if answer, err := http.ReadResponse(answers, nil); err != nil || answer.StatusCode != http.StatusContinue {
		r.t.Fatalf("got %+v, %v", answer, err)
	}
	return c, answers
}

// TestSlowStrangers: strangers who send bodies slowly, for which an HMAC is still to come, lose their places to others, of
// whom the sender is one, and that of who has few of them is not taken.
func TestSlowStrangers(t *testing.T) {
	r := start(t, "proxies: [127.0.0.1]\n")
	slowly := func(from string) (net.Conn, *bufio.Reader) {
		t.Helper()
		return r.slowly(fmt.Sprintf("POST /hooks/ghcr HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: %s\r\nX-Hub-Signature-256: %s\r\n"+
			"X-GitHub-Event: package\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", from, signed(ping), len(ping)))
	}
	const stranger = "10.9.9.9, 203.0.113.66"
	_, told := slowly(stranger)
	for range placesOfEndpoint - 1 {
		slowly(stranger)
	}
	sender, answers := slowly("203.0.113.7")
	for range 2 * placesOfEndpoint {
		slowly(stranger)
	}
	_, _ = io.WriteString(sender, ping)
	if answer, err := http.ReadResponse(answers, nil); err != nil || answer.StatusCode != http.StatusAccepted {
		t.Errorf("the sender was told %+v, %v", answer, err)
	}
	if answer, err := http.ReadResponse(told, nil); err != nil || answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" {
		t.Errorf("the first stranger was told %+v, %v", answer, err)
	}
	if log := r.log.String(); !strings.Contains(log, `"remote":"203.0.113.66"`) || strings.Contains(log, "10.9.9.9") {
		t.Errorf("the log does not say who the strangers are:\n%s", log)
	}
}

// ping is an event of no interest.
const ping = `{"action": "deleted", "package": {"name": "web", "package_type": "CONTAINER"}}`

// signed is the header by which GitHub proves a body.
func signed(body string) string {
	mac := hmac.New(sha256.New, []byte(hookSecret))
	mac.Write([]byte(body))
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// TestManyRepositories: names that senders choose make no series of metrics.
func TestManyRepositories(t *testing.T) {
	r := start(t, "")
	series := func() int {
		resp, err := http.Get(r.metrics)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		n := 0
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			if strings.HasPrefix(lines.Text(), "tidewaiter_") {
				n++
			}
			if strings.Contains(lines.Text(), "shop-") {
				t.Errorf("a label has a name of an image: %s", lines.Text())
			}
		}
		return n
	}
	r.await("GET", "/v1/verdicts/"+r.push("shop-0/web", "0"), adminToken, http.StatusOK)
	r.do("GET", "/v1/verdicts/registry.example/shop-0/unknown@"+digestOf("x"), adminToken, "")
	r.do("GET", "/nowhere/shop-0", "", "")
	before := series()
	for i := range 300 {
		r.push(fmt.Sprintf("shop-%d/web", i+1), fmt.Sprint(i))
		r.do("GET", fmt.Sprintf("/v1/verdicts/registry.example/shop-%d/unknown@%s", i, digestOf("x")), adminToken, "")
		r.do("GET", fmt.Sprintf("/nowhere/shop-%d", i), "", "")
	}
	if after := series(); before == 0 || after > before+4 {
		t.Errorf("%d series became %d", before, after)
	}
}

// TestAbortedRequests: clients that go away in the middle of a request leave nothing behind (SRV-13).
func TestAbortedRequests(t *testing.T) {
	r := start(t, "")
	address := strings.TrimPrefix(r.base, "http://")
	abort := func(i int) {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, _ = io.WriteString(c, (eventsHead + "{")[:i%len(eventsHead)])
	}
	for i := range 1000 {
		abort(i)
	}
	for late := time.Now().Add(20 * time.Second); connections() > 3; time.Sleep(10 * time.Millisecond) { // the test's own, kept alive
		if time.Now().After(late) {
			t.Fatalf("%d connections are left", connections())
		}
	}
	r.push("shop/web", "1") // there is still a place, although there were fewer than those who went away
}

// connections counts the goroutines that serve one.
func connections() int {
	var all strings.Builder
	_ = pprof.Lookup("goroutine").WriteTo(&all, 2)
	return strings.Count(all.String(), "net/http.(*conn).serve(")
}

// TestSlowClient: who sends nothing more is hung up on.
func TestSlowClient(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for a time-out")
	}
	r := start(t, "")
	c, err := net.Dial("tcp", strings.TrimPrefix(r.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "POST /hooks/registry HTTP/1.1\r\nHost: x\r\nX-Slow: "); err != nil {
		t.Fatal(err)
	}
	if err := c.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if answer, err := io.ReadAll(c); err != nil || strings.Contains(string(answer), " 20") {
		t.Errorf("got %q, %v", answer, err)
	}
}
