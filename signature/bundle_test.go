package signature

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
)

func TestLogBindingOfBundles(t *testing.T) {
	w := newWorld(t, time.Hour)
	me, other := w.identity(leaf{}), w.identity(leaf{})
	v, err := New(byWorkflow(), Options{TrustedRoot: w.trustedRoot(), Offline: true})
	noError(t, err)
	o := bundleOptions{log: true, after: time.Minute}
	good := func() *protobundle.Bundle { return w.bundle(me, signedStatement(digestA, signPredicate), o) }
	entries := func(b *protobundle.Bundle) []*protorekor.TransparencyLogEntry {
		return b.VerificationMaterial.TlogEntries
	}
	for name, edit := range map[string]func(*protobundle.Bundle){
		"of another image": func(b *protobundle.Bundle) {
			entries(b)[0] = entries(w.bundle(me, signedStatement(digestB, signPredicate), o))[0]
		},
		"of another signature": func(b *protobundle.Bundle) { entries(b)[0] = entries(good())[0] },
		"of another certificate": func(b *protobundle.Bundle) {
			entries(b)[0] = entries(w.bundle(other, signedStatement(digestA, signPredicate), o))[0]
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
		"good":            {string(signedStatement(digestA, signPredicate)), ""},
		"trailing slash":  {string(signedStatement(digestA, signPredicate+"/")), "attestation"},
		"case":            {string(signedStatement(digestA, "https://sigstore.dev/cosign/Sign/v1")), "attestation"},
		"vulnerabilities": {string(signedStatement(digestA, "https://cosign.sigstore.dev/attestation/vuln/v1")), "attestation"},
		"not json":        {"not json", "malformed"},
		"no predicate":    {`{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"` + hexA + `"}}]}`, "no predicateType"},
		"other type":      {strings.Replace(string(signedStatement(digestA, signPredicate)), "Statement/v1", "Layout/v1", 1), "malformed: the payload is of type"},
		"no subject":      {withSubject(`[]`), "does not cover"},
		"null subject":    {withSubject(`[null]`), "malformed"},
		"sha512 only":     {withSubject(`[{"digest":{"sha512":"` + hexA + hexA + `"}}]`), "does not cover"},
		"upper case hex":  {withSubject(`[{"digest":{"sha256":"` + strings.ToUpper(hexA) + `"}}]`), "does not cover"},
		"upper case":      {withSubject(`[{"digest":{"SHA256":"` + hexA + `"}}]`), "does not cover"},
		"second subject":  {withSubject(`[{"digest":{"sha256":"` + digestB[7:] + `"}},{"digest":{"sha256":"` + hexA + `"}}]`), ""},
		"many subjects":   {withSubject(`[` + strings.Repeat(`{"digest":{"sha256":"`+hexA+`"}},`, 2000) + `{}]`), "has 2001 subjects"},
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
	a := attach(t, newWorld(t, time.Hour).bundle(me, signedStatement(digestA, signPredicate), bundleOptions{}))
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
