package signature

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sigstore/cosign/v2/pkg/cosign"
	cosignbundle "github.com/sigstore/cosign/v2/pkg/cosign/bundle"
	"github.com/sigstore/cosign/v2/pkg/oci/static"
	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	"github.com/sigstore/sigstore-go/pkg/root"

	"github.com/tidewaiter/tidewaiter/image"
)

// keylessCase is a signature of digestA in both layouts, and the reason for which it is rejected.
type keylessCase struct {
	name    string
	leaf    leaf
	after   time.Duration // that it is logged after now
	want    string        // empty if it is accepted
	keyless *Keyless      // byWorkflow's if it is nil
}

func TestKeyless(t *testing.T) {
	pattern := func(subject string) *Keyless { return &Keyless{Issuer: provider, SubjectPattern: subject} }
	goodorg := leaf{subjects: []string{"https://github.com/goodorg/web/.github/workflows/release.yml@refs/tags/v1"}}
	evil := leaf{subjects: []string{"https://github.com/goodorg.evil.example/web"}}
	for _, test := range []keylessCase{
		{name: "good", after: time.Minute},
		{name: "other subject", leaf: goodorg, after: time.Minute, want: "does not match " + workflow},
		{name: "other issuer", leaf: leaf{issuer: "https://accounts.evil.example"}, after: time.Minute, want: `certificate issuer "https://accounts.evil.example" does not match`},
		{name: "issuer's prefix", leaf: leaf{issuer: provider + ".evil.example"}, after: time.Minute, want: "certificate issuer"},
		{name: "pattern", leaf: goodorg, after: time.Minute, keyless: pattern(`https://github\.com/goodorg/.*`)},
		{name: "pattern is anchored", leaf: goodorg, after: time.Minute, keyless: pattern(`https://github\.com/goodorg`), want: "does not match pattern"},
		{name: "evil end", leaf: evil, after: time.Minute, keyless: pattern(`https://github.com/goodorg`), want: "does not match pattern"},
		{name: "evil start", leaf: evil, after: time.Minute, keyless: pattern(`github.com/goodorg.*`), want: "does not match pattern"},
		{name: "alternatives", leaf: evil, after: time.Minute, keyless: pattern(`https://github.com/goodorg|https://github.com/other`), want: "does not match pattern"},
		{name: "two subjects", leaf: leaf{subjects: []string{workflow, "https://github.com/evil"}}, after: time.Minute, want: "2 subject alternative names"},
		{name: "no subject", leaf: leaf{subjects: []string{}}, after: time.Minute, want: "0 subject alternative names"},
		{name: "logged too early", after: -time.Minute, want: "certificate"},
		{name: "logged too late", after: 11 * time.Minute, want: "certificate"},
		{name: "unseen by the certificate log", leaf: leaf{noSCT: true}, after: time.Minute, want: "SCT"},
	} {
		w := newWorld(t, time.Hour)
		p := byWorkflow()
		if test.keyless != nil {
			p.Entries[0].Authorities[0].Keyless = test.keyless
		}
		o := Options{TrustedRoot: w.trustedRoot()}
		me := w.identity(test.leaf)
		t.Run(test.name+" tag", func(t *testing.T) {
			checkOutcome(t, verifyAttachments(t, p, o, w.simple(me, digestA, test.after)), test.want)
		})
		t.Run(test.name+" referrer", func(t *testing.T) {
			b := w.bundle(me, statement(digestA, signPredicate), bundleOptions{log: true, after: test.after})
			checkOutcome(t, verifyAttachments(t, p, o, attach(t, b)), test.want)
		})
	}
}

// TestKeylessResult wants the facts of a good signature in the result.
func TestKeylessResult(t *testing.T) {
	w := newWorld(t, time.Hour)
	r := verifyAttachments(t, byWorkflow(), Options{TrustedRoot: w.trustedRoot()}, w.simple(w.identity(leaf{}), digestA, time.Minute))
	if !held(r) {
		t.Fatalf("got %+v, want it held", r)
	}
	index := int64(1000)
	want := Signer{
		Kind: "keyless", Issuer: provider, Subject: workflow, Layout: "tag", LogIndex: &index,
		SignedAt: w.now.Add(time.Minute).UTC(), DockerReference: "registry.example/shop/web",
	}
	got, _ := json.Marshal(r.Signers)
	wanted, _ := json.Marshal([]Signer{want})
	if !bytes.Equal(got, wanted) {
		t.Errorf("got %s\nwant %s", got, wanted)
	}
}

// TestKeylessOtherImage attaches a good signature of another image.
func TestKeylessOtherImage(t *testing.T) {
	w := newWorld(t, time.Hour)
	o := Options{TrustedRoot: w.trustedRoot()}
	me := w.identity(leaf{})
	checkOutcome(t, verifyAttachments(t, byWorkflow(), o, w.simple(me, digestB, time.Minute)), "does not cover "+digestA)
	b := w.bundle(me, statement(digestB, signPredicate), bundleOptions{log: true, after: time.Minute})
	checkOutcome(t, verifyAttachments(t, byWorkflow(), o, attach(t, b)), "does not cover "+digestA)
}

// TestKeylessNeedsLog wants the log even where another authority gives a time.
func TestKeylessNeedsLog(t *testing.T) {
	w := newWorld(t, time.Hour)
	o := Options{TrustedRoot: w.trustedRoot()}
	me := w.identity(leaf{})
	for name, a := range map[string]image.Attachment{
		"tag":                     me.simple(t, digestA),
		"referrer":                attach(t, w.bundle(me, statement(digestA, signPredicate), bundleOptions{})),
		"referrer with timestamp": attach(t, w.bundle(me, statement(digestA, signPredicate), bundleOptions{timestamp: true})),
	} {
		t.Run(name, func(t *testing.T) { checkOutcome(t, verifyAttachments(t, byWorkflow(), o, a), noLogEntry) })
	}
	both := w.bundle(me, statement(digestA, signPredicate), bundleOptions{log: true, after: time.Minute, timestamp: true})
	if r := verifyAttachments(t, byWorkflow(), o, attach(t, both)); !held(r) || r.Signers[0].SignedAt.After(w.now.Add(30*time.Second)) {
		t.Errorf("got %+v, want it held since the timestamp, which is the earlier time", r)
	}
}

// TestStrangersRoot has signatures that are good in another world.
func TestStrangersRoot(t *testing.T) {
	w, other := newWorld(t, time.Hour), newWorld(t, time.Hour)
	o := Options{TrustedRoot: w.trustedRoot()}
	stranger := other.identity(leaf{})
	for name, a := range map[string]image.Attachment{
		"tag":                       other.simple(stranger, digestA, time.Minute),
		"tag, in our log":           w.simple(stranger, digestA, time.Minute),
		"tag, in another log":       other.simple(w.identity(leaf{}), digestA, time.Minute),
		"referrer":                  attach(t, other.bundle(stranger, statement(digestA, signPredicate), bundleOptions{log: true, after: time.Minute})),
		"referrer, in our log":      attach(t, w.bundle(stranger, statement(digestA, signPredicate), bundleOptions{log: true, after: time.Minute})),
		"referrer, in another log":  attach(t, other.bundle(w.identity(leaf{}), statement(digestA, signPredicate), bundleOptions{log: true, after: time.Minute})),
		"with the chain of another": withChain(w.simple(stranger, digestA, time.Minute), other.intermediate, other.root),
	} {
		t.Run(name, func(t *testing.T) {
			r := verifyAttachments(t, byWorkflow(), o, a)
			if held(r) || len(r.Rejected) != 1 || r.Rejected[0].Subject != workflow {
				t.Errorf("got %+v, want it rejected, with the subject that it claims", r)
			}
		})
	}
}

// withChain adds a chain, as its signer would like it to be trusted (SIG-17: it may be any length).
func withChain(a image.Attachment, chain ...*x509.Certificate) image.Attachment {
	var text strings.Builder
	for range 200 {
		for _, c := range chain {
			_ = pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
		}
	}
	a.Annotations[static.ChainAnnotationKey] = text.String()
	return a
}

// TestExpiredIntermediate has a certificate that outlives the authority that issued it, and a signature in
// between (SIG-09, CVE-2026-24122). cosign v2 accepts it in the classic layout.
func TestExpiredIntermediate(t *testing.T) {
	w := newWorld(t, 2*time.Minute)
	o := Options{TrustedRoot: w.trustedRoot()}
	me := w.identity(leaf{})
	before, after := w.simple(me, digestA, time.Minute), w.simple(me, digestA, 5*time.Minute)
	checkOutcome(t, verifyAttachments(t, byWorkflow(), o, before), "")
	checkOutcome(t, verifyAttachments(t, byWorkflow(), o, after), "the certificate chain was not valid when the signature was logged")

	b := w.bundle(me, statement(digestA, signPredicate), bundleOptions{log: true, after: 5 * time.Minute})
	checkOutcome(t, verifyAttachments(t, byWorkflow(), o, attach(t, b)), "failed to verify leaf certificate")

	if !cosignAccepts(t, o, after) {
		t.Error("cosign refuses it by now: our own check may go")
	}
}

// cosignAccepts asks cosign alone.
func cosignAccepts(t *testing.T, o Options, a image.Attachment) bool {
	t.Helper()
	trusted, err := newTrustRoot(o)
	noError(t, err)
	s, err := readSimple(a)
	noError(t, err)
	layer, err := s.layer(authority{needsLog: true})
	noError(t, err)
	ok, err := cosign.VerifyImageSignature(context.Background(), layer, mustHash(t), &cosign.CheckOpts{
		ClaimVerifier: cosign.SimpleClaimVerifier, Offline: true, TrustedMaterial: trusted.current,
		Identities: []cosign.Identity{{Issuer: provider, Subject: workflow}},
	})
	return ok && err == nil
}

// TestLogBinding puts a good log entry beside a signature that it is not about, or changes what the log
// promised (SIG-07, CVE-2022-36056, CVE-2026-22703).
func TestLogBinding(t *testing.T) {
	w := newWorld(t, time.Hour)
	me, other := w.identity(leaf{}), w.identity(leaf{})
	renewed := w.identity(leaf{key: me.key})
	v, err := New(byWorkflow(), Options{TrustedRoot: w.trustedRoot(), Offline: true})
	noError(t, err)
	a := me.simple(t, digestA)
	edited := func(edit func(*cosignbundle.RekorBundle)) string {
		var log cosignbundle.RekorBundle
		noError(t, json.Unmarshal([]byte(w.logSimple(me, a, time.Minute)), &log))
		edit(&log)
		text, err := json.Marshal(log)
		noError(t, err)
		return string(text)
	}
	for name, test := range map[string]struct{ log, want string }{
		"its own":                      {w.logSimple(me, a, time.Minute), ""},
		"of another image":             {w.logSimple(me, me.simple(t, digestB), time.Minute), "does not match signature"},
		"of another signature":         {w.logSimple(me, me.simple(t, digestA), time.Minute), "does not match signature"},
		"of another certificate":       {w.logSimple(other, other.simple(t, digestA), time.Minute), "does not match signature"},
		"of the key's new certificate": {w.logSimple(renewed, a, time.Minute), "comparing public key"},
		"of the key alone":             {w.logSimple(signer{key: me.key}, a, time.Minute), "comparing public key"},
		"with another time":            {edited(func(l *cosignbundle.RekorBundle) { l.Payload.IntegratedTime++ }), "unable to verify SET"},
		"with another index":           {edited(func(l *cosignbundle.RekorBundle) { l.Payload.LogIndex++ }), "unable to verify SET"},
		"of an unknown log":            {edited(func(l *cosignbundle.RekorBundle) { l.Payload.LogID = strings.Repeat("ab", 32) }), "public key not found"},
		"of a log with no name":        {edited(func(l *cosignbundle.RekorBundle) { l.Payload.LogID = "no hex" }), "decoding log ID"},
		"without a promise":            {edited(func(l *cosignbundle.RekorBundle) { l.SignedEntryTimestamp = nil }), "unable to verify SET"},
		"with a body that is cut":      {edited(func(l *cosignbundle.RekorBundle) { l.Payload.Body = l.Payload.Body.(string)[:40] }), "unexpected EOF"},
		"with more than a body":        {edited(func(l *cosignbundle.RekorBundle) { l.Payload.Body = l.Payload.Body.(string) + "%" }), "malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			signed := me.simple(t, digestA)
			signed.Annotations = maps.Clone(a.Annotations)
			signed.Annotations[static.BundleAnnotationKey] = test.log
			checkOutcome(t, mustVerify(t, v, signed), test.want)
		})
	}
}

func TestLogBindingOfBundles(t *testing.T) {
	w := newWorld(t, time.Hour)
	me, other := w.identity(leaf{}), w.identity(leaf{})
	v, err := New(byWorkflow(), Options{TrustedRoot: w.trustedRoot(), Offline: true})
	noError(t, err)
	o := bundleOptions{log: true, after: time.Minute}
	good := func() *protobundle.Bundle { return w.bundle(me, statement(digestA, signPredicate), o) }
	entries := func(b *protobundle.Bundle) []*protorekor.TransparencyLogEntry {
		return b.VerificationMaterial.TlogEntries
	}
	for name, edit := range map[string]func(*protobundle.Bundle){
		"of another image": func(b *protobundle.Bundle) {
			entries(b)[0] = entries(w.bundle(me, statement(digestB, signPredicate), o))[0]
		},
		"of another signature": func(b *protobundle.Bundle) { entries(b)[0] = entries(good())[0] },
		"of another certificate": func(b *protobundle.Bundle) {
			entries(b)[0] = entries(w.bundle(other, statement(digestA, signPredicate), o))[0]
		},
		"with another time": func(b *protobundle.Bundle) { entries(b)[0].IntegratedTime++ },
		"with another body": func(b *protobundle.Bundle) {
			entries(b)[0].CanonicalizedBody = append(entries(b)[0].CanonicalizedBody, ' ')
		},
		"with a wrong root": func(b *protobundle.Bundle) { entries(b)[0].InclusionProof.RootHash[0]++ },
		"with a wrong tree": func(b *protobundle.Bundle) { entries(b)[0].InclusionProof.TreeSize += 2 },
		"of an unknown log": func(b *protobundle.Bundle) { entries(b)[0].LogId.KeyId[0]++ },
		"without promise":   func(b *protobundle.Bundle) { entries(b)[0].InclusionPromise = nil },
		"without proof":     func(b *protobundle.Bundle) { entries(b)[0].InclusionProof = nil },
		"twice":             func(b *protobundle.Bundle) { b.VerificationMaterial.TlogEntries = slices.Repeat(entries(b), 2) },
		"forty times":       func(b *protobundle.Bundle) { b.VerificationMaterial.TlogEntries = slices.Repeat(entries(b), 40) },
		"null":              func(b *protobundle.Bundle) { entries(b)[0] = &protorekor.TransparencyLogEntry{} },
	} {
		t.Run(name, func(t *testing.T) {
			b := good()
			edit(b)
			if r := mustVerify(t, v, attach(t, b)); held(r) || len(r.Rejected) != 1 {
				t.Errorf("got %+v, want it rejected", r)
			}
		})
	}
}

// TestPredicates signs statements of other types with the trusted key: they are no signatures (SIG-05).
func TestPredicates(t *testing.T) {
	w := newWorld(t, time.Hour)
	me := signer{key: newECDSA(t)}
	o := Options{Dir: writeKeys(t, me.key)}
	hexA := strings.TrimPrefix(digestA, "sha256:")
	withSubject := func(subject string) string {
		return fmt.Sprintf(`{"_type":"https://in-toto.io/Statement/v1","subject":%s,"predicateType":%q}`, subject, signPredicate)
	}
	for name, test := range map[string]struct{ payload, want string }{
		"good":            {string(statement(digestA, signPredicate)), ""},
		"trailing slash":  {string(statement(digestA, signPredicate+"/")), "attestation"},
		"case":            {string(statement(digestA, "https://sigstore.dev/cosign/Sign/v1")), "attestation"},
		"vulnerabilities": {string(statement(digestA, "https://cosign.sigstore.dev/attestation/vuln/v1")), "attestation"},
		"not json":        {"not json", "malformed"},
		"no predicate":    {`{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"` + hexA + `"}}]}`, "no predicateType"},
		"other type":      {strings.Replace(string(statement(digestA, signPredicate)), "Statement/v1", "Layout/v1", 1), "malformed: the bundle's payload is of type"},
		"no subject":      {withSubject(`[]`), "does not cover"},
		"null subject":    {withSubject(`[null]`), "malformed"},
		"sha512 only":     {withSubject(`[{"digest":{"sha512":"` + hexA + hexA + `"}}]`), "does not cover"},
		"upper case":      {withSubject(`[{"digest":{"SHA256":"` + hexA + `"}}]`), "does not cover"},
		"second subject":  {withSubject(`[{"digest":{"sha256":"` + digestB[7:] + `"}},{"digest":{"sha256":"` + hexA + `"}}]`), ""},
		"many subjects":   {withSubject(`[` + strings.Repeat(`{"digest":{"sha256":"`+hexA+`"}},`, 2000) + `{}]`), "too many subjects"},
	} {
		t.Run(name, func(t *testing.T) {
			r := verifyAttachments(t, byKeys(1, 0), o, attach(t, w.bundle(me, []byte(test.payload), bundleOptions{})))
			if test.want != "attestation" {
				checkOutcome(t, r, test.want)
			} else if held(r) || r.Found != 0 || !strings.Contains(r.Entries[0].Missing, "only attestations") {
				t.Errorf("got %+v, want no signature found", r)
			}
		})
	}
}

// TestMessageSignature has a bundle that signs the image's manifest as a file: cosign sign-blob does that.
func TestMessageSignature(t *testing.T) {
	me := signer{key: newECDSA(t)}
	a := attach(t, newWorld(t, time.Hour).bundle(me, statement(digestA, signPredicate), bundleOptions{}))
	var b map[string]any
	noError(t, json.Unmarshal(a.Payload, &b))
	delete(b, "dsseEnvelope")
	b["messageSignature"] = map[string]any{
		"messageDigest": map[string]any{"algorithm": "SHA2_256", "digest": "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo="}, "signature": "AAAA",
	}
	var err error
	a.Payload, err = json.Marshal(b)
	noError(t, err)
	checkOutcome(t, verifyAttachments(t, byKeys(1, 0), Options{Dir: writeKeys(t, me.key)}, a), "holds no statement about an image")
}

// TestWeakCertificate has certificates for keys that can be forged (SIG-17).
func TestWeakCertificate(t *testing.T) {
	w := newWorld(t, time.Hour)
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	noError(t, err)
	subject, err := url.Parse(workflow)
	noError(t, err)
	cert := w.certificate(x509.Certificate{
		NotBefore: w.now, NotAfter: w.now.Add(10 * time.Minute), URIs: []*url.URL{subject},
		ExtKeyUsage:     []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 1}, Value: []byte(provider)}},
	}, w.intermediate, p224.Public(), w.intermediateKey)
	var key crypto.Signer = p224
	a := signer{key, cert}.simple(t, digestA)
	checkOutcome(t, verifyAttachments(t, byWorkflow(), Options{TrustedRoot: w.trustedRoot()}, a), "malformed: the certificate's key is too weak")
}

func TestTrustedRoot(t *testing.T) {
	dir := t.TempDir()
	noError(t, os.WriteFile(filepath.Join(dir, "html.json"), []byte("<html>404</html>"), 0o600))
	noError(t, os.WriteFile(filepath.Join(dir, "empty.json"), []byte(`{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}`), 0o600))
	for name, want := range map[string]string{
		"missing.json": "no such file", "html.json": "trustedRoot:", ".": "trustedRoot:", "empty.json": "has no transparency log",
	} {
		if _, err := New(byWorkflow(), Options{Dir: dir, TrustedRoot: name}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error that says %q", name, err, want)
		}
	}
}

// TestOffline wants no root where none is needed, and an error where one is.
func TestOffline(t *testing.T) {
	w := newWorld(t, time.Hour)
	a := w.simple(w.identity(leaf{}), digestA, time.Minute)
	v, err := New(byWorkflow(), Options{Offline: true})
	noError(t, err)
	rules := v.matching(image.Reference{Transport: image.Registry, Host: "registry.example", Repository: "shop/web"})
	if r, err := v.verify(context.Background(), rules, digestA, nil); err != nil || held(r) {
		t.Errorf("unsigned: got %+v, %v", r, err)
	}
	if r, err := v.verify(context.Background(), rules, digestA, []image.Attachment{a}); err == nil || !strings.Contains(err.Error(), "set trustedRoot") {
		t.Errorf("got %+v, %v, want an error that says what to set", r, err)
	}
}

// TestFetchFails wants an error where the trusted root cannot be fetched, and nothing kept in place of it.
func TestFetchFails(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	dir := t.TempDir()
	for _, cache := range []string{"", dir} {
		if got, err := fetchRoot(ctx, cache); err == nil || !strings.Contains(err.Error(), "could not be fetched") {
			t.Errorf("got %v, %v, want an error", got, err)
		}
	}
}

// TestRootIsFetchedOnce wants one fetching for many images, another one after a failure, and another one when
// the root has become old.
func TestRootIsFetchedOnce(t *testing.T) {
	fetched, failing := 0, true
	trusted := trustRoot{fetch: func(context.Context) (root.TrustedMaterial, error) {
		fetched++
		if failing {
			return nil, errors.New("no network")
		}
		return &root.BaseTrustedMaterial{}, nil
	}}
	_, err := trusted.material(context.Background())
	if err == nil {
		t.Error("want an error")
	}
	failing = false
	for range 3 {
		_, err := trusted.material(context.Background())
		noError(t, err)
	}
	trusted.until = time.Now()
	_, err = trusted.material(context.Background())
	noError(t, err)
	if fetched != 3 {
		t.Errorf("fetched %d times, want 3", fetched)
	}
}

func TestCancelled(t *testing.T) {
	me := signer{key: newECDSA(t)}
	v, err := New(byKeys(1, 0), Options{Dir: writeKeys(t, me.key), Offline: true})
	noError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if r, err := v.verify(ctx, v.rules, digestA, []image.Attachment{me.simple(t, digestA)}); err == nil {
		t.Errorf("got %+v, want an error", r)
	}
}

func TestFingerprint(t *testing.T) {
	key := newECDSA(t)
	r := verifyAttachments(t, byKeys(1, 0), Options{Dir: writeKeys(t, key)}, signer{key: key}.simple(t, digestA))
	if got, want := r.Signers[0].Fingerprint, fmt.Sprintf("%x", sha256.Sum256(derOf(t, key.Public()))); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
