package policies

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "rewrite what the scenarios want by what they got")

// TestScenarios runs testdata/*/*.txtar. Such a file is a world of its own: rules/ are the rules that are built in,
// policy/ and policy2/ are users' folders, severities.json is the configuration, input.json is judged, as evidence
// for the rules and as an object for the users'. want is every finding, or the error.
func TestScenarios(t *testing.T) {
	for _, file := range scenarios(t, "testdata/*/*.txtar") {
		name, _ := strings.CutSuffix(filepath.ToSlash(file), ".txtar")
		t.Run(strings.TrimPrefix(name, "testdata/"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := scenario(t, archive)
			for i, f := range archive.Files {
				if f.Name != "want" {
					continue
				}
				if *update {
					archive.Files[i].Data = []byte(got)
					if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
						t.Fatal(err)
					}
				} else if got != string(f.Data) {
					t.Errorf("%s\ngot:\n%swant:\n%s", archive.Comment, got, f.Data)
				}
				return
			}
			t.Fatal("the scenario wants nothing")
		})
	}
}

// scenarios returns the files of scenarios, of which there must be some.
func scenarios(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios %s: %v", pattern, err)
	}
	return files
}

// world unpacks an archive and returns the engine of what is in it, the input, and the folder.
func world(t *testing.T, archive *txtar.Archive) (engine *Engine, input map[string]any, dir string, err error) {
	t.Helper()
	dir = t.TempDir()
	if err := txtar.Write(archive, dir); err != nil {
		t.Fatal(err)
	}
	var opts Options
	readJSON(t, filepath.Join(dir, "severities.json"), &opts.Severities)
	for _, policy := range []string{"policy", "policy2"} {
		if _, err := os.Stat(filepath.Join(dir, policy)); err == nil {
			opts.UserDirs = append(opts.UserDirs, filepath.Join(dir, policy))
		}
	}
	readJSON(t, filepath.Join(dir, "input.json"), &input)
	engine, err = newEngine(context.Background(), os.DirFS(filepath.Join(dir, "rules")), opts)
	return engine, input, dir, err
}

// users returns what users' rules find in an archive's world.
func users(t *testing.T, archive *txtar.Archive) ([]Finding, error) {
	t.Helper()
	engine, input, _, err := world(t, archive)
	if err != nil {
		return nil, err
	}
	return engine.JudgeUser(context.Background(), input, "k8s/input.yaml")
}

// scenario returns what an archive's world leads to, a line a finding.
func scenario(t *testing.T, archive *txtar.Archive) string {
	t.Helper()
	engine, input, dir, err := world(t, archive)
	failed := func(err error) string {
		return strings.ReplaceAll("error: "+err.Error()+"\n", dir+string(filepath.Separator), "")
	}
	if err != nil {
		return failed(err)
	}
	own, err := engine.Judge(context.Background(), Kubernetes, input)
	if err != nil {
		return failed(err)
	}
	users, err := engine.JudgeUser(context.Background(), input, "k8s/input.yaml")
	if err != nil {
		return failed(err)
	}
	return format(t, append(own, users...))
}

// format writes a line a finding.
func format(t *testing.T, findings []Finding) string {
	t.Helper()
	var b strings.Builder
	for _, f := range findings {
		fmt.Fprintf(&b, "%s %s %v %s", f.Rule, f.Severity, f.Path, f.Message)
		if f.Location != nil {
			fmt.Fprintf(&b, " at %s:%d", f.Location.File, f.Location.Line)
		}
		if f.Evidence != nil {
			evidence, err := json.Marshal(f.Evidence)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, " %s", evidence)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// readJSON reads a file if there is one.
func readJSON(t *testing.T, file string, into any) {
	t.Helper()
	content, err := os.ReadFile(file)
	if os.IsNotExist(err) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.UseNumber()
	if err := decoder.Decode(into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// rule is a rule whose METADATA is in order, with the given body.
func rule(name, body string) *fstest.MapFile { return ruleOf("kubernetes", name, body) }

func ruleOf(kind, name, body string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte(`# METADATA
# title: A title
# description: A description.
# custom:
#   severity: high
#   attack: [T1610]
#   remediation: Mend it.
package tidewaiter.` + kind + `["` + name + "\"]\n\n" + body)}
}
