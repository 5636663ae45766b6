package signature

import (
	"context"
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/sigstore/cosign/v2/pkg/cosign"
	cosignbundle "github.com/sigstore/cosign/v2/pkg/cosign/bundle"
	"github.com/sigstore/cosign/v2/pkg/oci/static"

	"github.com/tidewaiter/tidewaiter/image"
)

// TestExpiredIntermediate has a certificate that outlives the authority that issued it, and a signature in
// between (SIG-09, CVE-2026-24122). cosign v2 accepts it in the classic layout.
func TestExpiredIntermediate(t *testing.T) {
	w := newWorld(t, 2*time.Minute)
	o := Options{TrustedRoot: w.trustedRoot()}
	me := w.identity(leaf{})
	before, after := w.simple(me, digestA, time.Minute), w.simple(me, digestA, 5*time.Minute)
	checkOutcome(t, verifyAttachments(t, byWorkflow(), o, before), "")
	checkOutcome(t, verifyAttachments(t, byWorkflow(), o, after), "the certificate chain was not valid at the time of the signature")

	b := w.bundle(me, signedStatement(digestA, signPredicate), bundleOptions{log: true, after: 5 * time.Minute})
	checkOutcome(t, verifyAttachments(t, byWorkflow(), o, attach(t, b)), "failed to verify leaf certificate")

	if !cosignAccepts(t, o, after) {
		t.Error("cosign refuses it by now: our own check may go")
	}
}

// cosignAccepts asks cosign alone.
func cosignAccepts(t *testing.T, o Options, a image.Attachment) bool {
	t.Helper()
	trusted, err := readTrustedRoots(o.TrustedRoot)
	noError(t, err)
	s, err := readSimple(a)
	noError(t, err)
	layer, err := s.layer(authority{demands: demands{needsLog: true}})
	noError(t, err)
	ok, err := cosign.VerifyImageSignature(context.Background(), layer, mustHash(t), &cosign.CheckOpts{
		ClaimVerifier: cosign.SimpleClaimVerifier, Offline: true, TrustedMaterial: trusted[0],
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
