package signature

import (
	"maps"
	"slices"
	"time"

	"github.com/tidewaiter/tidewaiter/image"
)

// Bounds of what is kept of the annotations in a signed claim: how many, and the bytes of each name and value.
const (
	maxAnnotations = 64
	maxAnnotation  = 1024
)

// conditions are what an entry asks of a signature that an authority has accepted.
type conditions struct {
	matchReference bool
	annotations    map[string]string
	maxAge         Age
}

// of binds the rule to an image, by the canonical name of its repository; empty if it is in none.
func (r rule) of(name string) rule {
	wanted := r.wanted
	r.conditions = func(s Signer) *refusal { return wanted.refuse(name, s) }
	return r
}

// refuse says why a signature does not count, nil if it does.
func (c conditions) refuse(name string, s Signer) *refusal {
	if c.matchReference {
		if r := otherReference(name, s.DockerReference); r != nil {
			return r
		}
	}
	for _, key := range slices.Sorted(maps.Keys(c.annotations)) {
		got, ok := s.Annotations[key]
		switch {
		case !ok:
			return refuse(depthClaim, "the signed claim has no annotation %s, which the policy requires", quote(key))
		case got != c.annotations[key]:
			return refuse(depthClaim, "the signed claim's annotation %s is %s, not %s", quote(key), quote(got), quote(c.annotations[key]))
		}
	}
	return tooOld(c.maxAge, s)
}

// otherReference refuses a signature that names another repository than the image's, or none. Tag and digest in
// the name do not matter: the digest that is signed stands beside it.
func otherReference(name, claimed string) *refusal {
	if name == "" {
		return refuse(depthClaim, "the image is in no registry, so that no signature can name its repository")
	}
	if claimed == "" {
		return refuse(depthClaim, "signature does not name the image's repository %s, which the policy requires", quote(name))
	}
	ref, err := image.ParseReference(claimed)
	if err != nil || ref.Transport != image.Registry {
		return refuse(depthClaim, "signature names %s, which is no image of a registry", quote(claimed))
	}
	if ref.Name() != name {
		return refuse(depthClaim, "signature is for repository %s, and not for %s", quote(ref.Name()), quote(name))
	}
	return nil
}

// tooOld refuses a signature that is older than it may be, or of which nobody who is trusted told the time. There
// is no bound if the age is zero.
func tooOld(age Age, s Signer) *refusal {
	switch {
	case age.IsZero():
		return nil
	case s.SignedAt.IsZero():
		return refuse(depthTrust, "no trusted time tells when it was signed, and the policy accepts nothing older than %s", age)
	case time.Since(s.SignedAt) > time.Duration(age):
		return refuse(depthTrust, "signed at %s, and the policy accepts nothing older than %s", s.SignedAt.Format(time.RFC3339), age)
	}
	return nil
}

// claimedAnnotations are the annotations of a signed claim that are texts.
func claimedAnnotations(claimed map[string]any) map[string]string {
	var out map[string]string
	for _, key := range slices.Sorted(maps.Keys(claimed)) {
		text, ok := claimed[key].(string)
		if !ok || len(key) > maxAnnotation || len(text) > maxAnnotation || len(out) == maxAnnotations {
			continue
		}
		if out == nil {
			out = map[string]string{}
		}
		out[key] = text
	}
	return out
}

// conditions compiles what an entry asks of accepted signatures.
func (c *compiler) conditions(path []any, e Entry, authorities []authority) conditions {
	for _, key := range slices.Sorted(maps.Keys(e.Annotations)) {
		value := e.Annotations[key]
		if key == "" || len(key) > maxAnnotation || len(value) > maxAnnotation {
			c.problem(append(path, "annotations", key), "is empty or longer than %d bytes, and is never found", maxAnnotation)
		}
	}
	if len(e.Authorities) == 0 && (e.MatchReference || len(e.Annotations) > 0) {
		c.problem(path, "has matchReference or annotations, which are about signatures, but no authorities who may sign")
	}
	c.timed(path, e.MaxAge, authorities)
	return conditions{e.MatchReference, e.Annotations, e.MaxAge}
}

// timed refuses a bound of age for authorities of which no trusted time is known.
func (c *compiler) timed(path []any, age Age, authorities []authority) {
	if age.IsZero() {
		return
	}
	for _, a := range authorities {
		if who, _, _ := a.who(); who != "" && !a.provesTime() {
			c.problem(append(path, "maxAge"), "is %s, but nothing tells when %s signed: write transparencyLog: %s or timestamp: %s beside it",
				age, a, Required, Required)
		}
	}
}
