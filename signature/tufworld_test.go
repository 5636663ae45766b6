package signature

import (
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	sig "github.com/sigstore/sigstore/pkg/signature"
	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// tufWorld is a repository of The Update Framework that a real server serves, and that can be spoilt at will.
type tufWorld struct {
	t         *testing.T
	server    *httptest.Server
	keys      map[string]ed25519.PrivateKey // by role
	root      *metadata.Metadata[metadata.RootType]
	timestamp *metadata.Metadata[metadata.TimestampType]
	snapshot  *metadata.Metadata[metadata.SnapshotType]
	targets   *metadata.Metadata[metadata.TargetsType]
	target    []byte
	changes   int
	first     []byte // the root.json that trust begins with

	mu    sync.Mutex
	files map[string][]byte
	asked []string
	// serve, if it is set, answers instead; it tells whether it did.
	serve func(w http.ResponseWriter, r *http.Request) bool
}

var tufRoles = []string{metadata.ROOT, metadata.TIMESTAMP, metadata.SNAPSHOT, metadata.TARGETS}

// newTUF makes a repository whose metadata is good for two days, but for a timestamp that is for half a day.
func newTUF(t *testing.T) *tufWorld {
	t.Helper()
	two := time.Now().Add(48 * time.Hour)
	w := &tufWorld{
		t: t, keys: map[string]ed25519.PrivateKey{}, files: map[string][]byte{},
		root: metadata.Root(two), timestamp: metadata.Timestamp(time.Now().Add(12 * time.Hour)),
		snapshot: metadata.Snapshot(two), targets: metadata.Targets(two),
	}
	w.target = tufTarget(t, 0)
	for _, role := range tufRoles {
		w.replaceKey(role)
	}
	w.server = httptest.NewServer(w)
	t.Cleanup(w.server.Close)
	w.publishRoot()
	w.first = w.files["1.root.json"]
	w.publish()
	return w
}

// tufTargets are trusted roots that were made, which takes long.
var tufTargets [3][]byte

// tufTarget returns one of three trusted roots.
func tufTarget(t *testing.T, i int) []byte {
	t.Helper()
	if tufTargets[i] == nil {
		made, err := os.ReadFile(newWorld(t, time.Hour).trustedRoot())
		noError(t, err)
		tufTargets[i] = made
	}
	return tufTargets[i]
}

// ServeHTTP serves the files.
func (w *tufWorld) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	name := strings.TrimPrefix(r.URL.Path, "/")
	w.asked = append(w.asked, name)
	data, ok := w.files[name]
	serve := w.serve
	w.mu.Unlock()
	switch {
	case serve != nil && serve(out, r):
	case !ok:
		http.NotFound(out, r)
	default:
		_, _ = out.Write(data)
	}
}

// answer lets serve answer what it wants to, instead of the files; nil lets nobody.
func (w *tufWorld) answer(serve func(http.ResponseWriter, *http.Request) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.serve = serve
}

// replaceKey gives a role another key, and takes away the one that it had.
func (w *tufWorld) replaceKey(role string) {
	w.t.Helper()
	if old, ok := w.keys[role]; ok {
		id, err := w.keyOf(old).ID()
		noError(w.t, err)
		noError(w.t, w.root.Signed.RevokeKey(id, role))
	}
	_, private, err := ed25519.GenerateKey(nil)
	noError(w.t, err)
	w.keys[role] = private
	noError(w.t, w.root.Signed.AddKey(w.keyOf(private), role))
}

func (w *tufWorld) keyOf(private ed25519.PrivateKey) *metadata.Key {
	w.t.Helper()
	key, err := metadata.KeyFromPublicKey(private.Public())
	noError(w.t, err)
	return key
}

// tufSigned signs metadata by keys, and by no others.
func tufSigned[T metadata.Roles](t *testing.T, m *metadata.Metadata[T], keys ...ed25519.PrivateKey) []byte {
	t.Helper()
	m.ClearSignatures()
	for _, key := range keys {
		signer, err := sig.LoadSigner(key, crypto.Hash(0))
		noError(t, err)
		_, err = m.Sign(signer)
		noError(t, err)
	}
	data, err := m.ToBytes(false)
	noError(t, err)
	return data
}

func (w *tufWorld) put(name string, data []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.files[name] = data
}

// publishRoot publishes the root, signed by its key and by others, such as its former one.
func (w *tufWorld) publishRoot(others ...ed25519.PrivateKey) {
	w.t.Helper()
	w.put(fmt.Sprintf("%d.root.json", w.root.Signed.Version), tufSigned(w.t, w.root, append(others, w.keys[metadata.ROOT])...))
}

// publish publishes all but the root as it stands, after bringing it in line.
func (w *tufWorld) publish() {
	w.t.Helper()
	info, err := metadata.TargetFile().FromBytes(trustedRootTarget, w.target)
	noError(w.t, err)
	w.targets.Signed.Targets[trustedRootTarget] = info
	w.put("targets/"+hex.EncodeToString(info.Hashes["sha256"])+"."+trustedRootTarget, w.target)
	w.publishTargets()
}

// publishTargets publishes the targets as they stand, and what is above them.
func (w *tufWorld) publishTargets() {
	w.t.Helper()
	version := w.targets.Signed.Version
	w.put(fmt.Sprintf("%d.targets.json", version), tufSigned(w.t, w.targets, w.keys[metadata.TARGETS]))
	w.snapshot.Signed.Meta["targets.json"] = metadata.MetaFile(version)
	w.publishSnapshot()
}

func (w *tufWorld) publishSnapshot() {
	w.t.Helper()
	version := w.snapshot.Signed.Version
	data := tufSigned(w.t, w.snapshot, w.keys[metadata.SNAPSHOT])
	w.put(fmt.Sprintf("%d.snapshot.json", version), data)
	sum := sha256.Sum256(data)
	w.timestamp.Signed.Meta["snapshot.json"] = &metadata.MetaFiles{
		Version: version, Length: int64(len(data)), Hashes: metadata.Hashes{"sha256": sum[:]},
	}
	w.publishTimestamp()
}

func (w *tufWorld) publishTimestamp() {
	w.t.Helper()
	w.put("timestamp.json", tufSigned(w.t, w.timestamp, w.keys[metadata.TIMESTAMP]))
}

// next makes the versions of all but the root higher by one.
func (w *tufWorld) next() {
	w.targets.Signed.Version++
	w.snapshot.Signed.Version++
	w.timestamp.Signed.Version++
}

// change publishes another trusted root, in new versions.
func (w *tufWorld) change() {
	w.t.Helper()
	w.changes++
	w.target = tufTarget(w.t, w.changes%2)
	w.next()
	w.publish()
}

// requests returns what was asked for since the last call.
func (w *tufWorld) requests() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	asked := w.asked
	w.asked = nil
	return asked
}

// repository is a client of the repository with a cache, after some time.
func (w *tufWorld) repository(cacheDir string, after time.Duration) *repository {
	w.t.Helper()
	r, err := newRepository(w.server.URL, cacheDir)
	noError(w.t, err)
	path := filepath.Join(w.t.TempDir(), "root.json")
	noError(w.t, os.WriteFile(path, w.first, 0o600))
	noError(w.t, r.begin(path))
	r.now = func() time.Time { return time.Now().Add(after) }
	return r
}

// accepts wants the repository's present trusted root to be had.
func (w *tufWorld) accepts(r *repository) {
	w.t.Helper()
	got, until, err := r.fetch(w.t.Context())
	if err != nil {
		w.t.Errorf("got %v, want the trusted root", err)
		return
	}
	want, err := parseTrustedRoot(w.target)
	noError(w.t, err)
	a, b := got.FulcioCertificateAuthorities(), want.FulcioCertificateAuthorities()
	if len(a) != 1 || len(b) != 1 || rootOf(a[0]) != rootOf(b[0]) {
		w.t.Error("got another trusted root")
	}
	if lasts := until.Sub(r.now()); lasts <= 0 || lasts > rootLifetime {
		w.t.Errorf("it may be used for %v, want at most a day", lasts)
	}
}

// refuses wants an error that says want.
func (w *tufWorld) refuses(r *repository, want string) {
	w.t.Helper()
	if got, _, err := r.fetch(w.t.Context()); got != nil || err == nil || !strings.Contains(err.Error(), want) {
		w.t.Errorf("got %v, %v, want an error that says %q", got, err, want)
	}
}
