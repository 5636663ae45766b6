package server

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tidewaiter/tidewaiter/gate"
	"github.com/tidewaiter/tidewaiter/gate/strictyaml"
	"github.com/tidewaiter/tidewaiter/server/client"
	"github.com/tidewaiter/tidewaiter/server/store"
	"github.com/tidewaiter/tidewaiter/server/webhook"
	"github.com/tidewaiter/tidewaiter/signature"
)

// DefaultConfig is the configuration file that is read if none is named.
const DefaultConfig = "/etc/tidewaiter/serve.yaml"

// Config is the configuration file of the server. Reading it is strict: what it does not know is an error. Paths in it
// are relative to its folder.
type Config struct {
	// Listen is the address that everything but metrics is served at: 127.0.0.1:8080 by default.
	Listen string `yaml:"listen"`
	// URL is where people find the server, for links in notices: https://tidewaiter.example.
	URL string `yaml:"url"`
	TLS TLS    `yaml:"tls"`
	// Proxies are believed when they say, by X-Forwarded-For, who asks. None is by default.
	Proxies client.Proxies `yaml:"proxies"`
	// Metrics is the address that metrics are served at, without TLS or login: 127.0.0.1:9090 by default; "off".
	Metrics string `yaml:"metrics"`
	// Data is the folder of what is kept: the database, unless it is elsewhere, and the cache of the judging.
	Data string `yaml:"data"`
	// Database is the path of a SQLite file or the address of a PostgreSQL database: postgres://…. The variable
	// TIDEWAITER_DATABASE comes before it, and is the place for an address with a password. Default: a file in Data.
	Database string `yaml:"database"`

	// Gate is the path of the tidewaiter.yaml that images are judged by. Empty: the defaults.
	Gate string `yaml:"gate"`
	// Policies are folders of one's own rules.
	Policies []string `yaml:"policies"`
	// Offline opens no connection but to registries: trust comes from files.
	Offline bool `yaml:"offline"`
	// Credentials is a folder with a config.json of docker: the credentials for registries. There are no others.
	Credentials string `yaml:"credentials"`
	// Environment are the names of variables that the judging gets to see: what a credential helper or a key
	// management service needs.
	Environment []string `yaml:"environment"`

	// Endpoints are where registries send their events to. Their hosts are the registries that images come from.
	Endpoints []webhook.Endpoint `yaml:"endpoints"`
	// Rate is how many requests a second each endpoint takes in the long run: 500.
	Rate int `yaml:"rate"`
	// Queue is how many events and images may wait: 20,000. Then senders are told to come again.
	Queue int `yaml:"queue"`

	// Workers is how many images are judged at the same time: 2.
	Workers int `yaml:"workers"`
	// Attempts is how often it is tried to judge an image, until it is denied because nobody can: 5.
	Attempts int   `yaml:"attempts"`
	Judge    Judge `yaml:"judge"`
	// Rejudge is the time of day, UTC, at which what is deployed or newest of a tag is judged again: "03:00".
	Rejudge TimeOfDay `yaml:"rejudge"`
	// Fresh is how old a verdict may be that allows: 7d. An older one is answered by 409, and the image judged again.
	Fresh signature.Age `yaml:"fresh"`
	// Retention is how long verdicts are kept: 90d. The newest of what is deployed or newest of a tag always is.
	Retention signature.Age `yaml:"retention"`

	// Tokens may ask for verdicts.
	Tokens []Token `yaml:"tokens"`
	// Login is for people: the page.
	Login   Login      `yaml:"login"`
	Notices []Receiver `yaml:"notices"`

	// Grace is how long judgings may go on when the server is told to stop: 25s. What is not done by then is handed back.
	Grace gate.Duration `yaml:"grace"`

	file *strictyaml.File
	// databaseVariable is the variable of the environment that Database is of; empty: it is of the file.
	databaseVariable string
}

// TLS is how the server proves itself. The files are read again when they change.
type TLS struct {
	Cert string `yaml:"cert"` // path of the certificate in PEM, intermediate ones after it
	Key  string `yaml:"key"`
}

// Judge bounds the process that judges an image.
type Judge struct {
	Time   gate.Duration `yaml:"time"`   // 12m: more than limits.imageTime of tidewaiter.yaml, which says which limit it was
	Memory gate.Size     `yaml:"memory"` // 2GiB
}

// maxOutput bounds what a judging process may answer, in bytes: a report and an SBOM.
const maxOutput = 160 << 20

// LoadConfig reads and checks the configuration file of that name.
func LoadConfig(name string) (*Config, error) {
	data, err := strictyaml.Read(name)
	if err != nil {
		return nil, err
	}
	c, err := ParseConfig(name, data)
	if err != nil {
		return nil, err
	}
	return c, c.checkFiles()
}

// ParseConfig reads a configuration from data; name is its file's. The error lists all mistakes, one a line, each with
// file and line.
func ParseConfig(name string, data []byte) (*Config, error) {
	c := &Config{}
	var err error
	switch c.file, err = strictyaml.Parse(name, data, c); {
	case errors.Is(err, strictyaml.ErrEmpty):
		return nil, fmt.Errorf("%s: empty; it needs at least endpoints (docs/serve.md has an example)", name)
	case err != nil:
		return nil, err
	}
	c.complete()
	if err := c.validate(); err != nil {
		return nil, err
	}
	return c, nil
}

// SetDatabase lets the database be the one that a variable of the environment names.
func (c *Config) SetDatabase(variable, address string) error {
	c.Database, c.databaseVariable = address, variable
	if err := checkDatabase(address); err != nil {
		return c.databaseError(err)
	}
	return nil
}

// checkDatabase refuses the address of what is no database here. It does not repeat it: there may be a password in it.
func checkDatabase(address string) error {
	if scheme, _, ok := strings.Cut(address, "://"); ok && scheme != "postgres" && scheme != "postgresql" {
		return fmt.Errorf("there is no database %.20q; write postgres://… or the path of a SQLite file", scheme+"://")
	}
	return nil
}

// databaseError says which database it is that an error is about.
func (c *Config) databaseError(err error) error {
	if c.databaseVariable != "" {
		return fmt.Errorf("%s: %w", c.databaseVariable, err)
	}
	return c.file.Errorf([]any{"database"}, "%w", err)
}

// complete fills in the defaults.
func (c *Config) complete() {
	c.Listen = cmp.Or(c.Listen, "127.0.0.1:8080")
	c.Metrics = cmp.Or(c.Metrics, "127.0.0.1:9090")
	c.Data = c.Path(cmp.Or(c.Data, "/var/lib/tidewaiter"))
	if !strings.Contains(c.Database, "://") {
		c.Database = c.Path(cmp.Or(strings.TrimPrefix(c.Database, "sqlite:"), filepath.Join(c.Data, "tidewaiter.db")))
	}
	c.Gate, c.Credentials = c.Path(c.Gate), c.Path(c.Credentials)
	c.TLS.Cert, c.TLS.Key = c.Path(c.TLS.Cert), c.Path(c.TLS.Key)
	for i, dir := range c.Policies {
		c.Policies[i] = c.Path(dir)
	}
	c.Rate = cmp.Or(c.Rate, 500)
	c.Judge.Time = cmp.Or(c.Judge.Time, gate.Duration(12*time.Minute))
	c.Judge.Memory = cmp.Or(c.Judge.Memory, 2<<30)
	c.Grace = cmp.Or(c.Grace, gate.Duration(25*time.Second))
}

// Path returns name, if it is relative, below the folder of the configuration file, as an absolute path.
func (c *Config) Path(name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	path, err := filepath.Abs(filepath.Join(filepath.Dir(c.file.Name), name))
	if err != nil {
		return name // there is no working directory: opening it will say so
	}
	return path
}

// Dir is the folder that paths are relative to.
func (c *Config) Dir() string { return filepath.Dir(c.file.Name) }

// Hosts are the registries that images may come from: those that endpoints may speak for.
func (c *Config) Hosts() []string {
	var hosts []string
	for _, e := range c.Endpoints {
		hosts = append(hosts, e.Hosts...)
		if e.Host != "" {
			hosts = append(hosts, e.Host)
		}
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

// validate checks what the decoder cannot, and reports all mistakes together. Endpoints are checked by webhook.Open.
func (c *Config) validate() error {
	var problems []error
	complain := func(key string, format string, args ...any) {
		problems = append(problems, c.file.Errorf([]any{key}, key+": "+format, args...))
	}
	for key, address := range map[string]string{"listen": c.Listen, "metrics": c.Metrics} {
		if !isListener(address) && (key == "listen" || address != off) {
			complain(key, "%q is no address; write it as 127.0.0.1:8080, or :8080 for all addresses", address)
		}
	}
	if err := checkDatabase(c.Database); err != nil {
		complain("database", "%w", err)
	}
	for i, name := range c.Environment {
		if name == "" || strings.ContainsAny(name, "=\x00") {
			problems = append(problems, c.file.Errorf([]any{"environment", i}, "environment: %q is no name of a variable", name))
		}
	}
	if c.Workers > store.MaxWorkers {
		complain("workers", "%d are more than the %d that there may be", c.Workers, store.MaxWorkers)
	}
	if c.URL != "" && !isAddress(c.URL, "https", "http") {
		complain("url", "%q is no address; write it as https://tidewaiter.example", c.URL)
	}
	if (c.TLS.Cert == "") != (c.TLS.Key == "") {
		complain("tls", "it needs cert and key")
	}
	if len(c.Endpoints) == 0 {
		complain("endpoints", "there is none, so nothing would ever be judged")
	}
	for key, n := range map[string]int{"rate": c.Rate, "queue": c.Queue, "workers": c.Workers, "attempts": c.Attempts} {
		if n < 0 {
			complain(key, "it is negative; leave it away for its default")
		}
	}
	problems = append(problems, c.checkTokens()...)
	problems = append(problems, c.checkNotices()...)
	slices.SortFunc(problems, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(problems...)
}

// checkFiles fails if what the configuration names is not there, and makes the folder of data. Of credentials nothing else would
// say so: to who has none, what is private is not there.
func (c *Config) checkFiles() error {
	var problems []error
	complain := func(key, format string, args ...any) {
		problems = append(problems, c.file.Errorf([]any{key}, key+": "+format, args...))
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		complain("data", "%w", err)
	}
	if c.Gate != "" {
		if _, err := strictyaml.Read(c.Gate); err != nil {
			complain("gate", "%w", err)
		}
	}
	for i, dir := range c.Policies {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			problems = append(problems, c.file.Errorf([]any{"policies", i}, "policies: %s: no such folder: name the one that the rules are in", dir))
		}
	}
	if c.Credentials != "" {
		if _, err := os.Stat(filepath.Join(c.Credentials, "config.json")); err != nil {
			complain("credentials", "%w; write the folder of a docker config.json", err)
		}
	}
	return errors.Join(problems...)
}

// off is what turns metrics off.
const off = "off"

// isListener tells whether s is an address to listen at: a host, or none, and a port.
func isListener(s string) bool {
	_, port, err := net.SplitHostPort(s)
	if err != nil || port == "" {
		return false
	}
	_, err = net.LookupPort("tcp", port)
	return err == nil
}

func isAddress(s string, schemes ...string) bool {
	u, err := url.Parse(s)
	return err == nil && slices.Contains(schemes, u.Scheme) && u.Host != "" && u.User == nil
}

// Explain gives the problems of endpoints the lines of the file that they stand in.
func (c *Config) Explain(err error) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var out []error
		for _, one := range joined.Unwrap() {
			out = append(out, c.Explain(one))
		}
		return errors.Join(out...)
	}
	var endpoint *webhook.ConfigError
	if errors.As(err, &endpoint) {
		return c.file.Errorf([]any{"endpoints", endpoint.Index, endpoint.Key}, "%w", err)
	}
	return err
}

// TimeOfDay is a time of day in UTC, written "03:00", as the time since midnight.
type TimeOfDay time.Duration

// UnmarshalText reads a time of day.
func (t *TimeOfDay) UnmarshalText(text []byte) error {
	clock, err := time.Parse("15:04", string(text))
	if err != nil {
		return fmt.Errorf("%q is no time of day; write it as \"03:00\"", text)
	}
	*t = TimeOfDay(time.Duration(clock.Hour())*time.Hour + time.Duration(clock.Minute())*time.Minute)
	if *t == 0 {
		*t = TimeOfDay(24 * time.Hour) // the next midnight; zero means the default
	}
	return nil
}
