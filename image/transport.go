package image

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// tokenHosts are the registries whose token service has another name (Docker's and GitLab's documentation).
// Others are configured with Client.TokenHosts.
var tokenHosts = map[string][]string{
	dockerHub:             {"auth.docker.io"},
	"registry.gitlab.com": {"gitlab.com"},
}

// ErrPrivateHost tells that a name leads into a private network, and that nobody has allowed it.
var ErrPrivateHost = errors.New("a private address, which nobody has allowed; name it in privateHosts of the registry if it belongs to it")

var (
	errPlainHTTP  = errors.New("plain HTTP is not allowed for this host")
	errRedirects  = errors.New("too many redirects")
	errSecretBody = errors.New("token realm host not allowed")
	errOffline    = errors.New("offline: a redirect or token realm leads to another host; name it in tokenHosts or privateHosts of the registry if it belongs to it")
)

// guard is the transport of one registry: every request made for its sake goes through it, be it ours, a
// redirect's or a token exchange's. It holds what a hostile registry must not be able to change: no plain
// HTTP but where allowed, no credentials to anybody else, no way into private networks.
type guard struct {
	registry  string   // host[:port] as it stands in URLs
	confidant []string // further hosts that may get the registry's credentials
	plainHTTP []string
	private   []string
	stranger  bool // the registry was named by somebody else: it may be at a private address only if it stands in plainHTTP or private
	offline   bool // no host is asked but those above
	userAgent string
	inner     *http.Transport

	mu      sync.Mutex
	proxies []string // addresses of proxies in use, which we dial instead of the host
}

func newGuard(c *Client, registry string, confidants []string, limits Limits) *guard {
	g := &guard{
		registry:  registry,
		confidant: lower(confidants),
		plainHTTP: lower(c.PlainHTTP),
		private:   lower(c.PrivateHosts),
		stranger:  c.Strangers,
		offline:   c.Offline,
		userAgent: cmp.Or(c.UserAgent, "tidewaiter"),
	}
	g.inner = &http.Transport{
		Proxy: g.proxy,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			d := net.Dialer{Timeout: limits.Connect, Control: g.control(address)}
			return d.DialContext(ctx, network, address)
		},
		TLSClientConfig:        tlsConfig(c.RootCAs),
		TLSHandshakeTimeout:    limits.Connect,
		ResponseHeaderTimeout:  limits.Header,
		MaxResponseHeaderBytes: 1 << 20,
		DisableCompression:     true, // a digest is of the bytes as they were sent
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    8,
		IdleConnTimeout:        limits.Idle,
	}
	return g
}

// NewTransport is a transport for requests to one host, whose redirects lead to no private address and take no
// credentials along. An internal host may have a private address itself, and be spoken to by plain HTTP.
func NewTransport(host string, internal bool) http.RoundTripper {
	c := &Client{Strangers: !internal}
	if internal {
		c.PlainHTTP = []string{host}
	}
	return newGuard(c, strings.ToLower(host), nil, DefaultLimits())
}

// lower spells hosts as canonical references, and so addresses, do.
func lower(hosts []string) []string {
	out := make([]string, len(hosts))
	for i, host := range hosts {
		out[i] = strings.ToLower(host)
	}
	return out
}

func tlsConfig(roots *x509.CertPool) *tls.Config {
	return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
}

// RoundTrip checks one request and strips it of credentials unless they belong to its host.
func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	host := req.URL.Host
	if req.URL.Scheme != "https" && !slices.Contains(g.plainHTTP, host) {
		return nil, fmt.Errorf("%w: %s", errPlainHTTP, host)
	}
	if err := g.checkHost(req.URL); err != nil {
		return nil, err
	}
	req = req.Clone(req.Context())
	req.Header.Set("User-Agent", g.userAgent)
	req.Header.Del("Referer") // a redirect's: it may hold a presigned address
	if !g.trusted(host) {
		if req.Method != http.MethodGet {
			// The only thing that is sent is a refresh token, in the body of a token request.
			return nil, errSecretBody
		}
		req.Host = ""
		req.Header.Del("Authorization")
		req.Header.Del("Cookie")
	}
	return g.inner.RoundTrip(req)
}

// trusted tells whether host may be given the registry's credentials. The port counts: on one machine,
// another port may be another person.
func (g *guard) trusted(host string) bool {
	return host == g.registry || slices.Contains(g.confidant, host)
}

// checkHost refuses other hosts if offline, and literal addresses that the dialer would refuse: with a proxy, it
// never gets to see them.
func (g *guard) checkHost(u *url.URL) error {
	if g.anywhere(u.Host) {
		return nil
	}
	if g.offline && !g.trusted(u.Host) {
		return fmt.Errorf("%w: %s", errOffline, u.Host)
	}
	ip, err := netip.ParseAddr(u.Hostname())
	if err == nil && !public(ip) || err != nil && endsInNumber(strings.ToLower(u.Hostname())) {
		return fmt.Errorf("%w: %s", ErrPrivateHost, u.Host)
	}
	return nil
}

// anywhere tells whether host may be at a private address: the user named it.
func (g *guard) anywhere(host string) bool { return slices.Contains(g.named(), host) }

// named are the hosts that the user named.
func (g *guard) named() []string {
	hosts := slices.Concat(g.confidant, g.private)
	if !g.stranger || slices.Contains(g.plainHTTP, g.registry) {
		hosts = append(hosts, g.registry)
	}
	return hosts
}

// control returns a check of the address that is really dialled, after name resolution: a name that resolves
// to a private address only now and then (DNS rebinding) does not get through.
func (g *guard) control(address string) func(network, address string, _ syscall.RawConn) error {
	return func(_, resolved string, _ syscall.RawConn) error {
		if g.dialable(address) {
			return nil
		}
		ap, err := netip.ParseAddrPort(resolved)
		if err != nil || !public(ap.Addr()) {
			return fmt.Errorf("%w: %s", ErrPrivateHost, address)
		}
		return nil
	}
}

// dialable tells whether address, a host with its port, may be dialled whatever it resolves to.
func (g *guard) dialable(address string) bool {
	for _, host := range g.named() {
		if host == address || withPort(host, "443") == address || withPort(host, "80") == address {
			return true
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Contains(g.proxies, address)
}

func withPort(host, port string) string {
	return net.JoinHostPort(strings.Trim(host, "[]"), port)
}

// proxy is http.ProxyFromEnvironment, and remembers where the proxy is: the user chose it, it may be private.
func (g *guard) proxy(req *http.Request) (*url.URL, error) {
	u, err := http.ProxyFromEnvironment(req)
	if u == nil || err != nil {
		return u, err
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[u.Scheme]
	}
	address := net.JoinHostPort(u.Hostname(), port)
	g.mu.Lock()
	defer g.mu.Unlock()
	if !slices.Contains(g.proxies, address) {
		g.proxies = append(g.proxies, address)
	}
	return u, nil
}

// sharedRanges are private in effect, but not by netip: carrier-grade NAT, "this network", benchmarking, the
// IPv4 embedded by NAT64 and 6to4, and what is reserved (RFC 6890).
var sharedRanges = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("64:ff9b::/96"),
	netip.MustParsePrefix("64:ff9b:1::/48"),
	netip.MustParsePrefix("2002::/16"),
}

// public tells whether ip is of the public internet.
func public(ip netip.Addr) bool {
	ip = ip.Unmap()
	return ip.IsGlobalUnicast() && !ip.IsPrivate() &&
		!slices.ContainsFunc(sharedRanges, func(p netip.Prefix) bool { return p.Contains(ip) })
}
