package report

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/tidewaiter/tidewaiter/policies"
)

// describeRules returns what SARIF says of the rules: those that judged, by ID, and then those that are only
// known by their findings, in order of appearance. A rule's severity is the one that its findings have, which
// the configuration may have changed.
func describeRules(rules []policies.Rule, findings []judged) []sarifRule {
	severities := map[string]policies.Severity{}
	described := map[string]bool{}
	for _, rule := range rules {
		described[rule.ID] = true
	}
	for _, j := range findings {
		f := j.finding
		severities[f.Rule] = max(severities[f.Rule], f.Severity)
		if !described[f.Rule] {
			described[f.Rule] = true
			rules = append(rules, policies.Rule{ID: f.Rule, Title: f.Rule, Severity: f.Severity, Attack: f.Attack, Remediation: f.Remediation})
		}
	}
	all := make([]sarifRule, 0, len(rules))
	for _, rule := range rules {
		if severity, found := severities[rule.ID]; found {
			rule.Severity = severity
		}
		all = append(all, sarifRuleOf(rule))
	}
	return all
}

func sarifRuleOf(rule policies.Rule) sarifRule {
	title := rule.Title
	if title == "" {
		title = rule.ID
	}
	described := sarifRule{
		ID:                   rule.ID,
		ShortDescription:     sarifText{Text: title},
		Help:                 helpOf(rule),
		DefaultConfiguration: sarifConfiguration{Level: sarifLevels[rule.Severity]},
		Properties: sarifRuleProperties{
			SecuritySeverity: securitySeverity(rule.Severity),
			Severity:         rule.Severity.String(),
			Precision:        "high",
			Tags:             unique(append([]string{"security"}, rule.Attack...)),
		},
	}
	if rule.Description != "" {
		described.FullDescription = &sarifText{Text: rule.Description}
	}
	for _, address := range rule.Related {
		if uri, ok := webAddress(address); ok {
			described.HelpURI = uri
			break
		}
	}
	return described
}

// webAddress returns s as a URI, if it is the address of a page: one that is not makes the report invalid.
func webAddress(s string) (uri string, ok bool) {
	address, err := url.Parse(s)
	if err != nil || address.Scheme != "https" || address.Host == "" {
		return "", false
	}
	return address.String(), true
}

// helpOf is what code scanning shows beside an alert. The text of a built-in rule's METADATA is its author's
// markdown; a rule that is only known by its findings has a remediation alone.
func helpOf(rule policies.Rule) sarifText {
	var text, markdown []string
	add := func(plain, marked string) {
		text, markdown = append(text, plain), append(markdown, marked)
	}
	if rule.Description != "" {
		add(rule.Description, rule.Description)
	}
	if rule.Remediation != "" {
		add("Fix: "+rule.Remediation, "**Fix:** "+rule.Remediation)
	}
	if len(rule.Attack) > 0 {
		links := make([]string, len(rule.Attack))
		for i, id := range rule.Attack {
			links[i] = technique(id)
		}
		add("MITRE ATT&CK: "+strings.Join(rule.Attack, ", "), "**MITRE ATT&CK:** "+strings.Join(links, ", "))
	}
	for _, address := range rule.Related {
		if uri, ok := webAddress(address); ok {
			add(address, "<"+uri+">")
		}
	}
	add("Rule "+rule.ID, fmt.Sprintf("Rule %s", code(rule.ID)))
	return sarifText{Text: strings.Join(text, "\n"), Markdown: strings.Join(markdown, "\n\n")}
}
