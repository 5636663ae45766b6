package main

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tidewaiter/tidewaiter/report"
	"github.com/tidewaiter/tidewaiter/signature"
)

// suggestion shows the policy that would accept what was verified. What is to be pasted is not indented.
// instead tells that an entry which does not hold matches already.
func (e *explainer) suggestion(s signature.Suggestion, instead bool) {
	for _, note := range s.Notes {
		e.line(2, "note: %s", note)
	}
	if s.Entry == nil {
		if len(s.Notes) == 0 {
			e.line(2, "nothing stands beside the image that a policy could accept")
		}
		return
	}
	text, err := policyText(*s.Entry)
	if err != nil {
		e.line(2, "the policy that would accept it cannot be written: %v", err)
		return
	}
	where := "as an entry of trust"
	if instead {
		where = "in place of the entry that does not hold"
	}
	fmt.Fprintf(e.out, `
  What was verified beside this image would be accepted with this in tidewaiter.yaml,
  %s. It says who signed, not whom to trust: keep only whom you know.

%s`, where, text)
	for _, key := range s.Keys {
		fmt.Fprintf(e.out, "\n  The log knows the key that signed. Ask the publisher whether it is theirs; then store it as\n  %s beside tidewaiter.yaml:\n\n%s",
			key.File, key.PEM)
	}
	fmt.Fprintln(e.out)
}

// policyText writes a policy of one entry as YAML with comments.
func policyText(entry signature.Entry) (string, error) {
	var root yaml.Node
	if err := root.Encode(signature.Policy{Entries: []signature.Entry{entry}}); err != nil {
		return "", err
	}
	top := descend(&root, "trust", 0)
	comment(top, entry.Authorities)
	for i, r := range entry.Attestations {
		comment(descend(top, "attestations", i), r.Authorities)
	}
	var text bytes.Buffer
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	if err := encoder.Encode(&root); err != nil {
		return "", err
	}
	var out strings.Builder
	for line := range strings.Lines(text.String()) {
		out.WriteString(report.Clean(strings.TrimSuffix(line, "\n")) + "\n")
	}
	return out.String(), nil
}

// descend returns the element of a list that stands at a key of a mapping.
func descend(node *yaml.Node, key string, i int) *yaml.Node {
	for k := 0; k+1 < len(node.Content); k += 2 {
		if node.Content[k].Value == key {
			return node.Content[k+1].Content[i]
		}
	}
	return &yaml.Node{}
}

// comment says above each authority of a mapping what it means.
func comment(node *yaml.Node, authorities []signature.Authority) {
	for i, a := range authorities {
		descend(node, "authorities", i).HeadComment = meaning(a)
	}
}

// taggedRef is the end of a workflow's identity that names a release.
var taggedRef = regexp.MustCompile(`@refs/tags/[^/]+$`)

// meaning says of an authority what a reader should know before trusting it.
func meaning(a signature.Authority) string {
	if a.Keyless == nil || !taggedRef.MatchString(a.Keyless.Subject) || strings.Contains(a.Keyless.Subject, "'") {
		return ""
	}
	stem := regexp.QuoteMeta(taggedRef.ReplaceAllString(a.Keyless.Subject, ""))
	return "this release alone; for all of them, instead of subject:\nsubjectPattern: '" + stem + "@refs/tags/.+'"
}
