package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"golang.org/x/crypto/bcrypt"

	"github.com/tidewaiter/tidewaiter/image/imagetest"
	"github.com/tidewaiter/tidewaiter/signature/signaturetest"
)

const (
	user     = "gate"
	password = "canary-7f3a91" // it must never show up in an output
)

// distribution is a real registry, with TLS and basic auth, and what a client needs to talk to it.
type distribution struct {
	host      string
	env       []string // SSL_CERT_FILE, DOCKER_CONFIG
	transport http.RoundTripper
	process   *exec.Cmd
}

// tool returns the program that an environment variable names, or skips the test.
func tool(t *testing.T, variable string) string {
	t.Helper()
	path := os.Getenv(variable)
	if path == "" {
		t.Skipf("%s names no program: .ci/run builds it and sets it", variable)
	}
	return path
}

// startDistribution starts the CNCF registry. more is added to its configuration.
func startDistribution(t *testing.T, more string) *distribution {
	t.Helper()
	program := tool(t, "TIDEWAITER_REGISTRY")
	dir := t.TempDir()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host := listener.Addr().String()
	listener.Close()
	pool := writeCertificate(t, dir)
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "htpasswd"), user+":"+string(hash)+"\n")
	write(t, filepath.Join(dir, "config.yml"), fmt.Sprintf(`version: 0.1
log: {level: error, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: %[1]s/data}}
auth: {htpasswd: {realm: test, path: %[1]s/htpasswd}}
http:
  addr: %[2]s
  tls: {certificate: %[1]s/tls.crt, key: %[1]s/tls.key}
`, dir, host)+more)
	var log bytes.Buffer
	cmd := exec.Command(program, "serve", filepath.Join(dir, "config.yml"))
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.Env = append(os.Environ(), "OTEL_TRACES_EXPORTER=none")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	d := &distribution{
		host:      host,
		process:   cmd,
		env:       []string{"SSL_CERT_FILE=" + filepath.Join(dir, "tls.crt"), "DOCKER_CONFIG=" + dockerConfig(t, host, password)},
		transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}},
	}
	client := http.Client{Transport: d.transport}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if response, err := client.Get("https://" + host + "/v2/"); err == nil {
			response.Body.Close()
			return d
		}
		if time.Now().After(deadline) {
			t.Fatalf("the registry does not answer: %s", log.String())
		}
	}
}

// certificate is the registry's own, for what stands before it.
func (d *distribution) certificate(t *testing.T) *tls.Config {
	t.Helper()
	file := strings.TrimPrefix(d.env[0], "SSL_CERT_FILE=")
	pair, err := tls.LoadX509KeyPair(file, filepath.Join(filepath.Dir(file), "tls.key"))
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}}
}

// writeCertificate writes a self-signed certificate for loopback to dir.
func writeCertificate(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test registry"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	write(t, filepath.Join(dir, "tls.crt"), string(certificate))
	write(t, filepath.Join(dir, "tls.key"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(certificate)
	return pool
}

func dockerConfig(t *testing.T, host, password string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	auth := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
	write(t, filepath.Join(dir, "config.json"), fmt.Sprintf(`{"auths": {%q: {"auth": %q}}}`, host, auth))
	return dir
}

// newKey is a new key to sign with, whose public half is cosign.pub in dir.
func newKey(t *testing.T, dir string) signaturetest.Key {
	t.Helper()
	key, err := signaturetest.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	public, err := key.PublicPEM()
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "cosign.pub"), string(public))
	return key
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// push pushes img and returns its reference.
func (d *distribution) push(t *testing.T, repository string, img v1.Image) name.Reference {
	t.Helper()
	ref, err := name.ParseReference(d.host + "/" + repository)
	if err != nil {
		t.Fatal(err)
	}
	auth := authn.FromConfig(authn.AuthConfig{Username: user, Password: password})
	if err := remote.Write(ref, img, remote.WithAuth(auth), remote.WithTransport(d.transport)); err != nil {
		t.Fatal(err)
	}
	return ref
}

// command runs a program in dir with the registry's environment and returns its exit code and outputs.
func (d *distribution) command(t *testing.T, dir, program string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := exec.Command(program, args...)
	var out, errs bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &errs
	cmd.Env = append(append(os.Environ(), "COSIGN_PASSWORD=", "COSIGN_YES=true", "HOME="+dir), d.env...)
	err := cmd.Run()
	if cmd.ProcessState == nil {
		t.Fatalf("%s: %v", program, err)
	}
	if text := out.String() + errs.String(); strings.Contains(text, password) {
		t.Errorf("%s %v shows the password:\n%s", program, args, text)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// cosigns are the ways in which the real cosign signs, and the layout that it leaves.
var cosigns = []struct {
	name, variable string
	sign           []string
	layout         string
}{
	{"v2 classic", "TIDEWAITER_COSIGN_V2", []string{"sign", "--tlog-upload=false"}, "tag"},
	{"v2 bundle", "TIDEWAITER_COSIGN_V2", []string{"sign", "--tlog-upload=false", "--new-bundle-format"}, "referrer"},
	{"v3 bundle", "TIDEWAITER_COSIGN_V3", []string{"sign", "--use-signing-config=false", "--tlog-upload=false"}, "referrer"},
	{"v3 classic", "TIDEWAITER_COSIGN_V3", []string{"sign", "--use-signing-config=false", "--tlog-upload=false", "--new-bundle-format=false"}, "tag"},
}

// TestRealRegistryAndSigners checks images in a real registry that the real cosign signed, in each layout.
func TestRealRegistryAndSigners(t *testing.T) {
	d := startDistribution(t, "")
	for _, signer := range cosigns {
		t.Run(signer.name, func(t *testing.T) {
			cosign, dir := tool(t, signer.variable), t.TempDir()
			repository := strings.ReplaceAll(signer.name, " ", "-")
			ref := d.push(t, "shop/"+repository+":1", imagetest.Image(t, map[string]string{"app": repository}))
			if code, _, stderr := d.command(t, dir, cosign, "generate-key-pair"); code != 0 {
				t.Fatalf("generate-key-pair: %s", stderr)
			}
			write(t, filepath.Join(dir, "tidewaiter.yaml"), "trust: [{images: [\""+d.host+"/shop/**\"], authorities: [{key: cosign.pub}]}]\n")

			code, stdout, stderr := d.command(t, dir, "tidewaiter", "check", ref.Name())
			if code != exitDenied || !strings.Contains(stdout, "image/unsigned") {
				t.Errorf("unsigned: got exit code %d\n%s%s", code, stdout, stderr)
			}
			args := slices.Concat(signer.sign, []string{"--key", "cosign.key", ref.Name()})
			if code, _, stderr := d.command(t, dir, cosign, args...); code != 0 {
				t.Fatalf("%v: %s", args, stderr)
			}
			code, stdout, stderr = d.command(t, dir, "tidewaiter", "check", ref.Name())
			if code != exitAllowed {
				t.Errorf("signed: got exit code %d\n%s%s", code, stdout, stderr)
			}
			code, stdout, stderr = d.command(t, dir, "tidewaiter", "verify", "--format", "json", ref.Name())
			if code != exitAllowed || !strings.Contains(stdout, fmt.Sprintf("\"layout\": %q", signer.layout)) {
				t.Errorf("verify: got exit code %d, want layout %s\n%s%s", code, signer.layout, stdout, stderr)
			}
			other := t.TempDir()
			if code, _, stderr := d.command(t, other, cosign, "generate-key-pair"); code != 0 {
				t.Fatalf("generate-key-pair: %s", stderr)
			}
			code, stdout, stderr = d.command(t, other, "tidewaiter", "verify", "--key", "cosign.pub", ref.Name())
			if code != exitDenied {
				t.Errorf("another key: got exit code %d\n%s%s", code, stdout, stderr)
			}
		})
	}
}

// TestRealRegistryRefuses checks that what a registry refuses is one clear line, and no verdict.
func TestRealRegistryRefuses(t *testing.T) {
	d := startDistribution(t, "")
	ref := d.push(t, "shop/web:1", imagetest.Image(t, map[string]string{"app": "web"}))
	wrong := *d
	wrong.env = []string{d.env[0], "DOCKER_CONFIG=" + dockerConfig(t, d.host, "wrong")}
	nobody := *d
	nobody.env = []string{d.env[0], "DOCKER_CONFIG=" + t.TempDir()}
	untrusting := *d
	untrusting.env = d.env[1:]
	for _, test := range []struct {
		name   string
		client *distribution
		ref    string
		want   string
	}{
		{"missing tag", d, d.host + "/shop/web:2", "not found"},
		{"missing repository", d, d.host + "/shop/nothing:1", "not found"},
		{"wrong password", &wrong, ref.Name(), "docker login"},
		{"no credentials", &nobody, ref.Name(), "docker login"},
		{"unknown certificate authority", &untrusting, ref.Name(), "certificate"},
		{"nobody listens", d, "127.0.0.1:1/shop/web:1", "refused"},
	} {
		t.Run(test.name, func(t *testing.T) {
			code, stdout, stderr := test.client.command(t, t.TempDir(), "tidewaiter", "check", "--format", "json", test.ref)
			if code != exitUndecided || !strings.Contains(stdout, test.want) {
				t.Errorf("got exit code %d, want %d and %q\n%s%s", code, exitUndecided, test.want, stdout, stderr)
			}
			if strings.Contains(stdout+stderr, "goroutine ") {
				t.Errorf("a stack trace shows:\n%s%s", stdout, stderr)
			}
		})
	}
}

// TestRealRegistryCredentialHelper: credentials come from the helper that the docker configuration names.
func TestRealRegistryCredentialHelper(t *testing.T) {
	d := startDistribution(t, "")
	ref := d.push(t, "shop/web:1", imagetest.Image(t, map[string]string{"app": "web"}))
	bin, config := t.TempDir(), t.TempDir()
	answer := fmt.Sprintf(`{"ServerURL": %q, "Username": %q, "Secret": %q}`, d.host, user, password)
	helper := filepath.Join(bin, "docker-credential-canary")
	write(t, helper, "#!/bin/sh\necho '"+answer+"'\n")
	if err := os.Chmod(helper, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(config, "config.json"), fmt.Sprintf(`{"credHelpers": {%q: "canary"}}`, d.host))
	d.env = []string{d.env[0], "DOCKER_CONFIG=" + config, "PATH=" + bin + ":" + os.Getenv("PATH")}
	code, stdout, stderr := d.command(t, t.TempDir(), "tidewaiter", "check", ref.Name())
	if code != exitAllowed {
		t.Errorf("got exit code %d\n%s%s", code, stdout, stderr)
	}
}
