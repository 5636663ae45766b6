package report

import (
	"slices"

	"github.com/tidewaiter/tidewaiter/gate"
)

// joinPlatforms returns r with neighbouring subjects that are platforms of one image made one where the same
// is to be said of them: an image of six platforms does not need to be read six times.
func joinPlatforms(r gate.Report) gate.Report {
	var joined []gate.Subject
	for _, s := range r.Subjects {
		if last := len(joined) - 1; last >= 0 && alike(joined[last], s) {
			joined[last].Platform += ", " + s.Platform
			continue
		}
		joined = append(joined, s)
	}
	r.Subjects = joined
	return r
}

// alike tells whether a and b differ in nothing that humans are shown but the platform.
func alike(a, b gate.Subject) bool {
	return a.Kind == "image" && b.Kind == "image" && a.Platform != "" && b.Platform != "" &&
		a.Name == b.Name && a.Digest == b.Digest && a.Verdict == b.Verdict && a.Error == b.Error &&
		slices.Equal(a.ReferencedBy, b.ReferencedBy) && slices.EqualFunc(a.Findings, b.Findings, sameWords)
}

func sameWords(a, b gate.Finding) bool {
	return a.Rule == b.Rule && a.Severity == b.Severity && a.Message == b.Message && a.Path == b.Path &&
		a.File == b.File && a.Line == b.Line && weigh(a) == weigh(b)
}
