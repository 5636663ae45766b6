package webhook

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestConfig refuses at the start what would let in whom it should not, each with one clear error.
func TestConfig(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"secret": secret + "\n", "short": "tooshort", "empty": "", "lines": secret + "\nand more\n", "large": strings.Repeat("a", maxFile+1), "ca.pem": "no certificate",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o := Options{Dir: dir, Getenv: func(name string) string {
		return map[string]string{"SECRET": secret, "SHORT": "Canary-15-bytes", "SLASH": "Canary/with/slashes"}[name]
	}}
	const harbor = "{name: a, sender: harbor, path: /a, hosts: [a.example], auth: {header: {secret: {env: SECRET}}}}"
	const dockerHub = "{name: b, sender: dockerhub, path: /b, hosts: [docker.io], auth: {path: {secret: {env: SECRET}}}}"
	for _, tt := range []struct {
		yaml string // of one endpoint, or of several in a list
		want string // empty: it is fine
	}{
		{harbor, ""},
		{dockerHub, ""},
		{replace(harbor, "env: SECRET", "file: secret"), ""},
		{replace(harbor, "{header: {secret: {env: SECRET}}}", "none"), ""},
		{"[" + harbor + ", " + dockerHub + "]", ""},

		{replace(harbor, ", auth: {header: {secret: {env: SECRET}}}", ""), "auth must be one way that Harbor can prove itself, of header (or none, to believe everybody); there are 0"},
		{replace(harbor, "{header: {secret: {env: SECRET}}}", "{}"), "there are 0"},
		{replace(harbor, "{header: {secret: {env: SECRET}}}", ""), "there are 0"},
		{replace(harbor, "{header: {secret: {env: SECRET}}}", "{header: }"), "there are 0"},
		{replace(harbor, "{header: {secret: {env: SECRET}}}", "{header: {secret: {env: SECRET}}, basic: {username: a, password: {env: SECRET}}}"), "there are 2"},
		{replace(harbor, "{header: {secret: {env: SECRET}}}", "open"), `"open" is not known`},
		{replace(harbor, "{header: {secret: {env: SECRET}}}", "{none: true}"), "field none not found"},
		{replace(harbor, "{header:", "{hmac:"), "auth: Harbor cannot prove itself by hmac; it can by header"},
		{replace(dockerHub, "{path:", "{header:"), "auth: Docker Hub cannot prove itself by header; it can by path"},
		{replace(harbor, "secret: {env: SECRET}", "secret: "+secret), "a secret does not stand in the configuration"},
		{replace(harbor, "secret: {env: SECRET}", "name: X-Secret"), "header: a secret is missing"},
		{replace(harbor, "env: SECRET", "env: SECRET, file: secret"), "not from both"},
		{replace(harbor, "env: SECRET", "env: UNSET"), `the secret in environment variable "UNSET" is not set`},
		{replace(harbor, "env: SECRET", "env: SHORT"), "is shorter than 16 bytes"},
		{replace(harbor, "env: SECRET", "file: short"), "is shorter than 16 bytes"},
		{replace(harbor, "env: SECRET", "file: empty"), `the secret in file "empty" is not set`},
		{replace(harbor, "env: SECRET", "file: lines"), "has blanks, line breaks"},
		{replace(harbor, "env: SECRET", "file: large"), "is larger than"},
		{replace(harbor, "env: SECRET", "file: missing"), "no such file"},
		{replace(dockerHub, "env: SECRET", "env: SLASH"), "as in a path it must be"},
		{replace(harbor, "{header: {secret:", "{header: {name: 'X Y', secret:"), "are letters, digits and dashes"},

		{replace(harbor, "sender: harbor", "sender: nexus"), `sender "nexus" is not known; there are distribution, harbor, dockerhub`},
		{replace(harbor, "sender: harbor, ", ""), `sender "" is not known`},
		{replace(harbor, "[a.example]", "[]"), "hosts is empty"},
		{replace(harbor, "hosts: [a.example], ", ""), "hosts is empty"},
		{replace(harbor, "[a.example]", "['']"), "is not the host of a registry"},
		{replace(harbor, "a.example", "https://a.example"), "is not the host of a registry"},
		{replace(harbor, "a.example", "'*.example'"), "is not the host of a registry"},
		{replace(harbor, "a.example", "A.example"), `write a.example, not "A.example"`},
		{replace(harbor, "hosts: [a.example]", "host: 'a.example:443'"), `write a.example, not "a.example:443"`},
		{replace(harbor, "sender: harbor", "sender: zot"), "zot does not say which registry it is: write host"},
		{replace(harbor, "path: /a", "path: a"), "is not one like /hooks/harbor"},
		{replace(harbor, "path: /a", "path: /a/"), "is not one like /hooks/harbor"},
		{replace(harbor, "path: /a", "path: /a/../b"), "is not one like /hooks/harbor"},
		{replace(harbor, "path: /a", "path: '/{x}'"), "is not one like /hooks/harbor"},
		{replace(harbor, "name: a", "name: 'A b'"), "is not lower-case letters"},
		{replace(harbor, "name: a, ", ""), `endpoint "1": name ""`},
		{replace(harbor, "name: a", "name: a, retries: 3"), "field retries not found"},
		{replace(harbor, "secret: {env", "secrets: {env"), "field secrets not found"},
		{replace(harbor, "{env: SECRET}", "{vault: x}"), "field vault not found"},
		{"[" + harbor + ", " + replace(dockerHub, "path: /b", "path: /a") + "]", `endpoint "b": path "/a" is that of endpoint "a", too`},
		{"[" + harbor + ", " + replace(dockerHub, "name: b", "name: a") + "]", "two endpoints have this name"},

		{"{name: a, sender: zot, path: /a, host: a.example, auth: {basic: {username: 'a:b', password: {env: SECRET}}}}", "has a colon"},
		{"{name: a, sender: zot, path: /a, host: a.example, auth: {mtls: {ca: ca.pem}}}", "it needs ca"},
		{"{name: a, sender: zot, path: /a, host: a.example, auth: {mtls: {ca: ca.pem, subject: CN=a}}}", "holds no certificate in PEM"},
		{"{name: a, sender: gar, path: /a, host: a.example, auth: {oidc: {issuer: 'http://a.example', audience: x, email: y}}}", "is not an https address"},
		{"{name: a, sender: gar, path: /a, host: a.example, auth: {oidc: {issuer: 'https://a.example', email: y}}}", "audience is missing"},
		{"{name: a, sender: gar, path: /a, host: a.example, auth: {oidc: {issuer: 'https://a.example', audience: x}}}", "email or subject is missing"},
	} {
		text := "endpoints: " + tt.yaml
		if !strings.HasPrefix(tt.yaml, "[") {
			text = "endpoints: [" + tt.yaml + "]"
		}
		configured, err := parse(text)
		var endpoints []*Endpoint
		if err == nil {
			endpoints, err = Open(configured, o)
		}
		switch {
		case tt.want == "" && (err != nil || len(endpoints) == 0):
			t.Errorf("%s:\n%v", tt.yaml, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s:\n got %v\nwant %s", tt.yaml, err, tt.want)
		case err != nil && (strings.Contains(err.Error(), "Canary") || endpoints != nil):
			t.Errorf("%s: a secret in the error, or endpoints in spite of it: %v", tt.yaml, err)
		case err != nil && strings.Count(strings.TrimSpace(err.Error()), "\n") > 1:
			t.Errorf("%s: more than one error for one mistake:\n%v", tt.yaml, err)
		}
	}
}

func replace(s, old, replacement string) string {
	if !strings.Contains(s, old) {
		panic(old + " is not in " + s)
	}
	return strings.Replace(s, old, replacement, 1)
}

// TestConfigAll reports all mistakes together, with where they stand.
func TestConfigAll(t *testing.T) {
	endpoints, err := parse("endpoints: [{name: a, sender: harbor, path: /a, hosts: [a.example], auth: none}, {name: B, sender: x, path: b}]")
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(endpoints, Options{})
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatal(err)
	}
	var keys []string
	for _, one := range joined.Unwrap() {
		var problem *ConfigError
		if !errors.As(one, &problem) || problem.Index != 1 {
			t.Errorf("%v: it has no place in the configuration", one)
			continue
		}
		keys = append(keys, problem.Key)
	}
	if got := strings.Join(keys, " "); got != "name path sender hosts" {
		t.Errorf("the mistakes are in %s", got)
	}
}

// TestPattern keeps the secret out of what logs and metrics get to see.
func TestPattern(t *testing.T) {
	f := readFixture(t, "dockerhub")
	e := open(t, f.endpoint("dockerhub", Auth{Path: &PathAuth{Secret: Secret{Env: "SECRET"}}}), f.options())
	if got := e.Pattern(); got != "/hooks/dockerhub/{secret}" {
		t.Errorf("the pattern is %s", got)
	}
}
