package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/tidewaiter/tidewaiter/gate"
	"github.com/tidewaiter/tidewaiter/policies"
)

// What GitHub shows of a step: ten annotations of each level. Of the notices one is kept for the sum of what
// is not shown.
// https://docs.github.com/actions/reference/workflow-commands-for-github-actions
var annotationLimits = []struct {
	level string
	limit int
}{{"error", 10}, {"warning", 10}, {"notice", 9}}

// An annotation is a message at a line, as GitHub shows it in the changes of a pull request.
type annotation struct {
	level, title, message string
	at                    place
}

// writeGitHub writes workflow commands that annotate the manifests: an error for what denies or could not be
// judged, a warning for other findings of medium severity or more, a notice for the rest. Waived findings
// are only counted. The last line is the verdict.
func writeGitHub(w io.Writer, r gate.Report, o Options) error {
	out := bufio.NewWriter(w)
	all := annotations(joinPlatforms(r))
	var missing []string
	for _, l := range annotationLimits {
		written := 0
		for _, a := range all {
			if a.level != l.level {
				continue
			}
			if written++; written <= l.limit {
				fmt.Fprintln(out, a.command(o))
			}
		}
		if written > l.limit {
			missing = append(missing, plural(written-l.limit, l.level))
		}
	}
	if len(missing) > 0 {
		fmt.Fprintf(out, "::notice title=Tidewaiter::%s more than GitHub shows: see the JSON or SARIF report\n",
			escapeData(strings.Join(missing, ", ")))
	}
	fmt.Fprintf(out, "tidewaiter: %s\n", summary(r))
	return out.Flush()
}

// annotations are what cannot be judged, then all findings that are not waived, gravest first.
func annotations(r gate.Report) []annotation {
	var all []annotation
	for _, s := range r.Subjects {
		if s.Verdict == gate.Undecided {
			all = append(all, annotation{"error", "undecided: " + s.Name, s.Error, placeOfSubject(s)})
		}
	}
	if r.Verdict == gate.Undecided && len(all) == 0 {
		all = append(all, annotation{level: "error", title: "undecided", message: summary(r)})
	}
	for _, j := range byGravity(r) {
		if j.finding.Waived == nil {
			all = append(all, annotate(j.subject, j.finding))
		}
	}
	return all
}

func annotate(s gate.Subject, f gate.Finding) annotation {
	a := annotation{
		level:   "notice",
		title:   fmt.Sprintf("%s: %s in %s", f.Severity, f.Rule, s.Name),
		message: clip(f.Message, maxText),
		at:      placeOf(s, f),
	}
	switch {
	case f.Denies:
		a.level = "error"
	case f.Severity >= policies.Medium:
		a.level = "warning"
	}
	if f.Remediation != "" {
		a.message += "\nfix: " + clip(f.Remediation, maxText)
	}
	return a
}

// command writes the annotation as a workflow command.
func (a annotation) command(o Options) string {
	var b strings.Builder
	b.WriteString("::" + a.level + " ")
	if a.at.file != "" {
		fmt.Fprintf(&b, "file=%s,line=%d,", escapeProperty(o.inRepository(a.at.file)), max(a.at.line, 1))
		if a.at.column > 0 {
			fmt.Fprintf(&b, "col=%d,", a.at.column)
		}
	}
	fmt.Fprintf(&b, "title=%s::%s", escapeProperty(clip(a.title, maxTitle)), escapeData(a.message))
	return b.String()
}

// maxTitle is how many characters an annotation's title has at most: GitHub refuses titles of more than 255.
const maxTitle = 200

// escapeData writes text as the message of a workflow command.
func escapeData(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

// escapeProperty writes text as the value of a workflow command's property.
func escapeProperty(s string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(escapeData(s))
}
