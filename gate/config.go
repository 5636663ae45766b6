package gate

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/tidewaiter/tidewaiter/gate/strictyaml"
	"github.com/tidewaiter/tidewaiter/image"
	"github.com/tidewaiter/tidewaiter/policies"
	"github.com/tidewaiter/tidewaiter/signature"
)

// ConfigFile is the name of the configuration file that is read from the working directory if it is there.
const ConfigFile = "tidewaiter.yaml"

// Config is the one configuration file. Reading it is strict: what it does not know is an error.
type Config struct {
	FailOn    policies.Severity `yaml:"failOn"`
	Platforms []string          `yaml:"platforms"`
	// Trust says who has to vouch for which image.
	Trust []signature.Entry `yaml:"trust"`
	// TrustedRoot is the path of a Sigstore trusted_root.json. Empty: the public good root, by TUF.
	TrustedRoot string `yaml:"trustedRoot"`
	// TrustedRoots are further roots, by the name that authorities call them.
	TrustedRoots map[string]signature.TrustedRoot `yaml:"trustedRoots"`
	// Registries holds settings by registry host.
	Registries map[string]RegistryConfig `yaml:"registries"`
	// Rules changes the severity of single rules, by rule ID.
	Rules   map[string]RuleConfig `yaml:"rules"`
	Waivers []Waiver              `yaml:"waivers"`
	Limits  Limits                `yaml:"limits"`

	// file is what was read, nil if nothing was; dir is what its relative paths are relative to.
	file *strictyaml.File
	dir  string
}

// RegistryConfig is how one registry is spoken to.
type RegistryConfig struct {
	// PlainHTTP allows HTTP without TLS. It is never tried otherwise.
	PlainHTTP bool `yaml:"plainHTTP"`
	// Credentials is "docker" (the default: the docker configuration and its helpers) or "none".
	Credentials string `yaml:"credentials"`
	// TokenHosts are further hosts that may be given the registry's credentials in exchange for a token: the
	// registry names them, so nobody else can say that they are right. Well-known pairs need no entry.
	TokenHosts []string `yaml:"tokenHosts"`
	// PrivateHosts are hosts with a private address that the registry may redirect to: its object store.
	PrivateHosts []string `yaml:"privateHosts"`
}

// RuleConfig is a change to one rule.
type RuleConfig struct {
	Severity policies.Severity `yaml:"severity"`
}

// LoadConfig reads and checks the configuration file of that name. Paths in it are relative to its folder.
func LoadConfig(name string) (*Config, error) {
	data, err := strictyaml.Read(name)
	if err != nil {
		return nil, err
	}
	return ParseConfig(name, data)
}

// ParseConfig reads a configuration from data; name is its file's, for messages and relative paths.
// The error lists all mistakes, one a line, each with file and line.
func ParseConfig(name string, data []byte) (*Config, error) {
	c := &Config{dir: filepath.Dir(name)}
	var err error
	switch c.file, err = strictyaml.Parse(name, data, c); {
	case errors.Is(err, strictyaml.ErrEmpty):
		return nil, fmt.Errorf("%s: empty; write at least \"failOn: high\", or remove the file", name)
	case err != nil:
		return nil, err
	}
	if err := c.validate(); err != nil {
		return nil, err
	}
	return c, nil
}

// Line returns the 1-based line of the value that path (keys and indexes) leads to, or of its nearest
// ancestor that exists.
func (c *Config) Line(path []any) int {
	if c.file == nil {
		return 1
	}
	return c.file.Line(path)
}

// validate checks what the decoder cannot, and reports all mistakes together.
func (c *Config) validate() error {
	var problems []error
	complain := func(path []any, format string, args ...any) {
		problems = append(problems, c.file.Errorf(path, format, args...))
	}
	if c.FailOn == policies.Off {
		complain([]any{"failOn"}, "failOn: off would let everything through; use low, medium, high or critical")
	}
	if err := image.CheckPlatforms(c.Platforms); err != nil {
		complain([]any{"platforms"}, "platforms: %w", err)
	}
	for host, registry := range c.Registries {
		if err := checkRegistry(host); err != nil {
			complain([]any{"registries", host}, "registries: %w", err)
		}
		for key, hosts := range map[string][]string{"tokenHosts": registry.TokenHosts, "privateHosts": registry.PrivateHosts} {
			for i, h := range hosts {
				if !isHost(h) {
					complain([]any{"registries", host, key, i}, "%s of %s: %q is no host: leave scheme and path out, as in auth.example:8443", key, host, h)
				}
			}
		}
		if registry.Credentials != "" && registry.Credentials != "docker" && registry.Credentials != "none" {
			complain([]any{"registries", host, "credentials"}, "credentials of %s: %q is neither docker nor none", host, registry.Credentials)
		}
	}
	for id, rule := range c.Rules {
		if rule.Severity == policies.Unset {
			complain([]any{"rules", id}, "rules: %s has no severity; write {severity: low|medium|high|critical|off}", id)
		}
	}
	for i, w := range c.Waivers {
		if missing := w.missing(); len(missing) > 0 {
			complain([]any{"waivers", i}, "waiver lacks %s; a waiver names a rule, a subject, a reason and the day it expires",
				strings.Join(missing, " and "))
		}
	}
	if err := c.Limits.validate(); err != nil {
		complain([]any{"limits"}, "limits: %v", err)
	}
	slices.SortFunc(problems, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(problems...)
}

// checkRegistry refuses what no registry of a reference is called: the settings would be nobody's.
func checkRegistry(host string) error {
	canonical, err := image.ParseHost(host)
	switch {
	case err == nil && canonical != host:
		return fmt.Errorf("%q is spelled %q in references: write that", host, canonical)
	case err != nil && (!isHost(host) || strings.ContainsAny(host, ".:")):
		return fmt.Errorf("%q is no host: leave scheme and path out, as in registry.example:5000", host)
	}
	return nil
}

// isHost tells that text may be a host with or without a port, be it one of a local network without a dot.
func isHost(s string) bool { return s != "" && !strings.ContainsAny(s, "/@ ") }

// Path returns name, if it is relative, below the folder of the configuration file.
func (c *Config) Path(name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(c.dir, name)
}

// File is the name of the file that was read; empty if none was.
func (c *Config) File() string {
	if c.file == nil {
		return ""
	}
	return c.file.Name
}

// TrustPolicy is the section trust.
func (c *Config) TrustPolicy() signature.Policy { return signature.Policy{Entries: c.Trust} }

// WithTrust returns the configuration with the one trust entry in place of its own. Paths in the entry are
// relative to the working directory, and what is wrong in it stands in no line of the file.
func (c *Config) WithTrust(e signature.Entry) *Config {
	changed := *c
	changed.Trust = []signature.Entry{e}
	changed.TrustedRoot, changed.TrustedRoots = c.Path(c.TrustedRoot), map[string]signature.TrustedRoot{}
	for name, r := range c.TrustedRoots {
		changed.TrustedRoots[name] = signature.TrustedRoot{File: c.Path(r.File), TUF: r.TUF, Root: c.Path(r.Root)}
	}
	changed.dir, changed.file = "", nil
	return &changed
}

// PlainHTTP lists the registries that may be spoken to without TLS, sorted.
func (c *Config) PlainHTTP() []string {
	var hosts []string
	for host, registry := range c.Registries {
		if registry.PlainHTTP {
			hosts = append(hosts, host)
		}
	}
	slices.Sort(hosts)
	return hosts
}

// AllowPlainHTTP allows HTTP without TLS to a registry, as plainHTTP of it does.
func (c *Config) AllowPlainHTTP(host string) error {
	if err := checkRegistry(host); err != nil {
		return err
	}
	if c.Registries == nil {
		c.Registries = map[string]RegistryConfig{}
	}
	r := c.Registries[host]
	r.PlainHTTP = true
	c.Registries[host] = r
	return nil
}

// TokenHosts lists the hosts that may be given each registry's credentials.
func (c *Config) TokenHosts() map[string][]string {
	hosts := map[string][]string{}
	for host, registry := range c.Registries {
		hosts[host] = registry.TokenHosts
	}
	return hosts
}

// PrivateHosts lists the hosts with private addresses that registries may redirect to, sorted.
func (c *Config) PrivateHosts() []string {
	var hosts []string
	for _, registry := range c.Registries {
		hosts = append(hosts, registry.PrivateHosts...)
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

// Dir is the folder that relative paths of the configuration are relative to.
func (c *Config) Dir() string { return c.dir }

// Explain gives the problems of a trust policy, of its trusted roots and of severities of rules the lines of the file that
// they stand in.
func (c *Config) Explain(err error) error {
	if c.file == nil || err == nil {
		return err
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var out []error
		for _, one := range joined.Unwrap() {
			out = append(out, c.Explain(one))
		}
		return errors.Join(out...)
	}
	var policy *signature.PolicyError
	if !errors.As(err, &policy) {
		return c.explainKey(err)
	}
	var out []error
	for _, p := range policy.Problems {
		out = append(out, c.file.Errorf(p.Path, "%s", p))
	}
	return errors.Join(out...)
}

// keyFirst is how an error about a trusted root or a rule begins: with its key in the configuration.
var keyFirst = regexp.MustCompile(`^(?:trustedRoots?(?:\.[^:.]+)*|rules\.[^: ]+)`)

// explainKey gives an error that begins with a key the line of the key.
func (c *Config) explainKey(err error) error {
	key := keyFirst.FindString(err.Error())
	if key == "" {
		return err
	}
	var path []any
	if id, ok := strings.CutPrefix(key, "rules."); ok { // which may have dots in it
		path = []any{"rules", id}
	} else {
		for step := range strings.SplitSeq(key, ".") {
			path = append(path, step)
		}
	}
	return c.file.Errorf(path, "%w", err)
}
