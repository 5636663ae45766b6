package report

import (
	"encoding/json"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/tidewaiter/tidewaiter/gate"
	"github.com/tidewaiter/tidewaiter/policies"
)

// TestSARIFIsValid checks what is written against the standard's schema, and against what GitHub asks for
// beyond it: it refuses a report as a whole.
func TestSARIFIsValid(t *testing.T) {
	schema := compile(t, sarifSchema)
	for name, r := range reports(t) {
		t.Run(name, func(t *testing.T) {
			output := render(t, "sarif", r, Options{Rules: readRules(t), Dir: "/src/shop", Root: "/src"})
			if err := schema.Validate(parseJSON(t, output)); err != nil {
				t.Error(err)
			}
			run := parseSARIF(t, output)
			if len(run.Results) > 5000 {
				t.Errorf("got %d results", len(run.Results))
			}
			for _, result := range run.Results {
				checkResult(t, run, result)
			}
		})
	}
}

func checkResult(t *testing.T, run sarifRun, result sarifResult) {
	t.Helper()
	if result.Message.Text == "" || result.RuleID == "" {
		t.Errorf("a result without text or rule: %+v", result)
	}
	if got := run.Tool.Driver.Rules[result.RuleIndex].ID; got != result.RuleID {
		t.Errorf("rule %d is %s, want %s", result.RuleIndex, got, result.RuleID)
	}
	if len(result.Locations) != 1 {
		t.Fatalf("got %d locations, want 1", len(result.Locations))
	}
	at := result.Locations[0].PhysicalLocation
	if at.Region.StartLine < 1 {
		t.Errorf("line %d", at.Region.StartLine)
	}
	reference, err := url.Parse(at.ArtifactLocation.URI)
	switch {
	case err != nil:
		t.Error(err)
	case reference.IsAbs() || reference.Host != "" || reference.RawQuery != "" || reference.Fragment != "" || reference.Path == "":
		t.Errorf("%q is not a relative path", at.ArtifactLocation.URI)
	case path.Clean(reference.Path) != reference.Path || strings.HasPrefix(reference.Path, "/") || strings.HasPrefix(reference.Path, ".."):
		t.Errorf("%q leads out of the repository", at.ArtifactLocation.URI)
	}
}

// TestSARIFOfUndecided checks that a reader of SARIF learns what could not be judged.
func TestSARIFOfUndecided(t *testing.T) {
	run := parseSARIF(t, render(t, "sarif", readReport(t, "undecided"), Options{}))
	in := run.Invocations[0]
	if in.ExecutionSuccessful {
		t.Error("the run is called successful")
	}
	var got []string
	for _, n := range in.Notifications {
		got = append(got, n.Locations[0].PhysicalLocation.ArtifactLocation.URI)
	}
	if want := []string{"k8s/broken.yaml", "stdin"}; !slices.Equal(got, want) {
		t.Errorf("got notifications at %q, want %q", got, want)
	}
}

// TestFingerprints checks that an alert stays the same one while lines move, and that alerts that differ stay
// apart, on one line too.
func TestFingerprints(t *testing.T) {
	prints := func(r gate.Report) (own, github []string) {
		for _, result := range parseSARIF(t, render(t, "sarif", r, Options{})).Results {
			own = append(own, result.PartialFingerprints["tidewaiter/v1"])
			github = append(github, result.PartialFingerprints["primaryLocationLineHash"])
		}
		return own, github
	}
	before, github := prints(readReport(t, "deny"))
	moved := readReport(t, "deny")
	for i := range moved.Subjects {
		for j := range moved.Subjects[i].Findings {
			moved.Subjects[i].Findings[j].Line += 7
			moved.Subjects[i].Findings[j].Column++
		}
	}
	if after, _ := prints(moved); !slices.Equal(before, after) {
		t.Errorf("fingerprints changed with the lines: %q, then %q", before, after)
	}
	slices.Sort(before)
	if len(slices.Compact(before)) != len(github) {
		t.Errorf("two results share a fingerprint: %q", before)
	}
	// On images, where all stand on one line, GitHub's own hash of that line would make them one alert.
	images := slices.DeleteFunc(github, func(s string) bool { return s == "" })
	slices.Sort(images)
	if count := len(images); count != 4 || len(slices.Compact(images)) != count {
		t.Errorf("got %q, want 4 different ones", images)
	}
}

// TestSARIFSuppressions checks that waived findings, and no others, are suppressed with the reason.
func TestSARIFSuppressions(t *testing.T) {
	for _, result := range parseSARIF(t, render(t, "sarif", readReport(t, "deny"), Options{})).Results {
		want := result.Locations[0].LogicalLocations[0].FullyQualifiedName == "DaemonSet/monitoring/node-exporter" && result.RuleID == "kubernetes/host-path"
		if got := len(result.Suppressions) == 1; got != want {
			t.Errorf("%s: suppressed is %v, want %v", result.RuleID, got, want)
		}
		if want && !strings.Contains(result.Suppressions[0].Justification, "reads /proc") {
			t.Errorf("got %+v", result.Suppressions)
		}
	}
}

// TestSARIFKeepsTheGravest checks that the results that do not fit are the least grave, and are counted.
func TestSARIFKeepsTheGravest(t *testing.T) {
	r := many(6000)
	r.Subjects[0].Findings[5999].Severity = policies.Critical
	r.Subjects[0].Findings[5999].Rule = "kubernetes/last"
	run := parseSARIF(t, render(t, "sarif", r, Options{}))
	if len(run.Results) != 5000 || run.Results[0].RuleID != "kubernetes/last" {
		t.Errorf("got %d results, the first of %s", len(run.Results), run.Results[0].RuleID)
	}
	if got := fmt.Sprint(run.Invocations[0].Notifications); !strings.Contains(got, "1,000 more findings") {
		t.Errorf("got notifications %s", got)
	}
}

// TestSARIFSeverity checks that a rule has the severity that the configuration gives to its findings.
func TestSARIFSeverity(t *testing.T) {
	r := readReport(t, "allow")
	for i := range r.Subjects {
		for j := range r.Subjects[i].Findings {
			r.Subjects[i].Findings[j].Severity = policies.High
		}
	}
	run := parseSARIF(t, render(t, "sarif", r, Options{Rules: readRules(t)}))
	want := map[string]string{"image/miner": "9.5", "image/shell": "8.0", "kubernetes/privileged": "9.5"}
	for _, rule := range run.Tool.Driver.Rules {
		if got := rule.Properties.SecuritySeverity; got != want[rule.ID] {
			t.Errorf("%s: got %s, want %s", rule.ID, got, want[rule.ID])
		}
	}
}

func TestInRepository(t *testing.T) {
	tests := []struct{ dir, root, file, want string }{
		{"", "", "k8s/web.yaml", "k8s/web.yaml"},
		{"", "", "./k8s//web.yaml", "k8s/web.yaml"},
		{"", "", "../../etc/passwd", "etc/passwd"},
		{"", "", "/etc/passwd", "etc/passwd"},
		{"", "", "-", "stdin"},
		{"", "", "", "stdin"},
		{"/src/shop", "/src/shop", "/src/shop/k8s/web.yaml", "k8s/web.yaml"},
		{"/src/shop", "/src", "k8s/web.yaml", "shop/k8s/web.yaml"},
		{"/src/shop", "/src", "../cart/web.yaml", "cart/web.yaml"},
		{"/src/shop", "/src", "../../etc/passwd", "etc/passwd"},
		{"/src/shop", "/src/shop", "/srv/web.yaml", "srv/web.yaml"},
	}
	for _, test := range tests {
		o := Options{Dir: test.dir, Root: test.root}
		if got := o.inRepository(test.file); got != test.want {
			t.Errorf("%q in %q of %q: got %q, want %q", test.file, test.dir, test.root, got, test.want)
		}
	}
}

func TestURI(t *testing.T) {
	tests := []struct{ name, want string }{
		{"k8s/web.yaml", "k8s/web.yaml"},
		{"k8s/my web.yaml", "k8s/my%20web.yaml"},
		{"c:/web.yaml", "c%3A/web.yaml"},
		{"100%.yaml", "100%25.yaml"},
		{"a?b#c.yaml", "a%3Fb%23c.yaml"},
		{"größe.yaml", "gr%C3%B6%C3%9Fe.yaml"},
		{`a\x1b.yaml`, "a%5Cx1b.yaml"},
	}
	for _, test := range tests {
		if got := uriOf(test.name); got != test.want {
			t.Errorf("%q: got %q, want %q", test.name, got, test.want)
		}
	}
}

func parseSARIF(t testing.TB, data []byte) sarifRun {
	t.Helper()
	var log sarifLog
	if err := json.Unmarshal(data, &log); err != nil {
		t.Fatal(err)
	}
	return log.Runs[0]
}
