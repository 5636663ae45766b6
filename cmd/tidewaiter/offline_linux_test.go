package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"unsafe"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/testing/ca"
	"github.com/sigstore/sigstore-go/pkg/tuf"

	"github.com/tidewaiter/tidewaiter/image/imagetest"
)

// The keyless signer of the image of these tests.
const (
	offlineIssuer  = "https://issuer.example"
	offlineSubject = "https://ci.example/shop/web"
)

// offlineVariable names the folder of fixtures to a test that runs in a namespace.
const offlineVariable = "TIDEWAITER_OFFLINE_TEST_DIR"

// fixtures writes an image as a layout, with a signature by a key and a keyless one, the image alone as an
// archive, and configurations that trust these signatures.
func fixtures(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	server := httptest.NewServer(quietRegistry())
	defer server.Close()
	repository, err := name.NewRepository(strings.TrimPrefix(server.URL, "http://")+"/shop/web", name.Insecure)
	must(t, err)
	img := imagetest.Image(t, map[string]string{"etc/os-release": "ID=none\n"})
	must(t, remote.Write(repository.Tag("1"), img))
	digest, err := img.Digest()
	must(t, err)
	must(t, newKey(t, dir).Push(repository, digest))
	sigTag := strings.Replace(digest.String(), ":", "-", 1) + ".sig"
	sig, err := remote.Image(repository.Tag(sigTag))
	must(t, err)
	size, err := img.Size()
	must(t, err)
	subject := v1.Descriptor{MediaType: types.DockerManifestSchema2, Digest: digest, Size: size}

	path, err := layout.Write(filepath.Join(dir, "layout"), empty.Index)
	must(t, err)
	for tag, each := range map[string]v1.Image{"1": img, sigTag: sig, "bundle": keyless(t, dir, subject)} {
		must(t, path.AppendImage(each, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": tag})))
	}
	must(t, tarball.WriteToFile(filepath.Join(dir, "archive.tar"), repository.Tag("1"), img))
	identity := fmt.Sprintf("keyless: {issuer: %q, subject: %q}, transparencyLog: ignore, timestamp: required, certificateLog: ignore", offlineIssuer, offlineSubject)
	for config, text := range map[string]string{
		"key":     "trust: [{images: ['**'], authorities: [{key: cosign.pub}]}]\n",
		"keyless": "trustedRoot: trusted_root.json\ntrust: [{images: ['**'], authorities: [{" + identity + "}]}]\n",
		"fetched": "trust: [{images: ['**'], authorities: [{" + identity + "}]}]\n",
		"kms":     "trust: [{images: ['**'], authorities: [{key: 'hashivault://cosign'}]}]\n",
	} {
		write(t, filepath.Join(dir, config+".yaml"), text)
	}
	self, err := os.Executable()
	must(t, err)
	must(t, os.Symlink(self, filepath.Join(dir, "tidewaiter"))) // TestMain is the program under this name
	return dir
}

// keyless is a manifest with a bundle that signs the subject as GitHub's own Sigstore does: with a timestamp, and
// without logs. It writes the trusted root of the signer's world.
func keyless(t *testing.T, dir string, subject v1.Descriptor) v1.Image {
	t.Helper()
	world, err := ca.NewVirtualSigstore()
	must(t, err)
	cert, key, err := world.GenerateLeafCert(offlineSubject, offlineIssuer)
	must(t, err)
	trusted, err := root.NewTrustedRoot(root.TrustedRootMediaType01, world.FulcioCertificateAuthorities(), nil, world.TimestampingAuthorities(), nil)
	must(t, err)
	data, err := trusted.MarshalJSON()
	must(t, err)
	write(t, filepath.Join(dir, "trusted_root.json"), string(data))

	const payloadType, mediaType = "application/vnd.in-toto+json", "application/vnd.dev.sigstore.bundle.v0.3+json"
	statement := fmt.Appendf(nil, `{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":%q}}],"predicateType":"https://sigstore.dev/cosign/sign/v1","predicate":{}}`, subject.Digest.Hex)
	sum := sha256.Sum256(dsse.PAE(payloadType, statement))
	sig, err := ecdsa.SignASN1(rand.Reader, key.(*ecdsa.PrivateKey), sum[:])
	must(t, err)
	stamp, err := world.TimestampResponse(sig)
	must(t, err)
	bundle, err := json.Marshal(map[string]any{
		"mediaType": mediaType,
		"verificationMaterial": map[string]any{
			"certificate":               map[string]any{"rawBytes": cert.Raw},
			"timestampVerificationData": map[string]any{"rfc3161Timestamps": []any{map[string]any{"signedTimestamp": stamp}}},
		},
		"dsseEnvelope": map[string]any{
			"payload": base64.StdEncoding.EncodeToString(statement), "payloadType": payloadType,
			"signatures": []any{map[string]any{"sig": sig}},
		},
	})
	must(t, err)
	img, err := mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1), static.NewLayer(bundle, mediaType))
	must(t, err)
	img = mutate.ConfigMediaType(img, mediaType) // which is the artifact's type where none is said
	return mutate.Subject(img, subject).(v1.Image)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func quietRegistry() http.Handler {
	return registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(true))
}

// isolated makes a command run in a network namespace of its own, where no interface is up and there is no route.
// Where that is not permitted, the test is skipped.
func isolated(t *testing.T, program string, args ...string) *exec.Cmd {
	t.Helper()
	attributes := &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	probe := exec.Command("/bin/true")
	probe.SysProcAttr = attributes
	if err := probe.Run(); err != nil {
		t.Skipf("user and network namespaces are not permitted here: %v", err)
	}
	cmd := exec.Command(program, args...)
	cmd.SysProcAttr = attributes
	return cmd
}

// offlineCase is a command line, and how it must end.
type offlineCase struct {
	args string
	code int
	says string
}

// TestOfflineWithoutNetwork runs the program where there is no network at all, not even loopback.
func TestOfflineWithoutNetwork(t *testing.T) {
	dir := fixtures(t)
	for _, c := range []offlineCase{
		{"verify --offline --config key.yaml oci:layout", exitAllowed, "vouched for by key"},
		{"verify --offline --config keyless.yaml oci:layout", exitAllowed, offlineSubject},
		{"verify --config key.yaml oci:layout", exitAllowed, "vouched for by key"},
		{"check --offline --config keyless.yaml oci:layout", exitAllowed, "allow"},
		{"verify --offline --config key.yaml docker-archive:archive.tar", exitDenied, "no signature"},
		{"verify --offline --config keyless.yaml docker-archive:archive.tar", exitDenied, "no signature"},
		{"check --offline --config keyless.yaml docker-archive:archive.tar", exitDenied, "deny"},
		{"verify --offline --config fetched.yaml oci:layout", exitUndecided, "set trustedRoot to a trusted_root.json"},
		{"verify --config fetched.yaml oci:layout", exitUndecided, "could not be fetched"},
		{"verify --offline --config kms.yaml oci:layout", exitUndecided, "offline"},
		{"verify --offline --plain-http 127.0.0.1:1 --config key.yaml 127.0.0.1:1/x:1", exitUndecided, "unreachable"},
		{"lint 127.0.0.1:1/x:1", exitUndecided, "no registry is asked here"},
	} {
		t.Run(c.args, func(t *testing.T) {
			cmd := isolated(t, filepath.Join(dir, "tidewaiter"), strings.Fields(c.args)...)
			cmd.Dir, cmd.Env = dir, append(os.Environ(), "TIDEWAITER_CACHE=off", "VAULT_ADDR=http://127.0.0.1:1", "VAULT_TOKEN=x")
			out, err := cmd.CombinedOutput()
			if exited := (&exec.ExitError{}); err != nil && !errors.As(err, &exited) {
				t.Fatal(err)
			}
			if code := cmd.ProcessState.ExitCode(); code != c.code || !strings.Contains(string(out), c.says) {
				t.Errorf("exit code %d, want %d, and an output that says %q:\n%s", code, c.code, c.says, out)
			}
		})
	}
}

// TestOfflineWithRegistry runs TestInNamespace where there is loopback, with nothing on it but what that starts.
func TestOfflineWithRegistry(t *testing.T) {
	dir := fixtures(t)
	self, err := os.Executable()
	must(t, err)
	cmd := isolated(t, self, "-test.run=^TestInNamespace$", "-test.v")
	cmd.Env = append(os.Environ(), offlineVariable+"="+dir, "TIDEWAITER_CACHE=off", "HOME="+dir)
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: TestInNamespace/")) {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestInNamespace wants a registry asked, and a mirror of trusted roots beside it not.
func TestInNamespace(t *testing.T) {
	dir := os.Getenv(offlineVariable)
	if dir == "" {
		t.Skip("TestOfflineWithRegistry runs it")
	}
	loopbackUp(t)
	server := httptest.NewServer(quietRegistry())
	defer server.Close()
	var asked atomic.Int32
	mirror := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer mirror.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	pushLayout(t, filepath.Join(dir, "layout"), host+"/shop/web")
	keyless, err := os.ReadFile(filepath.Join(dir, "fetched.yaml"))
	must(t, err)
	write(t, filepath.Join(dir, "root.json"), string(tuf.DefaultRoot())) // any will do: the mirror serves nothing
	write(t, filepath.Join(dir, "mirrored.yaml"), strings.Replace(string(keyless), "{keyless", "{trustedRoot: ours, keyless", 1)+
		fmt.Sprintf("trustedRoots: {ours: {tuf: %q, root: root.json}}\n", mirror.URL))
	for _, c := range []offlineCase{
		{"verify --offline --config key.yaml", exitAllowed, "vouched for by key"},
		{"verify --offline --config keyless.yaml", exitAllowed, offlineSubject},
		{"check --offline --config keyless.yaml", exitAllowed, "allow"},
		{"verify --offline --config fetched.yaml", exitUndecided, "set trustedRoot to a trusted_root.json"},
		{"verify --offline --config mirrored.yaml", exitUndecided, "set trustedRoots.ours.file"},
	} {
		t.Run(c.args, func(t *testing.T) {
			args := strings.Fields(strings.ReplaceAll(c.args, "--config ", "--config "+dir+"/"))
			var out bytes.Buffer
			code := run(t.Context(), append(args, "--plain-http", host, host+"/shop/web:1"), nil, &out, &out)
			if code != c.code || !strings.Contains(out.String(), c.says) {
				t.Errorf("exit code %d, want %d, and an output that says %q:\n%s", code, c.code, c.says, out.String())
			}
		})
	}
	if asked.Load() > 0 {
		t.Errorf("the mirror was asked %d times offline", asked.Load())
	}
	var out bytes.Buffer
	run(t.Context(), []string{"verify", "--config", dir + "/mirrored.yaml", "--plain-http", host, host + "/shop/web:1"}, nil, &out, &out)
	if asked.Load() == 0 {
		t.Errorf("the mirror was not asked without --offline:\n%s", out.String())
	}
}

// loopbackUp brings up the loopback interface of the namespace.
func loopbackUp(t *testing.T) {
	t.Helper()
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	must(t, err)
	defer syscall.Close(socket)
	request := struct { // ifreq of netdevice(7)
		name  [16]byte
		flags uint16
		_     [22]byte
	}{flags: syscall.IFF_UP}
	copy(request.name[:], "lo")
	if _, _, code := syscall.Syscall(syscall.SYS_IOCTL, uintptr(socket), syscall.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&request))); code != 0 {
		t.Fatal(code)
	}
}

// pushLayout pushes what is in a layout under the tags that it has there.
func pushLayout(t *testing.T, dir, repository string) {
	t.Helper()
	index, err := layout.ImageIndexFromPath(dir)
	must(t, err)
	manifest, err := index.IndexManifest()
	must(t, err)
	for _, d := range manifest.Manifests {
		img, err := index.Image(d.Digest)
		must(t, err)
		ref, err := name.ParseReference(repository+":"+d.Annotations["org.opencontainers.image.ref.name"], name.Insecure)
		must(t, err)
		must(t, remote.Write(ref, img))
	}
}

// TestOfflineOpensNoSocket counts the sockets that the program opens, as strace sees them.
func TestOfflineOpensNoSocket(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not there: .ci/run installs it")
	}
	dir := fixtures(t)
	trace := func(args ...string) (sockets int, out string) {
		t.Helper()
		log := filepath.Join(t.TempDir(), "trace")
		cmd := exec.Command(strace, append([]string{"-f", "-qq", "-e", "trace=socket", "-o", log, filepath.Join(dir, "tidewaiter")}, args...)...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "TIDEWAITER_CACHE=off")
		said, _ := cmd.CombinedOutput()
		calls, err := os.ReadFile(log)
		if err != nil {
			t.Skipf("strace cannot trace here: %s", said)
		}
		return strings.Count(string(calls), "socket(AF_INET"), string(said)
	}
	if n, out := trace("verify", "--offline", "--plain-http", "127.0.0.1:1", "--config", "key.yaml", "127.0.0.1:1/x:1"); n == 0 {
		if strings.Contains(out, "PTRACE") || strings.Contains(out, "ptrace") {
			t.Skipf("strace cannot trace here: %s", out)
		}
		t.Fatalf("no socket was seen where there must be one:\n%s", out)
	}
	for _, line := range []string{
		"check --offline --config keyless.yaml oci:layout", "check --offline --config key.yaml docker-archive:archive.tar",
		"verify --offline --config key.yaml oci:layout", "verify --offline --config keyless.yaml docker-archive:archive.tar",
		"verify --offline --config fetched.yaml oci:layout",
	} {
		if n, out := trace(strings.Fields(line)...); n > 0 {
			t.Errorf("%s opened %d sockets:\n%s", line, n, out)
		}
	}
}
