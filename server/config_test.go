package server

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidewaiter/tidewaiter/gate/strictyaml"
	"github.com/tidewaiter/tidewaiter/server/webhook"
)

// TestConfigMistakes: each is told with its line.
func TestConfigMistakes(t *testing.T) {
	const endpoint = "endpoints: [{name: a, sender: distribution, path: /hooks/a, hosts: [registry.example], auth: none}]\n"
	for text, want := range map[string]string{
		"":                                               "serve.yaml: empty",
		"listen: :8080":                                  `serve.yaml:1: endpoints: there is none`,
		endpoint + "listne: :8080":                       `serve.yaml:2: unknown key "listne"; known here: listen, url`,
		endpoint + "rate: 1\nrate: 2":                    `serve.yaml:3: key "rate" stands twice, first in line 2`,
		endpoint + "listen: nowhere":                     `serve.yaml:2: listen: "nowhere" is no address`,
		endpoint + "listen: \"off\"":                     `serve.yaml:2: listen: "off" is no address`,
		endpoint + "metrics: here":                       `serve.yaml:2: metrics: "here" is no address`,
		endpoint + "listen: foo:bar":                     `serve.yaml:2: listen: "foo:bar" is no address`,
		endpoint + "listen: 127.0.0.1:99999":             `serve.yaml:2: listen: "127.0.0.1:99999" is no address`,
		endpoint + "listen: \"127.0.0.1:\"":              `serve.yaml:2: listen: "127.0.0.1:" is no address`,
		endpoint + "metrics: \"[::1]:-5\"":               `serve.yaml:2: metrics: "[::1]:-5" is no address`,
		endpoint + "proxies: [10.0.0.0/8, nginx]":        `serve.yaml:2: proxies[1]: "nginx" is no address of proxies`,
		endpoint + "database: mysql://u:in-place-9f@h/x": `serve.yaml:2: database: there is no database "mysql://"`,
		endpoint + "workers: 1000000":                    `serve.yaml:2: workers: 1000000 are more than`,
		endpoint + "workers: many":                       `serve.yaml:2: workers: "many" stands where a whole number is wanted`,
		endpoint + "judge: {memory: 1GiB, time: [x]}":    `serve.yaml:2: judge.time: a list stands where`,
		endpoint + "data: {x: 1}":                        `serve.yaml:2: data: a mapping stands where a text is wanted`,
		endpoint + "environment:\n- AWS_REGION\n- A=B":   `serve.yaml:4: environment: "A=B" is no name of a variable`,
		endpoint + "url: x.example":                      `serve.yaml:2: url: "x.example" is no address`,
		endpoint + "tls: {cert: x}":                      `serve.yaml:2: tls: it needs cert and key`,
		endpoint + "workers: -1":                         `serve.yaml:2: workers: it is negative`,
		endpoint + "rejudge: 3 am":                       `serve.yaml:2: rejudge: "3 am" is no time of day`,
		endpoint + "retention: long":                     `serve.yaml:2: retention: "long" is no age`,
		endpoint + "judge: {memory: 1X}":                 `serve.yaml:2: judge.memory: "1X" is no size`,
		endpoint + "tokens:\n- {name: t, sha256: abc, repositories: [\"**\"]}":                                                             `serve.yaml:3: token "t": sha256 is not 64`,
		endpoint + "tokens:\n- {name: t, secret: {env: T}, repositories: [\"**\"]}\n- {name: t, secret: {env: U}, repositories: [\"**\"]}": `serve.yaml:4: token "t": it has no name of its own`,
		endpoint + "tokens:\n- {name: t, repositories: [\"**\"]}":                                                                          `serve.yaml:3: token "t": write sha256`,
		endpoint + "tokens:\n- {name: t, secret: {env: T}}":                                                                                `serve.yaml:3: token "t": repositories is empty`,
		endpoint + "tokens:\n- {name: t, secret: {env: T}, repositories: [\"*\"]}":                                                         `serve.yaml:3: token "t": a pattern is "*"`,
		endpoint + "tokens:\n- {name: t, secret: in-place-9f, repositories: [\"**\"]}":                                                     `serve.yaml:3: tokens[0].secret: a secret does not stand in the configuration`,
		endpoint + "notices:\n- {name: n, url: {env: U}}":                                                                                  `serve.yaml:3: notices to "n": secret is missing`,
		endpoint + "notices:\n- {name: n, url: {env: U}, format: fax}":                                                                     `serve.yaml:3: notices to "n": "fax" is neither`,
		endpoint + "notices:\n- {name: n, url: {env: U}, format: slack, secret: {env: U}}":                                                 `serve.yaml:3: notices to "n": Slack cannot`,
		endpoint + "notices:\n- {name: n, format: slack}\n- {name: n, format: slack}":                                                      `serve.yaml:4: notices to "n": it has no name of its own`,
		strings.Replace(endpoint, "auth: none", "auth: nobody", 1):                                                                         `serve.yaml:1: endpoints[0].auth: "nobody" is not known`,
		"\n" + strings.Replace(endpoint, "auth: none", "auth: {header: {secret: in-place-9f}}", 1):                                         `serve.yaml:2: endpoints[0].auth.header.secret: a secret does not`,
		strings.Replace(endpoint, "auth: none", "auht: none", 1):                                                                           `serve.yaml:1: unknown key "auht"`,
	} {
		_, err := ParseConfig("serve.yaml", []byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q:\ngot  %v\nwant %s", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "in-place-9f") {
			t.Errorf("a secret is repeated: %v", err)
		}
	}
}

// TestFileMistakes: what is not there is told with the line that names it.
func TestFileMistakes(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "file"), "")
	for text, want := range map[string]string{
		"data: file/data":      `serve.yaml:3: data: mkdir `,
		"gate: missing.yaml":   `serve.yaml:3: gate: configuration: open `,
		"gate: .":              `serve.yaml:3: gate: configuration: `,
		"policies: [., rules]": `rules: no such folder`,
		"policies: [file]":     `serve.yaml:3: policies: ` + filepath.Join(dir, "file") + `: no such folder`,
		"credentials: missing": `serve.yaml:3: credentials: stat `,
	} {
		name := filepath.Join(dir, "serve.yaml")
		write(t, name, "\nendpoints: [{name: a, sender: distribution, path: /hooks/a, hosts: [registry.example], auth: none}]\n"+text+"\n"+
			map[bool]string{false: "data: .\n"}[strings.HasPrefix(text, "data")])
		if _, err := LoadConfig(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q:\ngot  %v\nwant %s", text, err, want)
		}
	}
}

// TestStartMistakes: what can only be found out at the start is told with its line, too.
func TestStartMistakes(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for config, want := range map[string]string{
		strings.Replace(baseConfig, "listen: 127.0.0.1:0", "listen: "+taken.Addr().String(), 1):   `serve.yaml:2: listen: listen tcp `,
		strings.Replace(baseConfig, "metrics: 127.0.0.1:0", "metrics: "+taken.Addr().String(), 1): `serve.yaml:3: metrics: listen tcp `,
		baseConfig + "database: gate.yaml\n":                                                      fmt.Sprintf(`serve.yaml:%d: database `, strings.Count(baseConfig, "\n")+1),
	} {
		s, _, _ := newServer(t, config, nil)
		if err := s.Run(t.Context(), t.Context(), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// TestEndpointMistakes: what the package of webhooks objects to stands in a line, too.
func TestEndpointMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"\nendpoints:\n- {name: a, sender: fax, path: /hooks/a, hosts: [registry.example], auth: none}":                                                                                                                                                  `serve.yaml:3: endpoint "a": sender "fax" is not known`,
		"\nendpoints:\n- {name: a, sender: distribution, path: /hooks/a, hosts: [registry.example]}":                                                                                                                                                     "serve.yaml:3: endpoint \"a\": auth",
		"\nendpoints:\n- {name: a, sender: distribution, path: /v1/x, hosts: [registry.example], auth: none}":                                                                                                                                            `serve.yaml:3: endpoint "a": path /v1/x is the server's own`,
		"url: http://scan.example\nlogin: {tokens: [{name: a, secret: {env: PERSON}}]}\nendpoints: [{name: a, sender: distribution, path: /hooks/a, hosts: [registry.example], auth: none}]":                                                             `serve.yaml:2: login: login at http://scan.example would show`,
		"tokens:\n- {name: a, secret: {env: ADMIN}, repositories: [\"**\"]}\n- {name: b, secret: {env: ADMIN}, repositories: [registry.example/b]}\nendpoints: [{name: a, sender: distribution, path: /hooks/a, hosts: [registry.example], auth: none}]": `serve.yaml:3: token "b" is the same as "a"`,
		"login: {tokens: [{name: a, sha256: x}]}\nendpoints: [{name: a, sender: distribution, path: /hooks/a, hosts: [registry.example], auth: none}]":                                                                                                   `serve.yaml:1: login: token "a": write sha256`,
		"\nendpoints:\n- {name: a, sender: distribution, path: /healthz, hosts: [registry.example], auth: none}":                                                                                                                                         `path /healthz is the server's own`,
	} {
		c, err := ParseConfig("serve.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := New(t.Context(), Options{Config: c, Getenv: getenv}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// TestConfigDocument: docs/serve.md names every key, and its examples are accepted.
func TestConfigDocument(t *testing.T) {
	data, err := os.ReadFile("../docs/serve.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for _, typeName := range []string{"server.Config", "server.TLS", "server.Judge", "server.Token", "server.Receiver", "server.Login", "server.OIDC", "server.PersonToken"} {
		keys := strictyaml.Keys(Config{}, typeName)
		if len(keys) < 2 {
			t.Errorf("%s has the keys %q: is it called otherwise now?", typeName, keys)
		}
		for _, key := range keys {
			if !strings.Contains(text, "`"+key+"`") && !strings.Contains(text, "."+key+"`") {
				t.Errorf("docs/serve.md does not name %s of %s", key, typeName)
			}
		}
	}
	examples := 0
	for _, start := range []string{"```yaml\n", "cat > serve.yaml <<'YAML'\n"} {
		for _, example := range strings.Split(text, start)[1:] {
			examples++
			example, _, _ = strings.Cut(example, "```")
			example, _, _ = strings.Cut(example, "YAML\n")
			checkExample(t, example)
		}
	}
	if examples < 2 {
		t.Errorf("got %d examples", examples)
	}
}

func checkExample(t *testing.T, example string) {
	t.Helper()
	c, err := ParseConfig("serve.yaml", []byte(example))
	if err != nil {
		t.Errorf("docs/serve.md: %v in\n%s", err, example)
		return
	}
	const secret = "0123456789abcdef0123456789abcdef"
	if _, err := webhook.Open(withoutFiles(c.Endpoints), webhook.Options{Getenv: func(string) string { return secret }}); err != nil {
		t.Errorf("docs/serve.md: %v in\n%s", err, example)
	}
}

// withoutFiles takes secrets from the environment that examples have in files.
func withoutFiles(endpoints []webhook.Endpoint) []webhook.Endpoint {
	for _, e := range endpoints {
		if h := e.Auth.Header; h != nil && h.Secret.File != "" {
			h.Secret = webhook.Secret{Env: "X"}
		}
		if h := e.Auth.HMAC; h != nil && h.Secret.File != "" {
			h.Secret = webhook.Secret{Env: "X"}
		}
	}
	return endpoints
}

func FuzzParseConfig(f *testing.F) {
	f.Add(baseConfig)
	f.Add("endpoints: [{name: a}]\ntokens: [{}]\nnotices: [{}]\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseConfig("serve.yaml", []byte(text))
		if err != nil {
			return
		}
		for _, token := range c.Tokens {
			if len(token.Repositories) == 0 || token.SHA256 == "" && token.Secret == (webhook.Secret{}) {
				t.Errorf("an open token was accepted: %+v", token)
			}
		}
	})
}
