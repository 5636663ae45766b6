package signature

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"slices"
	"strings"
)

// hypotheses are the authorities that might have made what a candidate holds, the strictest first. Each names
// exactly one key or one identity, the one that the candidate claims: none of them stands for anybody else.
func (s *suggester) hypotheses(c *candidate) []Authority {
	var out []Authority
	if c.names.subject != "" {
		out = s.identities(c.names)
	} else {
		for _, file := range s.loggedKeys(c.signed) {
			out = append(out, Authority{Key: file, TransparencyLog: Required}, Authority{Key: file})
		}
	}
	for _, e := range s.verifier.policy.Entries {
		out = append(out, configuredKeys(e.Authorities)...)
		for _, r := range e.Attestations {
			out = append(out, configuredKeys(r.Authorities)...)
		}
	}
	return out
}

func configuredKeys(authorities []Authority) []Authority {
	return slices.DeleteFunc(slices.Clone(authorities), func(a Authority) bool { return a.Key == "" })
}

// identities are the ways to name what a certificate claims: under each trusted root, and under the roots of
// certificates that the policy names somewhere.
func (s *suggester) identities(names certificateNames) []Authority {
	if !showable(names.subject) || !showable(names.issuer) {
		return nil
	}
	var out []Authority
	if names.issuer != "" {
		who := &Keyless{Issuer: names.issuer, Subject: names.subject}
		for _, name := range slices.Sorted(maps.Keys(s.verifier.roots)) {
			out = append(out,
				Authority{Keyless: who, TrustedRoot: name},
				Authority{Keyless: who, TrustedRoot: name, TransparencyLog: Ignore, Timestamp: Required},
				Authority{Keyless: who, TrustedRoot: name, CertificateLog: Ignore},
				Authority{Keyless: who, TrustedRoot: name, TransparencyLog: Ignore, Timestamp: Required, CertificateLog: Ignore},
			)
		}
	}
	for _, e := range s.verifier.policy.Entries {
		for _, a := range e.Authorities {
			if a.Certificate != nil {
				a.Certificate = &Certificate{Roots: a.Certificate.Roots, Issuer: names.issuer, Subject: names.subject}
				out = append(out, a)
			}
		}
	}
	return out
}

// loggedKeys are the keys that the log entries beside a signature name, as files that they could be kept in.
// They are claims: only the signature tells whether it is by them.
func (s *suggester) loggedKeys(signed signed) []string {
	var files []string
	for _, body := range logBodies(signed) {
		for _, der := range keysInBody(body) {
			text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
			parsed, err := parsePublicKey(text)
			if err != nil {
				continue
			}
			key, err := newPublicKey("", parsed)
			if err != nil {
				continue
			}
			key.name = "signer-" + key.fingerprint[:12] + ".pub"
			if s.compiler.keys[key.name] == nil {
				s.compiler.keys[key.name] = key
				s.keys = append(s.keys, SuggestedKey{key.name, string(text)})
			}
			files = append(files, key.name)
		}
	}
	return files
}

// wantedKeys are the keys from logs that an entry names.
func (s *suggester) wantedKeys(e Entry) []SuggestedKey {
	authorities := slices.Clone(e.Authorities)
	for _, r := range e.Attestations {
		authorities = append(authorities, r.Authorities...)
	}
	return slices.DeleteFunc(s.keys, func(k SuggestedKey) bool {
		return !slices.ContainsFunc(authorities, func(a Authority) bool { return a.Key == k.File })
	})
}

// logBodies are the bodies of the log entries that stand beside a signature.
func logBodies(s signed) [][]byte {
	switch s := s.(type) {
	case *simple:
		return s.logBodies()
	case *envelope:
		return s.logBodies()
	case *bundled:
		entries, err := s.bundle.TlogEntries()
		if err != nil {
			return nil
		}
		var bodies [][]byte
		for _, e := range entries {
			bodies = append(bodies, e.TransparencyLogEntry().GetCanonicalizedBody())
		}
		return bodies
	}
	return nil
}

func (c *classic) logBodies() [][]byte {
	if c.log == nil {
		return nil
	}
	text, _ := c.log.Payload.Body.(string)
	body, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	return [][]byte{body}
}

// logBody is where the kinds of Rekor's entries keep the key: hashedrekord, dsse and intoto of its first
// version, hashedrekord and dsse of its second.
type logBody struct {
	Spec struct {
		Signature struct {
			PublicKey struct{ Content []byte }
		}
		Signatures []struct{ Verifier []byte }
		PublicKey  []byte
		Content    struct {
			Envelope struct {
				Signatures []struct{ PublicKey []byte }
			}
		}
		HashedRekordV002 struct{ Signature tiledSignature }
		DsseV002         struct{ Signatures []tiledSignature }
	}
}

type tiledSignature struct {
	Verifier struct {
		PublicKey struct{ RawBytes []byte }
	}
}

// keysInBody returns the public keys of a log entry in DER form.
func keysInBody(body []byte) [][]byte {
	var b logBody
	if json.Unmarshal(body, &b) != nil {
		return nil
	}
	texts := [][]byte{b.Spec.Signature.PublicKey.Content, b.Spec.PublicKey}
	for _, s := range b.Spec.Signatures {
		texts = append(texts, s.Verifier)
	}
	for _, s := range b.Spec.Content.Envelope.Signatures {
		texts = append(texts, s.PublicKey)
	}
	var keys [][]byte
	for _, text := range texts {
		if block, _ := pem.Decode(text); block != nil && block.Type == "PUBLIC KEY" {
			keys = append(keys, block.Bytes)
		}
	}
	for _, s := range append(b.Spec.DsseV002.Signatures, b.Spec.HashedRekordV002.Signature) {
		if der := s.Verifier.PublicKey.RawBytes; len(der) > 0 {
			keys = append(keys, der)
		}
	}
	return keys
}

// sameAuthority tells whether an authority stands in a list already.
func sameAuthority(list []Authority, a Authority) bool {
	return slices.ContainsFunc(list, func(b Authority) bool { return describeAuthority(a) == describeAuthority(b) })
}

// describeAuthority spells an authority out, with all that hangs on it.
func describeAuthority(a Authority) string {
	text, _ := json.Marshal(a) // of strings only, which cannot fail
	return string(text)
}

// showable tells that a name can stand in a policy as it is: whole, and visibly itself.
func showable(name string) bool {
	return len(name) <= maxShown && strings.TrimSpace(name) == name && clip(name, maxShown) == name
}

// maxShown bounds a name that is suggested, in bytes.
const maxShown = 1024
