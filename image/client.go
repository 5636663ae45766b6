package image

import (
	"context"
	"crypto/x509"
	"errors"
	"sync"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/tidewaiter/tidewaiter/cache"
)

// Client pulls images. Its zero value talks to registries by TLS alone, with the credentials of the docker
// configuration, and takes every platform. A Client may be used by several goroutines at once, must not be
// copied, and its fields must not change after its first use.
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
	// Strangers tells that references come from somebody else than the user. Then a registry, too, may have a private
	// address only if it stands in PrivateHosts or PlainHTTP.
	Strangers bool
	// RootCAs replace the system's certificate authorities.
	RootCAs *x509.CertPool
	// Platforms are the wanted platforms, each os/arch[/variant]; none, or "all", means all of them.
	Platforms []string
	// Local refuses registries: only layouts and archives are read.
	Local bool
	// Offline asks nobody for a registry's sake but the registry itself and the hosts that are named for it:
	// TokenHosts, the well-known pairs, and PrivateHosts. A redirect to any other host is an error.
	Offline bool
	// Limits bound what is read; zero fields mean the defaults.
	Limits Limits
	// UserAgent is what registries are told; "tidewaiter" if empty.
	UserAgent string

	mu          sync.Mutex
	guards      map[string]*guard
	connections map[string]connection // by repository
	connecting  cache.Flights[*registrySource]
}

// Pull resolves ref to a digest, once, by hashing what is there, and reads the manifests and configurations
// of its platforms. Layers are not read: see Platform.Files. What a runtime could run and Pull cannot
// understand is an error that says "unscannable"; what is not there is ErrNotFound.
func (c *Client) Pull(ctx context.Context, ref Reference) (*Image, error) {
	img, err := c.Resolve(ctx, ref)
	if err != nil {
		return nil, err
	}
	if _, err := img.Children(ctx); err != nil {
		return nil, err
	}
	return img, nil
}

// Resolve is Pull for who wants to know of signatures alone: nothing is read but the manifest or index that ref
// names. The image has no Platforms, until Children is called.
func (c *Client) Resolve(ctx context.Context, ref Reference) (*Image, error) {
	limits := c.Limits.orDefault(DefaultLimits())
	wanted, err := parsePlatforms(c.Platforms)
	if err != nil {
		return nil, err
	}
	s, target, err := c.open(ctx, ref, limits)
	if err != nil {
		return nil, named(ref, err)
	}
	r := resolver{source: s, limits: limits, wanted: wanted, seen: map[string]bool{}}
	img, err := r.resolve(ctx, ref, target)
	if err != nil {
		return nil, named(ref, err)
	}
	img.client = c
	return img, nil
}

// open returns where ref is read from, and the tag or digest to read there.
func (c *Client) open(ctx context.Context, ref Reference, limits Limits) (source, string, error) {
	switch ref.Transport {
	case Registry:
		s, err := c.repository(ctx, ref, limits)
		target := ref.Digest
		if target == "" {
			target = ref.Tag
		}
		return s, target, err
	case OCILayout:
		return openLayout(folder(ref.Path), ref.Digest, limits)
	case OCIArchive:
		a, err := openArchive(ctx, ref.Path)
		if err != nil {
			return nil, "", err
		}
		s, digest, err := openLayout(a, ref.Digest, limits)
		if err == nil {
			err = a.checkSaved(ctx, s)
		}
		return s, digest, err
	case DockerArchive:
		a, err := openArchive(ctx, ref.Path)
		if err != nil {
			return nil, "", err
		}
		return openDockerArchive(ctx, a, limits)
	}
	return nil, "", fail(nil, "%s is no transport", quote(string(ref.Transport)))
}

// named puts the reference before an error that does not say what it is about.
func named(ref Reference, err error) error {
	var f *failure
	if !errors.As(err, &f) {
		f = &failure{cause: err}
	}
	return fail(f.cause, "%s: %v", printable(ref.String(), maxError/2), err)
}
