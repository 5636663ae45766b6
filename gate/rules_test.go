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
// in "message (severity)". A fixture of another kind is documents with a name, the input, and want, a list of
// such parts. What is not wanted must not be found.
const fixtures = "../testdata/rules"

// ruleCase is one document of a fixture: what a rule gets to see, and what it must say.
type ruleCase struct {
	name  string
	input any
	want  []remark
	// place says where a finding is, in the words of remark.
	place func(policies.Finding) string
}

// remark is a finding, or the part of one that a fixture wants.
type remark struct{ place, text string }

func TestRules(t *testing.T) {
	engine := newEngine(t)
	for _, rule := range engine.Rules() {
		t.Run(rule.ID, func(t *testing.T) {
			denied, allowed := 0, 0
			for _, c := range readFixture(t, rule) {
				if checkCase(t, engine, rule, c) > 0 {
					denied++
				} else {
					allowed++
				}
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

// checkCase judges one document, reports every difference, and returns how many findings the rule has.
func checkCase(t *testing.T, engine *policies.Engine, rule policies.Rule, c ruleCase) int {
	t.Helper()
	findings, err := engine.Judge(context.Background(), rule.Kind, c.input)
	if err != nil {
		t.Fatalf("%s: %v", c.name, err)
	}
	want, found := slices.Clone(c.want), 0
	for _, f := range findings {
		if f.Rule != rule.ID {
			continue
		}
		found++
		got := remark{c.place(f), fmt.Sprintf("%s (%s)", f.Message, f.Severity)}
		if strings.ContainsAny(f.Message, "\r\n") {
			t.Errorf("%s: %s: the message has more than one line: %q", c.name, got.place, f.Message)
		}
		i := slices.IndexFunc(want, func(w remark) bool {
			return w.place == got.place && strings.Contains(got.text, w.text)
		})
		if i < 0 {
			t.Errorf("%s: %s: not wanted: %s", c.name, got.place, got.text)
			continue
		}
		want = slices.Delete(want, i, i+1)
	}
	for _, w := range want {
		t.Errorf("%s: %s: wanted, and not found: %s", c.name, w.place, w.text)
	}
	return found
}

func readFixture(t *testing.T, rule policies.Rule) []ruleCase {
	t.Helper()
	file := filepath.Join(fixtures, rule.ID+".yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	switch rule.Kind {
	case policies.Kubernetes:
		return manifestCases(t, file, text)
	case policies.Set:
		return setCases(t, file, string(text))
	}
	return evidenceCases(t, rule.Kind, text)
}

// manifestCases makes a case of every object.
func manifestCases(t *testing.T, file string, text []byte) []ruleCase {
	t.Helper()
	objects, problems := manifests.Decode(file, text, manifests.Limits{})
	for _, p := range problems {
		t.Error(p)
	}
	want := wants(t, string(text))
	var cases []ruleCase
	for i, o := range objects {
		end := strings.Count(string(text), "\n") + 1
		if i+1 < len(objects) {
			end = objects[i+1].Line
		}
		c := ruleCase{
			name:  fmt.Sprintf("%s %s", o.Kind, o.Name),
			input: gate.KubernetesEvidenceOf(o, o.Pods()),
			place: func(f policies.Finding) string { return lineName(o.Position(f.Path).Line) },
		}
		for line := o.Line; line < end; line++ {
			for _, text := range want[line] {
				c.want = append(c.want, remark{lineName(line), text})
			}
			delete(want, line)
		}
		cases = append(cases, c)
	}
	for line := range want {
		t.Errorf("line %d: a want outside of all objects", line)
	}
	return cases
}

var setHead = regexp.MustCompile(`(?m)^# set: (.*)\n`)

// setCases makes a case of every set.
func setCases(t *testing.T, file, text string) []ruleCase {
	t.Helper()
	heads := setHead.FindAllStringSubmatchIndex(text, -1)
	if len(heads) == 0 || heads[0][0] != 0 {
		t.Fatalf("%s: does not begin with # set: and what it shows", file)
	}
	var cases []ruleCase
	for i, head := range heads {
		end := len(text)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		// The lines before stay, empty, so that lines are counted as in the file.
		part := strings.Repeat("\n", strings.Count(text[:head[0]], "\n")) + text[head[0]:end]
		objects, problems := manifests.Decode(file, []byte(part), manifests.Limits{})
		for _, p := range problems {
			t.Error(p)
		}
		evidence, err := gate.SetEvidenceOf(objects)
		if err != nil {
			t.Fatal(err)
		}
		c := ruleCase{name: text[head[2]:head[3]], input: evidence, place: func(f policies.Finding) string {
			return lineName(objects[f.Object].Position(f.Path).Line)
		}}
		for line, texts := range wants(t, part) {
			for _, text := range texts {
				c.want = append(c.want, remark{lineName(line), text})
			}
		}
		cases = append(cases, c)
	}
	return cases
}

func lineName(line int) string { return fmt.Sprintf("line %d", line) }

var (
	wantComment = regexp.MustCompile(`# want ((?:"(?:[^"\\]|\\.)*"\s*)+)$`)
	wantText    = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
)

// wants reads the want comments of a fixture, by line.
func wants(t *testing.T, text string) map[int][]string {
	t.Helper()
	found := map[int][]string{}
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
			found[i+1] = append(found[i+1], unquoted)
		}
	}
	return found
}

// evidenceCases makes a case of every document. A field that the evidence does not have is an error: a rule
// that is tested with a misspelt one is not tested.
func evidenceCases(t *testing.T, kind policies.Kind, text []byte) []ruleCase {
	t.Helper()
	var cases []ruleCase
	for decoder := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var document any
		if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
			return cases
		} else if err != nil {
			t.Fatal(err)
		}
		var fixture struct {
			Name  string          `json:"name"`
			Input json.RawMessage `json:"input"`
			Want  []string        `json:"want"`
		}
		asJSON, err := json.Marshal(document)
		if err != nil {
			t.Fatal(err)
		}
		decodeStrictly(t, asJSON, &fixture)
		c := ruleCase{name: fixture.Name, place: func(policies.Finding) string { return "" }}
		switch kind {
		case policies.Image:
			input := gate.ImageEvidence{Kind: kind}
			decodeStrictly(t, fixture.Input, &input)
			c.input = input
		case policies.Config:
			input := gate.ConfigEvidence{Kind: kind}
			decodeStrictly(t, fixture.Input, &input)
			c.input = input
		default:
			t.Fatalf("fixtures of kind %s cannot be read", kind)
		}
		for _, text := range fixture.Want {
			c.want = append(c.want, remark{"", text})
		}
		cases = append(cases, c)
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
