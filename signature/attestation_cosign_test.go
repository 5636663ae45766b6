package signature

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/tidewaiter/tidewaiter/image/imagetest"
)

// attestedByCosign are the types that cosign's --type knows by a name, and a URI: what they become, a predicate, and
// what must be told of it.
var attestedByCosign = []struct {
	name, predicateType, predicate string
	told                           func(Attestation) bool
}{
	{"slsaprovenance", slsa02Type, `{"builder":{"id":"https://builder.example"},"buildType":"t:t","invocation":{"configSource":{"uri":"git+https://github.com/shop/web@refs/heads/main"}},"metadata":{"buildInvocationID":"1"},"materials":[]}`,
		func(a Attestation) bool { return a.Provenance.Source == "https://github.com/shop/web" }},
	{"slsaprovenance1", slsa1Type, v1Predicate("https://actions.github.io/buildtypes/workflow/v1", `{"workflow":{"repository":"https://github.com/shop/web","ref":"refs/heads/main"}}`, "[]"),
		func(a Attestation) bool { return a.Provenance.Ref == "refs/heads/main" }},
	{"spdxjson", spdxType, `{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT","name":"web","packages":[{"SPDXID":"SPDXRef-a","name":"musl","versionInfo":"1.2","downloadLocation":"NOASSERTION"}]}`,
		func(a Attestation) bool { return a.SBOM.Packages[0].Name == "musl" }},
	{"cyclonedx", cycloneDXType, `{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[{"type":"library","name":"a","purl":"pkg:npm/a@1"}]}`,
		func(a Attestation) bool { return a.SBOM.Packages[0].PURL == "pkg:npm/a@1" }},
	{"vuln", cosignVulnType, scanPredicate(trivyResult("HIGH"), time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)),
		func(a Attestation) bool {
			v := a.Vulnerabilities // whose only one OpenVEX below excuses
			return v.Worst == "none" && v.Counts["high"] == 1 && len(v.Excused) == 1 && v.ScannedAt.Month() == time.November
		}},
	{"openvex", openVEXType, vexPredicate(vexAbout("CVE-2026-0", "not_affected", "")),
		func(a Attestation) bool { return len(a.VEX.Statuses[notAffected]) == 1 }},
	{"custom", aliases["custom"], `{"any":"thing"}`, func(a Attestation) bool { return a.Provenance == nil }},
	{customType, customType, `{"any":"thing"}`, func(a Attestation) bool { return a.SBOM == nil }},
}

// TestCosignAttests attests with the real cosign command, as its users would, and verifies what it left in the
// registry. The variables name the commands; without them there is nothing to run.
func TestCosignAttests(t *testing.T) {
	const v2, v3 = "TIDEWAITER_COSIGN_V2", "TIDEWAITER_COSIGN_V3"
	for _, test := range []struct {
		name, command, layout string
		flags                 []string
	}{
		{"v2 classic", v2, "tag", nil},
		{"v2 bundle", v2, "referrer", []string{"--new-bundle-format"}},
		{"v3 classic", v3, "tag", []string{"--new-bundle-format=false", "--use-signing-config=false"}},
		{"v3 bundle", v3, "referrer", []string{"--use-signing-config=false"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			command := os.Getenv(test.command)
			if command == "" {
				t.Skipf("%s does not name a cosign command", test.command)
			}
			host, dir := imagetest.Host(t), t.TempDir()
			cosign := func(args ...string) {
				t.Helper()
				cmd := exec.CommandContext(t.Context(), command, args...)
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "COSIGN_PASSWORD=", "HOME="+dir)
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("cosign %q: %v\n%s", args, err, out)
				}
			}
			attested := host + "/shop/web@" + imagetest.Push(t, host+"/shop/web:1", imagetest.Image(t, map[string]string{"a": "1"}))
			other := host + "/shop/web@" + imagetest.Push(t, host+"/shop/web:2", imagetest.Image(t, map[string]string{"a": "2"}))
			cosign("generate-key-pair")
			p := Policy{[]Entry{{Images: []string{host + "/shop/**"}}}}
			for _, each := range attestedByCosign {
				noError(t, os.WriteFile(filepath.Join(dir, "predicate.json"), []byte(each.predicate), 0o600))
				cosign(append([]string{"attest", "--key", "cosign.key", "--type", each.name, "--predicate", "predicate.json",
					"--tlog-upload=false", "--yes", "--allow-http-registry"}, append(test.flags, attested)...)...)
				p.Entries[0].Attestations = append(p.Entries[0].Attestations,
					Requirement{PredicateType: each.predicateType, Authorities: []Authority{{Key: "cosign.pub"}}})
			}
			v, err := New(p, Options{Dir: dir, Offline: true})
			noError(t, err)
			r := pullAndVerify(t, v, host, attested)
			if !held(r) || len(r.Attestations) != len(attestedByCosign) || len(r.Rejected) != 0 {
				t.Fatalf("got %+v, rejected %+v", r.Entries, r.Rejected)
			}
			for _, each := range attestedByCosign {
				for _, a := range r.Attestations {
					if a.PredicateType == each.predicateType && (a.Layout != test.layout || !each.told(a)) {
						t.Errorf("%s: got %+v", each.name, a)
					}
				}
			}
			if r := pullAndVerify(t, v, host, other); held(r) || r.FoundAttestations != 0 {
				t.Errorf("got %+v of an image that nobody attested", r)
			}
		})
	}
}
