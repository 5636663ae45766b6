package signature

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/tidewaiter/tidewaiter/image"
)

// Suggestion is the policy that would accept what stands beside an image. It says who signed, and that this
// was verified; whether they are to be trusted it cannot know.
type Suggestion struct {
	// Entry is accepted by the loader of policies and holds for the image: both was tried. Nil if nothing that
	// stands beside the image could be verified.
	Entry *Entry `json:"entry,omitempty"`
	// Keys are the files that Entry names and that are not there yet.
	Keys []SuggestedKey `json:"keys,omitempty"`
	// Notes say, in a line each, what was found and cannot be suggested, and why.
	Notes []string `json:"notes,omitempty"`
}

// SuggestedKey is a public key that a transparency log named, and that signed.
type SuggestedKey struct {
	// File is how the entry names it, beside the configuration.
	File string `json:"file"`
	// PEM is the content of the file.
	PEM string `json:"pem"`
}

// Suggest looks at everything beside an image, whether or not an entry of the policy matches it, for the policy
// that would accept it. Nobody is suggested whose signature was not verified: each candidate is checked against
// exactly the identity or key that would be suggested for it. The error says why this could not be done.
func (v *Verifier) Suggest(ctx context.Context, img *image.Image) (Suggestion, error) {
	s := &suggester{ctx: ctx, verifier: v, images: "**", compiler: compiler{dir: v.dir, roots: v.roots, services: v.services, keys: map[string]*publicKey{}}}
	if img.Reference.Transport == image.Registry {
		s.images = img.Reference.Name()
	}
	var err error
	if s.children, err = img.Children(ctx); err != nil {
		return Suggestion{}, err
	}
	repositories := []string{""}
	for _, r := range v.matching(img.Reference) {
		if !slices.Contains(repositories, r.repository) {
			repositories = append(repositories, r.repository)
		}
	}
	for _, everyChild := range []bool{false, true} {
		for _, repository := range repositories {
			entry, err := s.entry(img, rule{everyChild: everyChild, repository: repository})
			if err != nil {
				return Suggestion{}, err
			}
			if entry != nil {
				return Suggestion{entry, s.wantedKeys(*entry), s.notes}, nil
			}
		}
		if !slices.ContainsFunc(s.children, func(c string) bool { return c != img.Digest }) {
			break // the image is its own only child
		}
	}
	return Suggestion{Notes: s.notes}, nil
}

// suggester looks for the policy that would accept one image.
type suggester struct {
	ctx      context.Context
	verifier *Verifier
	compiler compiler // with the keys that logs named, by the files that they would be in
	images   string   // the pattern of the image
	children []string
	keys     []SuggestedKey
	notes    []string
}

// entry returns the entry that accepts what stands at the places where a rule would look, nil if there is none.
func (s *suggester) entry(img *image.Image, where rule) (*Entry, error) {
	places, found := where.places(img.Digest, s.children), gathered{}
	for _, p := range places {
		attachments, err := s.verifier.attachments(s.ctx, img, p)
		if err != nil {
			return nil, err
		}
		if err := found.add(p, attachments); err != nil {
			return nil, err
		}
	}
	// Who vouches for every place vouches for the first one.
	first := found[places[0]]
	e := Entry{Images: []string{s.images}, EveryChild: where.everyChild, Signatures: where.repository}
	for i := range first.signatures {
		if a := s.vouches(&first.signatures[i], first.hash); a != nil && !sameAuthority(e.Authorities, *a) {
			e.Authorities = append(e.Authorities, *a)
		}
	}
	wanted := s.requirements(first, e.Authorities)
	if err := s.ctx.Err(); err != nil {
		return nil, err
	}
	grown := grow(e, wanted, func(e Entry) *Result { return s.prove(e, img.Digest, found) })
	for _, r := range wanted {
		if grown == nil || !slices.ContainsFunc(grown.Attestations, func(have Requirement) bool { return have.PredicateType == r.PredicateType }) {
			s.note("an attestation of type %s is signed by somebody who could be named, but would not be accepted: its predicate cannot be read, or not every platform has one",
				quote(r.PredicateType))
		}
	}
	return grown, nil
}

// grow adds to an entry all requirements with which it still holds, and what their attestations tell. It
// returns nil if not even the signatures hold, and there is no attestation either.
func grow(e Entry, wanted []Requirement, prove func(Entry) *Result) *Entry {
	if len(e.Authorities) > 0 && prove(e) == nil {
		e.Authorities = nil
	}
	for _, r := range wanted {
		if len(e.Authorities) == 0 && len(r.Authorities) == 0 {
			continue
		}
		bare := e
		bare.Attestations = append(slices.Clone(e.Attestations), r)
		result := prove(bare)
		if result == nil {
			continue
		}
		e = bare
		if r.Provenance = provenanceTerms(result.Attestations, r.PredicateType); r.Provenance == nil {
			continue
		}
		full := e
		full.Attestations = append(slices.Clone(e.Attestations[:len(e.Attestations)-1]), r)
		if prove(full) != nil {
			e = full
		}
	}
	if len(e.Authorities)+len(e.Attestations) == 0 {
		return nil
	}
	return &e
}

// provenanceTerms are what the attested provenance of a type tells of builder and source; nil if nothing, or if
// two tell different things.
func provenanceTerms(attestations []Attestation, predicateType string) *ProvenanceTerms {
	var told *ProvenanceTerms
	for _, a := range attestations {
		if a.PredicateType != predicateType || a.Provenance == nil {
			continue
		}
		terms := ProvenanceTerms{Builder: a.Provenance.Builder, Source: a.Provenance.Source}
		if told != nil && *told != terms || !showable(terms.Builder) || !showable(terms.Source) {
			return nil
		}
		told = &terms
	}
	if told != nil && *told == (ProvenanceTerms{}) {
		return nil
	}
	return told
}

// prove applies an entry as the policy would. It returns nil if the entry does not hold.
func (s *suggester) prove(e Entry, digest string, found gathered) *Result {
	c := s.compiler
	compiled := c.entry(nil, e)
	if len(c.problems) > 0 {
		return nil
	}
	result, err := s.verifier.verify(s.ctx, []rule{compiled}, digest, s.children, found)
	if err != nil || len(result.Entries) != 1 || !result.Entries[0].Held {
		return nil
	}
	return &result
}

// requirements are the types of the attestations, each with who attested it. Who also signed, and everybody of
// them, needs not be named again.
func (s *suggester) requirements(m *material, signers []Authority) []Requirement {
	var out []Requirement
	for i := range m.attestations {
		c := &m.attestations[i]
		a := s.vouches(c, m.hash)
		if a == nil {
			continue
		}
		predicateType := c.statement.PredicateType
		if !showable(predicateType) {
			s.note("an attestation has a predicate type that cannot be shown: %s", quote(predicateType))
			continue
		}
		at := slices.IndexFunc(out, func(r Requirement) bool { return r.PredicateType == predicateType })
		if at < 0 {
			at = len(out)
			out = append(out, Requirement{PredicateType: predicateType})
		}
		if !sameAuthority(out[at].Authorities, *a) {
			out[at].Authorities = append(out[at].Authorities, *a)
		}
	}
	slices.SortFunc(out, func(a, b Requirement) int { return strings.Compare(a.PredicateType, b.PredicateType) })
	for i, r := range out {
		missing := func(a Authority) bool { return !sameAuthority(r.Authorities, a) }
		if len(r.Authorities) == len(signers) && !slices.ContainsFunc(signers, missing) {
			out[i].Authorities = nil
		}
	}
	return out
}

// vouches returns the authority that a candidate was verified for, nil if there is none; a note says why.
func (s *suggester) vouches(c *candidate, digest v1.Hash) *Authority {
	if c.malformed != "" {
		s.note("%s", c.malformed)
		return nil
	}
	var (
		worst   *refusal
		unknown error
	)
	for _, a := range s.hypotheses(c) {
		signer, refused, err := s.check(c, digest, a)
		switch {
		case err != nil:
			unknown = err
		case refused == nil:
			if unknown != nil && a.Key != "" {
				s.note("whether a log knows the signature could not be checked: %v", unknown)
			}
			return s.claimed(c, digest, a, signer)
		case worst == nil || refused.depth > worst.depth:
			worst = refused
		}
	}
	s.explain(c, worst, unknown)
	return nil
}

// errUnusable is of an authority that no policy could name.
var errUnusable = errors.New("no policy could name it")

// check is the judgement of a candidate by one authority. The error says why there is none.
func (s *suggester) check(c *candidate, digest v1.Hash, a Authority) (Signer, *refusal, error) {
	compiler := s.compiler
	compiled := compiler.authority(nil, a)
	if len(compiler.problems) > 0 || compiled.sufficientRoot() != nil {
		return Signer{}, refuse(depthMalformed, "%v", errUnusable), nil
	}
	compiled, roots, err := compiled.ready(s.ctx)
	if err != nil {
		return Signer{}, nil, err
	}
	signer, refused := c.checkAny(s.ctx, digest, compiled, roots)
	return signer, refused, nil
}

// claimed adds to a keyless authority what the certificate says of the workflow, beyond what its subject does.
func (s *suggester) claimed(c *candidate, digest v1.Hash, a Authority, signer Signer) *Authority {
	w := signer.Workflow
	if a.Keyless == nil || w == nil || !showable(w.Repository) || !showable(w.Ref) {
		return &a
	}
	claims := Claims{Repository: w.Repository, Ref: w.Ref}
	if strings.HasSuffix(signer.Subject, "@"+w.Ref) {
		claims.Ref = ""
	}
	with, keyless := a, *a.Keyless
	keyless.Claims, with.Keyless = &claims, &keyless
	if _, refused, err := s.check(c, digest, with); err != nil || refused != nil || claims == (Claims{}) {
		return &a
	}
	return &with
}

// explain notes why nobody is suggested for a candidate.
func (s *suggester) explain(c *candidate, worst *refusal, unknown error) {
	kind := "a signature"
	if c.statement != nil {
		kind = "an attestation of type " + quote(c.statement.PredicateType)
	}
	certificate := fmt.Sprintf("%s with a certificate for %s (issuer %s)", kind, quote(c.names.subject), quote(c.names.issuer))
	switch {
	case c.names.subject == "" && (worst == nil || worst.depth <= depthSigner):
		s.note("%s is by a key that nobody here knows: ask the publisher for the public key", kind)
	case c.names.subject == "":
		s.note("%s by a known key does not count: %s", kind, worst.reason)
	case unknown != nil:
		s.note("%s could not be checked: %v", certificate, unknown)
	case worst == nil:
		s.note("%s cannot be suggested: the certificate names nobody that a policy could", certificate)
	default:
		s.note("%s is not vouched for by any trusted root that is configured: %s", certificate, worst.reason)
	}
}

func (s *suggester) note(format string, args ...any) {
	text := clip(fmt.Sprintf(format, args...), maxNote)
	if !slices.Contains(s.notes, text) {
		s.notes = append(s.notes, text)
	}
}

// maxNote bounds a note, in bytes: a reason, and the names before it.
const maxNote = 1024
