package signature

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidewaiter/tidewaiter/image"
)

// read reads a predicate of a type.
func readPredicate(t testing.TB, predicateType, predicate string) (contents, error) {
	t.Helper()
	s, err := readStatement(statementOf(digestA, predicateType, predicate))
	if err != nil {
		return contents{}, err
	}
	return s.read()
}

// v1Predicate is provenance v1 of a build type, with external parameters and resolved dependencies in JSON.
func v1Predicate(buildType, parameters, dependencies string) string {
	return fmt.Sprintf(`{"buildDefinition":{"buildType":%q,"externalParameters":%s,"resolvedDependencies":%s},"runDetails":{"builder":{"id":"https://builder.example"}}}`,
		buildType, parameters, dependencies)
}

func TestProvenance(t *testing.T) {
	const (
		github   = "https://actions.github.io/buildtypes/workflow/v1"
		worker   = "https://cloud.google.com/build/gcb-buildtypes/google-worker/v1"
		buildkit = "https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md"
		delegate = "https://github.com/slsa-framework/slsa-github-generator/delegator-generic@v0"
		repo     = "https://github.com/shop/web"
		main     = "refs/heads/main"
	)
	commit := strings.Repeat("5", 40)
	workflow := `{"workflow":{"repository":"` + repo + `","ref":"refs/heads/main","path":".github/workflows/release.yml"}}`
	git := func(uri, commit string) string {
		return fmt.Sprintf(`{"uri":%q,"digest":{"gitCommit":%q}}`, uri, commit)
	}
	v02 := func(source, materials string) string {
		return `{"builder":{"id":"https://builder.example"},"buildType":"t:t","invocation":{"configSource":` + source + `},"materials":` + materials + `}`
	}
	for name, test := range map[string]struct {
		predicateType, predicate string
		source, ref, commit      string
	}{
		"github":            {slsa1Type, v1Predicate(github, workflow, "["+git("git+"+repo+"@"+main, commit)+"]"), repo, main, commit},
		"github, no commit": {slsa1Type, v1Predicate(github, workflow, "[]"), repo, main, ""},
		"github, two refs":  {slsa1Type, v1Predicate(github, workflow, "["+git("git+"+repo+"@refs/tags/v1", commit)+"]"), repo, "", commit},
		"github, two":       {slsa1Type, v1Predicate(github, workflow, "["+git("git+https://github.com/evil/web@"+main, commit)+"]"), "", "", ""},
		"github, two commits": {slsa1Type, v1Predicate(github, workflow, "["+git("git+"+repo+"@"+main, commit)+","+git("git+"+repo+"@"+main, strings.Repeat("6", 40))+"]"),
			repo, main, ""},
		"github, and images": {slsa1Type, v1Predicate(github, workflow, `[{"uri":"pkg:docker/go@1"},`+git("git+"+repo+"@"+main, commit)+"]"), repo, main, commit},
		"other build type":   {slsa1Type, v1Predicate("https://evil.example/v1", workflow, "["+git("git+"+repo+"@"+main, commit)+"]"), "", "", ""},
		"generator":          {slsa1Type, v1Predicate(delegate, `{"source":{"uri":"git+https://github.com/evil/x"}}`, "["+git("git+"+repo+"@"+main, commit)+"]"), repo, main, commit},
		"generator, nothing": {slsa1Type, v1Predicate(delegate, "{}", "[]"), "", "", ""},
		"container based": {slsa1Type, v1Predicate("https://slsa.dev/container-based-build/v0.1?draft", `{"source":{"uri":"git+`+repo+"@"+main+`","digest":{"sha1":"`+commit+`"}}}`, "[]"),
			repo, main, commit},
		"cloud build": {slsa1Type, v1Predicate(worker, `{"buildConfigSource":{"repository":"git+`+repo+`","ref":"refs/heads/main"}}`, "["+git("git+"+repo, commit)+"]"), repo, main, commit},
		"cloud build, source apart": {slsa1Type, v1Predicate(worker, `{"buildConfigSource":{"repository":"git+https://github.com/shop/ci"},"sourceToBuild":{"repository":"git+`+repo+`","ref":"`+commit+`"}}`, "[]"),
			repo, "", commit},
		"buildkit":           {slsa1Type, v1Predicate(buildkit, `{"configSource":{"uri":"`+repo+`.git#refs/heads/main:web","digest":{"sha1":"`+commit+`"}}}`, "[]"), repo + ".git", main, commit},
		"buildkit, a commit": {slsa1Type, v1Predicate(buildkit, `{"configSource":{"uri":"`+repo+`.git#`+commit+`"}}`, "[]"), repo + ".git", "", commit},
		"buildkit, local":    {slsa1Type, v1Predicate(buildkit, `{"configSource":{"path":"Dockerfile"}}`, "[]"), "", "", ""},
		"null parameters":    {slsa1Type, v1Predicate(github, "null", "null"), "", "", ""},
		"v0.2": {slsa02Type, v02(`{"uri":"git+`+repo+"@"+main+`","digest":{"sha1":"`+commit+`"}}`, `[{"uri":"git+`+repo+"@"+main+`","digest":{"sha1":"`+commit+`"}}]`),
			repo, main, commit},
		"v0.2, others":       {slsa02Type, v02(`{"uri":"git+`+repo+"@"+main+`"}`, `[{"uri":"git+https://github.com/evil/web"}]`), "", "", ""},
		"v0.2, two commits":  {slsa02Type, v02(`{"uri":"`+repo+`","digest":{"sha1":"`+commit+`"}}`, `[{"uri":"git+`+repo+`","digest":{"sha1":"other"}}]`), repo, "", ""},
		"v0.2, no source":    {slsa02Type, v02(`{}`, `null`), "", "", ""},
		"v0.2, a user in it": {slsa02Type, v02(`{"uri":"git+https://user@github.com/shop/web@`+main+`"}`, `[]`), "https://user@github.com/shop/web", main, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := readPredicate(t, test.predicateType, test.predicate)
			noError(t, err)
			p := c.provenance
			if p.Source != test.source || p.Ref != test.ref || p.Commit != test.commit || p.Builder != "https://builder.example" || p.BuildType == "" {
				t.Errorf("got %+v", p)
			}
		})
	}
}

func TestNoProvenance(t *testing.T) {
	for _, predicate := range []string{
		`{}`, `[]`, `"x"`, `{"builder":null,"buildType":"x:y"}`, `{"builder":{},"buildType":"x:y"}`, `{"builder":{"id":"x"}}`, `{"builder":{"id":7},"buildType":"x:y"}`,
		`{"Builder":{"id":"x"},"buildType":"x:y"}`, `{"builder":{"id":"x","id":"y"},"buildType":"x:y"}`,
		`{"buildDefinition":{"buildType":"x:y"},"runDetails":{}}`, `{"buildDefinition":{},"runDetails":{"builder":{"id":"x"}}}`,
		`{"buildDefinition":{"buildType":"https://actions.github.io/buildtypes/workflow/v1","externalParameters":[]},"runDetails":{"builder":{"id":"x"}}}`,
	} {
		for _, predicateType := range provenanceTypes {
			if c, err := readPredicate(t, predicateType, predicate); err == nil {
				t.Errorf("%s %s: got %+v", predicateType, predicate, c.provenance)
			}
		}
	}
}

func TestAttestedSBOMs(t *testing.T) {
	spdx := `{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT","name":"x","packages":[{"SPDXID":"SPDXRef-a","name":"musl","versionInfo":"1.2","downloadLocation":"NOASSERTION","externalRefs":[
		{"referenceCategory":"SECURITY","referenceType":"cpe23Type","referenceLocator":"cpe:2.3:a:b:c:*"},
		{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:apk/alpine/musl@1.2"}]}]}`
	asText, err := json.Marshal(spdx)
	noError(t, err)
	cyclonedx := `{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"metadata":{"component":{"type":"container","name":"web"}},
		"components":[{"type":"library","name":"a","version":"1","purl":"pkg:npm/a@1","components":[{"type":"library","name":"b","purl":"pkg:npm/b@2"}]}]}`
	musl := AttestedPackage{"musl", "1.2", "pkg:apk/alpine/musl@1.2"}
	for name, test := range map[string]struct {
		predicateType, predicate, format string
		want                             []AttestedPackage
	}{
		"spdx":             {spdxType, spdx, "spdx", []AttestedPackage{musl}},
		"spdx as text":     {spdxType, string(asText), "spdx", []AttestedPackage{musl}},
		"spdx, 2.2":        {spdxType, strings.Replace(spdx, "SPDX-2.3", "SPDX-2.2", 1), "spdx", []AttestedPackage{musl}},
		"spdx, versioned":  {spdxType + "/v2.3", spdx, "spdx", []AttestedPackage{musl}},
		"cyclonedx":        {cycloneDXType, cyclonedx, "cyclonedx", []AttestedPackage{{"web", "", ""}, {"a", "1", "pkg:npm/a@1"}, {"b", "", "pkg:npm/b@2"}}},
		"cyclonedx, other": {cycloneDXType + "/v1.4", cyclonedx, "cyclonedx", []AttestedPackage{{"web", "", ""}, {"a", "1", "pkg:npm/a@1"}, {"b", "", "pkg:npm/b@2"}}},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := readPredicate(t, test.predicateType, test.predicate)
			noError(t, err)
			if c.sbom.Format != test.format || !slices.Equal(c.sbom.Packages, test.want) {
				t.Errorf("got %+v", c.sbom)
			}
		})
	}
	for name, test := range map[string]struct{ predicateType, predicate string }{
		"spdx of nothing":        {spdxType, `{}`},
		"spdx of the future":     {spdxType, `{"spdxVersion":"SPDX-9.9"}`},
		"cyclonedx for spdx":     {spdxType, cyclonedx},
		"tag-value":              {spdxType, `"SPDXVersion: SPDX-2.3\n"`},
		"spdx text that is null": {spdxType, `"null"`},
		"doubled in the text":    {spdxType, `"{\"spdxVersion\":\"SPDX-2.3\",\"spdxVersion\":\"SPDX-2.3\"}"`},
		"null package":           {spdxType, `{"spdxVersion":"SPDX-2.3","packages":[null]}`},
		"spdx for cyclonedx":     {cycloneDXType, spdx},
		"cyclonedx of nothing":   {cycloneDXType, `{}`},
		"cyclonedx as text":      {cycloneDXType, `"x"`},
	} {
		if c, err := readPredicate(t, test.predicateType, test.predicate); err == nil {
			t.Errorf("%s: got %+v", name, c.sbom)
		}
	}
}

// scanPredicate is cosign's vulnerability predicate around a result.
func scanPredicate(result string, at time.Time) string {
	return fmt.Sprintf(`{"invocation":{"uri":""},"scanner":{"uri":"pkg:github/aquasecurity/trivy","version":"0.60","db":{},"result":%s},"metadata":{"scanStartedOn":%[2]q,"scanFinishedOn":%[2]q}}`,
		result, at.UTC().Format(time.RFC3339))
}

func trivyResult(severities ...string) string {
	var list []string
	for i, s := range severities {
		list = append(list, fmt.Sprintf(`{"VulnerabilityID":"CVE-2026-%d","Severity":%q,"PkgName":"p%[1]d","PkgIdentifier":{"PURL":"pkg:apk/alpine/p%[1]d@1.0?arch=amd64"}}`, i, s))
	}
	return `{"SchemaVersion":2,"ArtifactName":"web","Results":[{"Target":"web","Class":"os-pkgs","Vulnerabilities":[` + strings.Join(list, ",") + `]},{"Target":"go"}]}`
}

func TestReports(t *testing.T) {
	at := time.Date(2026, 11, 1, 2, 3, 4, 0, time.UTC)
	for name, test := range map[string]struct {
		predicateType, predicate string
		worst                    string
		counts                   map[string]int
	}{
		"trivy":              {cosignVulnType, scanPredicate(trivyResult("LOW", "HIGH", "HIGH"), at), "high", map[string]int{"low": 1, "high": 2}},
		"trivy, none":        {cosignVulnType, scanPredicate(`{"SchemaVersion":2,"ArtifactName":"x"}`, at), "none", map[string]int{}},
		"trivy, unknown":     {cosignVulnType, scanPredicate(trivyResult("CRITICAL", "UNKNOWN"), at), "unknown", map[string]int{"critical": 1, "unknown": 1}},
		"trivy, no severity": {cosignVulnType, scanPredicate(`{"SchemaVersion":2,"Results":[{"Vulnerabilities":[{"VulnerabilityID":"x"}]}]}`, at), "unknown", map[string]int{"unknown": 1}},
		"grype": {cosignVulnType, scanPredicate(`{"matches":[{"vulnerability":{"id":"GHSA-1","severity":"Medium"}},{"vulnerability":{"id":"CVE-2","severity":"Negligible"}}]}`, at),
			"medium", map[string]int{"medium": 1, "low": 1}},
		"grype, none": {cosignVulnType, scanPredicate(`{"matches":[]}`, at), "none", map[string]int{}},
		"sarif": {cosignVulnType, scanPredicate(`{"version":"2.1.0","runs":[{"tool":{"driver":{"rules":[{"id":"CVE-1","properties":{"security-severity":"9.1"}},{"id":"CVE-2","properties":{"security-severity":"6.9"}}]}},
			"results":[{"ruleId":"CVE-1"},{"ruleId":"CVE-2"},{"ruleId":"CVE-2"}]}]}`, at), "critical", map[string]int{"critical": 1, "medium": 2}},
		"sarif, no score":         {cosignVulnType, scanPredicate(`{"runs":[{"results":[{"ruleId":"CVE-1"}]}]}`, at), "unknown", map[string]int{"unknown": 1}},
		"another form":            {cosignVulnType, scanPredicate(`{"vulnerabilities":[]}`, at), "unknown", map[string]int{}},
		"a list":                  {cosignVulnType, scanPredicate(`[]`, at), "unknown", map[string]int{}},
		"text":                    {cosignVulnType, scanPredicate(`"all good"`, at), "unknown", map[string]int{}},
		"two forms":               {cosignVulnType, scanPredicate(`{"matches":[],"SchemaVersion":2,"Results":[]}`, at), "unknown", map[string]int{}},
		"null matches":            {cosignVulnType, scanPredicate(`{"matches":null}`, at), "unknown", map[string]int{}},
		"null runs":               {cosignVulnType, scanPredicate(`{"runs":null}`, at), "unknown", map[string]int{}},
		"null result":             {cosignVulnType, scanPredicate(`null`, at), "unknown", map[string]int{}},
		"in-toto v0.1":            {intotoVulns1Type, scanPredicate(`[{"id":"CVE-1","severity":[{"method":"nvd","score":"medium"},{"method":"cvss_score","score":"7.2"}]}]`, at), "high", map[string]int{"high": 1}},
		"in-toto v0.1, nested":    {intotoVulns1Type, scanPredicate(`[{"vulnerability":{"id":"CVE-1","severity":{"method":"nvd","score":"low"}}}]`, at), "low", map[string]int{"low": 1}},
		"in-toto v0.2":            {intotoVulns2Type, scanPredicate(`[{"id":"CVE-1","severity":[{"method":"x","score":"CVSS:3.1/AV:N"}]}]`, at), "unknown", map[string]int{"unknown": 1}},
		"in-toto v0.2, nothing":   {intotoVulns2Type, scanPredicate(`[]`, at), "none", map[string]int{}},
		"in-toto v0.2, no score":  {intotoVulns2Type, scanPredicate(`[{"id":"CVE-1"}]`, at), "unknown", map[string]int{"unknown": 1}},
		"in-toto v0.2, two words": {intotoVulns2Type, scanPredicate(`[{"id":"CVE-1","severity":[{"score":"low"},{"score":"critical"}]}]`, at), "critical", map[string]int{"critical": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := readPredicate(t, test.predicateType, test.predicate)
			noError(t, err)
			r := c.report.tell(func(vulnerability) bool { return false })
			if r.Worst != test.worst || !reflect.DeepEqual(r.Counts, test.counts) || !r.ScannedAt.Equal(at) || r.Scanner != "pkg:github/aquasecurity/trivy 0.60" {
				t.Errorf("got %+v", r)
			}
		})
	}
	for _, predicate := range []string{`{}`, `{"scanner":null}`, `{"scanner":{"uri":"x"}}`, `{"Scanner":{"result":[]}}`, `[]`, scanPredicate(`{"matches":[],"matches":[]}`, at)[1:]} {
		for _, predicateType := range vulnerabilityTypes {
			if c, err := readPredicate(t, predicateType, predicate); err == nil {
				t.Errorf("%s %s: got %+v", predicateType, predicate, c.report)
			}
		}
	}
	for _, predicate := range []string{scanPredicate(`{"SchemaVersion":1,"Results":[]}`, at), scanPredicate(`{"SchemaVersion":2,"Results":{}}`, at), scanPredicate(`{"Results":[]}`, at)} {
		if c, err := readPredicate(t, cosignVulnType, predicate); err == nil {
			t.Errorf("%s: got %+v", predicate, c.report)
		}
	}
}

// TestSeverities maps what scanners call severities.
func TestSeverities(t *testing.T) {
	for text, want := range map[string]string{
		"HIGH": "high", " Moderate ": "medium", "negligible": "low", "none": "none", "": "unknown", "important": "unknown", "unknown": "unknown",
		"0": "none", "0.1": "low", "3.9": "low", "4": "medium", "6.9": "medium", "7.0": "high", "8.9": "high", "9.0": "critical", "10": "critical",
		"10.1": "unknown", "-1": "unknown", "NaN": "unknown", "Inf": "unknown", "1e1": "critical",
	} {
		if got := severity(text); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

// TestVulnerabilityTerms judges reports.
func TestVulnerabilityTerms(t *testing.T) {
	me := signer{key: newECDSA(t)}
	o := Options{Dir: writeKeys(t, me.key)}
	now := time.Now()
	for name, test := range map[string]struct {
		terms   VulnerabilityTerms
		result  string
		at      time.Time
		missing string
	}{
		"as bad as it may be": {VulnerabilityTerms{Worst: "high"}, trivyResult("HIGH"), now, ""},
		"worse":               {VulnerabilityTerms{Worst: "medium"}, trivyResult("HIGH"), now, "vulnerabilities of severity high, and the worst that is accepted is medium"},
		"anything":            {VulnerabilityTerms{Worst: "critical"}, trivyResult("CRITICAL"), now, ""},
		"unknown":             {VulnerabilityTerms{Worst: "critical"}, trivyResult("x"), now, "1 vulnerabilities of unknown severity"},
		"unknown form":        {VulnerabilityTerms{Worst: "critical"}, `{}`, now, "the form of its result is not known"},
		"none":                {VulnerabilityTerms{Worst: "none"}, trivyResult(), now, ""},
		"none, but low":       {VulnerabilityTerms{Worst: "none"}, trivyResult("LOW"), now, "of severity low"},
		"fresh":               {VulnerabilityTerms{MaxAge: Age(time.Hour)}, trivyResult("LOW"), now.Add(-time.Minute), ""},
		"stale":               {VulnerabilityTerms{MaxAge: Age(time.Hour)}, trivyResult("LOW"), now.Add(-2 * time.Hour), "more than 1h0m0s ago"},
		"of the future":       {VulnerabilityTerms{Worst: "critical"}, trivyResult("LOW"), now.Add(time.Hour), "in the future"},
		"of no time":          {VulnerabilityTerms{MaxAge: Age(time.Hour)}, trivyResult("LOW"), time.Time{}, "does not say when"},
		"no time asked":       {VulnerabilityTerms{Worst: "low"}, trivyResult("LOW"), time.Time{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := wanting(Requirement{PredicateType: cosignVulnType, Vulnerabilities: &test.terms})
			r := verifyAttachments(t, p, o, me.envelope(t, statementOf(digestA, cosignVulnType, scanPredicate(test.result, test.at))))
			checkRequirement(t, r, test.missing)
			if test.missing == "" && r.Attestations[0].Vulnerabilities == nil || test.missing != "" && len(r.Rejected) != 1 {
				t.Errorf("got %+v", r)
			}
		})
	}
}

// TestNewerScan wants the last word of who attests scans, and not an older one that was better.
func TestNewerScan(t *testing.T) {
	me, other := signer{key: newECDSA(t)}, signer{key: newECDSA(t)}
	o := Options{Dir: writeKeys(t, me.key, other.key)}
	scan := func(s signer, ago time.Duration, severities ...string) image.Attachment {
		return s.envelope(t, statementOf(digestA, cosignVulnType, scanPredicate(trivyResult(severities...), time.Now().Add(-ago))))
	}
	p := wanting(Requirement{PredicateType: cosignVulnType, Vulnerabilities: &VulnerabilityTerms{Worst: "low"}, Authorities: []Authority{{Key: "0.pub"}, {Key: "1.pub"}}})
	checkRequirement(t, verifyAttachments(t, p, o, scan(me, time.Hour), scan(me, time.Minute, "HIGH")), "of severity high")
	checkRequirement(t, verifyAttachments(t, p, o, scan(me, time.Hour, "HIGH"), scan(me, time.Minute)), "")
	checkRequirement(t, verifyAttachments(t, p, o, scan(me, time.Hour), scan(other, time.Minute, "HIGH")), "")
}

func TestProvenanceTerms(t *testing.T) {
	me := signer{key: newECDSA(t)}
	o := Options{Dir: writeKeys(t, me.key)}
	const (
		github = "https://actions.github.io/buildtypes/workflow/v1"
		source = "https://github.com/shop/web"
	)
	predicate := v1Predicate(github, `{"workflow":{"repository":"`+source+`","ref":"refs/heads/main"}}`, "[]")
	for name, test := range map[string]struct {
		terms   ProvenanceTerms
		missing string
	}{
		"all":            {ProvenanceTerms{Builder: "https://builder.example", Source: source, Ref: "refs/heads/main", BuildType: github}, ""},
		"patterns":       {ProvenanceTerms{BuilderPattern: `https://builder\.example`, SourcePattern: "https://github.com/shop/.+", RefPattern: "refs/heads/.+", BuildTypePattern: ".+/v1"}, ""},
		"git+":           {ProvenanceTerms{Source: "git+" + source}, ""},
		"builder":        {ProvenanceTerms{Builder: "https://other.example"}, `the builder "https://builder.example" is not what the policy wants: https://other.example`},
		"builder prefix": {ProvenanceTerms{BuilderPattern: "https://builder"}, "the builder"},
		"source":         {ProvenanceTerms{Source: source + "2"}, "the source"},
		"source pattern": {ProvenanceTerms{SourcePattern: "https://github.com/sho"}, "the source"},
		"ref":            {ProvenanceTerms{Ref: "refs/heads/mai"}, "the ref"},
		"build type":     {ProvenanceTerms{BuildType: "https://evil.example/v1"}, "the buildType"},
	} {
		t.Run(name, func(t *testing.T) {
			p := wanting(Requirement{PredicateType: slsa1Type, Provenance: &test.terms})
			checkRequirement(t, verifyAttachments(t, p, o, me.envelope(t, statementOf(digestA, slsa1Type, predicate))), test.missing)
		})
	}
	p := wanting(Requirement{PredicateType: slsa1Type, Provenance: &ProvenanceTerms{Source: source}})
	r := verifyAttachments(t, p, o, me.envelope(t, statementOf(digestA, slsa1Type, v1Predicate("x:y", "{}", "[]"))))
	checkRequirement(t, r, "does not tell the source")
}
