package image

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// registrySource is one repository of a registry, spoken to with a token for it.
type registrySource struct {
	host    string // as the reference has it
	api     string // scheme://host/v2/repository/
	client  *http.Client
	limits  Limits
	secrets []string // that no message may hold
}

// connectionLife is how long a connection is used before the registry is asked anew how it wants to be spoken to:
// credentials change, and a server runs for months.
const connectionLife = 5 * time.Minute

// connection is a source that was connected.
type connection struct {
	source *registrySource
	until  time.Time
}

// repository returns the source of a repository. It is connected once for all who want it.
func (c *Client) repository(ctx context.Context, ref Reference, limits Limits) (*registrySource, error) {
	if c.Local {
		return nil, fail(nil, "no registry is asked here; use oci:, oci-archive: or docker-archive:")
	}
	if s := c.connected(ref.Name()); s != nil {
		return s, nil
	}
	return c.connecting.Do(ctx, ref.Name(), func(ctx context.Context) (*registrySource, error) {
		if s := c.connected(ref.Name()); s != nil {
			return s, nil // meanwhile
		}
		s, err := c.connect(ctx, ref, limits)
		if err != nil {
			return nil, err
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		maps.DeleteFunc(c.connections, func(_ string, old connection) bool { return time.Now().After(old.until) })
		if c.connections == nil {
			c.connections = map[string]connection{}
		}
		c.connections[ref.Name()] = connection{s, time.Now().Add(connectionLife)}
		return s, nil
	})
}

// connected returns the source of a repository if it is connected.
func (c *Client) connected(name string) *registrySource {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, ok := c.connections[name]; ok && time.Now().Before(known.until) {
		return known.source
	}
	return nil
}

// connect finds out how the registry of ref wants to be spoken to, and logs in where it asks for that.
func (c *Client) connect(ctx context.Context, ref Reference, limits Limits) (*registrySource, error) {
	g, err := c.guard(ref.Host, limits)
	if err != nil {
		return nil, err
	}
	registry, err := name.NewRegistry(g.registry, nameOptions(g)...)
	if err != nil {
		return nil, fail(nil, "registry %s: %v", ref.Host, err)
	}
	repository := registry.Repo(ref.Repository)
	s := &registrySource{host: ref.Host, limits: limits}
	auth, err := s.credentials(ctx, c.Keychain, repository)
	if err != nil {
		return nil, err
	}
	base := &greeted{inner: transport.NewRetry(&pacer{g, limits.Idle},
		transport.WithRetryStatusCodes(http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout))}
	challenge, err := transport.Ping(ctx, registry, base)
	if err != nil {
		return nil, s.explain("", err)
	}
	if err := checkRealm(g, challenge, auth); err != nil {
		return nil, fail(nil, "registry %s: %v", ref.Host, err)
	}
	rt, err := transport.NewWithContext(ctx, registry, auth, base, []string{repository.Scope(transport.PullScope)})
	if err != nil {
		return nil, s.explain("", err)
	}
	scheme := "https"
	if challenge.Insecure {
		scheme = "http"
	}
	s.api = scheme + "://" + g.registry + "/v2/" + ref.Repository + "/"
	s.client = &http.Client{Transport: rt, CheckRedirect: checkRedirect(limits.Redirects)}
	return s, nil
}

// guard returns the guarded transport for a host; one for each host, because what is allowed differs, and
// because a connection that one registry may use must not be lent to another.
func (c *Client) guard(host string, limits Limits) (*guard, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if g := c.guards[host]; g != nil {
		return g, nil
	}
	registry, err := name.NewRegistry(host)
	if err != nil {
		return nil, fail(nil, "registry %s: %v", host, err)
	}
	g := newGuard(c, registry.RegistryStr(), slices.Concat(tokenHosts[host], c.TokenHosts[host]), limits)
	if c.guards == nil {
		c.guards = map[string]*guard{}
	}
	c.guards[host] = g
	return g, nil
}

func nameOptions(g *guard) []name.Option {
	if slices.Contains(g.plainHTTP, g.registry) {
		return []name.Option{name.Insecure}
	}
	return nil
}

// credentials asks the keychain, and remembers what must not be printed.
func (s *registrySource) credentials(ctx context.Context, k authn.Keychain, repository name.Repository) (authn.Authenticator, error) {
	if k == nil {
		k = DockerKeychain
	}
	auth, err := authn.Resolve(ctx, k, repository)
	if err != nil {
		return nil, fail(err, "registry %s: credentials: %v", s.host, err)
	}
	secret, err := authn.Authorization(ctx, auth)
	if err != nil {
		return nil, fail(err, "registry %s: credentials: %v", s.host, err)
	}
	if *secret == (authn.AuthConfig{}) {
		return authn.Anonymous, nil
	}
	pair := base64.StdEncoding.EncodeToString([]byte(secret.Username + ":" + secret.Password))
	for _, text := range []string{secret.Password, secret.Auth, secret.IdentityToken, secret.RegistryToken, pair} {
		if text != "" {
			s.secrets = append(s.secrets, text)
		}
	}
	return authn.FromConfig(*secret), nil
}

// checkRealm refuses a token service that would be given credentials that are not its own (CVE-2026-48978):
// the registry names it, so a hostile one names its own. Without credentials it is as harmless as a redirect.
func checkRealm(g *guard, challenge *transport.Challenge, auth authn.Authenticator) error {
	realm, ok := challenge.Parameters["realm"]
	if !ok || !strings.EqualFold(challenge.Scheme, "bearer") || auth == authn.Anonymous {
		return nil
	}
	u, err := url.Parse(realm)
	if err != nil {
		return fmt.Errorf("token realm %s is not an address", quote(realm))
	}
	if !g.trusted(u.Host) {
		return fmt.Errorf("token realm host not allowed: %s asks for the registry's credentials", quote(u.Host))
	}
	return nil
}

func checkRedirect(limit int) func(*http.Request, []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		if len(via) > limit {
			return errRedirects
		}
		if via[0].URL.Scheme == "https" && req.URL.Scheme != "https" {
			return fmt.Errorf("%w: %s", errPlainHTTP, req.URL.Host)
		}
		return nil
	}
}

// manifestTypes are what we ask for; anything else that comes is unscannable.
var manifestTypes = strings.Join([]string{
	string(types.OCIImageIndex), string(types.OCIManifestSchema1),
	string(types.DockerManifestList), string(types.DockerManifestSchema2),
}, ", ")

// get requests a path below the repository and returns an answer with status 200.
func (s *registrySource) get(ctx context.Context, address, accept string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fail(err, "registry %s: %v", s.host, err)
	}
	if accept != "" {
		req.Header.Set("Accept", accept)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, s.explain(s.what(address), err)
	}
	if err := transport.CheckError(resp, http.StatusOK); err != nil {
		resp.Body.Close()
		return nil, s.explain(s.what(address), err)
	}
	return resp, nil
}

// read reads an answer that is JSON. It comes as it is or not at all: one that is packed on the way, which
// nobody asked for, would have another digest for others. For blobs their own digest decides.
func (s *registrySource) read(resp *http.Response, what string) ([]byte, error) {
	if encoding := resp.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return nil, fail(nil, "registry %s: %s: sent with Content-Encoding %s, which nobody asked for", s.host, what, quote(encoding))
	}
	if resp.ContentLength > s.limits.Manifest {
		return nil, limited(what, s.limits.Manifest, "bytes")
	}
	raw, err := readAll(resp.Body, what, s.limits.Manifest)
	if err != nil {
		return nil, s.explain(what, err)
	}
	return raw, nil
}

// what names the thing at an address in messages: manifests/latest.
func (s *registrySource) what(address string) string {
	path, _, _ := strings.Cut(strings.TrimPrefix(address, s.api), "?")
	return path
}

func (s *registrySource) manifest(ctx context.Context, ref string) ([]byte, string, error) {
	resp, err := s.get(ctx, s.api+"manifests/"+ref, manifestTypes)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	raw, err := s.read(resp, "manifests/"+ref)
	if err != nil {
		return nil, "", err
	}
	claimed := resp.Header.Get("Docker-Content-Digest")
	if got := digestOf(raw); strings.HasPrefix(claimed, digestPrefix) && claimed != got {
		return nil, "", fail(nil, "registry %s: manifests/%s: the header says %s, and the body has the digest %s", s.host, ref, quote(claimed), got)
	}
	return raw, resp.Header.Get("Content-Type"), nil
}

func (s *registrySource) blob(ctx context.Context, digest string) (io.ReadCloser, error) {
	resp, err := s.get(ctx, s.api+"blobs/"+digest, "")
	if err != nil {
		return nil, err
	}
	return &explainedBody{resp.Body, s, digest}, nil
}

// explainedBody gives a body's errors words.
type explainedBody struct {
	io.ReadCloser
	source *registrySource
	digest string
}

func (b *explainedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = b.source.explain("blobs/"+b.digest, err)
	}
	return n, err
}
