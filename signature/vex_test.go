package signature

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tidewaiter/tidewaiter/image"
)

// vexPredicate is an OpenVEX document with statements in JSON.
func vexPredicate(statements string) string {
	return `{"@context":"https://openvex.dev/ns/v0.2.0","@id":"https://shop.example/vex/1","author":"Mia","timestamp":"2026-11-01T00:00:00Z","version":1,"statements":[` + statements + `]}`
}

// vexAbout says a status of a vulnerability, with more fields in JSON.
func vexAbout(id, status, more string) string {
	return fmt.Sprintf(`{"vulnerability":{"name":%q},"status":%q,"justification":"vulnerable_code_not_present"%s}`, id, status, more)
}

// TestVEX lets OpenVEX, that the entry requires, take vulnerabilities off a report.
func TestVEX(t *testing.T) {
	me, other := signer{key: newECDSA(t)}, signer{key: newECDSA(t)}
	o := Options{Dir: writeKeys(t, me.key, other.key)}
	p := wanting(
		Requirement{PredicateType: cosignVulnType, Vulnerabilities: &VulnerabilityTerms{Worst: "medium"}},
		Requirement{PredicateType: openVEXType},
	)
	report := me.envelope(t, statementOf(digestA, cosignVulnType, scanPredicate(trivyResult("HIGH", "LOW"), time.Now())))
	const bad = "vulnerabilities of severity high"
	good := vexAbout("CVE-2026-0", "not_affected", "")
	at := func(hour int) string { return fmt.Sprintf(`,"timestamp":"2026-11-01T%02d:00:00Z"`, hour) }
	product := func(fields string) string { return `,"products":[{` + fields + `}]` }
	hexA := digestA[7:]
	for name, test := range map[string]struct{ statements, missing string }{
		"not affected":              {good, ""},
		"fixed":                     {vexAbout("CVE-2026-0", "fixed", ""), ""},
		"affected":                  {vexAbout("CVE-2026-0", "affected", ""), bad},
		"under investigation":       {vexAbout("CVE-2026-0", "under_investigation", ""), bad},
		"another vulnerability":     {vexAbout("CVE-2026-9", "not_affected", ""), bad},
		"part of the name":          {vexAbout("CVE-2026-00", "not_affected", ""), bad},
		"alias":                     {`{"vulnerability":{"name":"GHSA-x","aliases":["CVE-2026-0"]},"status":"fixed"}`, ""},
		"as in the first OpenVEX":   {`{"vulnerability":"CVE-2026-0","products":["pkg:oci/web@sha256:` + hexA + `"],"status":"fixed"}`, ""},
		"affected later":            {vexAbout("CVE-2026-0", "not_affected", at(1)) + "," + vexAbout("CVE-2026-0", "affected", at(2)), bad},
		"affected earlier":          {vexAbout("CVE-2026-0", "affected", at(1)) + "," + vexAbout("CVE-2026-0", "not_affected", at(2)), ""},
		"both at once":              {vexAbout("CVE-2026-0", "affected", at(1)) + "," + vexAbout("CVE-2026-0", "not_affected", at(1)), bad},
		"both, the other way":       {vexAbout("CVE-2026-0", "not_affected", at(1)) + "," + vexAbout("CVE-2026-0", "affected", at(1)), bad},
		"affected last, of three":   {vexAbout("CVE-2026-0", "affected", at(3)) + "," + vexAbout("CVE-2026-0", "fixed", at(1)) + "," + vexAbout("CVE-2026-0", "fixed", at(2)), bad},
		"affected elsewhere":        {vexAbout("CVE-2026-0", "not_affected", at(1)) + "," + vexAbout("CVE-2026-0", "affected", at(2)+product(`"@id":"pkg:oci/other"`)), bad},
		"this image":                {vexAbout("CVE-2026-0", "fixed", product(`"@id":"pkg:oci/web@sha256%3A`+hexA+`?repository_url=x"`)), ""},
		"this image, by hash":       {vexAbout("CVE-2026-0", "fixed", product(`"@id":"web","hashes":{"sha-256":"`+hexA+`"}`)), ""},
		"this image, identifier":    {vexAbout("CVE-2026-0", "fixed", product(`"@id":"web","identifiers":{"purl":"pkg:oci/web@sha256:`+hexA+`"}`)), ""},
		"this image, by name":       {vexAbout("CVE-2026-0", "fixed", product(`"@id":"registry.example/shop/web"`)), ""},
		"another image":             {vexAbout("CVE-2026-0", "fixed", product(`"@id":"pkg:oci/web@sha256:`+digestB[7:]+`"`)), bad},
		"no image":                  {vexAbout("CVE-2026-0", "fixed", product(`"@id":"pkg:oci/web"`)), bad},
		"this package":              {vexAbout("CVE-2026-0", "fixed", product(`"@id":"registry.example/shop/web","subcomponents":[{"@id":"pkg:apk/alpine/p0@1.0"}]`)), ""},
		"this package, any version": {vexAbout("CVE-2026-0", "fixed", product(`"@id":"registry.example/shop/web","subcomponents":[{"@id":"pkg:apk/alpine/p0"}]`)), ""},
		"another package":           {vexAbout("CVE-2026-0", "fixed", product(`"@id":"registry.example/shop/web","subcomponents":[{"@id":"pkg:apk/alpine/p1@1.0"}]`)), bad},
		"another version":           {vexAbout("CVE-2026-0", "fixed", product(`"@id":"registry.example/shop/web","subcomponents":[{"@id":"pkg:apk/alpine/p0@1.1"}]`)), bad},
		"no package":                {vexAbout("CVE-2026-0", "fixed", product(`"@id":"registry.example/shop/web","subcomponents":[{"@id":""}]`)), bad},
		"old subcomponents":         {vexAbout("CVE-2026-0", "fixed", `,"subcomponents":["pkg:apk/alpine/p1"]`), bad},
	} {
		t.Run(name, func(t *testing.T) {
			vex := me.envelope(t, statementOf(digestA, openVEXType, vexPredicate(test.statements)))
			r := verifyAttachments(t, p, o, vex, report)
			checkRequirement(t, r, test.missing)
			if !r.Entries[0].Attestations[1].Held {
				t.Errorf("got %+v, want the document itself to be accepted", r.Entries[0].Attestations[1])
			}
		})
	}
	vex := me.envelope(t, statementOf(digestA, openVEXType, vexPredicate(good)))
	r := verifyAttachments(t, p, o, report, vex)
	i := slices.IndexFunc(r.Attestations, func(a Attestation) bool { return a.Vulnerabilities != nil })
	if v := r.Attestations[i].Vulnerabilities; v.Worst != "low" || v.Counts["high"] != 1 || !slices.Equal(v.Excused, []string{"CVE-2026-0"}) {
		t.Errorf("got %+v", v)
	}
	if v := r.Attestations[1-i].VEX; v.Author != "Mia" || !slices.Equal(v.Statuses["not_affected"], []string{"CVE-2026-0"}) || v.IssuedAt.IsZero() {
		t.Errorf("got %+v", v)
	}
	// It has to be required, of who may say so, and about the same digest.
	alone := wanting(p.Entries[0].Attestations[0])
	checkRequirement(t, verifyAttachments(t, alone, o, report, vex), bad)
	checkRequirement(t, verifyAttachments(t, p, o, report, other.envelope(t, statementOf(digestA, openVEXType, vexPredicate(good)))), bad)
	checkRequirement(t, verifyAttachments(t, p, o, report, me.envelope(t, statementOf(digestB, openVEXType, vexPredicate(good)))), bad)
}

// TestVEXOfAnotherPlatform wants what is said of one platform to excuse nothing in another.
func TestVEXOfAnotherPlatform(t *testing.T) {
	me := signer{key: newECDSA(t)}
	p := wanting(
		Requirement{PredicateType: cosignVulnType, Vulnerabilities: &VulnerabilityTerms{Worst: "medium"}},
		Requirement{PredicateType: openVEXType},
	)
	p.Entries[0].EveryChild = true
	v, err := New(p, Options{Dir: writeKeys(t, me.key), Offline: true})
	noError(t, err)
	for _, excusedInBoth := range []bool{false, true} {
		found := gathered{}
		for _, digest := range []string{digestA, digestB} {
			about := "CVE-2026-9"
			if digest == digestA || excusedInBoth {
				about = "CVE-2026-0"
			}
			noError(t, found.add(place{digest, ""}, []image.Attachment{
				me.envelope(t, statementOf(digest, cosignVulnType, scanPredicate(trivyResult("HIGH"), time.Now()))),
				me.envelope(t, statementOf(digest, openVEXType, vexPredicate(vexAbout(about, "fixed", "")))),
			}))
		}
		r, err := v.verify(t.Context(), v.rules, digestA, []string{digestA, digestB}, found)
		noError(t, err)
		checkRequirement(t, r, map[bool]string{true: "", false: "of " + digestB + " counts, of 1 that were found: it has vulnerabilities of severity high"}[excusedInBoth])
	}
}

func TestNoVEX(t *testing.T) {
	for name, predicate := range map[string]string{
		"nothing":           `{}`,
		"list":              `[]`,
		"another context":   `{"@context":"https://openvex.example/ns","timestamp":"2026-11-01T00:00:00Z","statements":[` + vexAbout("x", "fixed", "") + `]}`,
		"no statements":     vexPredicate(""),
		"no time":           `{"@context":"https://openvex.dev/ns","statements":[` + vexAbout("x", "fixed", "") + `]}`,
		"no vulnerability":  vexPredicate(`{"status":"fixed"}`),
		"null":              vexPredicate(`null`),
		"no status":         vexPredicate(`{"vulnerability":{"name":"x"}}`),
		"unknown status":    vexPredicate(vexAbout("x", "Fixed", "")),
		"no justification":  vexPredicate(`{"vulnerability":{"name":"x"},"status":"not_affected"}`),
		"doubled status":    vexPredicate(vexAbout("x", "affected", `,"status":"fixed"`)),
		"doubled name":      vexPredicate(`{"vulnerability":{"name":"x","name":"y"},"status":"fixed"}`),
		"products no list":  vexPredicate(vexAbout("x", "fixed", `,"products":{}`)),
		"product of number": vexPredicate(vexAbout("x", "fixed", `,"products":[7]`)),
	} {
		if c, err := readPredicate(t, openVEXType, predicate); err == nil {
			t.Errorf("%s: got %+v", name, c.vex)
		}
	}
}
