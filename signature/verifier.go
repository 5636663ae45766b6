package signature

import (
	"context"
	"errors"
	"fmt"

	"github.com/sigstore/sigstore-go/pkg/root"

	"github.com/tidewaiter/tidewaiter/image"
)

// Options say where a Verifier finds what it needs beside the policy.
type Options struct {
	// Dir is the folder of the configuration: paths in the policy and TrustedRoot are relative to it.
	Dir string
	// TrustedRoot is the path of a trusted_root.json. If it is empty, Sigstore's public good root is fetched
	// by The Update Framework, once an image really needs it.
	TrustedRoot string
	// Offline forbids fetching: an image that needs the trusted root is an error then.
	Offline bool
	// CacheDir is the folder where fetched trust metadata is kept. If it is empty, nothing is kept.
	CacheDir string
}

// Verifier says who vouches for images, under one policy. It may be used by several goroutines.
type Verifier struct {
	rules []rule
	root  *trustRoot
}

// New makes a Verifier. It reads the files that the policy and the options name, and needs no network. An
// error is about the configuration: a *PolicyError, or that of the trusted root.
func New(policy Policy, options Options) (*Verifier, error) {
	rules, policyErr := compile(policy, options.Dir)
	trusted, rootErr := newTrustRoot(options)
	if err := errors.Join(policyErr, rootErr); err != nil {
		return nil, err
	}
	if trusted.current != nil {
		if err := sufficient(trusted.current, rules); err != nil {
			return nil, fmt.Errorf("trustedRoot: %s %w", options.TrustedRoot, err)
		}
	}
	return &Verifier{rules, trusted}, nil
}

// sufficient refuses a root under which no signature could ever count.
func sufficient(trusted root.TrustedMaterial, rules []rule) error {
	for _, r := range rules {
		for _, a := range r.authorities {
			switch {
			case a.needsLog && len(trusted.RekorLogs()) == 0:
				return fmt.Errorf("has no transparency log, which %s needs", a)
			case a.identity != nil && len(trusted.FulcioCertificateAuthorities()) == 0:
				return fmt.Errorf("has no certificate authority, which %s needs", a)
			case a.identity != nil && len(trusted.CTLogs()) == 0:
				return fmt.Errorf("has no certificate transparency log, which %s needs", a)
			}
		}
	}
	return nil
}

// Verify finds out who vouches for an image's Digest. What is unsigned or badly signed is a Result. An error
// means that it could not be found out: the registry did not answer, there is more signature material than
// the limits of package image allow, or the trusted root could not be had. Signature material is only asked
// for if an entry of the policy matches the image.
func (v *Verifier) Verify(ctx context.Context, img *image.Image) (Result, error) {
	rules := v.matching(img.Reference)
	var attachments []image.Attachment
	if len(rules) > 0 {
		var err error
		if attachments, err = img.Attachments(ctx); err != nil {
			return Result{}, err
		}
	}
	return v.verify(ctx, rules, img.Digest, attachments)
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
			rules = append(rules, r)
		}
	}
	return rules
}

// material returns the trusted root if any authority of the rules needs it.
func (v *Verifier) material(ctx context.Context, rules []rule) (root.TrustedMaterial, error) {
	for _, r := range rules {
		for _, a := range r.authorities {
			if a.needsLog {
				return v.root.material(ctx)
			}
		}
	}
	return &root.BaseTrustedMaterial{}, nil
}
