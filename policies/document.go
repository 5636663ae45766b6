package policies

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"strings"
)

const documentHead = `# Rules

<!-- Generated from the METADATA of policies/*/*.rego and from testdata/rules: change them, and run make update. -->

A rule is called ` + "`<kind>/<name>`" + `, in findings, in waivers, in the configuration and here. Severities can be
changed, and rules switched off, in ` + "`tidewaiter.yaml`" + `: ` +
	"`rules: {kubernetes/privileged: {severity: high}}`" + `.
` + "`tidewaiter rules ID`" + ` shows the same on the command line.

`

// Document writes the reference of rules as Markdown: a table, and a section for each, whose anchor is its ID. The
// examples are taken from fixtures, <kind>/<name>.yaml: the first document with a finding is one to avoid, the
// first without any is one to prefer. A rule without a fixture has no examples.
func Document(w io.Writer, rules []Rule, fixtures fs.FS) error {
	if _, err := io.WriteString(w, documentHead); err != nil {
		return err
	}
	if err := listMarkdown(w, rules); err != nil {
		return err
	}
	for _, rule := range rules {
		if err := explainMarkdown(w, rule); err != nil {
			return err
		}
		if rule.Kind != Kubernetes && rule.Kind != Set {
			continue // the fixtures of other kinds are evidence, which nobody writes
		}
		if err := writeExamples(w, rule, fixtures); err != nil {
			return err
		}
	}
	return nil
}

func writeExamples(w io.Writer, rule Rule, fixtures fs.FS) error {
	fixture, err := fs.ReadFile(fixtures, rule.ID+".yaml")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	between := separator
	if rule.Kind == Set {
		between = setHead
	}
	avoid, prefer := examples(string(fixture), between)
	return errors.Join(writeExample(w, "Avoid", avoid), writeExample(w, "Prefer", prefer))
}

func listMarkdown(w io.Writer, rules []Rule) error {
	var b strings.Builder
	b.WriteString("| rule | severity | |\n|---|---|---|\n")
	for _, rule := range rules {
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s |\n", rule.ID, rule.ID, rule.Severity, strings.ReplaceAll(rule.Title, "|", `\|`))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func explainMarkdown(w io.Writer, rule Rule) error {
	var b strings.Builder
	fmt.Fprintf(&b, "\n<a id=\"%s\"></a>\n## %s\n\n`%s` · %s", rule.ID, rule.Title, rule.ID, rule.Severity)
	for _, id := range rule.Attack {
		fmt.Fprintf(&b, " · [%s](https://attack.mitre.org/techniques/%s/)", id, strings.ReplaceAll(id, ".", "/"))
	}
	for _, id := range rule.Mitigations {
		fmt.Fprintf(&b, " · [%s](https://attack.mitre.org/mitigations/%s/)", id, id)
	}
	b.WriteString("\n")
	if rule.Description != "" {
		fmt.Fprintf(&b, "\n%s\n", rule.Description)
	}
	if rule.Remediation != "" {
		fmt.Fprintf(&b, "\n**What to do:** %s\n", rule.Remediation)
	}
	if len(rule.Related) > 0 {
		fmt.Fprintf(&b, "\nTo read: <%s>\n", strings.Join(rule.Related, ">, <"))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func writeExample(w io.Writer, title, example string) error {
	if example == "" {
		return nil
	}
	_, err := fmt.Fprintf(w, "\n%s:\n\n```yaml\n%s```\n", title, example)
	return err
}

var (
	separator   = regexp.MustCompile(`(?m)^---.*\n`)
	setHead     = regexp.MustCompile(`(?m)^# set: .*\n`)
	expectation = regexp.MustCompile(`(?m)^[ \t]*# want\b.*\n|[ \t]*# want\b.*`)
)

// examples returns the first part of a fixture that has a finding, without the comments that say so, and the first
// that has none. Either may be missing. Parts are documents, or sets of documents.
func examples(fixture string, between *regexp.Regexp) (avoid, prefer string) {
	for _, document := range between.Split(fixture, -1) {
		document = strings.TrimSpace(document)
		switch {
		case document == "":
		case expectation.MatchString(document) && avoid == "":
			avoid = expectation.ReplaceAllString(document+"\n", "")
		case !expectation.MatchString(document) && prefer == "":
			prefer = document + "\n"
		}
	}
	return avoid, prefer
}
