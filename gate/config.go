package gate

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tidewaiter/tidewaiter/policies"
	"github.com/tidewaiter/tidewaiter/signature"
)

// ConfigFile is the name of the configuration file that is read from the working directory if it is there.
const ConfigFile = "tidewaiter.yaml"

// maxConfigSize bounds a configuration file, in bytes.
const maxConfigSize = 1 << 20

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

	// file is what was read, for messages and positions; dir is what its relative paths are relative to.
	file string
	dir  string
	root *yaml.Node
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
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("configuration: %s is not a regular file", name)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxConfigSize+1))
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	if len(data) > maxConfigSize {
		return nil, fmt.Errorf("configuration: %s is larger than %d bytes", name, maxConfigSize)
	}
	return ParseConfig(name, data)
}

// ParseConfig reads a configuration from data; name is its file's, for messages and relative paths.
// The error lists all mistakes, one a line, each with file and line.
func ParseConfig(name string, data []byte) (*Config, error) {
	c := &Config{file: name, dir: filepath.Dir(name), root: new(yaml.Node)}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	switch err := decoder.Decode(c); {
	case errors.Is(err, io.EOF):
		return nil, fmt.Errorf("%s: empty; write at least \"failOn: high\", or remove the file", name)
	case err != nil:
		return nil, explainYAML(name, err)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: holds more than one YAML document; one is read, so one must be there", name)
	}
	if err := yaml.Unmarshal(data, c.root); err != nil {
		return nil, explainYAML(name, err)
	}
	if err := c.validate(); err != nil {
		return nil, err
	}
	return c, nil
}

// Line returns the 1-based line of the value that path (keys and indexes) leads to, or of its nearest
// ancestor that exists.
func (c *Config) Line(path []any) int {
	node := c.root
	if node == nil {
		return 1
	}
	if node.Kind == yaml.DocumentNode && len(node.Content) > 0 {
		node = node.Content[0]
	}
	for _, step := range path {
		next := child(node, step)
		if next == nil {
			break
		}
		node = next
	}
	return max(node.Line, 1)
}

// child returns the value below node that one step of a path leads to, nil if there is none.
func child(node *yaml.Node, step any) *yaml.Node {
	switch step := step.(type) {
	case int:
		if node.Kind == yaml.SequenceNode && step >= 0 && step < len(node.Content) {
			return node.Content[step]
		}
	case string:
		if node.Kind != yaml.MappingNode {
			return nil
		}
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == step {
				return node.Content[i+1]
			}
		}
	}
	return nil
}

// validate checks what the decoder cannot, and reports all mistakes together.
func (c *Config) validate() error {
	var problems []error
	complain := func(path []any, format string, args ...any) {
		problems = append(problems, fmt.Errorf("%s:%d: %s", c.file, c.Line(path), fmt.Sprintf(format, args...)))
	}
	if c.FailOn == policies.Off {
		complain([]any{"failOn"}, "failOn: off would let everything through; use low, medium, high or critical")
	}
	for host, registry := range c.Registries {
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

// Path returns name, if it is relative, below the folder of the configuration file.
func (c *Config) Path(name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(c.dir, name)
}

// File is the name of the file that was read; empty if none was.
func (c *Config) File() string { return c.file }

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
	changed.dir, changed.file, changed.root = "", "", nil
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

var (
	unknownField = regexp.MustCompile(`^line (\d+): field (.+) not found in type (\S+)$`)
	doubledKey   = regexp.MustCompile(`^line (\d+): mapping key "(.+)" already defined at line (\d+)$`)
	otherLine    = regexp.MustCompile(`^line (\d+): (.*)$`)
)

// Explain gives the problems of a trust policy and of its trusted roots the lines of the file that they stand in.
func (c *Config) Explain(err error) error {
	if c.file == "" || err == nil {
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
		return c.explainRoot(err)
	}
	var out []error
	for _, p := range policy.Problems {
		out = append(out, fmt.Errorf("%s:%d: %s", c.file, c.Line(p.Path), p))
	}
	return errors.Join(out...)
}

// rootKey is how an error about a trusted root begins: with its key in the configuration.
var rootKey = regexp.MustCompile(`^trustedRoots?(\.[^:.]+)*`)

// explainRoot gives an error about a trusted root the line of the root.
func (c *Config) explainRoot(err error) error {
	key := rootKey.FindString(err.Error())
	if key == "" {
		return err
	}
	var path []any
	for _, step := range strings.Split(key, ".") {
		path = append(path, step)
	}
	return fmt.Errorf("%s:%d: %w", c.file, c.Line(path), err)
}

// explainYAML turns the decoder's error into one line a mistake, with file and line first.
func explainYAML(name string, err error) error {
	var decoding *yaml.TypeError
	lines := []string{strings.TrimPrefix(err.Error(), "yaml: ")}
	if errors.As(err, &decoding) {
		lines = decoding.Errors
	}
	var out []error
	for _, line := range lines {
		switch {
		case unknownField.MatchString(line):
			m := unknownField.FindStringSubmatch(line)
			out = append(out, fmt.Errorf("%s:%s: unknown key %q; known here: %s", name, m[1], m[2], knownKeys(m[3])))
		case doubledKey.MatchString(line):
			m := doubledKey.FindStringSubmatch(line)
			out = append(out, fmt.Errorf("%s:%s: key %q stands twice, first in line %s", name, m[1], m[2], m[3]))
		case otherLine.MatchString(line):
			m := otherLine.FindStringSubmatch(line)
			out = append(out, fmt.Errorf("%s:%s: %s", name, m[1], m[2]))
		default:
			out = append(out, fmt.Errorf("%s: %s", name, line))
		}
	}
	return errors.Join(out...)
}

// knownKeys lists the YAML keys of the configuration type of that name ("gate.Waiver").
func knownKeys(typeName string) string {
	var keys []string
	seen := map[reflect.Type]bool{}
	var visit func(t reflect.Type)
	visit = func(t reflect.Type) {
		for t.Kind() == reflect.Slice || t.Kind() == reflect.Map || t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct || seen[t] || t == reflect.TypeFor[yaml.Node]() || t == reflect.TypeFor[time.Time]() {
			return
		}
		seen[t] = true
		for i := range t.NumField() {
			field := t.Field(i)
			key, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
			if t.String() == typeName && key != "" && key != "-" {
				keys = append(keys, key)
			}
			if field.IsExported() {
				visit(field.Type)
			}
		}
	}
	visit(reflect.TypeFor[Config]())
	return strings.Join(keys, ", ")
}
