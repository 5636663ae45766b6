package policies

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// width is where texts are broken for a terminal.
const width = 80

// renderer is how rules are shown in one format: all of them, or one explained.
type renderer struct {
	format  string
	list    func(io.Writer, []Rule) error
	explain func(io.Writer, Rule) error
}

var renderers = []renderer{
	{"text", listText, explainText},
	{"json", listJSON, explainJSON},
	{"markdown", listMarkdown, explainMarkdown},
}

// Formats are the formats that rules can be shown in.
func Formats() []string {
	var formats []string
	for _, r := range renderers {
		formats = append(formats, r.format)
	}
	return formats
}

func findRenderer(format string) (renderer, error) {
	i := slices.IndexFunc(renderers, func(r renderer) bool { return r.format == format })
	if i < 0 {
		return renderer{}, fmt.Errorf("rules are not shown as %q: formats are %s", format, strings.Join(Formats(), ", "))
	}
	return renderers[i], nil
}

// List writes rules one below the other in one of Formats.
func List(w io.Writer, rules []Rule, format string) error {
	r, err := findRenderer(format)
	if err != nil {
		return err
	}
	return r.list(w, rules)
}

// Explain writes what one rule objects to, why, and what to do about it, in one of Formats.
func Explain(w io.Writer, rule Rule, format string) error {
	r, err := findRenderer(format)
	if err != nil {
		return err
	}
	return r.explain(w, rule)
}

// Find returns the rule with an ID. The error suggests the nearest where there is none.
func Find(rules []Rule, id string) (Rule, error) {
	var ids []string
	for _, rule := range rules {
		if rule.ID == id {
			return rule, nil
		}
		ids = append(ids, rule.ID)
	}
	return Rule{}, fmt.Errorf("there is no rule %q%s", id, suggestion(id, ids))
}

func listText(w io.Writer, rules []Rule) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, rule := range rules {
		fmt.Fprintf(table, "%s\t%s\t%s\n", rule.ID, rule.Severity, rule.Title)
	}
	return table.Flush()
}

func explainText(w io.Writer, rule Rule) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s)\n%s\n", rule.ID, rule.Severity, rule.Title)
	if rule.Description != "" {
		fmt.Fprintf(&b, "\n%s", wrap(rule.Description))
	}
	if rule.Remediation != "" {
		fmt.Fprintf(&b, "\nWhat to do:\n%s", wrap(rule.Remediation))
	}
	if len(rule.Attack) > 0 {
		fmt.Fprintf(&b, "\nMITRE ATT&CK: %s", strings.Join(rule.Attack, ", "))
		if len(rule.Mitigations) > 0 {
			fmt.Fprintf(&b, "; mitigations: %s", strings.Join(rule.Mitigations, ", "))
		}
		b.WriteString("\n")
	}
	if len(rule.Related) > 0 {
		fmt.Fprintf(&b, "\nTo read:\n  %s\n", strings.Join(rule.Related, "\n  "))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// wrap breaks a text into lines for a terminal; blank lines between paragraphs stay.
func wrap(text string) string {
	var b strings.Builder
	for i, paragraph := range strings.Split(strings.TrimSpace(text), "\n\n") {
		if i > 0 {
			b.WriteString("\n")
		}
		column := 0
		for _, word := range strings.Fields(paragraph) {
			if column > 0 && column+1+len(word) > width {
				b.WriteString("\n")
				column = 0
			} else if column > 0 {
				b.WriteString(" ")
				column++
			}
			b.WriteString(word)
			column += len(word)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func listJSON(w io.Writer, rules []Rule) error {
	listed := make([]Rule, len(rules))
	for i, rule := range rules {
		listed[i] = withArrays(rule)
	}
	return writeJSON(w, listed)
}

func explainJSON(w io.Writer, rule Rule) error { return writeJSON(w, withArrays(rule)) }

// withArrays has no null where readers of JSON look for an array.
func withArrays(rule Rule) Rule {
	for _, list := range []*[]string{&rule.Attack, &rule.Mitigations, &rule.Related} {
		if *list == nil {
			*list = []string{}
		}
	}
	return rule
}

func writeJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}
