package report

import (
	"bytes"
	"testing"

	"github.com/tidewaiter/tidewaiter/gate"
	"github.com/tidewaiter/tidewaiter/policies"
)

// TestJoinPlatforms checks that platforms are shown as one only where everything that is said of them is the
// same.
func TestJoinPlatforms(t *testing.T) {
	subject := func(platform string, change func(*gate.Subject)) gate.Subject {
		s := gate.Subject{Kind: "image", Name: "web:1.4", Digest: "sha256:00", Platform: platform, Verdict: gate.Deny,
			ReferencedBy: []string{"web.yaml:3"},
			Findings:     []gate.Finding{{Rule: "image/miner", Severity: policies.Critical, Message: "mines", Denies: true}}}
		change(&s)
		return s
	}
	tests := []struct {
		name   string
		change func(*gate.Subject)
		want   []string
	}{
		{"the same", func(*gate.Subject) {}, []string{"linux/amd64, linux/arm64"}},
		{"other name", func(s *gate.Subject) { s.Name = "web:1.5" }, []string{"linux/amd64", "linux/arm64"}},
		{"other digest", func(s *gate.Subject) { s.Digest = "sha256:01" }, []string{"linux/amd64", "linux/arm64"}},
		{"other verdict", func(s *gate.Subject) { s.Verdict = gate.Allow }, []string{"linux/amd64", "linux/arm64"}},
		{"other error", func(s *gate.Subject) { s.Error = "x" }, []string{"linux/amd64", "linux/arm64"}},
		{"other manifests", func(s *gate.Subject) { s.ReferencedBy = nil }, []string{"linux/amd64", "linux/arm64"}},
		{"no finding", func(s *gate.Subject) { s.Findings = nil }, []string{"linux/amd64", "linux/arm64"}},
		{"other message", func(s *gate.Subject) { s.Findings[0].Message = "x" }, []string{"linux/amd64", "linux/arm64"}},
		{"other rule", func(s *gate.Subject) { s.Findings[0].Rule = "x" }, []string{"linux/amd64", "linux/arm64"}},
		{"other severity", func(s *gate.Subject) { s.Findings[0].Severity = policies.High }, []string{"linux/amd64", "linux/arm64"}},
		{"waived", func(s *gate.Subject) { s.Findings[0].Waived = &gate.Waived{} }, []string{"linux/amd64", "linux/arm64"}},
		{"no image", func(s *gate.Subject) { s.Kind = "kubernetes" }, []string{"linux/amd64", "linux/arm64"}},
		{"no platform", func(s *gate.Subject) { s.Platform = "" }, []string{"linux/amd64", ""}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := joinPlatforms(gate.Report{Subjects: []gate.Subject{subject("linux/amd64", func(*gate.Subject) {}), subject("linux/arm64", test.change)}})
			if len(r.Subjects) != len(test.want) {
				t.Fatalf("got %d subjects, want %q", len(r.Subjects), test.want)
			}
			for i, s := range r.Subjects {
				if s.Platform != test.want[i] {
					t.Errorf("got %q, want %q", s.Platform, test.want[i])
				}
			}
		})
	}
}

// TestUnknownVerdict checks that a verdict that is none is worded as undecided, and never as a good one.
func TestUnknownVerdict(t *testing.T) {
	want, wrong := readReport(t, "undecided"), readReport(t, "undecided")
	wrong.Verdict = 7
	for i := range wrong.Subjects {
		if wrong.Subjects[i].Verdict == gate.Undecided {
			wrong.Subjects[i].Verdict = -1
		}
	}
	for _, format := range Formats() {
		if got := render(t, format, wrong, Options{}); !bytes.Equal(got, render(t, format, want, Options{})) {
			t.Errorf("%s: got:\n%s", format, got)
		}
	}
}
