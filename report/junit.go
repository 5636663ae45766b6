package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/tidewaiter/tidewaiter/gate"
)

// The elements of a JUnit report, as far as continuous integration servers agree on them.
type (
	junitRun struct {
		XMLName  xml.Name `xml:"testsuites"`
		Name     string   `xml:"name,attr"`
		Tests    int      `xml:"tests,attr"`
		Failures int      `xml:"failures,attr"`
		Errors   int      `xml:"errors,attr"`
		Suites   []*junitSuite

		byName map[string]*junitSuite
	}
	junitSuite struct {
		XMLName  xml.Name `xml:"testsuite"`
		Name     string   `xml:"name,attr"`
		Tests    int      `xml:"tests,attr"`
		Failures int      `xml:"failures,attr"`
		Errors   int      `xml:"errors,attr"`
		Cases    []junitCase
	}
	junitCase struct {
		XMLName   xml.Name      `xml:"testcase"`
		ClassName string        `xml:"classname,attr"`
		Name      string        `xml:"name,attr"`
		File      string        `xml:"file,attr,omitempty"`
		Line      int           `xml:"line,attr,omitempty"`
		Failure   *junitProblem `xml:"failure"`
		Error     *junitProblem `xml:"error"`
		Output    *junitText    `xml:"system-out"`
	}
	junitProblem struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",cdata"`
	}
	junitText struct {
		Text string `xml:",cdata"`
	}
)

// writeJUnit writes a test suite for every file, and one for the images, with a test case for every subject:
// denied is a failure, undecided an error. Findings that do not deny are the test case's output.
func writeJUnit(w io.Writer, r gate.Report, o Options) error {
	run := junitRun{Name: "tidewaiter", byName: map[string]*junitSuite{}}
	shown, missing := gravest(r, o.MaxFindings)
	for _, s := range shown.Subjects {
		run.add(suiteName(s), junitCaseOf(s))
	}
	if r.Verdict != gate.Allow && run.Failures+run.Errors == 0 {
		// A run without a single failed case would be taken for a good one.
		run.add("tidewaiter", junitCase{ClassName: "tidewaiter", Name: "verdict",
			Error: &junitProblem{Message: summary(r), Type: r.Verdict.String()}})
	}
	if missing > 0 {
		run.add("tidewaiter", junitCase{ClassName: "tidewaiter", Name: "findings",
			Output: &junitText{Text: verb(missing, "more finding is", "more findings are") + " in the JSON report"}})
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(run); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// suiteName is the file of a subject. Images are not of any one file.
func suiteName(s gate.Subject) string {
	if s.Kind == "image" || s.File == "" {
		return s.Kind
	}
	return place{file: s.File}.String()
}

// add puts a case into the suite of that name, and into the counts.
func (r *junitRun) add(name string, c junitCase) {
	suite := r.byName[name]
	if suite == nil {
		suite = &junitSuite{Name: name}
		r.byName[name] = suite
		r.Suites = append(r.Suites, suite)
	}
	suite.Cases = append(suite.Cases, c)
	suite.Tests++
	r.Tests++
	if c.Failure != nil {
		suite.Failures++
		r.Failures++
	}
	if c.Error != nil {
		suite.Errors++
		r.Errors++
	}
}

func junitCaseOf(s gate.Subject) junitCase {
	at := placeOfSubject(s)
	c := junitCase{ClassName: s.Kind, Name: strings.TrimSpace(s.Name + " " + s.Platform), Line: at.line}
	c.File = place{file: at.file}.String()
	var denials, others []string
	var first *gate.Finding
	for i, f := range s.Findings {
		if weigh(f) != denying {
			others = append(others, junitLine(s, f))
			continue
		}
		denials = append(denials, junitLine(s, f))
		if first == nil {
			first = &s.Findings[i]
		}
	}
	text := strings.Join(denials, "\n")
	switch {
	case s.Verdict == gate.Deny && first != nil:
		c.Failure = &junitProblem{Message: clip(first.Message, maxText), Type: first.Rule, Text: text}
	case s.Verdict == gate.Deny:
		c.Failure = &junitProblem{Message: "denied", Type: "deny", Text: s.Error}
	case s.Verdict == gate.Undecided:
		c.Error = &junitProblem{Message: clip(s.Error, maxText), Type: "undecided", Text: text}
	}
	if len(others) > 0 {
		c.Output = &junitText{Text: strings.Join(others, "\n")}
	}
	return c
}

// junitLine is a finding in one line.
func junitLine(s gate.Subject, f gate.Finding) string {
	line := fmt.Sprintf("%s %s: %s", f.Severity, f.Rule, clip(f.Message, maxText))
	if at := placeOf(s, f).String(); at != "" {
		line += " (" + at + ")"
	}
	if f.Waived != nil {
		line += ", " + waiver(*f.Waived)
	}
	return line
}
