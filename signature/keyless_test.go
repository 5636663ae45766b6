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
	"fmt"
	"net/url"
	"testing"
	"time"

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

// TestKeyless wants the certificate to be for exactly who is meant: a pattern matches the whole of a name, or not
// at all (SIG-02, SIG-03).
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
			b := w.bundle(me, signedStatement(digestA, signPredicate), bundleOptions{log: true, after: test.after})
			checkOutcome(t, verifyAttachments(t, p, o, attach(t, b)), test.want)
		})
	}
}

// TestNobody has an authority that names nobody, which the loader refuses. To cosign it would be anybody (SIG-02).
func TestNobody(t *testing.T) {
	w := newWorld(t, time.Hour)
	trusted, err := newTrustRoots(Options{TrustedRoot: w.trustedRoot()})
	noError(t, err)
	me := w.identity(leaf{})
	signatures, _ := collect([]image.Attachment{
		w.simple(me, digestA, time.Minute),
		attach(t, w.bundle(me, signedStatement(digestA, signPredicate), bundleOptions{log: true, after: time.Minute})),
	})
	nobody := authority{identity: &identity{}, demands: demands{needsLog: true, needsSCT: true, usesTimestamp: true}}
	for _, c := range signatures {
		if got, refused := c.check(t.Context(), mustHash(t), nobody, trusted[""].current[0]); refused == nil {
			t.Errorf("%s: got %+v, want it refused", c.layout, got)
		}
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
	b := w.bundle(me, signedStatement(digestB, signPredicate), bundleOptions{log: true, after: time.Minute})
	checkOutcome(t, verifyAttachments(t, byWorkflow(), o, attach(t, b)), "does not cover "+digestA)
}

// TestKeylessNeedsLog wants the log even where another authority gives a time.
func TestKeylessNeedsLog(t *testing.T) {
	w := newWorld(t, time.Hour)
	o := Options{TrustedRoot: w.trustedRoot()}
	me := w.identity(leaf{})
	for name, a := range map[string]image.Attachment{
		"tag":                     me.simple(t, digestA),
		"referrer":                attach(t, w.bundle(me, signedStatement(digestA, signPredicate), bundleOptions{})),
		"referrer with timestamp": attach(t, w.bundle(me, signedStatement(digestA, signPredicate), bundleOptions{timestamp: true})),
	} {
		t.Run(name, func(t *testing.T) { checkOutcome(t, verifyAttachments(t, byWorkflow(), o, a), noLogEntry) })
	}
	both := w.bundle(me, signedStatement(digestA, signPredicate), bundleOptions{log: true, after: time.Minute, timestamp: true})
	if r := verifyAttachments(t, byWorkflow(), o, attach(t, both)); !held(r) || r.Signers[0].SignedAt.After(w.now.Add(30*time.Second)) {
		t.Errorf("got %+v, want it held since the timestamp, which is the earlier time", r)
	}
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

func TestCancelled(t *testing.T) {
	me := signer{key: newECDSA(t)}
	v, err := New(byKeys(1, 0), Options{Dir: writeKeys(t, me.key), Offline: true})
	noError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if r, err := v.judge(ctx, t, v.rules, me.simple(t, digestA)); err == nil {
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
