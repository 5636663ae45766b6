package signature

import (
	"fmt"
	"slices"

	"github.com/tidewaiter/tidewaiter/image"
)

// rule is an entry that can be applied.
type rule struct {
	images       []string // as the policy writes them
	patterns     []pattern
	threshold    int
	authorities  []authority
	requirements []requirement
	everyChild   bool
	repository   string // that keeps the signatures; empty: the image's own
	// conditions say why a signature that an authority accepts does not count all the same; nil if it does.
	conditions func(Signer) *refusal
}

// matches tells whether the rule is about an image. The empty name is of an image without a registry, which
// only "**" matches.
func (r rule) matches(name string) bool {
	return slices.ContainsFunc(r.patterns, func(p pattern) bool { return p.match(name) })
}

// compiler collects the problems of a policy while it is compiled.
type compiler struct {
	dir   string
	roots map[string]*trustRoot // by the name that authorities use; "" is the default one
	// keys are those that are no files yet, by name (Suggest).
	keys     map[string]*publicKey
	problems []Problem
}

func (c *compiler) problem(path []any, format string, args ...any) {
	c.problems = append(c.problems, Problem{slices.Clone(path), fmt.Sprintf(format, args...)})
}

// compile turns a policy into rules, or reports all of its problems at once.
func compile(p Policy, dir string, roots map[string]*trustRoot) ([]rule, error) {
	c := &compiler{dir: dir, roots: roots}
	rules := make([]rule, len(p.Entries))
	for i, e := range p.Entries {
		rules[i] = c.entry([]any{"trust", i}, e)
	}
	if len(c.problems) > 0 {
		return nil, &PolicyError{c.problems}
	}
	return rules, nil
}

func (c *compiler) entry(path []any, e Entry) rule {
	r := rule{images: e.Images, threshold: e.Threshold, everyChild: e.EveryChild, repository: e.Signatures}
	if len(e.Images) == 0 {
		c.problem(path, `has no images: name them (images: ["registry.example/shop/**"]), or every image (images: ["**"])`)
	}
	for i, text := range e.Images {
		p, err := parsePattern(text)
		if err != nil {
			c.problem(append(path, "images", i), "%v", err)
			continue
		}
		r.patterns = append(r.patterns, p)
	}
	if e.Signatures != "" {
		if _, err := image.ParseRepository(e.Signatures); err != nil {
			c.problem(append(path, "signatures"), "%v", err)
		}
	}
	if len(e.Authorities) == 0 && len(e.Attestations) == 0 {
		c.problem(path, "has no authorities: nobody could vouch for these images; add a key or a keyless identity")
	}
	r.authorities = c.authorities(path, e.Authorities)
	if len(e.Authorities) > 0 {
		r.threshold = c.threshold(path, e.Threshold, r.authorities)
	}
	r.conditions = func(Signer) *refusal { return nil }
	for i, want := range e.Attestations {
		r.requirements = append(r.requirements, c.requirement(append(path, "attestations", i), want, e, r.authorities))
	}
	return r
}

// authorities compiles the authorities of an entry, or of a requirement.
func (c *compiler) authorities(path []any, list []Authority) []authority {
	out := make([]authority, len(list))
	for i, a := range list {
		out[i] = c.authority(append(path, "authorities", i), a)
	}
	c.distinctKeys(path, out)
	return out
}

// distinctKeys refuses one key under two names: it would look like two signers, and count as one.
func (c *compiler) distinctKeys(path []any, authorities []authority) {
	first := map[string]int{}
	for i, a := range authorities {
		if a.key == nil {
			continue
		}
		if j, ok := first[a.key.fingerprint]; ok {
			c.problem(append(path, "authorities", i, "key"),
				"is the same key as authorities[%d] (SHA-256 %s): leave one of them out", j, a.key.fingerprint)
			continue
		}
		first[a.key.fingerprint] = i
	}
}

// threshold checks that a threshold can be met, and returns it. A pattern may stand for any number of
// identities.
func (c *compiler) threshold(path []any, threshold int, authorities []authority) int {
	open := slices.ContainsFunc(authorities, func(a authority) bool { return a.identity != nil && a.identity.open() })
	switch {
	case threshold == 0:
		return 1
	case threshold < 0:
		c.problem(append(path, "threshold"), "is %d: it says how many must vouch, and must be at least 1", threshold)
	case threshold > len(authorities) && !open:
		c.problem(append(path, "threshold"), "is %d, but there are only %d authorities: it could never be met",
			threshold, len(authorities))
	}
	return threshold
}
