package signature

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	cosignbundle "github.com/sigstore/cosign/v2/pkg/cosign/bundle"
	"github.com/sigstore/cosign/v2/pkg/oci/static"

	"github.com/tidewaiter/tidewaiter/image"
)

// layouts are where attestations may stand.
var layouts = []string{"tag", "referrer"}

// TestPredicateTypes has attestations by the trusted key that are not the one that is required (SIG-05).
func TestPredicateTypes(t *testing.T) {
	w, me := newWorld(t, time.Hour), signer{key: newECDSA(t)}
	o := Options{Dir: writeKeys(t, me.key)}
	p := wanting(Requirement{PredicateType: spdxType})
	const document = `{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT","name":"x","packages":[]}`
	good := string(statementOf(digestA, spdxType, document))
	for name, test := range map[string]struct{ statement, missing, rejected string }{
		"good":           {good, "", ""},
		"vulnerability":  {string(statementOf(digestA, cosignVulnType, `{"scanner":{"result":{}}}`)), `no attestation of this type was found, only of "https://cosign`, ""},
		"signature":      {string(statementOf(digestA, signPredicate, `{}`)), "was found", ""},
		"not json":       {"not json", "something that is broken: malformed", "malformed: the statement is not JSON"},
		"no type":        {strings.Replace(good, `"predicateType"`, `"type"`, 1), "has no predicateType", "has no predicateType"},
		"null type":      {strings.Replace(good, `"`+spdxType+`"`, `null`, 1), "has no predicateType", "has no predicateType"},
		"other case":     {strings.Replace(good, spdxType, "https://spdx.dev/document", 1), "only of", ""},
		"trailing slash": {strings.Replace(good, spdxType, spdxType+"/", 1), "only of", ""},
		"version":        {strings.Replace(good, spdxType, spdxType+"/v2.3", 1), "only of", ""},
		"key in other case": {strings.Replace(good, `"predicateType"`, `"PredicateType"`, 1), "differs from predicateType in case alone",
			"differs from predicateType in case alone"},
		"key beside it":    {strings.Replace(good, `"predicateType"`, `"PredicateType":"https://spdx.dev/Document","predicateType"`, 1), "in case alone", "in case alone"},
		"key twice":        {strings.Replace(good, `"predicateType"`, `"predicateType":"a:b","predicateType"`, 1), "duplicate field", "duplicate field"},
		"no statement":     {strings.Replace(good, "Statement/v0.1", "Layout/v1", 1), "which is not an in-toto statement", "malformed"},
		"null":             {"null", "which is not an in-toto statement", "malformed"},
		"list":             {"[]", "is not JSON of an in-toto statement", "malformed"},
		"other digest":     {strings.Replace(good, digestA[7:], digestB[7:], 1), "does not cover " + digestA, "does not cover " + digestA},
		"no predicate":     {strings.Replace(good, `,"predicate":`+document, "", 1), "there is none", "the predicate is none of type"},
		"null predicate":   {strings.Replace(good, document, "null", 1), "it is null", "it is null"},
		"other predicate":  {strings.Replace(good, document, `{"bomFormat":"CycloneDX"}`, 1), "the predicate is none of type", "spdxVersion"},
		"doubled in it":    {strings.Replace(good, `"name":"x"`, `"name":"x","name":"y"`, 1), "of 1 that were found", "duplicate field|decoding json"},
		"number predicate": {strings.Replace(good, document, "7", 1), "of 1 that were found", "none of type|decoding json"},
	} {
		for _, layout := range layouts {
			t.Run(layout+"/"+name, func(t *testing.T) {
				r := verifyAttachments(t, p, o, w.attestation(layout, me, []byte(test.statement)))
				checkRequirement(t, r, test.missing)
				told := func(reason string) bool {
					return len(r.Rejected) == 1 && strings.Contains(r.Rejected[0].Reason, reason)
				}
				if wanted := strings.Split(test.rejected, "|"); test.rejected == "" && len(r.Rejected) != 0 ||
					test.rejected != "" && !slices.ContainsFunc(wanted, told) {
					t.Errorf("rejected: %+v, want %q", r.Rejected, test.rejected)
				}
				if len(r.Rejected) == 1 && !strings.HasPrefix(r.Rejected[0].Reason, "malformed") && r.Rejected[0].PredicateType != spdxType {
					t.Errorf("got %+v, want its predicate type", r.Rejected[0])
				}
			})
		}
	}
}

// TestSubjects has statements whose subjects are odd (SIG-06).
func TestSubjects(t *testing.T) {
	w, me := newWorld(t, time.Hour), signer{key: newECDSA(t)}
	o := Options{Dir: writeKeys(t, me.key)}
	p := wanting(Requirement{PredicateType: customType})
	hexA, hexB := digestA[7:], digestB[7:]
	for name, test := range map[string]struct{ subject, missing string }{
		"good":           {`[{"digest":{"sha256":"` + hexA + `"}}]`, ""},
		"second":         {`[{"digest":{"sha256":"` + hexB + `"}},{"digest":{"sha256":"` + hexA + `"}}]`, ""},
		"other":          {`[{"digest":{"sha256":"` + hexB + `"}}]`, "does not cover"},
		"null":           {`null`, "does not cover"},
		"null entry":     {`[null]`, "has no digest"},
		"null and good":  {`[null,{"digest":{"sha256":"` + hexA + `"}}]`, "has no digest"},
		"empty":          {`[]`, "does not cover"},
		"no list":        {`{"digest":{"sha256":"` + hexA + `"}}`, "malformed"},
		"no digest":      {`[{"name":"sha256:` + hexA + `"}]`, "has no digest"},
		"null digest":    {`[{"digest":null}]`, "has no digest"},
		"sha1":           {`[{"digest":{"sha1":"` + hexA[:40] + `"}}]`, "does not cover"},
		"sha512":         {`[{"digest":{"sha512":"` + hexA + hexA + `"}}]`, "does not cover"},
		"upper case key": {`[{"digest":{"SHA256":"` + hexA + `"}}]`, "does not cover"},
		"upper case hex": {`[{"digest":{"sha256":"` + strings.ToUpper(hexA) + `"}}]`, "does not cover"},
		"with prefix":    {`[{"digest":{"sha256":"` + digestA + `"}}]`, "does not cover"},
		"many":           {`[` + strings.Repeat(`{"digest":{"sha256":"`+hexA+`"}},`, 2000) + `{}]`, "has 2001 subjects"},
		"many digests":   {`[{"digest":{"sha256":"` + hexA + `"` + manyDigests(40) + `}}]`, "has 41 digests"},
	} {
		for _, layout := range layouts {
			t.Run(layout+"/"+name, func(t *testing.T) {
				statement := fmt.Sprintf(`{"_type":"https://in-toto.io/Statement/v1","subject":%s,"predicateType":%q,"predicate":{}}`, test.subject, customType)
				checkRequirement(t, verifyAttachments(t, p, o, w.attestation(layout, me, []byte(statement))), test.missing)
			})
		}
	}
}

func manyDigests(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"x%d":"0"`, i)
	}
	return b.String()
}

// TestEnvelopes has envelopes that are no good although the signature in them is.
func TestEnvelopes(t *testing.T) {
	me := signer{key: newECDSA(t)}
	o := Options{Dir: writeKeys(t, me.key)}
	statement := statementOf(digestA, customType, "{}")
	other := base64.StdEncoding.EncodeToString(statementOf(digestB, customType, "{}"))
	sealed, err := json.Marshal(me.seal(t, statement))
	noError(t, err)
	edited := func(edit func(e *dsse.Envelope)) []byte {
		e := me.seal(t, statement)
		edit(&e)
		text, err := json.Marshal(e)
		noError(t, err)
		return text
	}
	for name, test := range map[string]struct {
		envelope []byte
		missing  string
	}{
		"good":               {sealed, ""},
		"and a broken one":   {edited(func(e *dsse.Envelope) { e.Signatures = append(e.Signatures, dsse.Signature{Sig: "AAAA"}) }), ""},
		"other payload type": {edited(func(e *dsse.Envelope) { e.PayloadType = "application/json" }), "which is not an in-toto statement"},
		"no payload type":    {edited(func(e *dsse.Envelope) { e.PayloadType = "" }), "which is not an in-toto statement"},
		"no signature":       {edited(func(e *dsse.Envelope) { e.Signatures = nil }), "has no signature"},
		"empty signature":    {edited(func(e *dsse.Envelope) { e.Signatures[0].Sig = "" }), "not base64"},
		"odd signature":      {edited(func(e *dsse.Envelope) { e.Signatures[0].Sig = "%" }), "not base64"},
		"another signature":  {edited(func(e *dsse.Envelope) { e.Signatures[0].Sig = "AAAA" }), "signed by another key"},
		"many signatures":    {edited(func(e *dsse.Envelope) { e.Signatures = slices.Repeat(e.Signatures, 17) }), "has 17 signatures"},
		"another payload":    {edited(func(e *dsse.Envelope) { e.Payload = other }), "signed by another key"},
		"payload not base64": {edited(func(e *dsse.Envelope) { e.Payload = "%" }), "payload is not base64"},
		"payload twice":      {[]byte(strings.Replace(string(sealed), `"payload":`, `"payload":"`+other+`","payload":`, 1)), "duplicate field"},
		"Payload beside it":  {[]byte(strings.TrimSuffix(string(sealed), "}") + `,"Payload":"` + other + `"}`), "read in two ways"},
		"Payload before it":  {[]byte(strings.Replace(string(sealed), `{`, `{"PAYLOAD":"`+other+`",`, 1)), ""},
		"not json":           {[]byte("not json"), "no DSSE envelope"},
		"null":               {[]byte("null"), "which is not an in-toto statement"},
		"not UTF-8":          {append(slices.Clone(sealed), 0xff), "not UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			a := me.envelope(t, statement)
			a.Payload = test.envelope
			checkRequirement(t, verifyAttachments(t, wanting(Requirement{PredicateType: customType}), o, a), test.missing)
		})
	}
	a := me.envelope(t, statement)
	a.MediaType = "application/json"
	checkRequirement(t, verifyAttachments(t, wanting(Requirement{PredicateType: customType}), o, a), "media type")
}

// TestLogBindingOfAttestations puts a good log entry beside an attestation that it is not about (SIG-07).
func TestLogBindingOfAttestations(t *testing.T) {
	w := newWorld(t, time.Hour)
	me, other := w.identity(leaf{}), w.identity(leaf{})
	renewed := w.identity(leaf{key: me.key})
	p := byWorkflow()
	p.Entries[0].Attestations, p.Entries[0].Authorities = []Requirement{{PredicateType: customType, Authorities: p.Entries[0].Authorities}}, nil
	v, err := New(p, Options{TrustedRoot: w.trustedRoot(), Offline: true})
	noError(t, err)
	statement := statementOf(digestA, customType, "{}")
	a := me.envelope(t, statement)
	edited := func(edit func(*cosignbundle.RekorBundle)) string {
		var log cosignbundle.RekorBundle
		noError(t, json.Unmarshal([]byte(w.logAttachment(me, a, time.Minute)), &log))
		edit(&log)
		text, err := json.Marshal(log)
		noError(t, err)
		return string(text)
	}
	for name, test := range map[string]struct{ log, missing string }{
		"its own":                      {w.logAttachment(me, a, time.Minute), ""},
		"none":                         {"", noLogEntry},
		"of another statement":         {w.logAttachment(me, me.envelope(t, statementOf(digestB, customType, "{}")), time.Minute), "matching bundle to payload"},
		"of another envelope":          {w.logAttachment(me, me.envelope(t, statement), time.Minute), "matching bundle to payload"},
		"of another certificate":       {w.logAttachment(other, other.envelope(t, statement), time.Minute), "comparing public key"},
		"of the key's new certificate": {w.logAttachment(renewed, a, time.Minute), "comparing public key"},
		"of the key alone":             {w.logAttachment(signer{key: me.key}, a, time.Minute), "comparing public key"},
		"with another time":            {edited(func(l *cosignbundle.RekorBundle) { l.Payload.IntegratedTime++ }), "unable to verify SET"},
		"with another index":           {edited(func(l *cosignbundle.RekorBundle) { l.Payload.LogIndex++ }), "unable to verify SET"},
		"of an unknown log":            {edited(func(l *cosignbundle.RekorBundle) { l.Payload.LogID = strings.Repeat("ab", 32) }), "public key not found"},
		"without a promise":            {edited(func(l *cosignbundle.RekorBundle) { l.SignedEntryTimestamp = nil }), "unable to verify SET"},
		"after the certificate":        {w.logAttachment(me, a, time.Hour), "expiry"},
	} {
		t.Run(name, func(t *testing.T) {
			signed := me.envelope(t, statement)
			signed.Payload = a.Payload
			signed.Annotations[static.BundleAnnotationKey] = test.log
			checkRequirement(t, mustVerify(t, v, signed), test.missing)
		})
	}
}

// TestExpiredIntermediateOfAttestations is TestExpiredIntermediate for an attestation (SIG-09).
func TestExpiredIntermediateOfAttestations(t *testing.T) {
	w := newWorld(t, 2*time.Minute)
	me := w.identity(leaf{})
	p := byWorkflow()
	p.Entries[0].Attestations = []Requirement{{PredicateType: customType}}
	v, err := New(p, Options{TrustedRoot: w.trustedRoot(), Offline: true})
	noError(t, err)
	statement := statementOf(digestA, customType, "{}")
	signed := w.simple(me, digestA, time.Minute)
	checkRequirement(t, mustVerify(t, v, signed, w.envelope(me, statement, time.Minute)), "")
	checkRequirement(t, mustVerify(t, v, signed, w.envelope(me, statement, 5*time.Minute)), "the certificate chain was not valid")
}

// TestAttestationAuthorities has signers that may sign but not attest, and the other way round (SIG-16).
func TestAttestationAuthorities(t *testing.T) {
	w := newWorld(t, time.Hour)
	signs, attests := signer{key: newECDSA(t)}, signer{key: newECDSA(t)}
	o := Options{Dir: writeKeys(t, signs.key, attests.key)}
	p := byKeys(1, 0)
	p.Entries[0].Attestations = []Requirement{{PredicateType: customType, Authorities: []Authority{{Key: "1.pub"}}}}
	statement := statementOf(digestA, customType, "{}")
	for _, layout := range layouts {
		good := w.attestation(layout, attests, statement)
		r := verifyAttachments(t, p, o, signs.simple(t, digestA), good)
		checkRequirement(t, r, "")
		if len(r.Rejected) != 0 || r.Found != 1 || r.FoundAttestations != 1 || len(r.Signers) != 1 || len(r.Attestations) != 1 {
			t.Errorf("got %+v", r)
		}
		a := r.Attestations[0]
		if a.PredicateType != customType || a.Layout != layout || a.Subject != digestA || a.Manifest != good.Manifest || a.Signers[0].Key != "1.pub" {
			t.Errorf("got %+v", a)
		}
		checkRequirement(t, verifyAttachments(t, p, o, signs.simple(t, digestA), w.attestation(layout, signs, statement)), "signed by another key")

		r = verifyAttachments(t, p, o, attests.simple(t, digestA), good)
		if held(r) || r.Entries[0].Signed || !r.Entries[0].Attestations[0].Held {
			t.Errorf("got %+v, want it attested and not signed", r.Entries[0])
		}
		r = verifyAttachments(t, p, o, good)
		if held(r) || r.Entries[0].Signed || !strings.Contains(r.Entries[0].Missing, "only attestations") {
			t.Errorf("got %+v, want an attestation to be no signature", r.Entries[0])
		}
		checkRequirement(t, verifyAttachments(t, p, o, signs.simple(t, digestA)), "no attestation was found; wanted: key 1.pub")
	}
	// A bad bundle does not stand in the way of a good envelope, and is no way around a bad one.
	bad := attach(t, w.bundle(signs, statement, bundleOptions{}))
	checkRequirement(t, verifyAttachments(t, p, o, signs.simple(t, digestA), bad, attests.envelope(t, statement)), "")
	checkRequirement(t, verifyAttachments(t, p, o, signs.simple(t, digestA), bad, signs.envelope(t, statement)), "of 2 that were found")
}

// TestAttestationsAlone has an entry without authorities: the attestation's own suffice.
func TestAttestationsAlone(t *testing.T) {
	me := signer{key: newECDSA(t)}
	o := Options{Dir: writeKeys(t, me.key)}
	p := wanting(Requirement{PredicateType: customType})
	r := verifyAttachments(t, p, o, me.envelope(t, statementOf(digestA, customType, "{}")))
	checkRequirement(t, r, "")
	if !r.Entries[0].Signed || r.Entries[0].Missing != "" {
		t.Errorf("got %+v", r.Entries[0])
	}
	checkRequirement(t, verifyAttachments(t, p, o), "no attestation was found")
}

// TestAttestors counts who attests, not attestations (SIG-08).
func TestAttestors(t *testing.T) {
	me, other := signer{key: newECDSA(t)}, signer{key: newECDSA(t)}
	o := Options{Dir: writeKeys(t, me.key, other.key)}
	p := wanting(Requirement{PredicateType: customType, Threshold: 2, Authorities: []Authority{{Key: "0.pub"}, {Key: "1.pub"}}})
	statement := statementOf(digestA, customType, "{}")
	mine := me.envelope(t, statement)
	checkRequirement(t, verifyAttachments(t, p, o, mine, me.envelope(t, statement), mine), "1 of the 2 attestors")
	checkRequirement(t, verifyAttachments(t, p, o, mine, other.envelope(t, statementOf(digestA, customType+"/", "{}"))), "1 of the 2 attestors")
	r := verifyAttachments(t, p, o, mine, other.envelope(t, statement))
	checkRequirement(t, r, "")
	if len(r.Attestations) != 2 {
		t.Errorf("got %+v", r.Attestations)
	}
	both := me.seal(t, statement)
	both.Signatures = append(both.Signatures, other.seal(t, statement).Signatures...)
	r = verifyAttachments(t, p, o, me.attachEnvelope(t, both))
	checkRequirement(t, r, "")
	if len(r.Attestations) != 1 || len(r.Attestations[0].Signers) != 2 {
		t.Errorf("got %+v, want two signers of one envelope", r.Attestations)
	}
}

// TestEveryChildAttested wants each platform's own attestation.
func TestEveryChildAttested(t *testing.T) {
	me, other := signer{key: newECDSA(t)}, signer{key: newECDSA(t)}
	p := wanting(Requirement{PredicateType: customType, Authorities: []Authority{{Key: "0.pub"}, {Key: "1.pub"}}})
	p.Entries[0].EveryChild = true
	v, err := New(p, Options{Dir: writeKeys(t, me.key, other.key), Offline: true})
	noError(t, err)
	children := []string{digestA, digestB}
	verify := func(of map[string][]image.Attachment) Result {
		found := gathered{}
		for _, c := range children {
			noError(t, found.add(place{c, ""}, of[c]))
		}
		r, err := v.verify(t.Context(), v.rules, digestA, children, found)
		noError(t, err)
		return r
	}
	a, b := me.envelope(t, statementOf(digestA, customType, "{}")), me.envelope(t, statementOf(digestB, customType, "{}"))
	r := verify(map[string][]image.Attachment{digestA: {a}, digestB: {b}})
	checkRequirement(t, r, "")
	if len(r.Attestations) != 2 || r.Attestations[0].Subject != digestA || r.Attestations[1].Subject != digestB {
		t.Errorf("got %+v", r.Attestations)
	}
	checkRequirement(t, verify(map[string][]image.Attachment{digestA: {a}}), "no attestation of "+digestB+" was found")
	checkRequirement(t, verify(map[string][]image.Attachment{digestB: {b}}), "no attestation of "+digestA+" was found")
	others := other.envelope(t, statementOf(digestB, customType, "{}"))
	checkRequirement(t, verify(map[string][]image.Attachment{digestA: {a}, digestB: {others}}), "nobody attests it for every platform")
	checkRequirement(t, verify(map[string][]image.Attachment{digestA: {a}, digestB: {a}}), "does not cover "+digestB)
}

// TestAttestationAge wants attestations that are not too old, by a trusted clock.
func TestAttestationAge(t *testing.T) {
	w := newWorld(t, time.Hour)
	me := w.identity(leaf{from: -30 * time.Minute})
	p := byWorkflow()
	requirement := Requirement{PredicateType: customType, Authorities: p.Entries[0].Authorities}
	statement := statementOf(digestA, customType, "{}")
	for name, test := range map[string]struct {
		entry, own Age
		missing    string
	}{
		"any":           {0, 0, ""},
		"the entry's":   {Age(10 * time.Minute), 0, "nothing older than 10m0s"},
		"long enough":   {Age(time.Hour), 0, ""},
		"its own":       {Age(time.Hour), Age(10 * time.Minute), "nothing older than 10m0s"},
		"its own wider": {Age(10 * time.Minute), Age(time.Hour), ""},
	} {
		t.Run(name, func(t *testing.T) {
			requirement.MaxAge = test.own
			p := Policy{[]Entry{{Images: []string{"**"}, MaxAge: test.entry, Attestations: []Requirement{requirement}}}}
			r := verifyAttachments(t, p, Options{TrustedRoot: w.trustedRoot()}, w.envelope(me, statement, -25*time.Minute))
			checkRequirement(t, r, test.missing)
		})
	}
}

// TestOrderOfAttestations wants the same result in whatever order attestations were found (SIG-13).
func TestOrderOfAttestations(t *testing.T) {
	w := newWorld(t, time.Hour)
	me, stranger, signing := signer{key: newECDSA(t)}, signer{key: newECDSA(t)}, w.identity(leaf{})
	statement := statementOf(digestA, customType, "{}")
	v, err := New(wanting(Requirement{PredicateType: customType}), Options{Dir: writeKeys(t, me.key), Offline: true})
	noError(t, err)
	broken := me.envelope(t, statement)
	broken.Payload = []byte("{}")
	all := []image.Attachment{
		me.envelope(t, statement), attach(t, w.bundle(me, statement, bundleOptions{})), stranger.envelope(t, statement), broken,
		signing.envelope(t, statement), me.envelope(t, statementOf(digestB, customType, "{}")),
		me.envelope(t, statementOf(digestA, customType, "null")), me.envelope(t, statementOf(digestA, spdxType, "{}")),
	}
	want, err := json.Marshal(mustVerify(t, v, all...))
	noError(t, err)
	for range 30 {
		rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		r := mustVerify(t, v, all...)
		checkRequirement(t, r, "")
		if got, err := json.Marshal(r); err != nil || string(got) != string(want) {
			t.Fatalf("got %s, want %s", got, want)
		}
	}
}

// TestAttestationRules lets the users' rules judge a statement.
func TestAttestationRules(t *testing.T) {
	me := signer{key: newECDSA(t)}
	var (
		seen    any
		denials []string
		failure error
	)
	o := Options{Dir: writeKeys(t, me.key), Offline: true, Rules: func(folder string) (func(context.Context, any) ([]string, error), error) {
		if !strings.HasSuffix(folder, "/review") {
			return nil, errors.New("there is no such folder")
		}
		return func(_ context.Context, statement any) ([]string, error) { seen = statement; return denials, failure }, nil
	}}
	p := wanting(Requirement{PredicateType: customType, Rules: "review"})
	v, err := New(p, o)
	noError(t, err)
	a := me.envelope(t, statementOf(digestA, customType, `{"reviewer":"mia","n":12345678901234567}`))
	checkRequirement(t, mustVerify(t, v, a), "")
	whole, _ := seen.(map[string]any)
	if text, _ := json.Marshal(whole["predicate"]); string(text) != `{"n":12345678901234567,"reviewer":"mia"}` || whole["predicateType"] != customType {
		t.Errorf("the rules saw %v", seen)
	}
	denials = []string{"nobody has reviewed it\x1b", ""}
	r := mustVerify(t, v, a)
	checkRequirement(t, r, "denied by the rules in review: nobody has reviewed it; no reason")
	if len(r.Rejected) != 1 || !strings.Contains(r.Rejected[0].Reason, "nobody has reviewed it") {
		t.Errorf("got %+v", r.Rejected)
	}
	failure = errors.New("boom")
	if r, err := v.judge(t.Context(), t, v.rules, a); err == nil || !strings.Contains(err.Error(), "boom") {
		t.Errorf("got %+v, %v, want an error", r, err)
	}
	p.Entries[0].Attestations[0].Rules = "missing"
	if _, err := New(p, o); err == nil || !strings.Contains(err.Error(), "trust[0].attestations[0].rules: there is no such folder") {
		t.Errorf("got %v", err)
	}
	o.Rules = nil
	if _, err := New(p, o); err == nil {
		t.Error("rules that cannot be loaded were accepted")
	}
}
