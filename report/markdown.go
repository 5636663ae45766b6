package report

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/tidewaiter/tidewaiter/gate"
)

// maxMarkdown is the most bytes that the markdown format writes: GitHub refuses comments of 65,536 characters
// and job summaries of 1 MiB.
const maxMarkdown = 60_000

var verdictSigns = map[gate.Verdict]string{gate.Deny: "❌", gate.Undecided: "❔", gate.Allow: "✅"}

// writeMarkdown writes a summary for a job or a comment: the verdict, what denies, what could not be judged,
// and everything else folded.
func writeMarkdown(w io.Writer, r gate.Report, _ Options) error {
	p := page{left: maxMarkdown}
	verdict, counts, _ := strings.Cut(summary(r), ": ")
	p.write(fmt.Sprintf("## %s Tidewaiter: %s\n\n**%s.**\n", verdictSigns[r.Verdict], verdict, counts))

	parts := map[weight][]judged{}
	r = joinPlatforms(r)
	for _, j := range byGravity(r) {
		parts[weigh(j.finding)] = append(parts[weigh(j.finding)], j)
	}
	p.table("", "| | Finding | Where | Rule |\n|---|---|---|---|\n", rows(parts[denying], findingRow))
	p.table("### Could not be judged", "| Subject | Why |\n|---|---|\n", undecidedRows(r))
	p.fold("What does not deny", "| | Finding | Where | Rule |\n|---|---|---|---|\n", rows(parts[reported], findingRow))
	p.fold("Waived", "| | Finding | Where | Rule | Waiver |\n|---|---|---|---|---|\n", rows(parts[waived], waivedRow))
	p.fold("How to fix", "| Rule | Fix | ATT&CK |\n|---|---|---|\n", fixRows(slices.Concat(parts[denying], parts[reported])))
	p.fold("Images", "| | Image | Platforms | Digest | Run by |\n|---|---|---|---|---|\n", imageRows(r))
	_, err := io.WriteString(w, p.text.String())
	return err
}

// A page is markdown of bounded size. A table that does not fit ends with the count of the missing rows.
type page struct {
	text strings.Builder
	left int // bytes
}

func (p *page) write(s string) {
	p.text.WriteString(s)
	p.left -= len(s)
}

// rowReserve is kept for what follows a table's last row: the count, the end of a fold, the heads of the
// tables that come after.
const rowReserve = 2000

func (p *page) table(title, head string, rows []string) {
	if len(rows) == 0 {
		return
	}
	p.write("\n")
	if title != "" {
		p.write(title + "\n\n")
	}
	p.write(head)
	for i, row := range rows {
		if len(row) > p.left-rowReserve {
			p.write(fmt.Sprintf("\n… and %s more: the JSON report has all of them.\n", thousands(len(rows)-i)))
			return
		}
		p.write(row)
	}
}

// fold writes a table that is closed until someone wants to see it.
func (p *page) fold(title, head string, rows []string) {
	if len(rows) == 0 {
		return
	}
	p.write(fmt.Sprintf("\n<details><summary>%s (%s)</summary>\n", title, thousands(len(rows))))
	p.table("", head, rows)
	p.write("\n</details>\n")
}

func rows(findings []judged, row func(judged) string) []string {
	var all []string
	for _, j := range findings {
		all = append(all, row(j))
	}
	return all
}

func findingRow(j judged) string {
	return fmt.Sprintf("| %s | %s | %s | %s |\n", j.finding.Severity, escapeMarkdown(j.finding.Message),
		where(j), code(j.finding.Rule))
}

func waivedRow(j judged) string {
	return strings.TrimSuffix(findingRow(j), "\n") + " " + escapeMarkdown(waiver(*j.finding.Waived)) + " |\n"
}

// where names the subject and the line.
func where(j judged) string {
	name := code(j.subject.Name)
	if j.subject.Platform != "" {
		name += " " + escapeMarkdown(j.subject.Platform)
	}
	if at := placeOf(j.subject, j.finding); at.file != "" && at.file != j.subject.Name {
		name += "<br>" + code(at.String())
	}
	return name
}

func undecidedRows(r gate.Report) []string {
	var all []string
	for _, s := range r.Subjects {
		if s.Verdict == gate.Undecided {
			all = append(all, fmt.Sprintf("| %s | %s |\n", where(judged{subject: s}), escapeMarkdown(s.Error)))
		}
	}
	return all
}

// fixRows says once for every rule what to do.
func fixRows(findings []judged) []string {
	var all []string
	said := map[string]bool{}
	for _, j := range findings {
		f := j.finding
		if f.Remediation == "" || said[f.Rule] {
			continue
		}
		said[f.Rule] = true
		techniques := make([]string, len(f.Attack))
		for i, t := range f.Attack {
			techniques[i] = technique(t)
		}
		all = append(all, fmt.Sprintf("| %s | %s | %s |\n", code(f.Rule), escapeMarkdown(f.Remediation), enumerate(techniques, 6)))
	}
	return all
}

func imageRows(r gate.Report) []string {
	var all []string
	for _, s := range r.Subjects {
		if s.Kind != "image" {
			continue
		}
		by := runBy(s)
		for i, at := range by {
			by[i] = code(at)
		}
		all = append(all, fmt.Sprintf("| %s | %s | %s | %s | %s |\n", verdictSigns[s.Verdict], code(s.Name),
			escapeMarkdown(s.Platform), code(s.Digest), enumerate(by, 4)))
	}
	return all
}

var techniqueID = regexp.MustCompile(`^T\d{4}(\.\d{3})?$`)

// technique links to a technique's page, if it is the number of one.
func technique(id string) string {
	if !techniqueID.MatchString(id) {
		return code(id)
	}
	return fmt.Sprintf("[%s](https://attack.mitre.org/techniques/%s/)", id, strings.Replace(id, ".", "/", 1))
}

// maxCell is how many characters of one text from outside stand in a table.
const maxCell = 400

// code shows an identifier as it is written, where nothing is a link, a mention or markup. What a code span
// in a table cannot hold goes into an element.
func code(s string) string {
	s = clip(s, maxCell)
	switch {
	case strings.TrimSpace(s) == "":
		return ""
	case strings.ContainsAny(s, "`|\\"):
		return "<code>" + escapeMarkdown(s) + "</code>"
	}
	return "`" + s + "`"
}

// breaker parts what would be a mention, a link or an issue's number if it were in one piece. It is written
// as a reference, so that no invisible character is in the output.
const breaker = "&#8203;"

var markdownEscapes = strings.NewReplacer(
	"&", "&amp;", "<", "&lt;", ">", "&gt;", "|", "&#124;",
	"\\", "\\\\", "`", "\\`", "*", "\\*", "_", "\\_", "~", "\\~", "$", "\\$",
	"[", "\\[", "]", "\\]",
	"://", ":"+breaker+"//", "@", "@"+breaker, "#", "#"+breaker,
	"www.", "www"+breaker+".", "WWW.", "WWW"+breaker+".", "GH-", "GH"+breaker+"-", "gh-", "gh"+breaker+"-",
)

// escapeMarkdown makes text show as it is: no markup, element, cell, mention, reference or link comes of it.
// It is not for the start of a line, where a dash or a number means something.
func escapeMarkdown(s string) string { return markdownEscapes.Replace(clip(s, maxCell)) }
