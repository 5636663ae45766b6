package signature

import (
	"context"

	"github.com/sigstore/sigstore-go/pkg/root"
)

// authority is who may vouch: exactly one of key and identity is set.
type authority struct {
	key      *publicKey
	identity *identity
	// needsLog tells that a signature must be in a transparency log.
	needsLog bool
	// root is what certificates, logs and timestamps are checked against.
	root *trustRoot
}

// String names the authority in reports, as the policy does.
func (a authority) String() string {
	if a.key != nil {
		return "key " + a.key.name
	}
	return a.identity.String()
}

// needsRoot tells that the authority cannot be asked without a trusted root.
func (a authority) needsRoot() bool { return a.needsLog }

// ready returns the authority with everything fetched that it needs, and the trusted roots to check it against.
func (a authority) ready(ctx context.Context) (authority, []root.TrustedMaterial, error) {
	if !a.needsRoot() {
		return a, []root.TrustedMaterial{&root.BaseTrustedMaterial{}}, nil
	}
	trusted, err := a.root.material(ctx)
	return a, trusted, err
}

func (c *compiler) authority(path []any, a Authority) authority {
	out := authority{needsLog: a.Keyless != nil, root: c.root(path, a)}
	switch {
	case a.Key == "" && a.Keyless == nil:
		c.problem(path, "is neither a key nor keyless: write key: FILE, or keyless: {issuer: …, subject: …}")
	case a.Key != "" && a.Keyless != nil:
		c.problem(path, "is both a key and keyless: make two authorities of them")
	case a.Key != "":
		key, err := c.key(a.Key)
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

// root returns the trusted root that an authority names.
func (c *compiler) root(path []any, a Authority) *trustRoot {
	found, ok := c.roots[a.TrustedRoot]
	if !ok && a.TrustedRoot != "" {
		c.problem(append(path, "trustedRoot"), "is %q, which is none of trustedRoots", a.TrustedRoot)
	}
	return found
}

func (c *compiler) transparencyLog(path []any, a Authority, out *authority) {
	switch a.TransparencyLog {
	case "":
	case Required:
		out.needsLog = true
	case Ignore:
		if a.Keyless != nil {
			c.problem(path, "cannot be ignored for a keyless authority: only the log tells when its short-lived certificate was used")
			return
		}
		out.needsLog = false
	default:
		c.problem(path, "is %q: it can be %q, or %q, which is the default for a key",
			a.TransparencyLog, Required, Ignore)
	}
}

// key returns the key of that name.
func (c *compiler) key(name string) (*publicKey, error) {
	if known, ok := c.keys[name]; ok {
		return known, nil
	}
	return loadKey(c.dir, name)
}
