package signature

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/tuf"
	"github.com/theupdateframework/go-tuf/v2/metadata/fetcher"
)

// rootLifetime is how long a root that was fetched is used before it is fetched anew. The public good
// instance's metadata is valid for a few days.
const rootLifetime = 24 * time.Hour

// fetchTimeout bounds one fetching, which is a handful of requests.
const fetchTimeout = 30 * time.Second

// TrustedRoot is where a trusted root comes from: exactly one of File and TUF is set.
type TrustedRoot struct {
	// File is the path of a trusted_root.json, or of a file with several of them, one a line, as
	// "gh attestation trusted-root" writes it.
	File string `yaml:"file,omitempty"`
	// TUF is the address of a repository of The Update Framework, and Root the path of its root.json that is
	// trusted to begin with.
	TUF  string `yaml:"tuf,omitempty"`
	Root string `yaml:"root,omitempty"`
}

// trustRoot is what certificates, logs and timestamps are checked against: one or several trusted roots, which
// are never mixed. It is loaded when it is first needed, and a failure is not remembered.
type trustRoot struct {
	name  string // for errors
	fetch func(context.Context) ([]root.TrustedMaterial, error)

	mu      sync.Mutex
	current []root.TrustedMaterial
	until   time.Time // zero if current stays good
}

// newTrustRoots returns the roots by the names that authorities call them; the default one has no name.
func newTrustRoots(o Options) (map[string]*trustRoot, error) {
	roots := map[string]*trustRoot{}
	var err error
	roots[""], err = newTrustRoot(o)
	return roots, err
}

func newTrustRoot(o Options) (*trustRoot, error) {
	if o.TrustedRoot != "" {
		file, err := root.NewTrustedRootFromPath(resolve(o.Dir, o.TrustedRoot))
		if err != nil {
			return nil, fmt.Errorf("trustedRoot: %w", err)
		}
		return &trustRoot{name: "trustedRoot: " + o.TrustedRoot, current: []root.TrustedMaterial{file}}, nil
	}
	if o.Offline {
		return &trustRoot{fetch: func(context.Context) ([]root.TrustedMaterial, error) {
			return nil, errors.New("a trusted root is needed for this image, and there is none offline: set trustedRoot to a trusted_root.json")
		}}, nil
	}
	return &trustRoot{fetch: func(ctx context.Context) ([]root.TrustedMaterial, error) {
		fetched, err := fetchRoot(ctx, o.CacheDir)
		return []root.TrustedMaterial{fetched}, err
	}}, nil
}

// material returns the root, fetching it if it must.
func (t *trustRoot) material(ctx context.Context) ([]root.TrustedMaterial, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.current != nil && (t.until.IsZero() || time.Now().Before(t.until)) {
		return t.current, nil
	}
	fetched, err := t.fetch(ctx)
	if err != nil {
		return nil, err
	}
	t.current, t.until = fetched, time.Now().Add(rootLifetime)
	return fetched, nil
}

// fetchRoot gets Sigstore's public good root by The Update Framework, whose own root is built in. There is no
// falling back on an older one.
func fetchRoot(ctx context.Context, cacheDir string) (root.TrustedMaterial, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	fetch := fetcher.NewDefaultFetcher()
	fetch.SetHTTPClient(boundClient{ctx})
	options := tuf.DefaultOptions().WithFetcher(fetch)
	if cacheDir == "" {
		options = options.WithDisableLocalCache()
	} else {
		options = options.WithCachePath(cacheDir)
	}
	fetched, err := root.FetchTrustedRootWithOptions(options)
	if err != nil {
		return nil, fmt.Errorf("sigstore's trusted root could not be fetched, and trustedRoot does not name a file: %w", err)
	}
	return fetched, nil
}

// boundClient makes requests in a context, which the fetcher of TUF metadata does not know.
type boundClient struct {
	ctx context.Context
}

// Do makes one request.
func (c boundClient) Do(request *http.Request) (*http.Response, error) {
	return http.DefaultClient.Do(request.WithContext(c.ctx))
}
