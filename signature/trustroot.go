package signature

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"

	"github.com/tidewaiter/tidewaiter/cache"
)

// rootLifetime is how long a root that was fetched is used before it is asked for anew.
const rootLifetime = 24 * time.Hour

// failureLifetime is how long it is not tried again to fetch a root, so that the many images of one run do not
// each wait for a server that does not answer.
const failureLifetime = 10 * time.Second

// maxTrustedRoot bounds the size of a file of trusted roots, in bytes. The public good instance's takes 7 KiB.
const maxTrustedRoot = 4 << 20

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
// are never mixed. It is had when it is first needed, and may be used by several goroutines.
type trustRoot struct {
	name string // for errors
	// fetch gets the roots, and says how long they may be used. Nil if current was read from a file.
	fetch   func(context.Context) ([]root.TrustedMaterial, time.Time, error)
	fetches cache.Flights[[]root.TrustedMaterial]

	mu      sync.Mutex
	current []root.TrustedMaterial
	until   time.Time // of current, or of failure; zero if current stays good
	failure error
}

// newTrustRoots returns the roots by the names that authorities call them; the default one has no name. It
// reports everything that is wrong with them, each under its key in the configuration.
func newTrustRoots(o Options) (map[string]*trustRoot, error) {
	roots := map[string]*trustRoot{}
	var problems []error
	add := func(name string, made *trustRoot, err error) {
		if err != nil {
			problems = append(problems, err)
			made = &trustRoot{} // so that who names it is not told that there is none
		}
		roots[name] = made
	}
	if o.TrustedRoot == "" {
		add("", fetchedRoot(o, "trustedRoot", publicGood(o.CacheDir)), nil)
	} else {
		made, err := fileRoot(o, "trustedRoot", o.TrustedRoot)
		add("", made, err)
	}
	for _, name := range slices.Sorted(maps.Keys(o.TrustedRoots)) {
		if name == "" {
			problems = append(problems, errors.New(`trustedRoots: has a root without a name: authorities could not ask for it (the default one is "trustedRoot: FILE")`))
			continue
		}
		made, err := namedRoot(o, "trustedRoots."+name, o.TrustedRoots[name])
		add(name, made, err)
	}
	return roots, errors.Join(problems...)
}

// namedRoot makes the root of a key in the configuration.
func namedRoot(o Options, key string, from TrustedRoot) (*trustRoot, error) {
	switch {
	case from.File != "" && (from.TUF != "" || from.Root != ""):
		return nil, fmt.Errorf("%s: has both file and tuf: make two roots of them", key)
	case from.File != "":
		return fileRoot(o, key+".file", from.File)
	case from.TUF == "":
		return nil, fmt.Errorf("%s: has neither file nor tuf: write file: trusted_root.json, or tuf: https://… and root: root.json", key)
	case from.Root == "":
		return nil, fmt.Errorf("%s.tuf: needs root beside it: the path of the repository's root.json that trust begins with, got by a way that you trust", key)
	}
	r, err := newRepository(from.TUF, o.CacheDir)
	if err != nil {
		return nil, fmt.Errorf("%s.tuf: %w", key, err)
	}
	if err := r.begin(resolve(o.Dir, from.Root)); err != nil {
		return nil, fmt.Errorf("%s.root: %w", key, err)
	}
	return fetchedRoot(o, key, r), nil
}

// fileRoot reads the roots of a file.
func fileRoot(o Options, key, path string) (*trustRoot, error) {
	read, err := readTrustedRoots(resolve(o.Dir, path))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	return &trustRoot{name: key + ": " + path, current: read}, nil
}

// fetchedRoot is a root that a repository of The Update Framework keeps, unless fetching is forbidden.
func fetchedRoot(o Options, key string, r *repository) *trustRoot {
	t := &trustRoot{name: key}
	t.fetch = func(ctx context.Context) ([]root.TrustedMaterial, time.Time, error) {
		fetched, until, err := r.fetch(ctx)
		if err != nil {
			err = fmt.Errorf("%s: the trusted root of %s could not be fetched; store one in a file if it cannot be reached (%s): %s",
				key, r.url, inFile(key), clip(err.Error(), maxReason))
		}
		return []root.TrustedMaterial{fetched}, until, err
	}
	if o.Offline {
		t.fetch = func(context.Context) ([]root.TrustedMaterial, time.Time, error) {
			return nil, time.Time{}, fmt.Errorf("a trusted root is needed for this image, and offline it is not fetched from %s: set %s", r.url, inFile(key))
		}
	}
	return t
}

// inFile says how to write that a root is in a file.
func inFile(key string) string {
	if key == "trustedRoot" {
		return "trustedRoot to a trusted_root.json"
	}
	return key + ".file to a trusted_root.json"
}

// readTrustedRoots reads a file with a trusted_root.json, or with several of them, one after the other.
func readTrustedRoots(path string) ([]root.TrustedMaterial, error) {
	data, err := readTrusted(path, maxTrustedRoot)
	if err != nil {
		return nil, err
	}
	var read []root.TrustedMaterial
	for decoder := json.NewDecoder(bytes.NewReader(data)); ; {
		var text json.RawMessage
		err := decoder.Decode(&text)
		if errors.Is(err, io.EOF) {
			break
		}
		var one root.TrustedMaterial
		if err == nil {
			one, err = parseTrustedRoot(text)
		}
		if err != nil {
			return nil, fmt.Errorf("%s holds no trusted root: %w", path, err)
		}
		read = append(read, one)
	}
	if len(read) == 0 {
		return nil, fmt.Errorf("%s is empty: it should hold a trusted_root.json", path)
	}
	return read, nil
}

// parseTrustedRoot reads one trusted_root.json.
func parseTrustedRoot(text []byte) (root.TrustedMaterial, error) {
	parsed, err := root.NewTrustedRootFromJSON(text)
	if err != nil {
		return nil, err // and not parsed, which would be a root that is not nil
	}
	return parsed, nil
}

// material returns the roots, and fetches them if it must. What several ask for at once is fetched once.
func (t *trustRoot) material(ctx context.Context) ([]root.TrustedMaterial, error) {
	if known, err := t.known(); known != nil || err != nil {
		return known, err
	}
	return t.fetches.Do(ctx, "", t.renew)
}

// known returns what is known already: the roots, that they cannot be had, or nothing.
func (t *trustRoot) known() ([]root.TrustedMaterial, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.until.IsZero() || time.Now().Before(t.until) {
		return t.current, t.failure
	}
	return nil, nil
}

// renew fetches the roots. There is no falling back on older ones.
func (t *trustRoot) renew(ctx context.Context) ([]root.TrustedMaterial, error) {
	if known, err := t.known(); known != nil || err != nil {
		return known, err // another was faster
	}
	if t.fetch == nil {
		return nil, errors.New("there is no trusted root")
	}
	fetched, until, err := t.fetch(ctx)
	t.mu.Lock()
	defer t.mu.Unlock()
	if err == nil {
		t.current, t.until, t.failure = fetched, until, nil
		return fetched, nil
	}
	t.current, t.until, t.failure = nil, time.Now(), nil
	if ctx.Err() == nil { // or it is the impatience of one image only
		t.until, t.failure = time.Now().Add(failureLifetime), err
	}
	return nil, err
}
