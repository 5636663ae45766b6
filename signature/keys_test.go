package signature

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sigstore/cosign/v2/pkg/oci/static"

	"github.com/tidewaiter/tidewaiter/image"
)

func TestKeySignatures(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	noError(t, err)
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	noError(t, err)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	noError(t, err)
	p521, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	noError(t, err)
	w := newWorld(t, time.Hour)
	for name, key := range map[string]crypto.Signer{"P-256": newECDSA(t), "P-384": p384, "P-521": p521, "RSA": rsaKey, "Ed25519": ed} {
		s := signer{key: key}
		o := Options{Dir: writeKeys(t, key)}
		for layout, a := range map[string]image.Attachment{
			"tag":      s.simple(t, digestA),
			"referrer": attach(t, w.bundle(s, signedStatement(digestA, signPredicate), bundleOptions{})),
		} {
			t.Run(name+" "+layout, func(t *testing.T) {
				r := verifyAttachments(t, byKeys(1, 0), o, a)
				if !held(r) || len(r.Signers) != 1 || r.Found != 1 || len(r.Rejected) != 0 {
					t.Fatalf("got %+v, want one signer", r)
				}
				got := r.Signers[0]
				if got.Kind != "key" || got.Key != "0.pub" || len(got.Fingerprint) != 64 || got.Layout != layout {
					t.Errorf("got %+v", got)
				}
			})
		}
	}
}

// TestKeyWithLog wants a log entry for a key, in both layouts.
func TestKeyWithLog(t *testing.T) {
	w := newWorld(t, time.Hour)
	me := signer{key: newECDSA(t)}
	p := byKeys(1, 1)
	p.Entries[0].Authorities[0].TransparencyLog = Required
	o := Options{Dir: writeKeys(t, me.key), TrustedRoot: w.trustedRoot()}
	for name, test := range map[string]struct {
		attachment image.Attachment
		want       string // the reason of the rejection, empty if there is none
	}{
		"tag logged":          {w.simple(me, digestA, time.Minute), ""},
		"tag not logged":      {me.simple(t, digestA), noLogEntry},
		"referrer logged":     {attach(t, w.bundle(me, signedStatement(digestA, signPredicate), bundleOptions{log: true, after: time.Minute})), ""},
		"referrer not logged": {attach(t, w.bundle(me, signedStatement(digestA, signPredicate), bundleOptions{})), noLogEntry},
	} {
		t.Run(name, func(t *testing.T) {
			r := verifyAttachments(t, p, o, test.attachment)
			checkOutcome(t, r, test.want)
			if test.want == "" {
				if got, want := r.Signers[0].SignedAt, w.now.Add(time.Minute); !got.Equal(want) {
					t.Errorf("signed at %v, want %v", got, want)
				}
				if got := r.Signers[0].LogIndex; got == nil || *got != 1000 {
					t.Errorf("log index %v, want 1000", got)
				}
			}
		})
	}
}

// TestLogByDefault wants a log entry for an identity, and for a key only where the policy asks for one.
func TestLogByDefault(t *testing.T) {
	dir := writeKeys(t, newECDSA(t))
	identity := &Keyless{Issuer: provider, Subject: workflow}
	for name, test := range map[string]struct {
		authority Authority
		want      bool
	}{
		"key":               {Authority{Key: "0.pub"}, false},
		"key, ignored":      {Authority{Key: "0.pub", TransparencyLog: Ignore}, false},
		"key, required":     {Authority{Key: "0.pub", TransparencyLog: Required}, true},
		"keyless":           {Authority{Keyless: identity}, true},
		"keyless, required": {Authority{Keyless: identity, TransparencyLog: Required}, true},
	} {
		rules, err := compile(Policy{[]Entry{{Images: []string{"**"}, Authorities: []Authority{test.authority}}}}, compiler{dir: dir})
		noError(t, err)
		if got := rules[0].authorities[0].needsLog; got != test.want {
			t.Errorf("%s: log needed is %v, want %v", name, got, test.want)
		}
	}
}

// checkOutcome wants all entries held and nothing rejected, or nothing held and one rejection with the reason.
func checkOutcome(t *testing.T, r Result, reason string) {
	t.Helper()
	if reason == "" {
		if !held(r) || len(r.Rejected) != 0 {
			t.Errorf("got %+v, want it held", r)
		}
		return
	}
	if held(r) || len(r.Signers) != 0 {
		t.Fatalf("got %+v, want it refused", r)
	}
	if len(r.Rejected) != 1 || !strings.Contains(r.Rejected[0].Reason, reason) {
		t.Errorf("got rejections %+v, want one that says %q", r.Rejected, reason)
	}
}

// TestOtherImage attaches a good signature to an image that it is not about (SIG-01).
func TestOtherImage(t *testing.T) {
	w := newWorld(t, time.Hour)
	me := signer{key: newECDSA(t)}
	o := Options{Dir: writeKeys(t, me.key)}
	want := "signature does not cover " + digestA + "; it names \"" + digestB
	for name, a := range map[string]image.Attachment{
		"tag":      me.simple(t, digestB),
		"referrer": attach(t, w.bundle(me, signedStatement(digestB, signPredicate), bundleOptions{})),
	} {
		t.Run(name, func(t *testing.T) { checkOutcome(t, verifyAttachments(t, byKeys(1, 0), o, a), want) })
	}
	for name, digest := range map[string]string{
		"none": "", "upper case": strings.ToUpper(digestA), "bare": strings.TrimPrefix(digestA, "sha256:"), "sha512": "sha512:aa",
	} {
		t.Run(name, func(t *testing.T) {
			checkOutcome(t, verifyAttachments(t, byKeys(1, 0), o, me.simple(t, digest)), "signature does not cover")
		})
	}
}

func TestThreshold(t *testing.T) {
	one, two, three := signer{key: newECDSA(t)}, signer{key: newECDSA(t)}, signer{key: newECDSA(t)}
	w := newWorld(t, time.Hour)
	o := Options{Dir: writeKeys(t, one.key, two.key)}
	bundle := attach(t, w.bundle(one, signedStatement(digestA, signPredicate), bundleOptions{}))
	for name, test := range map[string]struct {
		attachments []image.Attachment
		want        bool
		rejected    int
	}{
		"both":                     {[]image.Attachment{one.simple(t, digestA), two.simple(t, digestA)}, true, 0},
		"one":                      {[]image.Attachment{one.simple(t, digestA)}, false, 0},
		"one twice":                {[]image.Attachment{one.simple(t, digestA), one.simple(t, digestA)}, false, 0},
		"one in both layouts":      {[]image.Attachment{one.simple(t, digestA), bundle}, false, 0},
		"one and a stranger":       {[]image.Attachment{one.simple(t, digestA), three.simple(t, digestA)}, false, 1},
		"one, and two for another": {[]image.Attachment{one.simple(t, digestA), two.simple(t, digestB)}, false, 1},
		"none":                     {nil, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := verifyAttachments(t, byKeys(2, 2), o, test.attachments...)
			if held(r) != test.want || len(r.Rejected) != test.rejected || r.Found != len(test.attachments) {
				t.Errorf("got %+v", r)
			}
			if missing := r.Entries[0].Missing; (missing == "") != test.want {
				t.Errorf("held is %v, missing %q", test.want, missing)
			}
		})
	}
}

// TestEveryEntry wants every matching entry to hold, whoever signed for the others.
func TestEveryEntry(t *testing.T) {
	build, security := signer{key: newECDSA(t)}, signer{key: newECDSA(t)}
	o := Options{Dir: writeKeys(t, build.key, security.key)}
	p := byKeys(1, 1)
	p.Entries = append(p.Entries, byKeys(2, 1).Entries...)
	p.Entries[1].Authorities = p.Entries[1].Authorities[1:]
	r := verifyAttachments(t, p, o, build.simple(t, digestA))
	if !r.Entries[0].Held || r.Entries[1].Held || len(r.Rejected) != 0 {
		t.Errorf("got %+v, want the first entry alone to hold", r)
	}
	if r := verifyAttachments(t, p, o, build.simple(t, digestA), security.simple(t, digestA)); !held(r) || len(r.Signers) != 2 {
		t.Errorf("got %+v, want both entries to hold", r)
	}
	p.Entries[1] = p.Entries[0]
	if r := verifyAttachments(t, p, o, build.simple(t, digestA)); !held(r) || len(r.Signers) != 1 {
		t.Errorf("got %+v, want both entries to hold by the one signer", r)
	}
}

// TestMostTellingReason wants a signature that no authority accepts to be listed once, with the reason of the
// authority that it came closest to.
func TestMostTellingReason(t *testing.T) {
	build, security := signer{key: newECDSA(t)}, signer{key: newECDSA(t)}
	o := Options{Dir: writeKeys(t, build.key, security.key)}
	for _, s := range []struct {
		signer signer
		key    string
	}{{build, "key 0.pub"}, {security, "key 1.pub"}} {
		r := verifyAttachments(t, byKeys(2, 1), o, s.signer.simple(t, digestB))
		checkOutcome(t, r, "does not cover")
		if got := r.Rejected[0].Authority; got != s.key {
			t.Errorf("got %q, want %q", got, s.key)
		}
	}
}

// TestLayoutsAreIndependent has something bad in one layout and something good in the other (SIG-16).
func TestLayoutsAreIndependent(t *testing.T) {
	w := newWorld(t, time.Hour)
	me, stranger := signer{key: newECDSA(t)}, signer{key: newECDSA(t)}
	o := Options{Dir: writeKeys(t, me.key)}
	bad := attach(t, w.bundle(stranger, signedStatement(digestA, signPredicate), bundleOptions{}))
	if r := verifyAttachments(t, byKeys(1, 0), o, bad, me.simple(t, digestA)); !held(r) || len(r.Rejected) != 1 || r.Rejected[0].Layout != "referrer" {
		t.Errorf("got %+v, want it held and the bundle rejected", r)
	}
	if r := verifyAttachments(t, byKeys(1, 0), o, bad, stranger.simple(t, digestA)); held(r) || len(r.Rejected) != 2 {
		t.Errorf("got %+v, want both rejected", r)
	}
}

// TestOrder judges one good signature among bad ones in every order, all at once (SIG-13).
func TestOrder(t *testing.T) {
	w := newWorld(t, time.Hour)
	me, stranger := w.identity(leaf{}), w.identity(leaf{subjects: []string{"https://github.com/evil/web"}})
	broken := w.simple(me, digestA, time.Minute)
	broken.Annotations[static.CertificateAnnotationKey] = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"
	attachments := []image.Attachment{
		w.simple(me, digestA, time.Minute),
		w.simple(stranger, digestA, time.Minute),
		broken,
		signer{key: newECDSA(t)}.simple(t, digestA),
		attach(t, w.bundle(me, signedStatement(digestA, signPredicate), bundleOptions{log: true, after: 2 * time.Minute})),
	}
	v, err := New(byWorkflow(), Options{TrustedRoot: w.trustedRoot(), Offline: true})
	noError(t, err)
	want := mustVerify(t, v, attachments...)
	if !held(want) || len(want.Signers) != 1 || len(want.Rejected) != 3 {
		t.Fatalf("got %+v", want)
	}
	var group sync.WaitGroup
	permute(attachments, func(order []image.Attachment) {
		group.Go(func() {
			if got := mustVerify(t, v, order...); !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v\nwant %+v", got, want)
			}
		})
	})
	group.Wait()
}

func permute(rest []image.Attachment, visit func([]image.Attachment), done ...image.Attachment) {
	if len(rest) == 0 {
		visit(append([]image.Attachment(nil), done...))
	}
	for i := range rest {
		others := append(append([]image.Attachment(nil), rest[:i]...), rest[i+1:]...)
		permute(others, visit, append(append([]image.Attachment(nil), done...), rest[i])...)
	}
}
