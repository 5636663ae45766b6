package signature

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// severities are in order. Unknown is worse than any: nobody said that it is not.
var severities = []string{"none", "low", "medium", "high", "critical", unknownSeverity}

const unknownSeverity = "unknown"

// report is a vulnerability report as it was attested.
type report struct {
	scanner string
	// readable tells that the form of the result is known; found means nothing without.
	readable bool
	found    []vulnerability
	at       time.Time
}

// vulnerability is one that a scan has found: under each of its names, in the package with that package URL.
type vulnerability struct {
	names    []string
	severity string
	purl     string
}

// scan is what is read of a predicate of https://cosign.sigstore.dev/attestation/vuln/v1, and of in-toto's
// vulns, which grew from it.
type scan struct {
	Scanner *struct {
		URI     string          `json:"uri"`
		Version string          `json:"version"`
		Result  json.RawMessage `json:"result"`
	} `json:"scanner"`
	Metadata struct {
		Finished time.Time `json:"scanFinishedOn"`
	} `json:"metadata"`
}

// readScan reads what the two types have in common.
func readScan(predicate json.RawMessage) (*report, json.RawMessage, error) {
	s, err := typed[scan](predicate)
	switch {
	case err != nil:
		return nil, nil, err
	case s.Scanner == nil || len(s.Scanner.Result) == 0:
		return nil, nil, errors.New("it has no scanner.result")
	}
	return &report{scanner: strings.TrimSpace(s.Scanner.URI + " " + s.Scanner.Version), at: s.Metadata.Finished}, s.Scanner.Result, nil
}

// readCosignReport reads a report whose result is of whatever form the scanner writes. One that is none of the
// known forms is a report all the same, of unknown severity.
func readCosignReport(predicate json.RawMessage) (*report, error) {
	r, result, err := readScan(predicate)
	if err != nil {
		return nil, err
	}
	var keys map[string]json.RawMessage
	if decode(result, &keys) != nil {
		return r, nil
	}
	var forms []func(json.RawMessage) ([]vulnerability, error)
	if keys["SchemaVersion"] != nil || keys["Results"] != nil {
		forms = append(forms, readTrivy)
	}
	if list(keys["matches"]) {
		forms = append(forms, readGrype)
	}
	if list(keys["runs"]) {
		forms = append(forms, readSARIF)
	}
	if len(forms) != 1 {
		return r, nil
	}
	if r.found, err = forms[0](result); err != nil {
		return nil, fmt.Errorf("scanner.result: %w", err)
	}
	r.readable = true
	return r, nil
}

// list tells that a value is there, and is a list.
func list(value json.RawMessage) bool { return len(value) > 0 && value[0] == '[' }

// readTrivy reads what trivy --format json writes.
func readTrivy(result json.RawMessage) ([]vulnerability, error) {
	t, err := typed[struct {
		SchemaVersion int
		Results       []struct {
			Vulnerabilities []struct {
				VulnerabilityID string
				Severity        string
				PkgIdentifier   struct{ PURL string }
			}
		}
	}](result)
	if err == nil && t.SchemaVersion != 2 {
		err = fmt.Errorf("the schema version of Trivy is %d, and only 2 is known", t.SchemaVersion)
	}
	var found []vulnerability
	for _, r := range t.Results {
		for _, v := range r.Vulnerabilities {
			found = append(found, vulnerability{[]string{v.VulnerabilityID}, severity(v.Severity), v.PkgIdentifier.PURL})
		}
	}
	return found, err
}

// readGrype reads what grype -o json writes.
func readGrype(result json.RawMessage) ([]vulnerability, error) {
	type named struct {
		ID       string `json:"id"`
		Severity string `json:"severity"`
	}
	g, err := typed[struct {
		Matches []struct {
			Vulnerability named   `json:"vulnerability"`
			Related       []named `json:"relatedVulnerabilities"`
			Artifact      struct {
				PURL string `json:"purl"`
			} `json:"artifact"`
		} `json:"matches"`
	}](result)
	var found []vulnerability
	for _, m := range g.Matches {
		v := vulnerability{[]string{m.Vulnerability.ID}, severity(m.Vulnerability.Severity), m.Artifact.PURL}
		for _, other := range m.Related {
			v.names = append(v.names, other.ID)
		}
		found = append(found, v)
	}
	return found, err
}

// readSARIF reads SARIF 2.1.0 whose rules are vulnerabilities, with the security-severity that GitHub's code
// scanning takes for their CVSS score.
func readSARIF(result json.RawMessage) ([]vulnerability, error) {
	s, err := typed[struct {
		Runs []struct {
			Tool struct {
				Driver struct {
					Rules []struct {
						ID         string         `json:"id"`
						Properties map[string]any `json:"properties"`
					} `json:"rules"`
				} `json:"driver"`
			} `json:"tool"`
			Results []struct {
				RuleID string `json:"ruleId"`
			} `json:"results"`
		} `json:"runs"`
	}](result)
	var found []vulnerability
	for _, run := range s.Runs {
		scores := map[string]string{}
		for _, rule := range run.Tool.Driver.Rules {
			score, _ := rule.Properties["security-severity"].(string)
			scores[rule.ID] = severity(score)
		}
		for _, r := range run.Results {
			found = append(found, vulnerability{names: []string{r.RuleID}, severity: cmp.Or(scores[r.RuleID], unknownSeverity)})
		}
	}
	return found, err
}

// readIntotoReport reads the predicates https://in-toto.io/attestation/vulns/v0.1 and v0.2. The text of v0.1
// has a vulnerability inside each result, and its example has not.
func readIntotoReport(predicate json.RawMessage) (*report, error) {
	r, result, err := readScan(predicate)
	if err != nil {
		return nil, err
	}
	type scored struct {
		ID       string          `json:"id"`
		Severity json.RawMessage `json:"severity"`
	}
	results, err := typed[[]struct {
		scored
		Vulnerability *scored `json:"vulnerability"`
	}](result)
	if err != nil {
		return nil, fmt.Errorf("scanner.result: %w", err)
	}
	if results == nil {
		return nil, errors.New("scanner.result is null")
	}
	for _, each := range results {
		v := each.scored
		if each.Vulnerability != nil {
			v = *each.Vulnerability
		}
		r.found = append(r.found, vulnerability{names: []string{v.ID}, severity: worstScore(v.Severity)})
	}
	r.readable = true
	return r, nil
}

// worstScore is the worst severity of those that several methods give; unknown if none does.
func worstScore(text json.RawMessage) string {
	type score struct {
		Score string `json:"score"`
	}
	scores, err := typed[[]score](text)
	if err != nil {
		var one score
		if one, err = typed[score](text); err != nil {
			return unknownSeverity
		}
		scores = []score{one}
	}
	worst := ""
	for _, s := range scores {
		if told := severity(s.Score); told != unknownSeverity && (worst == "" || rank(told) > rank(worst)) {
			worst = told
		}
	}
	return cmp.Or(worst, unknownSeverity)
}

// severity is one of severities: what a scanner calls by its name, or gives as a CVSS score (CVSS v3.1,
// section 5).
func severity(text string) string {
	switch text = strings.ToLower(strings.TrimSpace(text)); text {
	case "none", "low", "medium", "high", "critical":
		return text
	case "negligible":
		return "low"
	case "moderate":
		return "medium"
	}
	score, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil || !(score >= 0 && score <= 10):
		return unknownSeverity
	case score >= 9:
		return "critical"
	case score >= 7:
		return "high"
	case score >= 4:
		return "medium"
	case score > 0:
		return "low"
	}
	return "none"
}

// rank orders severities.
func rank(severity string) int { return slices.Index(severities, severity) }

// tell is the report without the vulnerabilities that VEX documents excuse.
func (r *report) tell(excused func(vulnerability) bool) *VulnerabilityReport {
	out := &VulnerabilityReport{
		Scanner: clip(r.scanner, maxName), Worst: "none", Counts: map[string]int{}, ScannedAt: r.at.UTC(),
	}
	if !r.readable {
		out.Worst = unknownSeverity
		return out
	}
	for _, v := range r.found {
		out.Counts[v.severity]++
		if excused(v) {
			out.Excused = append(out.Excused, clip(v.names[0], maxName))
		} else if rank(v.severity) > rank(out.Worst) {
			out.Worst = v.severity
		}
	}
	slices.Sort(out.Excused)
	out.Excused = slices.Compact(out.Excused)
	return out
}

// clockSkew is how far the clock of who scanned may be ahead of ours.
const clockSkew = time.Minute

// refuse says why a report is not accepted; empty if it is.
func (t *VulnerabilityTerms) refuse(r *VulnerabilityReport, now time.Time) string {
	age := now.Sub(r.ScannedAt)
	switch {
	case r.ScannedAt.After(now.Add(clockSkew)):
		return fmt.Sprintf("the scan is said to have ended in the future, at %s", r.ScannedAt.Format(time.RFC3339))
	case t.MaxAge > 0 && r.ScannedAt.IsZero():
		return "it does not say when the scan was (metadata.scanFinishedOn), and it may be at most " + t.MaxAge.String() + " old"
	case t.MaxAge > 0 && age > time.Duration(t.MaxAge):
		return fmt.Sprintf("the scan is of %s, more than %s ago", r.ScannedAt.Format(time.RFC3339), t.MaxAge)
	case t.Worst == "" || rank(r.Worst) <= rank(t.Worst):
		return ""
	case r.Worst == unknownSeverity && len(r.Counts) == 0:
		return "the form of its result is not known: Trivy's and Grype's JSON and SARIF are"
	case r.Worst == unknownSeverity:
		return fmt.Sprintf("it has %d vulnerabilities of unknown severity, and the worst that is accepted is %s", r.Counts[unknownSeverity], t.Worst)
	}
	return fmt.Sprintf("it has vulnerabilities of severity %s, and the worst that is accepted is %s", r.Worst, t.Worst)
}
