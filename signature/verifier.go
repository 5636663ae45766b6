package signature

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tidewaiter/tidewaiter/cache"
	"github.com/tidewaiter/tidewaiter/image"
)

// Options say where a Verifier finds what it needs beside the policy.
type Options struct {
	// Dir is the folder of the configuration: paths in the policy and of trusted roots are relative to it.
	Dir string
	// TrustedRoot is the path of a trusted_root.json. If it is empty, Sigstore's public good root is fetched
	// by The Update Framework, once an image really needs it.
	TrustedRoot string
	// TrustedRoots are further roots, by the name that authorities call them.
	TrustedRoots map[string]TrustedRoot
	// Offline forbids fetching: an image that needs something from elsewhere than its registry is an error then.
	Offline bool
	// CacheDir is the folder where fetched trust metadata is kept. If it is empty, nothing is kept.
	CacheDir string
	// Cache keeps the signature material of images that the policy accepted, for later runs to verify again by
	// themselves (docs/decisions/0002). It is called when there is an image that the policy is about. Nil keeps
	// nothing, and so does a cache that is nil.
	Cache func() *cache.Cache
	// Remember is how long signature material that was asked for is good enough not to ask again. A run of the
	// command sees a registry as it was once; a server must see what is pushed, and sets seconds, or 0.
	Remember time.Duration
	// Rules compiles the users' rules in a folder, which judge an attestation's statement: what they deny is
	// returned. Nil if there are none to be had; a requirement that asks for rules is an error then.
	Rules func(folder string) (func(ctx context.Context, statement any) (denials []string, err error), error)
}

// Verifier says who vouches for images, under one policy. It may be used by several goroutines.
type Verifier struct {
	rules []rule
	// What the rules were made of, for Suggest.
	policy Policy
	dir    string
	roots  map[string]*trustRoot
	// services keep the keys that are in no file.
	services *keyServices

	lookups memory[[]image.Attachment]
	results memory[Result]
	proofs  proofs
}

// New makes a Verifier. It reads the files that the policy and the options name, and needs no network. An
// error is about the configuration: a *PolicyError, or that of a trusted root.
func New(policy Policy, options Options) (*Verifier, error) {
	roots, rootErr := newTrustRoots(options)
	services := newKeyServices(options.Offline)
	rules, policyErr := compile(policy, compiler{dir: options.Dir, roots: roots, services: services})
	if err := errors.Join(policyErr, rootErr); err != nil {
		return nil, err
	}
	if err := options.loadRules(policy, rules); err != nil {
		return nil, err
	}
	return &Verifier{
		rules: rules, policy: policy, dir: options.Dir, roots: roots, services: services,
		lookups: memory[[]image.Attachment]{remember: options.Remember, size: sizeOf},
		results: memory[Result]{remember: options.Remember, size: resultSize},
		proofs:  proofs{options.Cache},
	}, nil
}

// Verify finds out who vouches for an image's Digest, or, where an entry asks for it, for each of its platforms.
// What is unsigned or badly signed is a Result. An error means that it could not be found out: the registry did
// not answer, there is more signature material than the limits of package image allow, or a trusted root could
// not be had. Signature material is only asked for if an entry of the policy matches the image, and if what
// Options.Cache has of it is not enough for every entry. Whoever gets the Result must not change it: others who ask
// for the same digest get the same one.
func (v *Verifier) Verify(ctx context.Context, img *image.Image) (Result, error) {
	rules := v.matching(img.Reference)
	var children []string
	if slices.ContainsFunc(rules, func(r rule) bool { return r.everyChild }) {
		var err error
		if children, err = img.Children(ctx); err != nil {
			return Result{}, err
		}
	}
	return v.results.do(ctx, resultKey(img, children), func(ctx context.Context) (Result, error) {
		return v.verifyOnce(ctx, img, rules, children)
	})
}

// verifyOnce is Verify for everybody who asks for the same.
func (v *Verifier) verifyOnce(ctx context.Context, img *image.Image, rules []rule, children []string) (Result, error) {
	places := placesOf(rules, img.Digest, children)
	if found, ok := v.proofs.gathered(img.Reference, places); ok {
		if result, err := v.verify(ctx, rules, img.Digest, children, found); err == nil && result.holds() {
			return result, nil
		}
	}
	material, err := v.gather(ctx, img, places)
	if err != nil {
		return Result{}, err
	}
	found := gathered{}
	for i, p := range places {
		if err := found.add(p, material[i]); err != nil {
			return Result{}, err
		}
	}
	result, err := v.verify(ctx, rules, img.Digest, children, found)
	if err == nil && result.holds() {
		v.proofs.keepAll(img.Reference, places, material)
	}
	return result, err
}

// holds tells whether every entry that matches the image holds, and there is one.
func (r Result) holds() bool {
	return len(r.Entries) > 0 && !slices.ContainsFunc(r.Entries, func(e EntryResult) bool { return !e.Held })
}

// placesOf are the places where the rules look, each once.
func placesOf(rules []rule, digest string, children []string) []place {
	var out []place
	for _, r := range rules {
		for _, p := range r.places(digest, children) {
			if !slices.Contains(out, p) {
				out = append(out, p)
			}
		}
	}
	return out
}

// placesAtOnce is how many places are looked at at the same time.
const placesAtOnce = 4

// gather returns what stands at each of the places.
func (v *Verifier) gather(ctx context.Context, img *image.Image, places []place) ([][]image.Attachment, error) {
	found, errs := make([][]image.Attachment, len(places)), make([]error, len(places))
	var group errgroup.Group
	group.SetLimit(placesAtOnce)
	for i, p := range places {
		group.Go(func() error {
			found[i], errs[i] = v.attachments(ctx, img, p)
			return nil
		})
	}
	_ = group.Wait() // no function above returns an error
	return found, cmp.Or(errs...)
}

// matching returns the rules that are about an image. One that is in no registry has no name that could be
// trusted; only "**" is about it.
func (v *Verifier) matching(ref image.Reference) []rule {
	name := ""
	if ref.Transport == image.Registry {
		name = ref.Name()
	}
	var rules []rule
	for _, r := range v.rules {
		if r.matches(name) {
			rules = append(rules, r.of(name))
		}
	}
	return rules
}
