package signature

import (
	"fmt"
	"slices"
)

// rule is an entry that can be applied.
type rule struct {
	images      []string // as the policy writes them
	patterns    []pattern
	threshold   int
	authorities []authority
}

// authority is who may vouch: exactly one of key and identity is set.
type authority struct {
	key      *publicKey
	identity *identity
	// needsLog tells that a signature must be in a transparency log.
	needsLog bool
}

// String names the authority in reports, as the policy does.
func (a authority) String() string {
	if a.key != nil {
		return "key " + a.key.name
	}
	return a.identity.String()
}

// matches tells whether the rule is about an image. The empty name is of an image without a registry, which
// only "**" matches.
func (r rule) matches(name string) bool {
	return slices.ContainsFunc(r.patterns, func(p pattern) bool { return p.match(name) })
}

// compiler collects the problems of a policy while it is compiled.
type compiler struct {
	dir      string
	problems []Problem
}

func (c *compiler) problem(path []any, format string, args ...any) {
	c.problems = append(c.problems, Problem{slices.Clone(path), fmt.Sprintf(format, args...)})
}

// compile turns a policy into rules, or reports all of its problems at once.
func compile(p Policy, dir string) ([]rule, error) {
	c := &compiler{dir: dir}
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
	r := rule{images: e.Images, threshold: e.Threshold}
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
	if len(e.Authorities) == 0 {
		c.problem(path, "has no authorities: nobody could vouch for these images; add a key or a keyless identity")
	}
	for i, a := range e.Authorities {
		r.authorities = append(r.authorities, c.authority(append(path, "authorities", i), a))
	}
	c.distinctKeys(path, r.authorities)
	c.threshold(path, &r, e)
	return r
}

func (c *compiler) authority(path []any, a Authority) authority {
	out := authority{needsLog: a.Keyless != nil}
	switch {
	case a.Key == "" && a.Keyless == nil:
		c.problem(path, "is neither a key nor keyless: write key: FILE, or keyless: {issuer: …, subject: …}")
	case a.Key != "" && a.Keyless != nil:
		c.problem(path, "is both a key and keyless: make two authorities of them")
	case a.Key != "":
		key, err := loadKey(c.dir, a.Key)
		if err != nil {
			c.problem(append(path, "key"), "%v", err)
		}
		out.key = key
	default:
		out.identity = c.identity(append(path, "keyless"), *a.Keyless)
	}
	c.transparencyLog(append(path, "transparencyLog"), a, &out)
	return out
}

func (c *compiler) transparencyLog(path []any, a Authority, out *authority) {
	switch a.TransparencyLog {
	case "":
	case TransparencyLogRequired:
		out.needsLog = true
	case TransparencyLogIgnore:
		if a.Keyless != nil {
			c.problem(path, "cannot be ignored for a keyless authority: only the log tells when its short-lived certificate was used")
			return
		}
		out.needsLog = false
	default:
		c.problem(path, "is %q: it can be %q, or %q, which is the default for a key",
			a.TransparencyLog, TransparencyLogRequired, TransparencyLogIgnore)
	}
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

// threshold checks that the threshold can be met. A pattern may stand for any number of identities.
func (c *compiler) threshold(path []any, r *rule, e Entry) {
	if e.Threshold == 0 {
		r.threshold = 1
		return
	}
	open := slices.ContainsFunc(r.authorities, func(a authority) bool { return a.identity != nil && a.identity.open() })
	switch {
	case e.Threshold < 0:
		c.problem(append(path, "threshold"), "is %d: it says how many must vouch, and must be at least 1", e.Threshold)
	case e.Threshold > len(e.Authorities) && len(e.Authorities) > 0 && !open:
		c.problem(append(path, "threshold"), "is %d, but there are only %d authorities: it could never be met",
			e.Threshold, len(e.Authorities))
	}
}
