package signature

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/tidewaiter/tidewaiter/image"
	"github.com/tidewaiter/tidewaiter/image/imagetest"
)

// TestCosign signs images with the real cosign command, as its users would, and verifies what it left in the
// registry. The variables name the commands; without them there is nothing to run.
func TestCosign(t *testing.T) {
	const v2, v3 = "TIDEWAITER_COSIGN_V2", "TIDEWAITER_COSIGN_V3"
	for _, test := range []struct {
		name, command, layout string
		flags                 []string
	}{
		{"v2 classic", v2, "tag", nil},
		{"v2 bundle", v2, "referrer", []string{"--new-bundle-format"}},
		{"v3 classic", v3, "tag", []string{"--new-bundle-format=false", "--use-signing-config=false"}},
		{"v3 bundle", v3, "referrer", []string{"--use-signing-config=false"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			command := os.Getenv(test.command)
			if command == "" {
				t.Skipf("%s does not name a cosign command", test.command)
			}
			host, dir := imagetest.Host(t), t.TempDir()
			cosign := func(args ...string) {
				t.Helper()
				cmd := exec.CommandContext(t.Context(), command, args...)
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "COSIGN_PASSWORD=", "HOME="+dir)
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("cosign %q: %v\n%s", args, err, out)
				}
			}
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
