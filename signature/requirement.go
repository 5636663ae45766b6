package signature

import (
	"cmp"
	"slices"
)

// requirement is an attestation that must be there, and what it must say.
type requirement struct {
	predicateType string
	threshold     int
	authorities   []authority
	conditions    func(Signer) *refusal
}

// requirement judges one required attestation, of every place. It returns the attestations that verified.
func (j *judge) requirement(want requirement, places []place, found gathered) (RequirementResult, []Attestation, error) {
	return RequirementResult{PredicateType: want.predicateType, Threshold: want.threshold, Signers: []Signer{},
		Missing: "attestations cannot be checked yet"}, nil, nil
}

// distinctAttestations sorts attestations and leaves each once.
func distinctAttestations(attestations []Attestation) []Attestation {
	compare := func(a, b Attestation) int {
		return cmp.Or(cmp.Compare(a.PredicateType, b.PredicateType), cmp.Compare(a.Manifest, b.Manifest), cmp.Compare(a.Layout, b.Layout))
	}
	slices.SortStableFunc(attestations, compare)
	return slices.CompactFunc(attestations, func(a, b Attestation) bool { return compare(a, b) == 0 })
}

func (c *compiler) requirement(path []any, r Requirement, entry Entry, inherited []authority) requirement {
	c.problem(append(path, "predicateType"), "attestations cannot be asked for yet")
	return requirement{}
}
