package signature

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/tuf"
	"github.com/theupdateframework/go-tuf/v2/metadata/fetcher"

	"github.com/tidewaiter/tidewaiter/cache"
)

// fetchTimeout bounds one fetching of a trusted root, which is a handful of requests.
const fetchTimeout = 30 * time.Second

// maxRedirects is how often a repository may send a request elsewhere, on its own host.
const maxRedirects = 3

// maxCache bounds what is kept of all repositories together, in bytes. An entry takes about 100 KiB.
const maxCache = 32 << 20

// repository is a repository of The Update Framework that holds a trusted_root.json.
type repository struct {
	url   string // without a slash at its end
	root  []byte // the root.json that trust begins with
	cache string // folder; empty: nothing is kept
	now   func() time.Time
	// timeout bounds one fetching.
	timeout time.Duration
}

// publicGood is the repository of Sigstore's public good instance, whose root.json is built in.
func publicGood(cacheDir string) *repository {
	r := newRepositoryAt(tuf.DefaultMirror, cacheDir)
	r.root = tuf.DefaultRoot()
	return r
}

// newRepository makes the repository at an address, without a root.json.
func newRepository(address, cacheDir string) (*repository, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "":
		return nil, fmt.Errorf("is %s, which is no address: write https://HOST/PATH", quote(address))
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("has a user, a query or a fragment in the address: only host and path are allowed")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return nil, fmt.Errorf("is %s: only loopback addresses may be spoken to without TLS; write https", quote(address))
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("is %s: write https://HOST/PATH", quote(address))
	}
	return newRepositoryAt(strings.TrimRight(u.String(), "/"), cacheDir), nil
}

func newRepositoryAt(address, cacheDir string) *repository {
	r := &repository{url: address, now: time.Now, timeout: fetchTimeout}
	if cacheDir != "" {
		r.cache = filepath.Join(cacheDir, "tuf")
	}
	return r
}

// loopback tells that a host is this machine for sure: a name could be anything, but for localhost (RFC 6761).
func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// begin reads the root.json that trust begins with.
func (r *repository) begin(path string) error {
	data, err := readTrusted(path, maxRoot)
	if err != nil {
		return err
	}
	if _, err := newUpdate(data, r.now()); err != nil {
		return fmt.Errorf("%s is no root.json: %w", path, err)
	}
	r.root = data
	return nil
}

// fetch returns the repository's trusted root, and until when it may be used without asking again. What is kept
// is used without asking only while it is fresh, and only as far as it verifies from the root.json that trust
// begins with: who can write to the cache can make no more of it than to have the repository asked.
func (r *repository) fetch(ctx context.Context) (root.TrustedMaterial, time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	kept, keep := r.open()
	if age := r.now().Sub(kept.Checked); age >= 0 && age < rootLifetime {
		if trusted, until, err := r.replay(kept); err == nil {
			return trusted, until, nil
		}
	}
	u, err := newUpdate(r.root, r.now())
	if err != nil {
		return nil, time.Time{}, err
	}
	client := r.client()
	defer client.CloseIdleConnections()
	if err := u.refresh(kept, r.getter(ctx, client)); err != nil {
		keep(u.state.over(kept))
		return nil, time.Time{}, err
	}
	trusted, err := parseTrustedRoot(u.state.Target)
	if err != nil {
		return nil, time.Time{}, err
	}
	u.state.Checked = r.now()
	keep(u.state)
	return trusted, u.until(), nil
}

// replay verifies what is kept, without asking.
func (r *repository) replay(kept state) (root.TrustedMaterial, time.Time, error) {
	u, err := newUpdate(r.root, r.now())
	if err != nil {
		return nil, time.Time{}, err
	}
	nothing := func(string, int64) ([]byte, error) { return nil, errNotKept }
	if err := u.replay(kept, nothing); err != nil {
		return nil, time.Time{}, err
	}
	trusted, err := parseTrustedRoot(u.state.Target)
	until := u.until()
	if end := kept.Checked.Add(rootLifetime); end.Before(until) {
		until = end
	}
	return trusted, until, err
}

// open returns what is kept of the repository, and what keeps it. A cache that cannot be used keeps nothing,
// which costs time, and the memory of versions that were seen.
func (r *repository) open() (kept state, keep func(state)) {
	keep = func(state) {}
	if r.cache == "" {
		return kept, keep
	}
	folder, err := cache.Open(r.cache, maxCache)
	if err != nil {
		return kept, keep
	}
	key := r.key()
	if data, ok := folder.Get("tuf", key); ok && json.Unmarshal(data, &kept) != nil {
		kept = state{}
	}
	return kept, func(s state) {
		if data, err := json.Marshal(s); err == nil {
			folder.Put("tuf", key, data)
		}
	}
}

// key is what the cache keeps the repository under. Another root.json to begin with is another repository.
func (r *repository) key() string {
	sum := sha256.Sum256(r.root)
	return r.url + "\n" + hex.EncodeToString(sum[:])
}

// client speaks to the repository's host and to no other.
func (r *repository) client() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableCompression = true
	return &http.Client{Transport: transport, CheckRedirect: func(request *http.Request, via []*http.Request) error {
		switch first := via[0].URL; {
		case len(via) > maxRedirects:
			return fmt.Errorf("more than %d redirects", maxRedirects)
		case request.URL.Scheme != first.Scheme || request.URL.Host != first.Host:
			return fmt.Errorf("redirected to %s, which is another host: only %s is asked", quote(request.URL.Host), first.Host)
		}
		return nil
	}}
}

// getter returns what gets a file of the repository, of at most limit bytes.
func (r *repository) getter(ctx context.Context, client *http.Client) getter {
	f := fetcher.NewDefaultFetcher()
	f.SetHTTPUserAgent("tidewaiter")
	f.SetHTTPClient(boundClient{ctx, client})
	return func(name string, limit int64) ([]byte, error) {
		return f.DownloadFile(r.url+"/"+name, limit, 0)
	}
}

// boundClient makes requests in a context, which the fetcher of TUF metadata does not know.
type boundClient struct {
	ctx    context.Context
	client *http.Client
}

// Do makes one request.
func (c boundClient) Do(request *http.Request) (*http.Response, error) {
	return c.client.Do(request.WithContext(c.ctx))
}
