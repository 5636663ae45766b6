package report

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/tidewaiter/tidewaiter/gate"
)

const (
	reportSchema = "../docs/report.schema.json"
	// The standard's own schema, see sarif-schema-2.1.0.NOTICE.txt.
	sarifSchema = "testdata/sarif-schema-2.1.0.json"
)

func TestSchemaIdentifier(t *testing.T) {
	data, err := os.ReadFile(reportSchema)
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		ID string `json:"$id"`
	}
	if err := json.Unmarshal(data, &schema); err != nil {
		t.Fatal(err)
	}
	if schema.ID != gate.Schema {
		t.Errorf("got $id %q, want %q", schema.ID, gate.Schema)
	}
}

// TestReportsAreValid checks that what the JSON format writes is valid against the published schema.
func TestReportsAreValid(t *testing.T) {
	schema := compile(t, reportSchema)
	for name, r := range reports(t) {
		if err := schema.Validate(parseJSON(t, render(t, "json", r, Options{}))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestWrongReportsAreInvalid breaks a good report in one place each time: the schema has to notice.
func TestWrongReportsAreInvalid(t *testing.T) {
	schema := compile(t, reportSchema)
	subject := func(report map[string]any, i int) map[string]any {
		return report["subjects"].([]any)[i].(map[string]any)
	}
	finding := func(report map[string]any, s, i int) map[string]any {
		return subject(report, s)["findings"].([]any)[i].(map[string]any)
	}
	tests := []struct {
		wrong string
		do    func(report map[string]any)
	}{
		{"a field more", func(r map[string]any) { r["exitCode"] = 1 }},
		{"a field more in a subject", func(r map[string]any) { subject(r, 0)["os"] = "linux" }},
		{"a field more in a finding", func(r map[string]any) { finding(r, 0, 0)["title"] = "" }},
		{"a field more in a waiver", func(r map[string]any) { finding(r, 1, 0)["waived"].(map[string]any)["by"] = "me" }},
		{"no schema", func(r map[string]any) { delete(r, "schema") }},
		{"another schema", func(r map[string]any) { r["schema"] = "https://tidewaiter.dev/report/v2" }},
		{"no verdict", func(r map[string]any) { delete(r, "verdict") }},
		{"no verdict of a subject", func(r map[string]any) { delete(subject(r, 0), "verdict") }},
		{"an unknown verdict", func(r map[string]any) { r["verdict"] = "pass" }},
		{"an allowed report with a denied subject", func(r map[string]any) { r["verdict"] = "allow" }},
		{"an undecided report with a denied subject", func(r map[string]any) { r["verdict"] = "undecided" }},
		{"an allowed report without subjects", func(r map[string]any) { r["verdict"], r["subjects"] = "allow", []any{} }},
		{"a denied report without subjects", func(r map[string]any) { r["subjects"] = []any{} }},
		{"an allowed subject with a finding that denies", func(r map[string]any) { subject(r, 0)["verdict"] = "allow" }},
		{"an allowed subject with an error", func(r map[string]any) { subject(r, 3)["error"] = "unreadable" }},
		{"a waived finding that denies", func(r map[string]any) { finding(r, 1, 0)["denies"] = true }},
		{"null for findings", func(r map[string]any) { subject(r, 0)["findings"] = nil }},
		{"null for subjects", func(r map[string]any) { r["subjects"] = nil }},
		{"null for techniques", func(r map[string]any) { finding(r, 0, 0)["attack"] = nil }},
		{"line 0", func(r map[string]any) { finding(r, 0, 0)["line"] = 0 }},
		{"an unknown severity", func(r map[string]any) { finding(r, 0, 0)["severity"] = "off" }},
		{"an unknown kind", func(r map[string]any) { subject(r, 0)["kind"] = "helm" }},
		{"a short digest", func(r map[string]any) { subject(r, 4)["digest"] = "sha256:12ab" }},
		{"no error", func(r map[string]any) { delete(subject(r, 0), "error") }},
	}
	for _, test := range tests {
		t.Run(test.wrong, func(t *testing.T) {
			report := parseJSON(t, render(t, "json", readReport(t, "deny"), Options{})).(map[string]any)
			test.do(report)
			if err := schema.Validate(report); err == nil {
				t.Error("the schema accepts it")
			}
		})
	}
}

func compile(t testing.TB, file string) *jsonschema.Schema {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	schema, err := compiler.Compile(file)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func parseJSON(t testing.TB, data []byte) any {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%v in:\n%s", err, data)
	}
	return value
}
