package signature

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/sigstore/sigstore-go/pkg/root"

	"github.com/tidewaiter/tidewaiter/image"
)

// verify judges the attachments of a digest by rules that match its image. The result does not depend on the
// order of the attachments.
func (v *Verifier) verify(ctx context.Context, rules []rule, digest string, attachments []image.Attachment) (Result, error) {
	result := Result{
		Digest:     digest,
		Configured: len(v.rules) > 0,
		Entries:    []EntryResult{},
		Signers:    []Signer{},
		Rejected:   []Rejection{},
	}
	hash, err := v1.NewHash(digest)
	if err != nil {
		return Result{}, fmt.Errorf("signatures of %s: %w", quote(digest), err)
	}
	candidates, attestations := collect(attachments)
	result.Found = len(candidates)
	judge := &judge{ctx: ctx, digest: hash, candidates: candidates, outcomes: make([]outcome, len(candidates))}
	if len(candidates) > 0 {
		if judge.trusted, err = v.material(ctx, rules); err != nil {
			return Result{}, fmt.Errorf("signatures of %s: %w", digest, err)
		}
	}
	for _, r := range rules {
		entry := judge.entry(r)
		entry.Missing = missing(r, entry.Signers, len(candidates), attestations)
		entry.Held = entry.Missing == ""
		result.Entries = append(result.Entries, entry)
		result.Signers = append(result.Signers, entry.Signers...)
	}
	if err := ctx.Err(); err != nil {
		return Result{}, fmt.Errorf("signatures of %s: %w", digest, err)
	}
	result.Signers = distinct(result.Signers)
	if len(rules) > 0 {
		result.Rejected = judge.rejections()
	}
	return result, nil
}

// judge checks every candidate against every authority.
type judge struct {
	ctx        context.Context
	digest     v1.Hash
	trusted    root.TrustedMaterial
	candidates []candidate
	outcomes   []outcome // of each candidate
}

// outcome is what became of a candidate under all rules.
type outcome struct {
	accepted  bool
	refused   *refusal // the most telling one
	authority string   // that it came from
}

func (j *judge) entry(r rule) EntryResult {
	entry := EntryResult{Images: r.images, Threshold: r.threshold, Signers: []Signer{}}
	for i := range j.candidates {
		for _, a := range r.authorities {
			if j.ctx.Err() != nil {
				return entry
			}
			signer, refused := j.candidates[i].check(j.ctx, j.digest, a, j.trusted)
			if refused == nil {
				entry.Signers = append(entry.Signers, signer)
			}
			j.outcomes[i].add(a, refused)
		}
	}
	entry.Signers = distinct(entry.Signers)
	return entry
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
	for i, o := range j.outcomes {
		if o.accepted || o.refused == nil {
			continue
		}
		c := j.candidates[i]
		r := Rejection{
			Layout:    c.layout,
			Manifest:  c.manifest,
			Authority: o.authority,
			Issuer:    clip(c.names.issuer, maxName),
			Subject:   clip(c.names.subject, maxName),
			Reason:    o.refused.reason,
		}
		if o.refused.depth == depthMalformed {
			r.Authority = ""
		}
		rejected = append(rejected, r)
	}
	slices.SortFunc(rejected, func(a, b Rejection) int {
		return cmp.Or(cmp.Compare(a.Manifest, b.Manifest), cmp.Compare(a.Layout, b.Layout), cmp.Compare(a.Reason, b.Reason),
			cmp.Compare(a.Authority, b.Authority), cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Issuer, b.Issuer))
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

func logIndex(s Signer) int64 {
	if s.LogIndex == nil {
		return -1
	}
	return *s.LogIndex
}

// compareSigners orders signers, and tells those apart that count as two.
func compareSigners(a, b Signer) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Fingerprint, b.Fingerprint),
		cmp.Compare(a.Issuer, b.Issuer), cmp.Compare(a.Subject, b.Subject))
}

// missing says what a rule still lacks. Empty if it holds.
func missing(r rule, signers []Signer, candidates, attestations int) string {
	if len(signers) >= r.threshold {
		return ""
	}
	names := make([]string, len(r.authorities))
	for i, a := range r.authorities {
		names[i] = a.String()
	}
	wanted := strings.Join(names, " or ")
	switch {
	case candidates == 0 && attestations > 0:
		return fmt.Sprintf("no signature was found, only attestations, which are none; wanted: %s", wanted)
	case candidates == 0:
		return fmt.Sprintf("no signature was found; wanted: %s", wanted)
	case r.threshold > 1:
		return fmt.Sprintf("%d of the %d signers that are required; wanted: %s", len(signers), r.threshold, wanted)
	}
	return fmt.Sprintf("no signature counts, of %d that were found; wanted: %s", candidates, wanted)
}
