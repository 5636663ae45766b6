package signature

import (
	"context"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/sigstore/cosign/v2/pkg/oci/static"
	"github.com/sigstore/sigstore-go/pkg/root"

	"github.com/tidewaiter/tidewaiter/image"
)

// TestMalformed breaks a good signature in every field: none crashes, none is accepted (SIG-14).
func TestMalformed(t *testing.T) {
	w := newWorld(t, time.Hour)
	me := w.identity(leaf{})
	v, err := New(byWorkflow(), Options{TrustedRoot: w.trustedRoot(), Offline: true})
	noError(t, err)
	junk := []string{
		" ", "{}", "null", "[]", `"x"`, "0", "%%%", "AAAA", `{"Payload":{}}`, `{"Payload":{"body":7}}`, `{"Payload":{"body":"%"}}`,
		`{"Payload":{"body":"e30="}}`, `{"SignedEntryTimestamp":"AAAA","Payload":{"body":"bnVsbA==","logID":"zz"}}`,
		"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
		string(publicPEM(t, newECDSA(t).Public())), strings.Repeat("[", 100_000),
	}
	for _, key := range []string{static.SignatureAnnotationKey, static.CertificateAnnotationKey, static.BundleAnnotationKey} {
		for _, text := range append(junk, "") {
			a := w.simple(me, digestA, time.Minute)
			a.Annotations[key] = text
			if r := mustVerify(t, v, a); held(r) || len(r.Rejected) != 1 || r.Rejected[0].Reason == "" {
				t.Errorf("%s %.40q: got %+v, want it rejected", key, text, r)
			}
		}
	}
	for _, text := range junk {
		a := w.simple(me, digestA, time.Minute)
		a.Payload = []byte(text)
		checkMalformed(t, mustVerify(t, v, a))
		b := attach(t, w.bundle(me, signedStatement(digestA, signPredicate), bundleOptions{log: true, after: time.Minute}))
		b.Payload = []byte(text)
		checkMalformed(t, mustVerify(t, v, b))
	}
}

func checkMalformed(t *testing.T, r Result) {
	t.Helper()
	if held(r) || len(r.Rejected) != 1 || !strings.HasPrefix(r.Rejected[0].Reason, "malformed: ") {
		t.Errorf("got %+v, want it to be malformed", r)
	}
}

func TestMalformedClaims(t *testing.T) {
	me := signer{key: newECDSA(t)}
	o := Options{Dir: writeKeys(t, me.key)}
	for name, test := range map[string]struct{ payload, want string }{
		"not json":   {"not json", "malformed: the payload is not JSON"},
		"null":       {"null", "malformed: the payload's type \"\""},
		"other type": {strings.Replace(string(simplePayload(digestA)), "cosign container", "helm chart", 1), "malformed: the payload's type"},
		"no image":   {`{"critical":{"type":"cosign container image signature"}}`, "does not cover"},
	} {
		t.Run(name, func(t *testing.T) {
			checkOutcome(t, verifyAttachments(t, byKeys(1, 0), o, me.simpleOver(t, []byte(test.payload))), test.want)
		})
	}
}

// TestPanicIsRefused has a signature whose verification panics: it counts for nobody.
func TestPanicIsRefused(t *testing.T) {
	c := candidate{signed: panicking{}}
	if _, r := c.check(context.Background(), mustHash(t), authority{}, nil); r == nil || r.depth != depthMalformed {
		t.Errorf("got %+v, want it to be malformed", r)
	}
}

// TestReasonsAreBounded wants what attackers write to be one printable line.
func TestReasonsAreBounded(t *testing.T) {
	me := signer{key: newECDSA(t)}
	digest := "\x1b[2K\r\n::error::\u202e" + strings.Repeat("x", 100_000)
	r := verifyAttachments(t, byKeys(1, 0), Options{Dir: writeKeys(t, me.key)}, me.simple(t, digest))
	checkOutcome(t, r, "does not cover")
	reason := r.Rejected[0].Reason
	if len(reason) > maxReason+3 || strings.ContainsAny(reason, "\x1b\r\n\u202e") {
		t.Errorf("got %d bytes: %q", len(reason), reason[:min(len(reason), 200)])
	}
}

func TestOthersAttachments(t *testing.T) {
	w := newWorld(t, time.Hour)
	me := signer{key: newECDSA(t)}
	o := Options{Dir: writeKeys(t, me.key)}
	provenance := attach(t, w.bundle(me, signedStatement(digestA, "https://slsa.dev/provenance/v1"), bundleOptions{}))
	sbom := image.Attachment{Layout: "referrer", MediaType: "application/spdx+json", Payload: []byte("{}")}
	att := image.Attachment{Layout: "tag", Tag: ".att", MediaType: "application/vnd.dsse.envelope.v1+json", Payload: []byte("{}")}
	r := verifyAttachments(t, byKeys(1, 0), o, provenance, sbom, att)
	if held(r) || r.Found != 0 || len(r.Rejected) != 0 || !strings.Contains(r.Entries[0].Missing, "only attestations") {
		t.Errorf("got %+v, want nothing found but attestations", r)
	}
	tagged := me.simple(t, digestA)
	tagged.MediaType = "application/vnd.oci.image.layer.v1.tar"
	checkOutcome(t, verifyAttachments(t, byKeys(1, 0), o, tagged), "malformed: media type")
	noSignature := me.simple(t, digestA)
	delete(noSignature.Annotations, static.SignatureAnnotationKey)
	checkOutcome(t, verifyAttachments(t, byKeys(1, 0), o, noSignature), "malformed: it has no signature")
	forged := me.simple(t, digestA)
	forged.Annotations[static.SignatureAnnotationKey] = base64.StdEncoding.EncodeToString([]byte("signed, honestly"))
	checkOutcome(t, verifyAttachments(t, byKeys(1, 0), o, forged), "signed by another key")
}

// panicking stands for a signature that finds a hole in a library.
type panicking struct{}

func (panicking) check(context.Context, v1.Hash, authority, root.TrustedMaterial) (Signer, *refusal) {
	var none []int
	return Signer{}, &refusal{depth: depth(none[0])}
}
