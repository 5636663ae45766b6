package report

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/tidewaiter/tidewaiter/gate"
	"github.com/tidewaiter/tidewaiter/policies"
)

// clean returns a copy of r in which every string is sanitised and no list is nil. Formats get nothing else,
// so none can forget to sanitise.
func clean(r gate.Report) (gate.Report, error) {
	r.Schema, r.Verdict = sanitise(r.Schema), known(r.Verdict)
	r.Tool.Version, r.Tool.Rules = sanitise(r.Tool.Version), sanitise(r.Tool.Rules)
	subjects := make([]gate.Subject, 0, len(r.Subjects))
	for _, s := range r.Subjects {
		cleaned, err := cleanSubject(s)
		if err != nil {
			return gate.Report{}, err
		}
		subjects = append(subjects, cleaned)
	}
	r.Subjects = subjects
	return r, nil
}

// known takes a verdict that is none for what its zero value says.
func known(v gate.Verdict) gate.Verdict {
	if v != gate.Allow && v != gate.Deny {
		return gate.Undecided
	}
	return v
}

func cleanSubject(s gate.Subject) (gate.Subject, error) {
	for _, field := range []*string{&s.Kind, &s.Name, &s.File, &s.Digest, &s.Platform, &s.Error} {
		*field = sanitise(*field)
	}
	s.Verdict, s.ReferencedBy = known(s.Verdict), cleanList(s.ReferencedBy)
	findings := make([]gate.Finding, 0, len(s.Findings))
	for _, f := range s.Findings {
		cleaned, err := cleanFinding(f)
		if err != nil {
			return gate.Subject{}, err
		}
		findings = append(findings, cleaned)
	}
	s.Findings = findings
	return s, nil
}

func cleanFinding(f gate.Finding) (gate.Finding, error) {
	for _, field := range []*string{&f.Rule, &f.Message, &f.File, &f.Path} {
		*field = sanitise(*field)
	}
	f.Remediation = oneLine(f.Remediation)
	f.Attack = cleanList(f.Attack)
	if f.Waived != nil {
		f.Waived = &gate.Waived{
			Reason:  oneLine(f.Waived.Reason),
			Owner:   oneLine(f.Waived.Owner),
			Expires: sanitise(f.Waived.Expires),
		}
	}
	if f.Evidence != nil {
		evidence, err := cleanValue(f.Evidence)
		if err != nil {
			return gate.Finding{}, fmt.Errorf("evidence of %s: %w", f.Rule, err)
		}
		f.Evidence, _ = evidence.(map[string]any)
	}
	return f, nil
}

// cleanList never returns nil.
func cleanList(list []string) []string {
	cleaned := make([]string, 0, len(list))
	for _, s := range list {
		cleaned = append(cleaned, sanitise(s))
	}
	return cleaned
}

// cleanValue sanitises all strings of a JSON value, those of keys too. What is not of a JSON type is turned
// into what it would be in JSON first.
func cleanValue(value any) (any, error) {
	switch v := value.(type) {
	case nil, bool, json.Number:
		return v, nil
	case string:
		return sanitise(v), nil
	case map[string]any:
		return cleanMap(v)
	case []any:
		cleaned := make([]any, 0, len(v))
		for _, item := range v {
			c, err := cleanValue(item)
			if err != nil {
				return nil, err
			}
			cleaned = append(cleaned, c)
		}
		return cleaned, nil
	}
	text, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var plain any
	if err := decoder.Decode(&plain); err != nil {
		return nil, err
	}
	return cleanValue(plain)
}

// cleanMap keeps all values of m: keys that differ only in what cannot be shown are told apart by a "_".
func cleanMap(m map[string]any) (map[string]any, error) {
	cleaned := make(map[string]any, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		value, err := cleanValue(m[key])
		if err != nil {
			return nil, err
		}
		key = sanitise(key)
		for _, taken := cleaned[key]; taken; _, taken = cleaned[key] {
			key += "_"
		}
		cleaned[key] = value
	}
	return cleaned, nil
}

// cleanRules sanitises the rules' own texts, which may be a user's. Descriptions keep their lines.
func cleanRules(rules []policies.Rule) []policies.Rule {
	cleaned := make([]policies.Rule, 0, len(rules))
	for _, r := range rules {
		r.ID, r.Title = sanitise(r.ID), oneLine(r.Title)
		r.Description, r.Remediation = paragraphs(r.Description), oneLine(r.Remediation)
		r.Attack, r.Mitigations, r.Related = cleanList(r.Attack), cleanList(r.Mitigations), cleanList(r.Related)
		cleaned = append(cleaned, r)
	}
	slices.SortStableFunc(cleaned, func(a, b policies.Rule) int { return cmp.Compare(a.ID, b.ID) })
	return cleaned
}
