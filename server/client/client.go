// Package client tells who a request comes from: the address of the client, which the proxies in front of the server say
// where they are trusted to, and what one client can be expected to own of a network.
package client

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
)

// Proxies are who is believed about X-Forwarded-For. None is unless it is configured: who is believed can be anybody.
type Proxies []Proxy

// Proxy is a network of proxies, or the address of one.
type Proxy netip.Prefix

// UnmarshalText reads an address or a network.
func (p *Proxy) UnmarshalText(text []byte) error {
	network, err := netip.ParsePrefix(string(text))
	if err != nil {
		var address netip.Addr
		if address, err = netip.ParseAddr(string(text)); err == nil {
			network = netip.PrefixFrom(address, address.BitLen())
		}
	}
	switch {
	case err != nil || network.Addr().Is4In6():
		return fmt.Errorf("%q is no address of proxies; write it as 192.0.2.1, 10.0.0.0/8 or 2001:db8::/32", text)
	case network.Bits() == 0:
		return fmt.Errorf("%q is everybody, and who is believed can be anybody; write the addresses of your proxies", text)
	case network != network.Masked():
		return fmt.Errorf("%q is an address in a network; write %s for all of it, or the address alone", text, network.Masked())
	}
	*p = Proxy(network)
	return nil
}

// trust tells whether an address is that of a proxy.
func (p Proxies) trust(address netip.Addr) bool {
	for _, one := range p {
		if netip.Prefix(one).Contains(address) {
			return true
		}
	}
	return false
}

// Handler lets RemoteAddr be the client's, for all that comes after it.
func (p Proxies) Handler(next http.Handler) http.Handler {
	if len(p) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		told := *r
		told.RemoteAddr = p.client(r.RemoteAddr, r.Header.Values("X-Forwarded-For"))
		next.ServeHTTP(w, &told)
	})
}

// client is the address from which a request came to the first proxy that is trusted. Each proxy adds whom it was asked by on
// the right, so what stands left of an address that is not trusted is what that one pleases; and where there is no address, the
// proxy that wrote it is as far as can be seen.
func (p Proxies) client(remote string, forwarded []string) string {
	from, ok := parse(remote)
	if !ok || !p.trust(from) {
		return remote
	}
	for rest, more := strings.Join(forwarded, ","), true; more; {
		var last string
		if i := strings.LastIndexByte(rest, ','); i >= 0 {
			rest, last = rest[:i], rest[i+1:]
		} else {
			last, more = rest, false
		}
		before, ok := parse(strings.TrimSpace(last))
		if !ok {
			return remote
		}
		if remote = before.String(); !p.trust(before) {
			return remote
		}
	}
	return remote
}

// parse reads an address, with or without a port.
func parse(text string) (netip.Addr, bool) {
	if withPort, err := netip.ParseAddrPort(text); err == nil {
		return plain(withPort.Addr()), true
	}
	if inner, ok := strings.CutPrefix(text, "["); ok {
		text = strings.TrimSuffix(inner, "]")
	}
	address, err := netip.ParseAddr(text)
	return plain(address), err == nil
}

// plain is the one form of an address.
func plain(address netip.Addr) netip.Addr { return address.Unmap().WithZone("") }

// Network is what one client can be expected to own of the network: an IPv4 address, or an IPv6 network of 64 bits. All whose
// remote address is none are one.
func Network(remote string) netip.Prefix {
	address, ok := parse(remote)
	if !ok {
		return netip.Prefix{}
	}
	bits := address.BitLen()
	if address.Is6() {
		bits = 64
	}
	network, _ := address.Prefix(bits) // fails only for more bits than there are
	return network
}
