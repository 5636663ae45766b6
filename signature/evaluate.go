package signature

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/sigstore/sigstore-go/pkg/root"

	"github.com/tidewaiter/tidewaiter/image"
)

// place is where signatures may stand: those of a digest, in a repository.
type place struct {
	digest     string
	repository string // empty: the image's own
}

// material is what was found at a place.
type material struct {
	hash                     v1.Hash
	signatures, attestations []candidate
}

// gathered is all material of an image, by place.
type gathered map[place]*material

// add sorts what stands at a place.
func (g gathered) add(p place, attachments []image.Attachment) error {
	hash, err := v1.NewHash(p.digest)
	if err != nil {
		return fmt.Errorf("signatures of %s: %w", quote(p.digest), err)
	}
	m := &material{hash: hash}
	m.signatures, m.attestations = collect(attachments)
	g[p] = m
	return nil
}

// judge checks candidates against authorities, and remembers what became of them.
type judge struct {
	ctx      context.Context
	outcomes map[*candidate]*outcome
}

// outcome is what became of a candidate under all rules.
type outcome struct {
	accepted  bool
	refused   *refusal // the most telling one
	authority string   // that it came from
}

// verify judges what was gathered by the rules that match the image. The result does not depend on the order
// in which it was found.
func (v *Verifier) verify(ctx context.Context, rules []rule, digest string, digests []string, found gathered) (Result, error) {
	result := Result{
		Digest:       digest,
		Configured:   len(v.rules) > 0,
		Entries:      []EntryResult{},
		Signers:      []Signer{},
		Attestations: []Attestation{},
		Rejected:     []Rejection{},
	}
	for _, m := range found {
		result.Found += len(m.signatures)
		result.FoundAttestations += len(m.attestations)
	}
	j := &judge{ctx: ctx, outcomes: map[*candidate]*outcome{}}
	for _, r := range rules {
		entry, attestations, err := j.entry(r, r.places(digest, digests), found)
		if err := cmp.Or(ctx.Err(), err); err != nil {
			return Result{}, fmt.Errorf("signatures of %s: %w", digest, err)
		}
		result.Entries = append(result.Entries, entry)
		result.Signers = append(result.Signers, entry.Signers...)
		result.Attestations = append(result.Attestations, attestations...)
	}
	result.Signers = distinct(result.Signers)
	result.Attestations = distinctAttestations(result.Attestations)
	result.Rejected = j.rejections()
	return result, nil
}

// places are where the signatures stand that a rule asks for.
func (r rule) places(digest string, children []string) []place {
	if !r.everyChild {
		return []place{{digest, r.repository}}
	}
	out := make([]place, len(children))
	for i, child := range children {
		out[i] = place{child, r.repository}
	}
	return out
}

// entry judges one rule. The error says why it could not be found out whether it holds.
func (j *judge) entry(r rule, places []place, found gathered) (EntryResult, []Attestation, error) {
	entry := EntryResult{Images: r.images, Threshold: r.threshold, Signed: true, Signers: []Signer{}, Attestations: []RequirementResult{}}
	if len(r.authorities) > 0 {
		var unknown error
		for i, p := range places {
			signers, err := j.signers(r, found[p])
			unknown = errors.Join(unknown, err)
			entry.Signers = common(i, entry.Signers, signers)
			if len(signers) < r.threshold && entry.Missing == "" {
				entry.Missing = missing(r, signers, found[p], len(places) > 1)
			}
		}
		entry.Signed = len(entry.Signers) >= r.threshold && len(places) > 0
		if !entry.Signed && entry.Missing == "" {
			entry.Missing = "no signer vouches for every platform"
		}
		if entry.Signed {
			entry.Missing = ""
		} else if unknown != nil {
			return entry, nil, unknown
		}
	}
	entry.Held = entry.Signed
	results, attestations, err := j.requirements(r.requirements, places, found)
	if err != nil {
		return entry, nil, err
	}
	for _, result := range results {
		entry.Held = entry.Held && result.Held
		entry.Attestations = append(entry.Attestations, result)
	}
	return entry, attestations, nil
}

// signers are the distinct signers of a digest that count under a rule. The error tells of authorities that
// could not be asked.
func (j *judge) signers(r rule, m *material) ([]Signer, error) {
	var (
		signers []Signer
		unknown error
	)
	for i := range m.signatures {
		found, err := j.accepted(&m.signatures[i], m.hash, r.authorities, r.conditions)
		signers, unknown = append(signers, found...), errors.Join(unknown, err)
	}
	return distinct(signers), unknown
}

// accepted are the authorities that a candidate counts for, as signers. What an authority accepts must also
// meet the conditions.
func (j *judge) accepted(c *candidate, digest v1.Hash, authorities []authority, conditions func(Signer) *refusal) (signers []Signer, unknown error) {
	o := j.outcomes[c]
	if o == nil {
		o = &outcome{}
		j.outcomes[c] = o
	}
	for _, a := range authorities {
		if j.ctx.Err() != nil {
			return signers, j.ctx.Err()
		}
		a, roots, err := a.ready(j.ctx)
		if err != nil {
			unknown = errors.Join(unknown, err)
			continue
		}
		signer, refused := c.checkAny(j.ctx, digest, a, roots)
		if refused == nil {
			refused = conditions(signer)
		}
		if refused == nil {
			signers = append(signers, signer)
		}
		o.add(a, refused)
	}
	return signers, unknown
}

// checkAny checks a candidate against each of several trusted roots, which are never mixed.
func (c *candidate) checkAny(ctx context.Context, digest v1.Hash, a authority, roots []root.TrustedMaterial) (Signer, *refusal) {
	var worst *refusal
	for _, trusted := range roots {
		signer, refused := c.check(ctx, digest, a, trusted)
		if refused == nil {
			return signer, nil
		}
		if worst == nil || refused.depth > worst.depth {
			worst = refused
		}
	}
	return Signer{}, worst
}

func (o *outcome) add(a authority, refused *refusal) {
	switch {
	case refused == nil:
		o.accepted = true
	case o.refused == nil || refused.depth > o.refused.depth:
		o.refused, o.authority = refused, a.String()
	}
}

// rejections lists the candidates that no authority accepted, each once.
func (j *judge) rejections() []Rejection {
	rejected := []Rejection{}
	for c, o := range j.outcomes {
		if o.accepted || o.refused == nil {
			continue
		}
		r := Rejection{
			Layout:    c.layout,
			Manifest:  c.manifest,
			Authority: o.authority,
			Issuer:    clip(c.names.issuer, maxName),
			Subject:   clip(c.names.subject, maxName),
			Reason:    o.refused.reason,
		}
		if c.statement != nil {
			r.PredicateType = clip(c.statement.PredicateType, maxName)
		}
		if o.refused.depth == depthMalformed {
			r.Authority = ""
		}
		rejected = append(rejected, r)
	}
	slices.SortFunc(rejected, func(a, b Rejection) int {
		return cmp.Or(cmp.Compare(a.Manifest, b.Manifest), cmp.Compare(a.Layout, b.Layout), cmp.Compare(a.PredicateType, b.PredicateType),
			cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Authority, b.Authority), cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Issuer, b.Issuer))
	})
	return rejected
}

// distinct sorts signers and leaves one signature of each. A key is one signer whatever the policy calls it,
// and so is an identity whichever pattern it matched.
func distinct(signers []Signer) []Signer {
	slices.SortFunc(signers, func(a, b Signer) int {
		return cmp.Or(compareSigners(a, b), a.SignedAt.Compare(b.SignedAt), cmp.Compare(a.Layout, b.Layout),
			cmp.Compare(a.Key, b.Key), cmp.Compare(a.DockerReference, b.DockerReference), cmp.Compare(logIndex(a), logIndex(b)))
	})
	return slices.CompactFunc(signers, func(a, b Signer) bool { return compareSigners(a, b) == 0 })
}

// common are the signers that stand in both lists; of the first list (i is 0), all.
func common(i int, before, now []Signer) []Signer {
	if i == 0 {
		return append([]Signer{}, now...)
	}
	return slices.DeleteFunc(before, func(s Signer) bool {
		return !slices.ContainsFunc(now, func(n Signer) bool { return compareSigners(s, n) == 0 })
	})
}

func logIndex(s Signer) int64 {
	if s.LogIndex == nil {
		return -1
	}
	return *s.LogIndex
}

// compareSigners orders signers, and tells those apart that count as two.
func compareSigners(a, b Signer) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Fingerprint, b.Fingerprint),
		cmp.Compare(a.Issuer, b.Issuer), cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Roots, b.Roots))
}

// missing says what a rule still lacks of the signatures of a digest.
func missing(r rule, signers []Signer, m *material, several bool) string {
	of := ""
	if several {
		of = " of " + m.hash.String()
	}
	wanted := wanted(r.authorities)
	switch {
	case len(m.signatures) == 0 && len(m.attestations) > 0:
		return fmt.Sprintf("no signature%s was found, only attestations, which are none; wanted: %s", of, wanted)
	case len(m.signatures) == 0:
		return fmt.Sprintf("no signature%s was found; wanted: %s", of, wanted)
	case r.threshold > 1:
		return fmt.Sprintf("%d of the %d signers%s that are required; wanted: %s", len(signers), r.threshold, of, wanted)
	}
	return fmt.Sprintf("no signature%s counts, of %d that were found; wanted: %s", of, len(m.signatures), wanted)
}

// wanted names authorities as the policy does.
func wanted(authorities []authority) string {
	names := make([]string, len(authorities))
	for i, a := range authorities {
		names[i] = a.String()
	}
	return strings.Join(names, " or ")
}
