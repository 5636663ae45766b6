package report

import (
	"cmp"
	"slices"

	"github.com/tidewaiter/tidewaiter/gate"
)

// A weight says what a finding does to the verdict.
type weight int

// The weights, gravest first.
const (
	denying weight = iota
	reported
	waived
)

func weigh(f gate.Finding) weight {
	switch {
	case f.Waived != nil:
		return waived
	case f.Denies:
		return denying
	}
	return reported
}

// A judged finding is one with the subject that it was found in, and that subject's index in the report.
type judged struct {
	index   int
	subject gate.Subject
	finding gate.Finding
}

// byGravity returns all findings, the gravest first: by weight, by severity, and else as they stand.
func byGravity(r gate.Report) []judged {
	var all []judged
	for i, s := range r.Subjects {
		for _, f := range s.Findings {
			all = append(all, judged{i, s, f})
		}
	}
	slices.SortStableFunc(all, func(a, b judged) int {
		return cmp.Or(cmp.Compare(weigh(a.finding), weigh(b.finding)), cmp.Compare(b.finding.Severity, a.finding.Severity))
	})
	return all
}

// gravest returns r with at most limit of its findings, the gravest of all, and how many are missing. Those
// of one subject come gravest first.
func gravest(r gate.Report, limit int) (pruned gate.Report, missing int) {
	all := byGravity(r)
	kept := all[:min(limit, len(all))]
	r.Subjects = slices.Clone(r.Subjects)
	for i := range r.Subjects {
		r.Subjects[i].Findings = nil
	}
	for _, j := range kept {
		r.Subjects[j.index].Findings = append(r.Subjects[j.index].Findings, j.finding)
	}
	return r, len(all) - len(kept)
}
