package signature

import (
	"context"
	"errors"
	"fmt"

	"github.com/sigstore/sigstore-go/pkg/root"
)

// authority is who may vouch: exactly one of key, service and identity is set.
type authority struct {
	key *publicKey
	// service keeps a key that must be fetched. A ready authority has the key in its place.
	service  *keyService
	identity *identity
	demands
	// root is what certificates, logs and timestamps are checked against.
	root *trustRoot
}

// String names the authority in reports, as the policy does.
func (a authority) String() string {
	switch {
	case a.key != nil:
		return "key " + a.key.name
	case a.service != nil:
		return "key " + a.service.reference
	}
	return a.identity.String()
}

// needsRoot tells that the authority cannot be asked without a trusted root.
func (a authority) needsRoot() bool {
	return a.needsLog || a.needsTimestamp || a.identity != nil && a.identity.own == nil
}

// ready returns the authority with everything fetched that it needs, and the trusted roots to check it against.
// An error means that it cannot be asked, and so accepts nothing.
func (a authority) ready(ctx context.Context) (authority, []root.TrustedMaterial, error) {
	if a.service != nil {
		key, err := a.service.key(ctx)
		if err != nil {
			return a, nil, err
		}
		a.key, a.service = key, nil
	}
	trusted := []root.TrustedMaterial{&root.BaseTrustedMaterial{}}
	if a.needsRoot() {
		var err error
		if trusted, err = a.root.material(ctx); err != nil {
			return a, nil, err
		}
	}
	if a.identity == nil || a.identity.own == nil {
		return a, trusted, nil
	}
	own := make([]root.TrustedMaterial, len(trusted))
	for i, t := range trusted {
		own[i] = ownMaterial{t, a.identity.own}
	}
	return a, own, nil
}

func (c *compiler) authority(path []any, a Authority) authority {
	out := authority{root: c.root(path, a)}
	set := 0
	if a.Key != "" {
		set++
		c.key(append(path, "key"), a.Key, &out)
	}
	if a.Certificate != nil {
		set++
		out.identity = c.certificate(append(path, "certificate"), *a.Certificate)
	}
	if a.Keyless != nil {
		set++
		out.identity = c.keyless(append(path, "keyless"), *a.Keyless)
	}
	switch set {
	case 0:
		c.problem(path, "is neither a key nor a certificate nor keyless: write key: FILE, "+
			"certificate: {roots: FILE, subject: …}, or keyless: {issuer: …, subject: …}")
		return out
	case 1:
		out.demands = c.demands(path, a)
		if err := out.sufficientRoot(); err != nil {
			c.problem(path, "%v", err)
		}
	default:
		c.problem(path, "is more than one of key, certificate and keyless: make an authority of each")
	}
	return out
}

// key compiles a key, which a file holds or a key management service.
func (c *compiler) key(path []any, name string, out *authority) {
	var err error
	if scheme, ok := schemeOf(name); ok {
		out.service, err = c.services.find(scheme, name)
	} else if known := c.keys[name]; known != nil {
		out.key = known
	} else {
		out.key, err = loadKey(c.dir, name)
	}
	if err != nil {
		c.problem(path, "%v", err)
	}
}

// root returns the trusted root that an authority names.
func (c *compiler) root(path []any, a Authority) *trustRoot {
	found, ok := c.roots[a.TrustedRoot]
	if !ok && a.TrustedRoot != "" {
		c.problem(append(path, "trustedRoot"), "is %q, which is none of trustedRoots", a.TrustedRoot)
	}
	return found
}

// sufficientRoot refuses a trusted root that is there, and under which no signature of the authority could ever
// count.
func (a authority) sufficientRoot() error {
	if !a.needsRoot() || a.root == nil || a.root.current == nil {
		return nil
	}
	var why error
	for _, trusted := range a.root.current {
		if why = a.sufficient(trusted); why == nil {
			return nil
		}
	}
	return fmt.Errorf("cannot be checked against %s, which %w", a.root.name, why)
}

// sufficient says what a trusted root lacks that the authority needs.
func (a authority) sufficient(trusted root.TrustedMaterial) error {
	switch {
	case a.needsLog && len(trusted.RekorLogs()) == 0:
		without := "transparencyLog: " + Ignore
		if a.identity != nil {
			without += " and timestamp: " + Required
		}
		return fmt.Errorf("has no transparency log: name another trustedRoot, or write %s", without)
	case a.identity != nil && a.identity.own == nil && len(trusted.FulcioCertificateAuthorities()) == 0:
		return errors.New("has no certificate authority: name another trustedRoot")
	case a.needsSCT && len(trusted.CTLogs()) == 0:
		return fmt.Errorf("has no certificate transparency log: name another trustedRoot, or write certificateLog: %s beside keyless "+
			"if its certificate authority has none, as GitHub's own", Ignore)
	case a.needsTimestamp && len(trusted.TimestampingAuthorities()) == 0:
		return fmt.Errorf("has no timestamp authority: name another trustedRoot, or leave timestamp: %s out", Required)
	}
	return nil
}
