package signature

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// provenanceMatch is ProvenanceTerms that can be matched.
type provenanceMatch struct {
	builder, source, ref, buildType term
}

// term is what one value must be; anything if it has no matcher.
type term struct {
	field string
	*matcher
}

// refuse says why a value is not what it must be; empty if it is.
func (t term) refuse(value string) string {
	switch {
	case t.matcher == nil || t.match(value):
		return ""
	case value == "":
		return fmt.Sprintf("the provenance does not tell the %s, or not in one way only; wanted: %s", t.field, t.matcher)
	}
	return fmt.Sprintf("the %s %s is not what the policy wants: %s", t.field, quote(value), t.matcher)
}

func (t *provenanceMatch) refuse(p *Provenance) string {
	var why []string
	for _, each := range []string{
		t.builder.refuse(p.Builder), t.source.refuse(p.Source), t.ref.refuse(p.Ref), t.buildType.refuse(p.BuildType),
	} {
		if each != "" {
			why = append(why, each)
		}
	}
	return strings.Join(why, "; ")
}

func (c *compiler) requirement(path []any, r Requirement, entry Entry, inherited []authority) requirement {
	out := requirement{
		predicateType: r.PredicateType, authorities: inherited, vulnerabilities: r.Vulnerabilities, rulesFolder: r.Rules,
	}
	c.predicateType(append(path, "predicateType"), r.PredicateType)
	if len(r.Authorities) > 0 {
		out.authorities = c.authorities(path, r.Authorities)
	}
	if len(out.authorities) == 0 {
		c.problem(path, "has no authorities, and neither has its entry: nobody could attest it; add a key or a keyless identity")
	}
	out.threshold = c.threshold(path, r.Threshold, out.authorities)
	age := r.MaxAge
	if age.IsZero() {
		age = entry.MaxAge
	}
	c.timed(path, age, out.authorities)
	out.conditions = func(s Signer) *refusal { return tooOld(age, s) }
	if r.Provenance != nil {
		out.provenance = c.provenance(append(path, "provenance"), r)
	}
	if r.Vulnerabilities != nil {
		c.vulnerabilities(append(path, "vulnerabilities"), r)
	}
	return out
}

// predicateType refuses what no attestation can have.
func (c *compiler) predicateType(path []any, predicateType string) {
	parsed, err := url.Parse(predicateType)
	known := meant(predicateType)
	switch {
	case predicateType == "":
		c.problem(path, "is missing: write the URI of the predicate's type, such as %s", slsa1Type)
	case predicateType == signPredicate:
		c.problem(path, "is that of a signature, not of an attestation: write authorities in the entry")
	case known != "":
		c.problem(path, "is %q, which no attestation has: write %s", predicateType, known)
	case err != nil || parsed.Scheme == "" || strings.TrimSpace(predicateType) != predicateType || !showable(predicateType):
		c.problem(path, "is %q, which is no URI: write the whole type, such as %s", predicateType, slsa1Type)
	}
}

func (c *compiler) provenance(path []any, r Requirement) *provenanceMatch {
	if !slices.Contains(provenanceTypes, r.PredicateType) {
		c.problem(path, "can be asked of SLSA provenance only: %s", strings.Join(provenanceTypes, " or "))
	}
	p := *r.Provenance
	if p == (ProvenanceTerms{}) {
		c.problem(path, "asks for nothing: write builder, source, ref or buildType, or leave it out")
	}
	if at := splitGit(p.Source); p.Source != "" && (at.ref != "" || at.commit != "") {
		c.problem(append(path, "source"), "is %q, with a ref: write source: %s, and the ref as ref", p.Source, at.repository)
	}
	if commitHash.MatchString(p.Ref) {
		c.problem(append(path, "ref"), "is a commit, and not the name of a branch or tag: no ref is called that")
	}
	return &provenanceMatch{
		builder:   c.term(path, "builder", p.Builder, p.BuilderPattern),
		source:    c.term(path, "source", strings.TrimPrefix(p.Source, "git+"), p.SourcePattern),
		ref:       c.term(path, "ref", p.Ref, p.RefPattern),
		buildType: c.term(path, "buildType", p.BuildType, p.BuildTypePattern),
	}
}

// term compiles what a value must be, which may be anything.
func (c *compiler) term(path []any, field, exact, pattern string) term {
	if exact == "" && pattern == "" {
		return term{field: field}
	}
	m := c.matcher(path, field, exact, pattern)
	return term{field, &m}
}

func (c *compiler) vulnerabilities(path []any, r Requirement) {
	if !slices.Contains(vulnerabilityTypes, r.PredicateType) {
		c.problem(path, "can be asked of vulnerability reports only: %s", strings.Join(vulnerabilityTypes, " or "))
	}
	v := *r.Vulnerabilities
	accepted := severities[:len(severities)-1]
	switch {
	case v == (VulnerabilityTerms{}):
		c.problem(path, "asks for nothing: write worst or maxAge, or leave it out")
	case v.Worst != "" && !slices.Contains(accepted, v.Worst):
		c.problem(append(path, "worst"), "is %q: it can be %s", v.Worst, strings.Join(accepted, ", "))
	}
}

// loadRules loads the users' rules that requirements name. The rules are those that were compiled of the policy.
func (o Options) loadRules(p Policy, rules []rule) error {
	var problems []Problem
	for i, e := range p.Entries {
		for k, r := range e.Attestations {
			if r.Rules == "" {
				continue
			}
			loaded, err := o.loadFolder(r.Rules)
			if err != nil {
				problems = append(problems, Problem{[]any{"trust", i, "attestations", k, "rules"}, err.Error()})
			}
			rules[i].requirements[k].rules = loaded
		}
	}
	if len(problems) > 0 {
		return &PolicyError{problems}
	}
	return nil
}

func (o Options) loadFolder(folder string) (func(context.Context, any) ([]string, error), error) {
	if o.Rules == nil {
		return nil, errors.New("rules cannot be loaded here")
	}
	return o.Rules(resolve(o.Dir, folder))
}
