package signature

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRequirementProblems loads requirements that cannot be meant, or that nothing could ever meet.
func TestRequirementProblems(t *testing.T) {
	dir := writeKeys(t, newECDSA(t), newECDSA(t))
	for name, test := range map[string]struct{ requirement, want string }{
		"good":                     {"predicateType: '" + customType + "'", ""},
		"its own authorities":      {"predicateType: '" + customType + "', authorities: [{key: 1.pub, transparencyLog: required}], threshold: 1, maxAge: 90d", ""},
		"no type":                  {"", "predicateType: is missing"},
		"alias":                    {"predicateType: slsaprovenance", "predicateType: is \"slsaprovenance\", which no attestation has: write https://slsa.dev/provenance/v0.2"},
		"alias of v1":              {"predicateType: slsaprovenance1", "write https://slsa.dev/provenance/v1"},
		"spdx":                     {"predicateType: spdx", "write https://spdx.dev/Document"},
		"spdxjson":                 {"predicateType: SPDXjson", "write https://spdx.dev/Document"},
		"cyclonedx":                {"predicateType: cyclonedx", "write https://cyclonedx.org/bom"},
		"vuln":                     {"predicateType: vuln", "write https://cosign.sigstore.dev/attestation/vuln/v1"},
		"openvex":                  {"predicateType: openvex", "write https://openvex.dev/ns"},
		"custom":                   {"predicateType: custom", "write https://cosign.sigstore.dev/attestation/v1"},
		"no scheme":                {"predicateType: cosign.sigstore.dev/attestation/vuln/v1", "write https://cosign.sigstore.dev/attestation/vuln/v1"},
		"http":                     {"predicateType: 'http://slsa.dev/provenance/v1'", "write https://slsa.dev/provenance/v1"},
		"case":                     {"predicateType: 'https://spdx.dev/document'", "write https://spdx.dev/Document"},
		"slash":                    {"predicateType: 'https://openvex.dev/ns/'", "write https://openvex.dev/ns"},
		"signature":                {"predicateType: '" + signPredicate + "'", "is that of a signature"},
		"word":                     {"predicateType: review", "which is no URI"},
		"blank":                    {"predicateType: ' https://a.example/x'", "which is no URI"},
		"invisible":                {"predicateType: \"https://a.example/x\\u200b\"", "which is no URI"},
		"threshold":                {"predicateType: 'a:b', threshold: 2", "threshold: is 2, but there are only 1 authorities"},
		"negative threshold":       {"predicateType: 'a:b', threshold: -1", "threshold: is -1"},
		"bad authority":            {"predicateType: 'a:b', authorities: [{}]", "attestations[0].authorities[0]: is neither a key nor"},
		"one key twice":            {"predicateType: 'a:b', authorities: [{key: 1.pub}, {key: ./1.pub}]", "is the same key as authorities[0]"},
		"provenance":               {"predicateType: 'https://slsa.dev/provenance/v1', provenance: {builder: a, sourcePattern: 'https://github.com/shop/.+'}", ""},
		"provenance of something":  {"predicateType: 'a:b', provenance: {builder: a}", "provenance: can be asked of SLSA provenance only"},
		"provenance of v0.1":       {"predicateType: 'https://slsa.dev/provenance/v0.1', provenance: {builder: a}", "can be asked of SLSA provenance only"},
		"provenance of nothing":    {"predicateType: 'https://slsa.dev/provenance/v1', provenance: {}", "provenance: asks for nothing"},
		"two builders":             {"predicateType: 'https://slsa.dev/provenance/v1', provenance: {builder: a, builderPattern: b}", "has both builder and builderPattern"},
		"any source":               {"predicateType: 'https://slsa.dev/provenance/v1', provenance: {sourcePattern: '.*'}", "sourcePattern: is \".*\", which matches anything"},
		"broken pattern":           {"predicateType: 'https://slsa.dev/provenance/v1', provenance: {refPattern: 'a)|(?:b'}", "refPattern: is no regular expression"},
		"source with a ref":        {"predicateType: 'https://slsa.dev/provenance/v1', provenance: {source: 'git+https://github.com/shop/web@refs/heads/main'}", "source: is \"git+https://github.com/shop/web@refs/heads/main\", with a ref: write source: https://github.com/shop/web"},
		"source with a commit":     {"predicateType: 'https://slsa.dev/provenance/v1', provenance: {source: 'https://github.com/shop/web#" + strings.Repeat("5", 40) + "'}", "with a ref"},
		"commit as ref":            {"predicateType: 'https://slsa.dev/provenance/v1', provenance: {ref: '" + strings.Repeat("5", 40) + "'}", "ref: is a commit"},
		"vulnerabilities":          {"predicateType: 'https://in-toto.io/attestation/vulns/v0.2', vulnerabilities: {worst: low, maxAge: 2d}", ""},
		"vulnerabilities of other": {"predicateType: 'https://openvex.dev/ns', vulnerabilities: {worst: low}", "vulnerabilities: can be asked of vulnerability reports only"},
		"of nothing":               {"predicateType: 'https://in-toto.io/attestation/vulns/v0.2', vulnerabilities: {}", "vulnerabilities: asks for nothing"},
		"worst of all":             {"predicateType: 'https://in-toto.io/attestation/vulns/v0.2', vulnerabilities: {worst: unknown}", "worst: is \"unknown\": it can be none, low, medium, high, critical"},
		"unknown field":            {"predicateType: 'a:b', predicate: x", "predicate"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := decodePolicy("trust: [{images: ['**'], authorities: [{key: 0.pub}], attestations: [{" + test.requirement + "}]}]")
			if err == nil {
				_, err = New(p, Options{Dir: dir, Offline: true})
			}
			switch {
			case test.want == "" && err != nil:
				t.Errorf("got %v", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
	p, err := decodePolicy("trust: [{images: ['**'], attestations: [{predicateType: 'a:b'}]}]")
	noError(t, err)
	if _, err := New(p, Options{Dir: dir, Offline: true}); err == nil || !strings.Contains(err.Error(), "trust[0].attestations[0]: has no authorities, and neither has its entry") {
		t.Errorf("got %v", err)
	}
	p, err = decodePolicy("trust: [{images: ['**'], attestations: [{predicateType: 'a:b', authorities: [{keyless: {issuer: a, subject: b}}]}]}]")
	noError(t, err)
	noError(t, os.WriteFile(filepath.Join(dir, "empty.json"), []byte(`{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}`), 0o600))
	if _, err := New(p, Options{Dir: dir, Offline: true, TrustedRoot: "empty.json"}); err == nil || !strings.Contains(err.Error(), "has no") {
		t.Errorf("got %v, want a root under which nobody could attest to be refused", err)
	}
}
