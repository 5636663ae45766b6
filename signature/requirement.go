package signature

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// requirement is an attestation that must be there, and what it must say.
type requirement struct {
	predicateType string
	threshold     int
	authorities   []authority
	// conditions say why an attestation that an authority accepts does not count all the same; nil if it does.
	conditions func(Signer) *refusal

	provenance      *provenanceMatch
	vulnerabilities *VulnerabilityTerms
	// rulesFolder is where the users' rules are; rules is what they say of a statement.
	rulesFolder string
	rules       func(ctx context.Context, statement any) (denials []string, err error)
}

// attested is an attestation that somebody who is trusted for it has signed, about a digest.
type attested struct {
	candidate *candidate
	digest    v1.Hash
	signers   []Signer
	contents  contents
	// unreadable says why its predicate is none of its type.
	unreadable error
	// before tells that it was accepted already when this requirement came to look at it.
	before bool
}

// requirements judges all required attestations of a rule. What OpenVEX among them says of vulnerabilities
// counts for the reports among them. The error says why it could not be found out whether one holds.
func (j *judge) requirements(wanted []requirement, places []place, found gathered) ([]RequirementResult, []Attestation, error) {
	results := make([]RequirementResult, len(wanted))
	var (
		attestations []Attestation
		documents    []verifiedVEX
	)
	for _, vexFirst := range []bool{true, false} {
		for i, want := range wanted {
			if (family(want.predicateType) == openVEXType) != vexFirst {
				continue
			}
			result, list, err := j.requirement(want, places, found, documents)
			if err != nil {
				return nil, nil, err
			}
			results[i] = result
			for _, a := range list {
				if a.contents.vex != nil {
					documents = append(documents, verifiedVEX{a.contents.vex, a.digest, a.candidate.statement.named(a.digest)})
				}
				attestations = append(attestations, a.tell(documents))
			}
		}
	}
	return results, attestations, nil
}

// requirement judges one required attestation, of every place.
func (j *judge) requirement(want requirement, places []place, found gathered, vex []verifiedVEX) (RequirementResult, []attested, error) {
	result := RequirementResult{PredicateType: want.predicateType, Threshold: want.threshold, Signers: []Signer{}}
	var (
		all     []attested
		unknown error
	)
	for i, p := range places {
		list, worst, err := j.attestations(want, found[p], vex)
		unknown = errors.Join(unknown, err)
		signers := signersOf(list)
		result.Signers = common(i, result.Signers, signers)
		if len(signers) < want.threshold && result.Missing == "" {
			result.Missing = want.missing(signers, found[p], worst, len(places) > 1)
		}
		all = append(all, list...)
	}
	result.Held = want.threshold > 0 && len(places) > 0 && len(result.Signers) >= want.threshold
	switch {
	case result.Held:
		result.Missing = ""
	case unknown != nil:
		return result, nil, unknown
	case result.Missing == "":
		result.Missing = "nobody attests it for every platform"
	}
	return result, all, nil
}

// attestations are those of a place that count for a requirement. worst is the most telling reason for which
// others do not.
func (j *judge) attestations(want requirement, m *material, vex []verifiedVEX) (list []attested, worst *refusal, unknown error) {
	vouched, worst, unknown := j.vouched(want, m)
	for _, a := range vouched {
		if want.vulnerabilities != nil {
			a.signers = a.notSuperseded(vouched)
		}
		refused, err := want.refuse(j.ctx, a, vex)
		unknown = errors.Join(unknown, err)
		if refused == nil {
			list = append(list, a)
			continue
		}
		j.reject(a, refused)
		worst = deeper(worst, refused)
	}
	return list, worst, unknown
}

// vouched are the attestations of the required type that the required authorities have signed.
func (j *judge) vouched(want requirement, m *material) (list []attested, worst *refusal, unknown error) {
	for i := range m.signatures {
		if c := &m.signatures[i]; c.malformed != "" && c.layout == "referrer" {
			worst = deeper(worst, j.malformed(c)) // a bundle, which may have been meant for an attestation
		}
	}
	for i := range m.attestations {
		c := &m.attestations[i]
		if c.malformed != "" {
			worst = deeper(worst, j.malformed(c))
			continue
		}
		if c.statement.PredicateType != want.predicateType {
			continue
		}
		a := attested{candidate: c, digest: m.hash, before: j.outcomes[c] != nil && j.outcomes[c].accepted}
		signers, err := j.accepted(c, m.hash, want.authorities, want.conditions)
		unknown = errors.Join(unknown, err)
		if len(signers) == 0 {
			worst = deeper(worst, j.outcomes[c].refused)
			continue
		}
		a.signers = signers
		a.contents, a.unreadable = c.statement.read()
		list = append(list, a)
	}
	return list, worst, unknown
}

// malformed remembers that nothing could be made of a candidate.
func (j *judge) malformed(c *candidate) *refusal {
	r := &refusal{depthMalformed, c.malformed}
	if j.outcomes[c] == nil {
		j.outcomes[c] = &outcome{refused: r}
	}
	return r
}

// reject remembers why an attestation does not count although who signed it is trusted for it.
func (j *judge) reject(a attested, r *refusal) {
	o := j.outcomes[a.candidate]
	o.accepted = a.before
	if o.refused == nil || r.depth >= o.refused.depth {
		o.refused, o.authority = r, a.candidate.names.subject
		if len(a.signers) > 0 && a.signers[0].Key != "" {
			o.authority = "key " + a.signers[0].Key
		}
	}
}

// deeper is the refusal that tells more; in whatever order they come.
func deeper(a, b *refusal) *refusal {
	if a == nil || b != nil && (b.depth > a.depth || b.depth == a.depth && b.reason < a.reason) {
		return b
	}
	return a
}

func signersOf(list []attested) []Signer {
	var signers []Signer
	for _, a := range list {
		signers = append(signers, a.signers...)
	}
	return distinct(signers)
}

// notSuperseded are the signers of a vulnerability report that have not attested a newer scan: who has is not
// taken at his old word.
func (a attested) notSuperseded(all []attested) []Signer {
	if a.contents.report == nil {
		return a.signers
	}
	return slices.DeleteFunc(slices.Clone(a.signers), func(s Signer) bool {
		return slices.ContainsFunc(all, func(b attested) bool {
			return b.contents.report != nil && b.contents.report.at.After(a.contents.report.at) &&
				slices.ContainsFunc(b.signers, func(other Signer) bool { return compareSigners(s, other) == 0 })
		})
	})
}

// refuse says why an attestation that is trusted does not say what is required; nil if it does. The error says
// why that could not be found out.
func (want requirement) refuse(ctx context.Context, a attested, vex []verifiedVEX) (*refusal, error) {
	if a.unreadable == nil && len(a.signers) == 0 {
		return refuse(depthTrust, "who attested it has attested a newer scan"), nil
	}
	why := ""
	switch c := a.contents; {
	case a.unreadable != nil:
		why = fmt.Sprintf("the predicate is none of type %s: %v", quote(want.predicateType), a.unreadable)
	case want.provenance != nil && c.provenance == nil, want.vulnerabilities != nil && c.report == nil:
		why = "the predicate does not tell what the policy asks for"
	case want.provenance != nil:
		why = want.provenance.refuse(c.provenance)
	case want.vulnerabilities != nil:
		why = want.vulnerabilities.refuse(a.tell(vex).Vulnerabilities, time.Now())
	}
	if why == "" && want.rulesFolder != "" {
		var err error
		if why, err = want.denied(ctx, a.candidate.statement); err != nil {
			return refuse(depthClaim, "the rules in %s could not judge it: %v", want.rulesFolder, err),
				fmt.Errorf("attestation %s: the rules in %s: %w", quote(want.predicateType), want.rulesFolder, err)
		}
	}
	if why == "" {
		return nil, nil
	}
	return refuse(depthClaim, "%s", why), nil
}

// denied says what the users' rules deny; empty if nothing.
func (want requirement) denied(ctx context.Context, s *statement) (string, error) {
	if want.rules == nil {
		return "", errors.New("they were not loaded")
	}
	whole, err := typed[map[string]any](s.raw)
	if err != nil {
		return "", err
	}
	denials, err := want.rules(ctx, whole)
	if err != nil || len(denials) == 0 {
		return "", err
	}
	for i, d := range denials {
		denials[i] = cmp.Or(clip(d, maxName), "no reason")
	}
	return "denied by the rules in " + want.rulesFolder + ": " + strings.Join(denials, "; "), nil
}

// missing says what is lacking at a place.
func (want requirement) missing(signers []Signer, m *material, worst *refusal, several bool) string {
	of, count, others := "", 0, []string{}
	if several {
		of = " of " + m.hash.String()
	}
	for _, c := range m.attestations {
		switch {
		case c.malformed != "":
		case c.statement.PredicateType == want.predicateType:
			count++
		case !slices.Contains(others, quote(c.statement.PredicateType)):
			others = append(others, quote(c.statement.PredicateType))
		}
	}
	slices.Sort(others)
	if len(others) > 3 {
		others = append(others[:3], "…")
	}
	from := wanted(want.authorities)
	switch {
	case len(signers) > 0:
		return fmt.Sprintf("%d of the %d attestors%s that are required; wanted: %s", len(signers), want.threshold, of, from)
	case count > 0 && worst != nil:
		return fmt.Sprintf("no attestation of this type%s counts, of %d that were found: %s; wanted: %s", of, count, worst.reason, from)
	case worst != nil:
		return fmt.Sprintf("no attestation of this type%s was found, but something that is broken: %s; wanted: %s", of, worst.reason, from)
	case len(others) > 0:
		return fmt.Sprintf("no attestation of this type%s was found, only of %s; wanted: %s", of, strings.Join(others, ", "), from)
	}
	return fmt.Sprintf("no attestation%s was found; wanted: %s", of, from)
}

// tell is the attestation as reports show it.
func (a attested) tell(vex []verifiedVEX) Attestation {
	out := Attestation{
		PredicateType: clip(a.candidate.statement.PredicateType, maxName), Subject: a.digest.String(),
		Layout: a.candidate.layout, Manifest: a.candidate.manifest, Signers: distinct(slices.Clone(a.signers)),
		SBOM: a.contents.sbom,
	}
	if p := a.contents.provenance; p != nil {
		out.Provenance = p.clipped()
	}
	if r := a.contents.report; r != nil {
		out.Vulnerabilities = r.tell(func(v vulnerability) bool { return excused(vex, a.digest, v) })
	}
	if d := a.contents.vex; d != nil {
		out.VEX = d.tell()
	}
	return out
}

// distinctAttestations sorts attestations and leaves each once, with all who attested it.
func distinctAttestations(attestations []Attestation) []Attestation {
	slices.SortStableFunc(attestations, compareAttestations)
	out := []Attestation{}
	for _, a := range attestations {
		if last := len(out) - 1; last >= 0 && compareAttestations(out[last], a) == 0 {
			out[last].Signers = distinct(slices.Concat(out[last].Signers, a.Signers))
			continue
		}
		out = append(out, a)
	}
	return out
}

func compareAttestations(a, b Attestation) int {
	return cmp.Or(cmp.Compare(a.PredicateType, b.PredicateType), cmp.Compare(a.Subject, b.Subject),
		cmp.Compare(a.Manifest, b.Manifest), cmp.Compare(a.Layout, b.Layout))
}
