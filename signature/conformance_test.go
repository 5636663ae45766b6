package signature

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/tidewaiter/tidewaiter/image"
)

// conformanceCases are at least so many: a checkout of something else shall not pass.
const conformanceCases = 70

// TestConformance runs every verification case of sigstore/sigstore-conformance: bundles that every client must
// accept, and others, called _fail, that none may. Most hold a signature of some file, which vouches for no image;
// they are held against the terms of an authority all the same.
func TestConformance(t *testing.T) {
	checkout := os.Getenv("TIDEWAITER_CONFORMANCE")
	if checkout == "" {
		t.Skip("TIDEWAITER_CONFORMANCE is not set to a checkout of github.com/sigstore/sigstore-conformance")
	}
	dir := filepath.Join(checkout, "test", "assets", "bundle-verify")
	entries, err := os.ReadDir(dir)
	noError(t, err)
	ran := 0
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		ran++
		t.Run(e.Name(), func(t *testing.T) {
			err := newConformanceCase(t, filepath.Join(dir, e.Name())).verify(t)
			if wantFailure := strings.HasSuffix(e.Name(), "_fail"); wantFailure != (err != nil) {
				t.Errorf("got %v, want an error: %v", err, wantFailure)
			}
			t.Log(err)
		})
	}
	if ran < conformanceCases {
		t.Errorf("%d cases, want at least %d: is %s a checkout of sigstore-conformance?", ran, conformanceCases, checkout)
	}
}

// conformanceCase is one case, as the suite's README describes its folder.
type conformanceCase struct {
	bundle  []byte
	digest  v1.Hash // of the artifact
	policy  Policy
	options Options
}

func newConformanceCase(t *testing.T, dir string) conformanceCase {
	t.Helper()
	read := func(name, otherwise string) string {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, os.ErrNotExist) {
			return otherwise
		}
		noError(t, err)
		return strings.TrimSpace(string(data))
	}
	bundle, err := os.ReadFile(filepath.Join(dir, "bundle.sigstore.json"))
	noError(t, err)
	artifact, err := os.ReadFile(filepath.Join(dir, "artifact"))
	if err != nil {
		artifact, err = os.ReadFile(filepath.Join(filepath.Dir(dir), "a.txt"))
	}
	noError(t, err)
	sum := sha256.Sum256(artifact)
	authority := Authority{Keyless: &Keyless{
		Issuer: read("issuer", provider),
		Subject: read("identity", "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/"+
			".github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main"),
	}}
	if read("key.pub", "") != "" {
		authority = Authority{Key: "key.pub", TransparencyLog: Required}
	}
	root := filepath.Join(dir, "trusted_root.json")
	if _, err := os.Stat(root); err != nil {
		root = filepath.Join(moduleDir(t, "github.com/sigstore/sigstore-go"), "examples", "trusted-root-public-good.json")
	}
	return conformanceCase{
		bundle: bundle, digest: v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum[:])},
		policy:  Policy{[]Entry{{Images: []string{"**"}, Authorities: []Authority{authority}}}},
		options: Options{Dir: dir, TrustedRoot: root, Offline: true},
	}
}

// moduleDir is where the go command keeps a module that we use.
func moduleDir(t *testing.T, module string) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	noError(t, err)
	return strings.TrimSpace(string(out))
}

// verify holds the bundle against the terms of the case's authority. A bundle with a statement must fare the same
// beside an image that is the artifact.
func (c conformanceCase) verify(t *testing.T) error {
	t.Helper()
	v, err := New(c.policy, c.options)
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	a, trusted, err := v.rules[0].authorities[0].ready(t.Context())
	noError(t, err)
	b, err := openBundle(c.bundle)
	if err != nil {
		return err
	}
	if len(trusted) != 1 {
		t.Fatalf("%d trusted roots, want one", len(trusted))
	}
	_, err = b.prove(c.digest, a, trusted[0])
	if _, e := b.bundle.Envelope(); e == nil {
		found := candidate{}
		_, bad := found.read(image.Attachment{Layout: "referrer", MediaType: bundleMediaType, Payload: c.bundle})
		if bad == nil {
			if _, r := found.check(t.Context(), c.digest, a, trusted[0]); r != nil {
				bad = errors.New(r.reason)
			}
		}
		if (bad == nil) != (err == nil) {
			t.Errorf("beside an image: %v, by itself: %v", bad, err)
		}
	}
	return err
}
