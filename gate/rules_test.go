package gate_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/tidewaiter/tidewaiter/gate"
	"github.com/tidewaiter/tidewaiter/manifests"
	"github.com/tidewaiter/tidewaiter/policies"
)

// fixtures holds one file for each rule, <kind>/<name>.yaml. A fixture of kind kubernetes is manifests, with a
// comment on every line that the rule must object to: # want "part of the message (severity)", which must be
// in "message (severity)". The objects of a file may refer to each other. One of kind workload has parts, each with a
// line "# workload: what it shows" first: manifests, and documents that begin with "# image REFERENCE" and say what is
// in one platform of it. A fixture of another kind is documents with a name, the input, and want, a list of
// such parts. What is not wanted must not be found.
const fixtures = "../testdata/rules"

// fixture is what a rule gets to see, and all that it must say of it.
type fixture struct {
	cases []ruleCase
	want  []remark
}

// ruleCase is one document of a fixture.
type ruleCase struct {
	name  string
	input any
	// place says where a finding is, in the words of remark.
	place func(f policies.Finding) string
}

// remark is a finding, or the part of one that a fixture wants.
type remark struct{ place, text string }

func TestRules(t *testing.T) {
	engine := newEngine(t)
	for _, rule := range engine.Rules() {
		t.Run(rule.ID, func(t *testing.T) {
			denied, allowed := 0, 0
			f := readFixture(t, rule)
			for _, c := range f.cases {
				if f.check(t, engine, rule, c) > 0 {
					denied++
				} else {
					allowed++
				}
			}
			for _, w := range f.want {
				t.Errorf("%s: wanted, and not found: %s", w.place, w.text)
			}
			if denied == 0 || allowed == 0 {
				t.Errorf("the fixture has %d documents that are denied and %d that are allowed, want one of each at least", denied, allowed)
			}
		})
	}
}

func TestEveryFixtureHasARule(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(fixtures, "*", "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	var want []string
	for _, rule := range newEngine(t).Rules() {
		want = append(want, filepath.Join(fixtures, rule.ID+".yaml"))
	}
	for _, file := range files {
		if !slices.Contains(want, file) {
			t.Errorf("%s: no rule has this name", file)
		}
	}
}

func newEngine(t testing.TB) *policies.Engine {
	t.Helper()
	engine, err := policies.New(context.Background(), policies.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return engine
}

// check judges one document, reports what is not wanted, and takes the rest off what is. It returns how many findings
// the rule has.
func (f *fixture) check(t *testing.T, engine *policies.Engine, rule policies.Rule, c ruleCase) int {
	t.Helper()
	findings, err := engine.Judge(context.Background(), rule.Kind, c.input)
	if err != nil {
		t.Fatalf("%s: %v", c.name, err)
	}
	found := 0
	for _, finding := range findings {
		if finding.Rule != rule.ID {
			continue
		}
		found++
		got := remark{c.place(finding), fmt.Sprintf("%s (%s)", finding.Message, finding.Severity)}
		if strings.ContainsAny(finding.Message, "\r\n") {
			t.Errorf("%s: %s: the message has more than one line: %q", c.name, got.place, finding.Message)
		}
		i := slices.IndexFunc(f.want, func(w remark) bool {
			return w.place == got.place && strings.Contains(got.text, w.text)
		})
		if i < 0 {
			t.Errorf("%s: %s: not wanted: %s", c.name, got.place, got.text)
			continue
		}
		f.want = slices.Delete(f.want, i, i+1)
	}
	return found
}

func readFixture(t *testing.T, rule policies.Rule) fixture {
	t.Helper()
	file := filepath.Join(fixtures, rule.ID+".yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	switch rule.Kind {
	case policies.Kubernetes:
		return manifestFixture(t, file, text)
	case policies.Set:
		return setFixture(t, file, string(text))
	case policies.Workload:
		return workloadFixture(t, file, string(text))
	}
	return evidenceFixture(t, rule.Kind, text)
}

// manifestFixture makes a case of every object.
func manifestFixture(t *testing.T, file string, text []byte) fixture {
	t.Helper()
	objects, problems := manifests.Decode(file, text, manifests.Limits{})
	for _, p := range problems {
		t.Error(p)
	}
	f := fixture{want: wants(t, string(text))}
	for _, o := range objects {
		f.cases = append(f.cases, ruleCase{
			name:  fmt.Sprintf("%s %s", o.Kind, o.Name),
			input: gate.KubernetesEvidenceOf(o, o.Pods()),
			place: func(f policies.Finding) string { return lineName(gate.PlaceOwn(f, o).Line) },
		})
	}
	return f
}

// workloadHead begins a part of a fixture of kind workload: objects, which may refer to each other, and what is in
// their images. imageHead begins a document that says so, of one platform.
var (
	workloadHead = regexp.MustCompile(`(?m)^# workload: (.+)\n`)
	imageHead    = regexp.MustCompile(`^# image (\S+)\n`)
	document     = regexp.MustCompile(`(?m)^---.*\n`)
)

// part is a part of a fixture, with what it shows.
type part struct{ name, text string }

// partsOf are the parts of a fixture, each behind a head that says what it shows. The lines before a part stay, empty,
// so that lines are counted as in the file.
func partsOf(t *testing.T, file, text string, head *regexp.Regexp) []part {
	t.Helper()
	heads := head.FindAllStringSubmatchIndex(text, -1)
	if len(heads) == 0 || heads[0][0] != 0 {
		t.Fatalf("%s: does not begin with a line %s", file, head)
	}
	var parts []part
	for i, at := range heads {
		end := len(text)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		parts = append(parts, part{text[at[2]:at[3]], strings.Repeat("\n", strings.Count(text[:at[1]], "\n")) + text[at[1]:end]})
	}
	return parts
}

// workloadFixture makes a case of every object that runs one of the images of its part.
func workloadFixture(t *testing.T, file, text string) fixture {
	t.Helper()
	f := fixture{want: wants(t, text)}
	for _, p := range partsOf(t, file, text, workloadHead) {
		part, images := takeImages(t, p.text)
		objects, problems := manifests.Decode(file, []byte(part), manifests.Limits{})
		for _, p := range problems {
			t.Error(p)
		}
		seen, err := gate.WorkloadEvidenceOf(objects, images)
		if err != nil {
			t.Fatal(err)
		}
		for k, evidence := range seen {
			if evidence != nil {
				f.cases = append(f.cases, ruleCase{
					name:  fmt.Sprintf("%s, %s %s", p.name, objects[k].Kind, objects[k].Name),
					input: evidence,
					place: func(f policies.Finding) string { return lineName(gate.PlaceOwn(f, objects[k]).Line) },
				})
			}
		}
	}
	return f
}

// takeImages takes the documents that say what is in images out of a part, and leaves empty lines in their place.
func takeImages(t *testing.T, part string) (rest string, images map[string][]gate.ImageFixture) {
	t.Helper()
	images = map[string][]gate.ImageFixture{}
	starts := append([][]int{{0, 0}}, document.FindAllStringIndex(part, -1)...)
	for i, start := range starts {
		end := len(part)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		text := part[start[1]:end]
		head := imageHead.FindStringSubmatch(text)
		if head == nil {
			rest += part[start[0]:end]
			continue
		}
		rest += strings.Repeat("\n", strings.Count(part[start[0]:end], "\n"))
		var value any
		if err := yaml.Unmarshal([]byte(text), &value); err != nil {
			t.Fatalf("%s: %v", head[1], err)
		}
		asJSON, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		var image gate.ImageFixture
		decodeStrictly(t, asJSON, &image)
		images[head[1]] = append(images[head[1]], image)
	}
	return rest, images
}

var setHead = regexp.MustCompile(`(?m)^# set: (.*)\n`)

// setFixture makes a case of every set.
func setFixture(t *testing.T, file, text string) fixture {
	t.Helper()
	f := fixture{want: wants(t, text)}
	for _, p := range partsOf(t, file, text, setHead) {
		objects, problems := manifests.Decode(file, []byte(p.text), manifests.Limits{})
		for _, p := range problems {
			t.Error(p)
		}
		evidence, err := gate.SetEvidenceOf(objects)
		if err != nil {
			t.Fatal(err)
		}
		f.cases = append(f.cases, ruleCase{name: p.name, input: evidence, place: func(f policies.Finding) string {
			return lineName(objects[f.Object].Position(f.Path).Line)
		}})
	}
	return f
}

func lineName(line int) string { return fmt.Sprintf("line %d", line) }

var (
	wantComment = regexp.MustCompile(`# want ((?:"(?:[^"\\]|\\.)*"\s*)+)$`)
	wantText    = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
)

// wants reads the want comments of a fixture.
func wants(t *testing.T, text string) []remark {
	t.Helper()
	var found []remark
	for i, line := range strings.Split(text, "\n") {
		if !strings.Contains(line, "# want") {
			continue
		}
		comment := wantComment.FindStringSubmatch(line)
		if comment == nil {
			t.Fatalf("line %d: cannot be read: write # want \"text\" at its end", i+1)
		}
		for _, quoted := range wantText.FindAllString(comment[1], -1) {
			unquoted, err := strconv.Unquote(quoted)
			if err != nil {
				t.Fatalf("line %d: %s: %v", i+1, quoted, err)
			}
			found = append(found, remark{lineName(i + 1), unquoted})
		}
	}
	return found
}

// evidenceFixture makes a case of every document. A field that the evidence does not have is an error: a rule
// that is tested with a misspelt one is not tested.
func evidenceFixture(t *testing.T, kind policies.Kind, text []byte) fixture {
	t.Helper()
	var f fixture
	for decoder := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var document any
		if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
			return f
		} else if err != nil {
			t.Fatal(err)
		}
		var one struct {
			Name  string          `json:"name"`
			Input json.RawMessage `json:"input"`
			Want  []string        `json:"want"`
		}
		asJSON, err := json.Marshal(document)
		if err != nil {
			t.Fatal(err)
		}
		decodeStrictly(t, asJSON, &one)
		c := ruleCase{name: one.Name, place: func(policies.Finding) string { return one.Name }}
		switch kind {
		case policies.Image:
			input := gate.ImageEvidence{Kind: kind}
			decodeStrictly(t, one.Input, &input)
			c.input = input
		case policies.Config:
			input := gate.ConfigEvidence{Kind: kind}
			decodeStrictly(t, one.Input, &input)
			c.input = input
		default:
			t.Fatalf("fixtures of kind %s cannot be read", kind)
		}
		for _, text := range one.Want {
			f.want = append(f.want, remark{one.Name, text})
		}
		f.cases = append(f.cases, c)
	}
}

func decodeStrictly(t *testing.T, text []byte, into any) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
}
