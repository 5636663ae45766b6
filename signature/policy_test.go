package signature

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

func decodePolicy(text string) (Policy, error) {
	var p Policy
	decoder := yaml.NewDecoder(strings.NewReader(text))
	decoder.KnownFields(true)
	err := decoder.Decode(&p)
	return p, err
}

// TestPolicyStrict misspells fields: none is overlooked (SIG-02).
func TestPolicyStrict(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"misspelt identity": {"trust: [{images: [a], authorities: [{keyless: {issuer: a, subject_regexp: b}}]}]", "subject_regexp"},
		"cosign's spelling": {"trust: [{images: [a], authorities: [{keyless: {issuer: a, subjectRegExp: b}}]}]", "subjectRegExp"},
		"doubled key":       {"trust: [{images: [a], images: [b], authorities: [{key: a}]}]", "images"},
		"key as a list":     {"trust: [{images: [a], authorities: [{key: [a, b]}]}]", "cannot unmarshal"},
		"kms":               {"trust: [{images: [a], authorities: [{kms: 'awskms://x'}]}]", "kms"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := decodePolicy(test.text)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error that names %q", err, test.want)
			}
		})
	}
}

func TestPolicyProblems(t *testing.T) {
	dir := writeKeys(t, newECDSA(t), newECDSA(t))
	same, err := os.ReadFile(filepath.Join(dir, "0.pub"))
	noError(t, err)
	noError(t, os.WriteFile(filepath.Join(dir, "same.pub"), append([]byte("the key of the build\n"), same...), 0o600))
	const start = "trust: [{images: ['registry.example/**'], authorities: "
	for name, test := range map[string]struct{ text, want string }{
		"no images":          {"trust: [{authorities: [{key: 0.pub}]}]", "trust[0]: has no images"},
		"no authorities":     {start + "[]}]", "trust[0]: has no authorities"},
		"empty authority":    {start + "[{}]}]", "trust[0].authorities[0]: is neither a key nor"},
		"null keyless":       {start + "[{keyless: null}]}]", "is neither a key nor"},
		"both":               {start + "[{key: 0.pub, keyless: {issuer: a, subject: b}}]}]", "is more than one of key, certificate and keyless"},
		"no identity":        {start + "[{keyless: {}}]}]", "trust[0].authorities[0].keyless: has no issuer"},
		"no subject":         {start + "[{keyless: {issuer: a}}]}]", "trust[0].authorities[0].keyless: has no subject"},
		"no issuer":          {start + "[{keyless: {subject: a}}]}]", "has no issuer"},
		"issuer twice":       {start + "[{keyless: {issuer: a, issuerPattern: a, subject: b}}]}]", "has both issuer and issuerPattern"},
		"bad pattern":        {start + "[{keyless: {issuer: a, subjectPattern: '('}}]}]", "keyless.subjectPattern: is no regular expression: missing closing )"},
		"anything":           {start + "[{keyless: {issuerPattern: '.*', subject: a}}]}]", "keyless.issuerPattern: is \".*\", which matches anything"},
		"anything not empty": {start + "[{keyless: {issuer: a, subjectPattern: '.+'}}]}]", "which matches anything"},
		"escaping the group": {start + "[{keyless: {issuer: a, subjectPattern: 'a)|(?:b'}}]}]", "is no regular expression"},
		"log spelling":       {start + "[{key: 0.pub, transparencyLog: notRequired}]}]", `transparencyLog: is "notRequired": it can be "required"`},
		"keyless no log":     {start + "[{keyless: {issuer: a, subject: b}, transparencyLog: ignore}]}]", "cannot be ignored for a keyless"},
		"key twice":          {start + "[{key: 0.pub}, {key: ./0.pub}]}]", "trust[0].authorities[1]: is the same key as authorities[0]"},
		"key renamed":        {start + "[{key: 0.pub}, {key: 1.pub}, {key: same.pub}]}]", "trust[0].authorities[2]: is the same key as authorities[0]"},
		"negative threshold": {start + "[{key: 0.pub}], threshold: -1}]", "trust[0].threshold: is -1"},
		"threshold":          {start + "[{key: 0.pub}, {key: 1.pub}], threshold: 3}]", "could never be met"},
		"bad image":          {"trust: [{images: ['a', 'https://b'], authorities: [{key: 0.pub}]}]", `trust[0].images[1]: is "https://b"`},
		"no such key":        {start + "[{key: nope.pub}]}]", "nope.pub\": there is no file"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := decodePolicy(test.text)
			noError(t, err)
			if _, err := New(p, Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v\nwant an error that says %q", err, test.want)
			}
		})
	}
}

func TestPolicyProblemsAllTogether(t *testing.T) {
	p, err := decodePolicy("trust: [{images: ['*'], authorities: [{keyless: {}}]}, {images: [a], authorities: [{key: nope}], threshold: 2}]")
	noError(t, err)
	var problems *PolicyError
	if _, err := New(p, Options{Dir: t.TempDir()}); !errors.As(err, &problems) {
		t.Fatalf("got %v, want a PolicyError", err)
	}
	if got, want := len(problems.Problems), 5; got != want {
		t.Errorf("got %d problems, want %d:\n%v", got, want, problems)
	}
}

func TestPolicyGood(t *testing.T) {
	dir := writeKeys(t, newECDSA(t), newECDSA(t))
	for name, text := range map[string]string{
		"key":          "trust: [{images: [a], authorities: [{key: 0.pub}]}]",
		"absolute key": "trust: [{images: [a], authorities: [{key: " + filepath.Join(dir, "0.pub") + "}]}]",
		"two keys":     "trust: [{images: [a], authorities: [{key: 0.pub}, {key: 1.pub, transparencyLog: ignore}], threshold: 2}]",
		"key in two":   "trust: [{images: [a], authorities: [{key: 0.pub}]}, {images: [b], authorities: [{key: 0.pub}]}]",
		"identity":     "trust: [{images: [a], authorities: [{keyless: {issuer: b, subject: c}}]}]",
		"many people":  "trust: [{images: [a], authorities: [{keyless: {issuer: b, subjectPattern: '.*@example\\.com'}}], threshold: 2}]",
		"nothing":      "trust: []",
	} {
		t.Run(name, func(t *testing.T) {
			p, err := decodePolicy(text)
			noError(t, err)
			if _, err := New(p, Options{Dir: dir, Offline: true}); err != nil {
				t.Errorf("got %v, want no error", err)
			}
		})
	}
}

// TestKeyFiles reads files that are not what a key should be (SIG-20).
func TestKeyFiles(t *testing.T) {
	dir := t.TempDir()
	private, err := x509.MarshalPKCS8PrivateKey(newECDSA(t))
	noError(t, err)
	public := publicPEM(t, newECDSA(t).Public())
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	noError(t, err)
	ed, _, err := ed25519.GenerateKey(rand.Reader)
	noError(t, err)
	rsaKey := func(bits int) crypto.PublicKey {
		t.Setenv("GODEBUG", "rsa1024min=0")
		key, err := rsa.GenerateKey(rand.Reader, bits)
		noError(t, err)
		return key.Public()
	}
	for name, test := range map[string]struct {
		data []byte
		want string // empty if the key is good
	}{
		"good":       {public, ""},
		"commented":  {append([]byte("# of the build\n"), public...), ""},
		"ed25519":    {publicPEM(t, ed), ""},
		"rsa 2048":   {publicPEM(t, rsaKey(2048)), ""},
		"rsa 1024":   {publicPEM(t, rsaKey(1024)), "RSA with 1024 bits is not accepted"},
		"p224":       {publicPEM(t, p224.Public()), "P-224 is not accepted"},
		"empty":      {nil, "the file is empty"},
		"blank":      {[]byte(" \n\n"), "the file is empty"},
		"html":       {[]byte("<html><h1>404 Not Found</h1></html>"), "holds no PEM block"},
		"private":    {pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), "holds a private key"},
		"cosign.key": {pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED SIGSTORE PRIVATE KEY", Bytes: []byte("x")}), "holds a private key"},
		"cert":       {pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")}), `holds a "CERTIFICATE"`},
		"two":        {append(bytes.Clone(public), public...), "more than one PEM block"},
		"broken":     {pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte("x")}), "cannot be read"},
		"large":      {bytes.Repeat([]byte("#\n"), maxKeyFile), "larger than"},
	} {
		t.Run(name, func(t *testing.T) {
			file := strings.ReplaceAll(name, " ", "-")
			noError(t, os.WriteFile(filepath.Join(dir, file), test.data, 0o600))
			_, err := loadKey(dir, file)
			checkKeyError(t, err, test.want)
			if err != nil && !strings.Contains(err.Error(), file) {
				t.Errorf("%q does not name the file", err)
			}
		})
	}
}

func checkKeyError(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("got %v, want no error", err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("got %v, want an error that says %q", err, want)
	}
}

func TestKeyPlaces(t *testing.T) {
	dir := writeKeys(t, newECDSA(t))
	noError(t, os.Symlink("0.pub", filepath.Join(dir, "link.pub")))
	noError(t, os.WriteFile(filepath.Join(dir, "open.pub"), publicPEM(t, newECDSA(t).Public()), 0o600))
	noError(t, os.Chmod(filepath.Join(dir, "open.pub"), 0o666))
	for name, want := range map[string]string{
		"link.pub":                 "",
		".":                        "not a regular file",
		"open.pub":                 "chmod o-w",
		"http://127.0.0.1/404":     "keys are read from files, and from",
		"https://keys.example/a":   "keys are read from files, and from",
		"env://COSIGN_PUBLIC_KEY":  "keys are read from files, and from",
		"../" + filepath.Base(dir): "not a regular file",
		"\x00":                     "invalid argument",
	} {
		_, err := loadKey(dir, name)
		checkKeyError(t, err, want)
	}
}

// FuzzPolicy checks that no text makes loading crash, and that whatever is accepted constrains who may sign.
func FuzzPolicy(f *testing.F) {
	f.Add("trust: [{images: ['registry.example/**'], threshold: 2, authorities: [{key: 0.pub}, {key: 1.pub, transparencyLog: ignore}]}]")
	f.Add("trust: [{images: ['**'], authorities: [{keyless: {issuer: a, subjectPattern: 'https://b/.*'}}]}]")
	f.Add("trust: [{images: [a], authorities: [{keyless: {issuerPattern: '(?i)a|b', subject: c}}]}]")
	f.Add("trust: [{images: [a], authorities: [{keyless: {issuer: a, subject: b, claims: {repository: c/d, refPattern: 'refs/tags/v.*'}}, transparencyLog: ignore, timestamp: required, certificateLog: ignore}], maxAge: 30d}]")
	f.Add("trust: [{images: [a], authorities: [{certificate: {roots: ca.pem, subject: b}, transparencyLog: ignore, timestamp: ignore}, {key: 'awskms:///alias/a'}], matchReference: true, annotations: {a: b}}]")
	dir := writeKeys(f, newECDSA(f), newECDSA(f))
	roots, err := os.ReadFile(newWorld(f, time.Hour).rootsFile())
	noError(f, err)
	noError(f, os.WriteFile(filepath.Join(dir, "ca.pem"), roots, 0o600))
	f.Fuzz(func(t *testing.T, text string) {
		p, err := decodePolicy(text)
		if err != nil {
			return
		}
		rules, err := compile(p, compiler{dir: dir})
		if err != nil {
			if !strings.Contains(err.Error(), "trust[") {
				t.Errorf("%q does not say where", err)
			}
			return
		}
		for _, r := range rules {
			if r.threshold < 1 || len(r.patterns) == 0 || len(r.authorities) == 0 {
				t.Errorf("rule %+v is accepted", r)
			}
			for _, a := range r.authorities {
				if (a.key == nil) == (a.identity == nil) {
					t.Errorf("authority %+v is accepted", a)
				}
				if a.identity != nil && (a.identity.mismatch(certificateNames{}) == "" || !a.provesTime() && !a.now) {
					t.Errorf("identity %v is accepted", a)
				}
			}
		}
	})
}
