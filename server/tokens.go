package server

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/tidewaiter/tidewaiter/server/webhook"
	"github.com/tidewaiter/tidewaiter/signature"
)

// Token lets its bearer read the verdicts of some repositories.
type Token struct {
	// Name is what logs call it.
	Name string `yaml:"name"`
	// SHA256 is the digest of the token in hexadecimal, or Secret says where the token is. One of them is set.
	SHA256 string         `yaml:"sha256"`
	Secret webhook.Secret `yaml:"secret"`
	// Repositories are patterns of what it may read, as in the section trust of tidewaiter.yaml: registry.example/shop/**.
	Repositories []string `yaml:"repositories"`
	// Ask tells that it may also have images judged, and say what is deployed.
	Ask bool `yaml:"ask"`
}

func (c *Config) checkTokens() []error {
	var problems []error
	for i, t := range c.Tokens {
		complain := func(key, format string, args ...any) {
			problems = append(problems, c.file.Errorf([]any{"tokens", i, key}, "token %q: "+format, append([]any{t.Name}, args...)...))
		}
		if t.Name == "" || slices.ContainsFunc(c.Tokens[:i], func(o Token) bool { return o.Name == t.Name }) {
			complain("name", "it has no name of its own")
		}
		if (t.SHA256 == "") == (t.Secret == webhook.Secret{}) {
			complain("sha256", "write sha256, the digest of the token, or secret: {file: PATH}")
		}
		if sum, err := hex.DecodeString(t.SHA256); t.SHA256 != "" && (err != nil || len(sum) != sha256.Size) {
			complain("sha256", "sha256 is not 64 hexadecimal digits, as printf %%s \"$TOKEN\" | sha256sum prints them")
		}
		if len(t.Repositories) == 0 {
			complain("repositories", "repositories is empty: it may read nothing; write [\"**\"] for everything")
		}
		for _, text := range t.Repositories {
			if _, err := signature.ParsePattern(text); err != nil {
				complain("repositories", "a pattern %v", err)
			}
		}
	}
	return problems
}

// reader is a token that was opened.
type reader struct {
	name     string
	sum      [sha256.Size]byte
	patterns []signature.Pattern
	ask      bool
}

// may tells whether it may read of a repository, named with its host.
func (r *reader) may(name string) bool {
	return slices.ContainsFunc(r.patterns, func(p signature.Pattern) bool { return p.Match(name) })
}

// openTokens reads the tokens. The configuration was checked.
func (c *Config) openTokens(o webhook.Options) ([]*reader, error) {
	var readers []*reader
	for i, t := range c.Tokens {
		r := &reader{name: t.Name, ask: t.Ask}
		if sum, err := hex.DecodeString(t.SHA256); err == nil && t.SHA256 != "" {
			copy(r.sum[:], sum)
		} else {
			secret, err := t.Secret.Read(o)
			if err != nil {
				return nil, c.file.Errorf([]any{"tokens", i, "secret"}, "token %q: %w", t.Name, err)
			}
			r.sum = sha256.Sum256([]byte(secret))
		}
		for _, text := range t.Repositories {
			p, err := signature.ParsePattern(text)
			if err != nil {
				return nil, fmt.Errorf("token %q: a pattern %w", t.Name, err)
			}
			r.patterns = append(r.patterns, p)
		}
		if other := slices.IndexFunc(readers, func(o *reader) bool { return o.sum == r.sum }); other >= 0 {
			return nil, c.file.Errorf([]any{"tokens", i}, "token %q is the same as %q: make one of its own with openssl rand -hex 32", t.Name, readers[other].name)
		}
		readers = append(readers, r)
	}
	return readers, nil
}

// maxToken bounds a token, in bytes.
const maxToken = 512

// whose returns the token that a request bears, nil if it bears none that is known. It takes as long for each that is not.
func whose(readers []*reader, r *http.Request) *reader {
	header := r.Header.Values("Authorization")
	if len(header) != 1 || len(header[0]) > maxToken {
		return nil
	}
	scheme, token, _ := strings.Cut(header[0], " ")
	if !strings.EqualFold(scheme, "bearer") || token == "" {
		return nil
	}
	sum := sha256.Sum256([]byte(token))
	var found *reader
	for _, one := range readers {
		if subtle.ConstantTimeCompare(sum[:], one.sum[:]) == 1 {
			found = one
		}
	}
	return found
}
