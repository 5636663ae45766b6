package signature

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/timestamp-authority/v2/pkg/server"
	"github.com/spf13/viper"

	"github.com/tidewaiter/tidewaiter/image"
	"github.com/tidewaiter/tidewaiter/image/imagetest"
)

// The variables that name the real cosign commands; without them there is nothing to run.
const cosign2, cosign3 = "TIDEWAITER_COSIGN_V2", "TIDEWAITER_COSIGN_V3"

// cosignWays are the ways in which cosign signs without any service.
var cosignWays = []struct {
	name, command, layout string
	flags                 []string
	forgets               bool // what annotations it was told to sign
}{
	{"v2 classic", cosign2, "tag", nil, false},
	{"v2 bundle", cosign2, "referrer", []string{"--new-bundle-format"}, true},
	{"v3 classic", cosign3, "tag", []string{"--new-bundle-format=false", "--use-signing-config=false"}, false},
	{"v3 bundle", cosign3, "referrer", []string{"--use-signing-config=false"}, false},
}

// cosignIn returns the command that a variable names, to be run in a folder.
func cosignIn(t *testing.T, variable, dir string) func(args ...string) {
	t.Helper()
	command := os.Getenv(variable)
	if command == "" {
		t.Skipf("%s does not name a cosign command", variable)
	}
	return func(args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), command, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "COSIGN_PASSWORD=", "HOME="+dir)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("cosign %q: %v\n%s", args, err, out)
		}
	}
}

// TestCosign signs images with the real cosign command, as its users would, and verifies what it left in the
// registry.
func TestCosign(t *testing.T) {
	for _, test := range cosignWays {
		t.Run(test.name, func(t *testing.T) {
			host, dir := imagetest.Host(t), t.TempDir()
			cosign := cosignIn(t, test.command, dir)
			signed := host + "/shop/web@" + imagetest.Push(t, host+"/shop/web:1", imagetest.Image(t, map[string]string{"a": "1"}))
			unsigned := host + "/shop/web@" + imagetest.Push(t, host+"/shop/web:2", imagetest.Image(t, map[string]string{"a": "2"}))
			cosign("generate-key-pair")
			cosign(append([]string{"sign", "--key", "cosign.key", "--tlog-upload=false", "--yes", "--allow-http-registry"}, append(test.flags, signed)...)...)

			v, err := New(keyPolicy(host+"/shop/**", "cosign.pub"), Options{Dir: dir, Offline: true})
			noError(t, err)
			checkCosign(t, pullAndVerify(t, v, host, signed), test.layout)
			if r := pullAndVerify(t, v, host, unsigned); held(r) || r.Found != 0 {
				t.Errorf("got %+v of an unsigned image", r)
			}
			noError(t, os.WriteFile(filepath.Join(dir, "other.pub"), publicPEM(t, newECDSA(t).Public()), 0o600))
			v, err = New(keyPolicy(host+"/shop/**", "other.pub"), Options{Dir: dir, Offline: true})
			noError(t, err)
			checkOutcome(t, pullAndVerify(t, v, host, signed), "signed by another key")
		})
	}
}

// TestCosignTimestamps signs with annotations, has a real timestamp authority see the signature, and wants both.
func TestCosignTimestamps(t *testing.T) {
	for _, test := range cosignWays {
		t.Run(test.name, func(t *testing.T) {
			host, dir := imagetest.Host(t), t.TempDir()
			cosign := cosignIn(t, test.command, dir)
			authority := timestampAuthority(t, dir)
			signed := host + "/shop/web@" + imagetest.Push(t, host+"/shop/web:1", imagetest.Image(t, map[string]string{"a": "1"}))
			bare := host + "/shop/web@" + imagetest.Push(t, host+"/shop/web:2", imagetest.Image(t, map[string]string{"a": "2"}))
			cosign("generate-key-pair")
			sign := append([]string{"sign", "--key", "cosign.key", "--tlog-upload=false", "--yes", "--allow-http-registry", "-a", "env=prod"}, test.flags...)
			cosign(append(sign, bare)...)
			if test.name == "v3 bundle" { // which knows timestamps only by its signing configuration
				sign = []string{"sign", "--key", "cosign.key", "--yes", "--allow-http-registry", "-a", "env=prod", "--signing-config", "signing.json", "--trusted-root", "tsa.json"}
			} else {
				sign = append(sign, "--timestamp-server-url", authority)
			}
			cosign(append(sign, signed)...)

			p := keyPolicy(host+"/shop/**", "cosign.pub")
			e := &p.Entries[0]
			e.Authorities[0].Timestamp, e.MaxAge = Required, Age(time.Hour)
			if !test.forgets {
				e.Annotations = map[string]string{"env": "prod"}
			}
			v, err := New(p, Options{Dir: dir, TrustedRoot: "tsa.json", Offline: true})
			noError(t, err)
			r := pullAndVerify(t, v, host, signed)
			checkCosign(t, r, test.layout)
			if !held(r) || time.Since(r.Signers[0].SignedAt) > time.Hour || (r.Signers[0].Annotations["env"] == "prod") == test.forgets {
				t.Fatalf("got %+v", r.Signers)
			}
			checkOutcome(t, pullAndVerify(t, v, host, bare), noTimestamp)

			e.Annotations = map[string]string{"env": "test"}
			v, err = New(p, Options{Dir: dir, TrustedRoot: "tsa.json", Offline: true})
			noError(t, err)
			checkOutcome(t, pullAndVerify(t, v, host, signed), `annotation "env"`)
		})
	}
}

// timestampAuthority serves Sigstore's own timestamp authority, writes a trusted root that trusts it as tsa.json
// and cosign's configuration to use it as signing.json, and returns its address.
func timestampAuthority(t *testing.T, dir string) string {
	t.Helper()
	const policy = "1.3.6.1.4.1.57264.2"
	for key, value := range map[string]any{
		"timestamp-signer": "memory", "timestamp-signer-hash": "sha256", "accepted-policy-oids": []string{policy}, "default-policy-oid": policy,
	} {
		viper.Set(key, value)
	}
	served := httptest.NewServer(server.NewRestAPIServer("localhost", 0, []string{"http"}, false, 10*time.Second, 10*time.Second).GetHandler())
	t.Cleanup(served.Close)
	response, err := http.Get(served.URL + "/api/v1/timestamp/certchain")
	noError(t, err)
	defer response.Body.Close()
	chain, err := cryptoutils.LoadCertificatesFromPEM(response.Body)
	noError(t, err)
	last := len(chain) - 1
	trusted, err := root.NewTrustedRoot(root.TrustedRootMediaType01, nil, nil, []root.TimestampingAuthority{&root.SigstoreTimestampingAuthority{
		Leaf: chain[0], Intermediates: chain[1:last], Root: chain[last], URI: served.URL, ValidityPeriodStart: time.Now().Add(-time.Hour),
	}}, nil)
	noError(t, err)
	data, err := trusted.MarshalJSON()
	noError(t, err)
	noError(t, os.WriteFile(filepath.Join(dir, "tsa.json"), data, 0o600))
	address := served.URL + "/api/v1/timestamp"
	config := fmt.Sprintf(`{"mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json", "tsaConfig": {"selector": "ANY"},
		"tsaUrls": [{"url": %q, "majorApiVersion": 1, "operator": "test", "validFor": {"start": "2020-01-01T00:00:00Z"}}]}`, address)
	noError(t, os.WriteFile(filepath.Join(dir, "signing.json"), []byte(config), 0o600))
	return address
}

func keyPolicy(images, key string) Policy {
	return Policy{[]Entry{{
		Images:      []string{images},
		Authorities: []Authority{{Key: key, TransparencyLog: Ignore}},
	}}}
}

func pullAndVerify(t *testing.T, v *Verifier, host, reference string) Result {
	t.Helper()
	ref, err := image.ParseReference(reference)
	noError(t, err)
	img, err := (&image.Client{PlainHTTP: []string{host}}).Pull(context.Background(), ref)
	noError(t, err)
	r, err := v.Verify(context.Background(), img)
	noError(t, err)
	return r
}

func checkCosign(t *testing.T, r Result, layout string) {
	t.Helper()
	if !held(r) || len(r.Signers) != 1 || r.Signers[0].Layout != layout || r.Signers[0].Key != "cosign.pub" || len(r.Rejected) != 0 {
		t.Errorf("got %+v, want one signer by layout %s", r, layout)
	}
}
