package gate

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestFingerprint: whatever changes a verdict changes it, and nothing else does.
func TestFingerprint(t *testing.T) {
	const text = `
trustedRoot: root.json
trustedRoots: {own: {file: own.json}, tuf: {tuf: "https://tuf.example", root: 1.root.json}}
trust:
  - images: ["**"]
    authorities: [{key: cosign.pub}, {key: "awskms:///alias/x"}, {certificate: {roots: ca.pem, subject: a}}]
    attestations: [{predicateType: "https://x.example", rules: statements, authorities: [{key: second.pub}]}]
waivers: [{rule: image/shell, subject: a, reason: b, expires: 2030-01-02}]
`
	dir := t.TempDir()
	put := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "statements", "deep"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "elsewhere"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"linked": "../elsewhere", "circle": "."} {
		if err := os.Symlink(target, filepath.Join(dir, "statements", name)); err != nil {
			t.Fatal(err)
		}
	}
	files := []string{"elsewhere/d.rego", "root.json", "own.json", "1.root.json", "cosign.pub", "ca.pem", "second.pub", "statements/a.rego", "statements/deep/b.rego"}
	for _, name := range files {
		put(name, "first")
	}
	before := time.Date(2030, 1, 2, 12, 0, 0, 0, time.UTC)
	fingerprint := func(text string, now time.Time, more ...string) string {
		t.Helper()
		c, err := ParseConfig(filepath.Join(dir, ConfigFile), []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		sum, err := c.Fingerprint(now, more...)
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	seen := map[string]string{}
	news := func(what, sum string) {
		t.Helper()
		if other, known := seen[sum]; known {
			t.Errorf("%s: the same as %s", what, other)
		}
		seen[sum] = what
	}
	first := fingerprint(text, before, "rules", "version")
	news("first", first)
	if fingerprint(text, before.Add(-time.Hour), "rules", "version") != first {
		t.Error("the time of day counts")
	}
	news("expired waiver", fingerprint(text, before.AddDate(0, 0, 1), "rules", "version"))
	news("other text", fingerprint(text+"failOn: low\n", before, "rules", "version"))
	news("other rules", fingerprint(text, before, "rules2", "version"))
	news("other cut", fingerprint(text, before, "rulesv", "ersion"))
	for _, name := range files {
		put(name, "second")
		news(name, fingerprint(text, before, "rules", "version"))
		put(name, "first")
	}
	if err := os.Rename(filepath.Join(dir, "statements/a.rego"), filepath.Join(dir, "statements/c.rego")); err != nil {
		t.Fatal(err)
	}
	news("other name", fingerprint(text, before, "rules", "version"))
	if err := os.Remove(filepath.Join(dir, "cosign.pub")); err != nil {
		t.Fatal(err)
	}
	c, err := ParseConfig(filepath.Join(dir, ConfigFile), []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if sum, err := c.Fingerprint(before); err == nil {
		t.Errorf("a file is missing: got %s", sum)
	}
}
