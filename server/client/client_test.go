package client

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func proxies(t *testing.T, texts ...string) Proxies {
	t.Helper()
	p := make(Proxies, len(texts))
	for i, text := range texts {
		if err := p[i].UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// TestHandler: only proxies are believed, each only about who came to it.
func TestHandler(t *testing.T) {
	ours := proxies(t, "10.0.0.0/8", "192.0.2.1", "2001:db8::/32")
	const proxy = "10.1.2.3:4567"
	for name, test := range map[string]struct {
		proxies   Proxies
		remote    string
		forwarded []string
		want      string
	}{
		"nobody is believed by default": {nil, proxy, []string{"203.0.113.9"}, proxy},
		"a stranger is not believed":    {ours, "198.51.100.7:1", []string{"203.0.113.9"}, "198.51.100.7:1"},
		"a proxy is":                    {ours, proxy, []string{"203.0.113.9"}, "203.0.113.9"},
		"one by its address":            {ours, "192.0.2.1:1", []string{"203.0.113.9"}, "203.0.113.9"},
		"and not its neighbour":         {ours, "192.0.2.2:1", []string{"203.0.113.9"}, "192.0.2.2:1"},
		"one by IPv6":                   {ours, "[2001:db8::1]:1", []string{"2001:db9::7"}, "2001:db9::7"},
		"one whose address is mapped":   {ours, "[::ffff:10.0.0.1]:1", []string{"203.0.113.9"}, "203.0.113.9"},
		"what a client says itself":     {ours, proxy, []string{"10.9.9.9, 127.0.0.1, 203.0.113.9"}, "203.0.113.9"},
		"in a header of its own":        {ours, proxy, []string{"127.0.0.1", "203.0.113.9"}, "203.0.113.9"},
		"a row of proxies":              {ours, proxy, []string{"1.1.1.1,203.0.113.9 ,\t10.0.0.2", "192.0.2.1"}, "203.0.113.9"},
		"proxies alone":                 {ours, proxy, []string{"10.0.0.7, 10.0.0.2"}, "10.0.0.7"},
		"with a port":                   {ours, proxy, []string{"203.0.113.9:5555"}, "203.0.113.9"},
		"IPv6 with a port":              {ours, proxy, []string{"[2001:db9::7]:5555"}, "2001:db9::7"},
		"IPv6 in brackets":              {ours, proxy, []string{"[2001:db9::7]"}, "2001:db9::7"},
		"a zone":                        {ours, proxy, []string{"fe80::1%eth0"}, "fe80::1"},
		"mapped":                        {ours, proxy, []string{"::ffff:203.0.113.9"}, "203.0.113.9"},
		"no header":                     {ours, proxy, nil, proxy},
		"an empty one":                  {ours, proxy, []string{""}, proxy},
		"no address":                    {ours, proxy, []string{"1.1.1.1, unknown"}, proxy},
		"no address behind a proxy":     {ours, proxy, []string{"1.1.1.1, unknown, 10.0.0.2"}, "10.0.0.2"},
		"nothing behind a proxy":        {ours, proxy, []string{"1.1.1.1,, 10.0.0.2"}, "10.0.0.2"},
		"a line break":                  {ours, proxy, []string{"1.1.1.1\n"}, "1.1.1.1"},
		"one that never ends":           {ours, proxy, []string{strings.Repeat("10.0.0.1,", 1<<17) + "10.0.0.2"}, "10.0.0.1"},
		"no remote address":             {ours, "@", []string{"203.0.113.9"}, "@"},
	} {
		request := httptest.NewRequest(http.MethodGet, "/", nil)
		request.RemoteAddr, request.Header["X-Forwarded-For"] = test.remote, test.forwarded
		var got string
		test.proxies.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.RemoteAddr })).ServeHTTP(nil, request)
		if got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
		if request.RemoteAddr != test.remote {
			t.Errorf("%s: the server's own request was changed", name)
		}
	}
}

func TestProxyMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"":                    "is no address of proxies",
		"proxy.example":       "is no address of proxies",
		"10.0.0.1-10.0.0.9":   "is no address of proxies",
		"10.0.0.0/33":         "is no address of proxies",
		"::ffff:10.0.0.0/104": "is no address of proxies",
		"0.0.0.0/0":           "is everybody",
		"::/0":                "is everybody",
		"10.0.0.5/8":          "write 10.0.0.0/8 for all of it",
		"2001:db8::1/32":      "write 2001:db8::/32 for all of it",
	} {
		var p Proxy
		if err := p.UnmarshalText([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

func TestNetwork(t *testing.T) {
	for remote, want := range map[string]string{
		"192.0.2.1:1":          "192.0.2.1/32",
		"192.0.2.1":            "192.0.2.1/32",
		"[::ffff:192.0.2.1]:2": "192.0.2.1/32",
		"[2001:db8::1]:1":      "2001:db8::/64",
		"2001:db8::ffff":       "2001:db8::/64",
		"[fe80::1%eth0]:1":     "fe80::/64",
		"":                     "invalid Prefix",
		"pipe":                 "invalid Prefix",
	} {
		if got := Network(remote).String(); got != want {
			t.Errorf("%q: got %s, want %s", remote, got, want)
		}
	}
}
