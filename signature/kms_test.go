package signature

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sigstore/cosign/v2/pkg/oci/static"

	"github.com/tidewaiter/tidewaiter/image"
)

// vault stands in for a Vault server, which cannot run here, and keeps one public key in its transit engine. It
// counts how often it was asked.
func vault(t testing.TB, name string, key crypto.PublicKey) (reference string, asked *atomic.Int32) {
	asked = &atomic.Int32{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.URL.Path != "/v1/transit/keys/"+name || r.Header.Get("X-Vault-Token") != "token" {
			http.NotFound(w, r)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]any{
			"latest_version": 1, "keys": map[string]any{"1": map[string]any{"name": "key", "public_key": string(publicPEM(t, key))}},
		}})
	}))
	t.Cleanup(server.Close)
	setenv(t, "VAULT_ADDR", server.URL)
	setenv(t, "VAULT_TOKEN", "token")
	return "hashivault://" + name, asked
}

func setenv(t testing.TB, name, value string) {
	t.Helper()
	t.(interface{ Setenv(string, string) }).Setenv(name, value)
}

// kmsPolicy accepts the key of a reference.
func kmsPolicy(references ...string) Policy {
	p := Policy{[]Entry{{Images: []string{"registry.example/shop/**"}, Threshold: len(references)}}}
	for _, r := range references {
		p.Entries[0].Authorities = append(p.Entries[0].Authorities, Authority{Key: r})
	}
	return p
}

func TestVault(t *testing.T) {
	me := signer{key: newECDSA(t)}
	reference, asked := vault(t, "release", me.key.Public())
	v, err := New(kmsPolicy(reference), Options{})
	noError(t, err)
	if asked.Load() != 0 {
		t.Error("the key was fetched when the policy was loaded")
	}
	r := mustVerify(t, v, me.simple(t, digestA))
	checkOutcome(t, r, "")
	want := fmt.Sprintf("%x", sha256.Sum256(derOf(t, me.key.Public())))
	if got := r.Signers[0]; got.Kind != "key" || got.Key != reference || got.Fingerprint != want {
		t.Errorf("got %+v", got)
	}
	checkOutcome(t, mustVerify(t, v, signer{key: newECDSA(t)}.simple(t, digestA)), "signed by another key")
	if asked.Load() != 1 {
		t.Errorf("the key was fetched %d times", asked.Load())
	}
}

// TestAWS has a key in a stand-in for AWS's service, at the address that the reference names.
func TestAWS(t *testing.T) {
	me := signer{key: newECDSA(t)}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := map[string]any{"PublicKey": derOf(t, me.key.Public())}
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".DescribeKey") {
			answer = map[string]any{"KeyMetadata": map[string]any{"KeyId": "x", "SigningAlgorithms": []string{"ECDSA_SHA_256"}}}
		}
		_ = json.NewEncoder(w).Encode(answer)
	}))
	t.Cleanup(server.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	noError(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600))
	for name, value := range map[string]string{
		"AWS_REGION": "eu-north-1", "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_CA_BUNDLE": ca,
		"AWS_CONFIG_FILE": ca + ".none", "AWS_SHARED_CREDENTIALS_FILE": ca + ".none", "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
	v, err := New(kmsPolicy("awskms://"+server.Listener.Addr().String()+"/alias/release"), Options{})
	noError(t, err)
	checkOutcome(t, mustVerify(t, v, me.simple(t, digestA)), "")
	checkOutcome(t, mustVerify(t, v, me.simple(t, digestB)), "does not cover")
}

// TestSameKeyByFileAndService wants one key to count once, whichever way it is named (SIG-08).
func TestSameKeyByFileAndService(t *testing.T) {
	me := signer{key: newECDSA(t)}
	reference, _ := vault(t, "release", me.key.Public())
	v, err := New(kmsPolicy("0.pub", reference), Options{Dir: writeKeys(t, me.key)})
	noError(t, err)
	if r := mustVerify(t, v, me.simple(t, digestA), me.simple(t, digestA)); held(r) || len(r.Entries[0].Signers) != 1 {
		t.Errorf("got %+v, want one signer of two", r)
	}
}

// TestServiceFails wants an error, which is no verdict, where the key cannot be had or is none to be trusted.
func TestServiceFails(t *testing.T) {
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		setenv(t, "GODEBUG", "rsa1024min=0")
		weak, err = rsa.GenerateKey(rand.Reader, 1024)
	}
	noError(t, err)
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and never answers
	noError(t, err)
	t.Cleanup(func() { _ = silent.Close() })
	me := signer{key: newECDSA(t)}
	for name, test := range map[string]struct {
		arrange func(t *testing.T) string
		offline bool
		want    string
	}{
		"no such key": {arrange: func(t *testing.T) string { vault(t, "other", me.key.Public()); return "hashivault://release" }, want: "could not be fetched"},
		"weak key":    {arrange: func(t *testing.T) string { r, _ := vault(t, "release", weak.Public()); return r }, want: "RSA with 1024 bits is not accepted"},
		"offline":     {arrange: func(t *testing.T) string { r, _ := vault(t, "release", me.key.Public()); return r }, offline: true, want: "store the public key in a file"},
		"no answer": {arrange: func(t *testing.T) string {
			r, _ := vault(t, "release", me.key.Public())
			t.Setenv("VAULT_ADDR", "http://"+silent.Addr().String())
			return r
		}, want: "did not answer"},
	} {
		t.Run(name, func(t *testing.T) {
			reference := test.arrange(t)
			v, err := New(kmsPolicy(reference), Options{Offline: test.offline})
			noError(t, err)
			ctx := t.Context()
			if name == "no answer" {
				var cancel context.CancelFunc
				ctx, cancel = context.WithCancel(ctx)
				go func() { // the server was asked: the caller's patience ends
					if c, err := silent.Accept(); err == nil {
						defer c.Close()
					}
					cancel()
				}()
			}
			rules := v.matching(image.Reference{Transport: image.Registry, Host: "registry.example", Repository: "shop/web"})
			r, err := v.judge(ctx, t, rules, me.simple(t, digestA))
			if err == nil || name != "no answer" && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %+v, %v, want an error that says %q", r, err, test.want)
			}
		})
	}
}

// TestServiceFailsOnce wants a service that fails to be asked once for many signatures.
func TestServiceFailsOnce(t *testing.T) {
	me := signer{key: newECDSA(t)}
	_, asked := vault(t, "other", me.key.Public())
	v, err := New(kmsPolicy("hashivault://release"), Options{})
	noError(t, err)
	a := me.simple(t, digestA)
	if r, err := v.judge(t.Context(), t, v.rules, a, a, a, a); err == nil {
		t.Errorf("got %+v, want an error", r)
	}
	if asked.Load() != 1 {
		t.Errorf("asked %d times", asked.Load())
	}
}

// TestServicePSS has a signature as services make it that sign with RSA-PSS.
func TestServicePSS(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	noError(t, err)
	reference, _ := vault(t, "release", key.Public())
	v, err := New(kmsPolicy(reference), Options{})
	noError(t, err)
	a := signer{key: key}.simple(t, digestA)
	checkOutcome(t, mustVerify(t, v, a), "")
	sum := sha256.Sum256(a.Payload)
	sig, err := rsa.SignPSS(rand.Reader, key, crypto.SHA256, sum[:], nil)
	noError(t, err)
	a.Annotations[static.SignatureAnnotationKey] = base64.StdEncoding.EncodeToString(sig)
	checkOutcome(t, mustVerify(t, v, a), "")
	checkOutcome(t, verifyAttachments(t, byKeys(1, 0), Options{Dir: writeKeys(t, key)}, a), "signed by another key")
}

func TestReferences(t *testing.T) {
	for reference, want := range map[string]string{
		"awskms:///alias/release": "", "awskms://localhost:4566/1234abcd-12ab-34cd-56ef-1234567890ab": "",
		"azurekms://shop.vault.azure.net/release":                      "",
		"gcpkms://projects/p/locations/global/keyRings/r/cryptoKeys/k": "",
		"hashivault://release":                                         "",
		"awskms://alias/release":                                       "kms specification should be in the format awskms://",
		"azurekms://release":                                           "kms specification should be in the format azurekms://",
		"gcpkms://release":                                             "kms specification should be in the format gcpkms://",
		"hashivault://a/b":                                             "kms specification should be in the format hashivault://",
		"k8s://namespace/secret":                                       "keys are read from files, and from awskms://",
	} {
		_, err := New(kmsPolicy(reference), Options{})
		checkKeyError(t, err, want)
	}
	_, err := New(kmsPolicy("hashivault://release", "hashivault://release"), Options{})
	checkKeyError(t, err, "authorities[1]: is the same key as authorities[0]")
}
