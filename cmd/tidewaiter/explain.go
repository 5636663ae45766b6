package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/tidewaiter/tidewaiter/gate"
	"github.com/tidewaiter/tidewaiter/report"
	"github.com/tidewaiter/tidewaiter/signature"
)

// printVerified prints what was found out of the image at place i of the arguments.
func (a *app) printVerified(r verified, format string, i int) error {
	if format == "json" {
		encoder := json.NewEncoder(a.stdout)
		encoder.SetIndent("", "  ")
		return encoder.Encode(r)
	}
	if i > 0 {
		fmt.Fprintln(a.stdout)
	}
	e := explainer{out: bufio.NewWriter(a.stdout), color: isTerminal(a.stdout) && os.Getenv("NO_COLOR") == ""}
	e.image(r)
	return e.out.Flush()
}

// explainer writes for people who vouches for an image. Errors of out are kept by it until it is flushed.
type explainer struct {
	out   *bufio.Writer
	color bool
}

// line writes one line; its text may come from outside.
func (e *explainer) line(indent int, format string, args ...any) {
	fmt.Fprintf(e.out, "%*s%s\n", indent, "", report.Clean(fmt.Sprintf(format, args...)))
}

// marked writes a line after a verdict's sign.
func (e *explainer) marked(indent int, v gate.Verdict, format string, args ...any) {
	fmt.Fprintf(e.out, "%*s%s %s\n", indent, "", report.Sign(v, e.color), report.Clean(fmt.Sprintf(format, args...)))
}

func (e *explainer) image(r verified) {
	e.marked(0, r.Verdict, "%s", r.Image)
	if r.Digest != "" {
		e.line(2, "digest %s", r.Digest)
	}
	if r.Error != "" {
		e.line(2, "undecided: %s", r.Error)
	}
	for _, entry := range r.Entries {
		e.entry(entry, r.Result)
	}
	for _, rejected := range r.Rejected {
		e.line(2, "%s", describeRejection(rejected))
	}
	if r.Suggestion != nil {
		e.suggestion(*r.Suggestion, len(r.Entries) > 0)
	}
}

// entry tells how an entry of the policy fared, and by whom.
func (e *explainer) entry(entry signature.EntryResult, r signature.Result) {
	if entry.Held {
		e.marked(2, gate.Allow, "trust entry %v holds", entry.Images)
	} else {
		e.marked(2, gate.Deny, "trust entry %v does not hold%s", entry.Images, lacking(entry))
	}
	for _, s := range entry.Signers {
		e.line(4, "vouched for by %s", describe(s))
		e.facts(6, signerFacts(s))
	}
	for _, want := range entry.Attestations {
		e.requirement(want, r)
	}
}

// lacking says what an entry lacks.
func lacking(entry signature.EntryResult) string {
	if entry.Missing != "" {
		return ": " + entry.Missing
	}
	missing := 0
	for _, a := range entry.Attestations {
		if !a.Held {
			missing++
		}
	}
	return fmt.Sprintf(": %d of %d attestations lacking", missing, len(entry.Attestations))
}

// requirement tells how a required attestation fared, and what those say that count.
func (e *explainer) requirement(want signature.RequirementResult, r signature.Result) {
	if !want.Held {
		e.marked(4, gate.Deny, "attestation %s is lacking: %s", want.PredicateType, want.Missing)
		return
	}
	e.marked(4, gate.Allow, "attestation %s", want.PredicateType)
	for _, s := range want.Signers {
		e.line(6, "attested by %s", describe(s))
		e.facts(8, signerFacts(s))
	}
	for _, a := range r.Attestations {
		if a.PredicateType == want.PredicateType {
			e.facts(6, attestationFacts(a))
		}
	}
}

// fact is a line with its name before it. Without a text it is left away.
type fact struct{ name, text string }

// facts writes facts aligned.
func (e *explainer) facts(indent int, facts []fact) {
	width := 0
	for _, f := range facts {
		if f.text != "" {
			width = max(width, len(f.name))
		}
	}
	for _, f := range facts {
		if f.text != "" {
			e.line(indent, "%-*s  %s", width, f.name, f.text)
		}
	}
}

// describe names who signed.
func describe(s signature.Signer) string {
	if s.Kind == "key" {
		return "key " + s.Key
	}
	return s.Subject
}

// signerFacts are what is known of a signature beside who made it.
func signerFacts(s signature.Signer) []fact {
	w := s.Workflow
	if w == nil {
		w = &signature.Workflow{}
	}
	facts := []fact{
		{"fingerprint", prefixed("sha256:", s.Fingerprint)},
		{"issuer", s.Issuer},
		{"authority", s.Roots},
		{"repository", w.Repository},
		{"ref", w.Ref},
		{"commit", w.Commit},
		{"trigger", w.Trigger},
		{"runner", w.Runner},
		{"run", w.Run},
		{"signed at", moment(s.SignedAt)},
		{"log index", number(s.LogIndex)},
		{"layout", s.Layout},
		{"signed name", s.DockerReference},
	}
	for _, key := range slices.Sorted(maps.Keys(s.Annotations)) {
		facts = append(facts, fact{"annotation", key + "=" + s.Annotations[key]})
	}
	return facts
}

// attestationFacts are what a predicate tells, if its type is known.
func attestationFacts(a signature.Attestation) []fact {
	var facts []fact
	if p := a.Provenance; p != nil {
		facts = append(facts, fact{"builder", p.Builder}, fact{"build type", p.BuildType},
			fact{"source", p.Source}, fact{"ref", p.Ref}, fact{"commit", p.Commit})
	}
	if s := a.SBOM; s != nil {
		facts = append(facts, fact{"packages", fmt.Sprintf("%d, as %s", len(s.Packages), s.Format)})
	}
	if v := a.Vulnerabilities; v != nil {
		facts = append(facts, fact{"worst", v.Worst}, fact{"found", counts(v.Counts)},
			fact{"scanner", v.Scanner}, fact{"scanned at", moment(v.ScannedAt)})
	}
	if v := a.VEX; v != nil {
		numbers := map[string]int{}
		for status, list := range v.Statuses {
			numbers[status] = len(list)
		}
		facts = append(facts, fact{"author", v.Author}, fact{"statements", counts(numbers)}, fact{"issued at", moment(v.IssuedAt)})
	}
	return facts
}

// counts lists numbers by what they are of, in the order of the names.
func counts(numbers map[string]int) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(numbers)) {
		out = append(out, fmt.Sprintf("%d %s", numbers[name], name))
	}
	return strings.Join(out, ", ")
}

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func number(n *int64) string {
	if n == nil {
		return ""
	}
	return fmt.Sprint(*n)
}

// describeRejection says in one line what does not count, and why.
func describeRejection(r signature.Rejection) string {
	out := "rejected signature: "
	if r.PredicateType != "" {
		out = "rejected attestation " + r.PredicateType + ": "
	}
	out += r.Reason
	if r.Authority != "" {
		out += "; asked: " + r.Authority
	}
	if r.Subject != "" {
		out += fmt.Sprintf("; its certificate is of %s by %s", r.Subject, r.Issuer)
	}
	return fmt.Sprintf("%s [%s, %s]", out, r.Layout, r.Manifest)
}
