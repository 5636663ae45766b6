package image

import (
	"context"
	"crypto/x509"
	"errors"

	"github.com/google/go-containerregistry/pkg/authn"
)

// Client pulls images. Its zero value talks to registries by TLS alone, with the credentials of the docker
// configuration, and takes every platform. A Client may be used by several goroutines at once.
type Client struct {
	// Keychain gives the credentials for a registry; nil means the docker configuration and its helpers.
	// They go to that registry's host and to nobody else, see TokenHosts.
	Keychain authn.Keychain
	// PlainHTTP are the hosts (with port, if it is not the default one) that may be spoken to without TLS.
	// There is no exception for localhost.
	PlainHTTP []string
	// TokenHosts are, for a registry host, further hosts that may be given its credentials in exchange for a
	// token. The registry's own host, and the few well-known pairs (docker.io and auth.docker.io), always may.
	TokenHosts map[string][]string
	// PrivateHosts are hosts (with port, if it is not the default one) that a redirect or a token realm may
	// lead to although they have a private or loopback address. The registry itself needs no entry.
	PrivateHosts []string
	// RootCAs replace the system's certificate authorities.
	RootCAs *x509.CertPool
	// Platforms are the wanted platforms, each os/arch[/variant]; none, or "all", means all of them.
	Platforms []string
	// Offline refuses registries: only layouts and archives are read.
	Offline bool
	// Limits bound what is read; zero fields mean the defaults.
	Limits Limits
	// UserAgent is what registries are told; "tidewaiter" if empty.
	UserAgent string
}

// Pull resolves ref to a digest, once, by hashing what is there, and reads the manifests and configurations
// of its platforms. Layers are not read: see Platform.Files. What a runtime could run and Pull cannot
// understand is an error that begins with "unscannable"; what is not there is ErrNotFound.
func (c *Client) Pull(ctx context.Context, ref Reference) (*Image, error) {
	return nil, errors.New("not yet")
}
