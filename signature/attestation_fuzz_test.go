package signature

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/tidewaiter/tidewaiter/image"
)

// FuzzEnvelope reads envelopes and the statements in them. Nothing may crash, and what is read is what other
// readers of the same bytes would have verified.
func FuzzEnvelope(f *testing.F) {
	s := signer{key: newECDSA(f)}
	for _, statement := range [][]byte{statementOf(digestA, customType, "{}"), statementOf(digestA, spdxType, "null"), []byte("null")} {
		good := s.envelope(f, statement).Payload
		f.Add(good)
		f.Add([]byte(strings.Replace(string(good), `"payload"`, `"Payload"`, 1)))
		f.Add([]byte(strings.Replace(string(good), `"payload"`, `"payload":"","payload"`, 1)))
		f.Add([]byte(strings.TrimSuffix(string(good), "}") + `,"PAYLOAD":"e30="}`))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := readEnvelope(image.Attachment{Layout: "tag", Tag: ".att", MediaType: envelopeMediaType, Payload: data})
		if err != nil {
			return
		}
		var other dsse.Envelope
		if err := json.Unmarshal(data, &other); err != nil {
			t.Fatalf("read what is no JSON: %v", err)
		}
		payload, err := other.DecodeB64Payload()
		if err != nil || !slices.Equal(payload, e.statement.raw) || other.PayloadType != statementPayloadType || len(other.Signatures) == 0 {
			t.Errorf("read %q, others read %q as %q", e.statement.raw, payload, other.PayloadType)
		}
		checkStatement(t, e.statement)
	})
}

// FuzzStatement reads statements: whatever is accepted says the same to a reader who folds the case of keys.
func FuzzStatement(f *testing.F) {
	good := string(statementOf(digestA, customType, `{"a":1}`))
	f.Add([]byte(good))
	f.Add([]byte(strings.Replace(good, `"predicateType"`, `"predicatetype":"a:b","predicateType"`, 1)))
	f.Add([]byte(strings.Replace(good, `"subject":[`, `"subject":[null,`, 1)))
	f.Add([]byte(strings.Replace(good, `"sha256"`, `"SHA256"`, 1)))
	f.Fuzz(func(t *testing.T, data []byte) {
		if s, err := readStatement(data); err == nil {
			checkStatement(t, s)
		}
	})
}

func checkStatement(t *testing.T, s *statement) {
	t.Helper()
	var folded struct {
		PredicateType string          `json:"predicateType"`
		Predicate     json.RawMessage `json:"predicate"`
	}
	if err := json.Unmarshal(s.raw, &folded); err != nil {
		t.Fatalf("read what is no JSON: %v", err)
	}
	if folded.PredicateType != s.PredicateType || string(folded.Predicate) != string(s.Predicate) {
		t.Errorf("read type %q and predicate %q, others read %q and %q", s.PredicateType, s.Predicate, folded.PredicateType, folded.Predicate)
	}
	if len(s.Subject) > maxSubjects || !slices.Contains(statementTypes, s.Type) {
		t.Errorf("read %d subjects of %q", len(s.Subject), s.Type)
	}
	_ = s.covers(mustHash(t))
	_ = s.subjects()
	_, _ = s.read()
}

// FuzzPredicate reads predicates of every known type. Nothing may crash, and what is told is bounded.
func FuzzPredicate(f *testing.F) {
	types := append(slices.Concat(provenanceTypes, vulnerabilityTypes, versioned), customType)
	for _, each := range attestedByCosign {
		f.Add(uint8(slices.Index(types, each.predicateType)), []byte(each.predicate))
	}
	at := time.Now()
	for _, result := range []string{trivyResult("HIGH"), `{"matches":[{"vulnerability":{"id":"a","severity":"Low"},"artifact":{"purl":"pkg:npm/a@1"}}]}`,
		`{"runs":[{"tool":{"driver":{"rules":[{"id":"a","properties":{"security-severity":"9.1"}}]}},"results":[{"ruleId":"a"}]}]}`} {
		f.Add(uint8(slices.Index(types, cosignVulnType)), []byte(scanPredicate(result, at)))
	}
	f.Add(uint8(slices.Index(types, intotoVulns2Type)), []byte(scanPredicate(`[{"id":"a","severity":[{"method":"b","score":"7.0"}]}]`, at)))
	f.Add(uint8(slices.Index(types, openVEXType)), []byte(vexPredicate(`{"vulnerability":"a","products":["b"],"status":"affected"}`)))
	f.Fuzz(func(t *testing.T, which uint8, predicate []byte) {
		s := &statement{PredicateType: types[int(which)%len(types)], Predicate: predicate}
		c, err := s.read()
		if err != nil {
			if strings.HasPrefix(err.Error(), "reading it failed") {
				t.Logf("a library panicked: %v", err)
			}
			return
		}
		told := attested{candidate: &candidate{statement: s}, digest: mustHash(t), contents: c}.tell(nil)
		if p := told.Provenance; p != nil && (p.BuildType == "" || len(p.Source) > maxURI+len("…")) {
			t.Errorf("got %+v", p)
		}
		if v := told.Vulnerabilities; v != nil {
			if rank(v.Worst) < 0 || v.Worst == "none" && len(v.Counts) > 1 {
				t.Errorf("got %+v", v)
			}
			_ = excused([]verifiedVEX{{&vexDocument{}, mustHash(t), nil}}, mustHash(t), vulnerability{names: []string{""}})
		}
		if b := told.SBOM; b != nil && b.Format == "" {
			t.Errorf("got %+v", b)
		}
		if d := c.vex; d != nil {
			_ = excused([]verifiedVEX{{d, mustHash(t), nil}}, mustHash(t), vulnerability{names: []string{d.Statements[0].Vulnerability.Name}})
		}
	})
}

// FuzzRequirement compiles requirements. Nothing may crash, and what is accepted can be matched by some type.
func FuzzRequirement(f *testing.F) {
	f.Add(slsa1Type, 1, "https://github.com/shop/web", "", "refs/heads/main", "high")
	f.Add("slsaprovenance", 0, "git+https://github.com/shop/web@main", ".*", "", "")
	f.Add(cosignVulnType, -1, "", "a)|(?:b", strings.Repeat("5", 40), "unknown")
	dir := writeKeys(f, newECDSA(f))
	f.Fuzz(func(t *testing.T, predicateType string, threshold int, source, pattern, ref, worst string) {
		r := Requirement{PredicateType: predicateType, Threshold: threshold, Authorities: []Authority{{Key: "0.pub"}}}
		if source+pattern+ref != "" {
			r.Provenance = &ProvenanceTerms{Source: source, BuilderPattern: pattern, Ref: ref}
		}
		if worst != "" {
			r.Vulnerabilities = &VulnerabilityTerms{Worst: worst}
		}
		c := &compiler{dir: dir}
		out := c.requirement([]any{"trust", 0, "attestations", 0}, r, Entry{}, nil)
		if len(c.problems) > 0 {
			return
		}
		switch {
		case out.threshold != 1 || len(out.authorities) != 1 || meant(predicateType) != "" || !strings.Contains(predicateType, ":"):
			t.Errorf("accepted %+v", r)
		case r.Provenance != nil && !slices.Contains(provenanceTypes, predicateType), r.Vulnerabilities != nil && rank(worst) < 0:
			t.Errorf("accepted %+v", r)
		case out.provenance != nil && out.provenance.refuse(&Provenance{}) == "":
			t.Errorf("%+v accepts provenance that tells nothing", r.Provenance)
		}
	})
}
