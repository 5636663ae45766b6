package policies

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

// TestDocument compares docs/rules.md with what the rules say of themselves today.
func TestDocument(t *testing.T) {
	engine, err := New(context.Background(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := Document(&got, engine.Rules(), os.DirFS("../testdata/rules")); err != nil {
		t.Fatal(err)
	}
	golden(t, "../docs/rules.md", got.String())
}

// golden compares text with a file, or rewrites that.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range min(len(gotLines), len(wantLines)) {
		if gotLines[i] != wantLines[i] {
			t.Fatalf("%s:%d is stale: run make update\ngot:  %s\nwant: %s", file, i+1, gotLines[i], wantLines[i])
		}
	}
	if len(gotLines) != len(wantLines) {
		t.Fatalf("%s is stale: run make update\ngot %d lines, want %d", file, len(gotLines), len(wantLines))
	}
}

// shown are rules with all, and with little, that there is to show.
var shown = []Rule{
	{
		ID: "kubernetes/host-path", Kind: Kubernetes, Title: "Folder of the node", Severity: High,
		Description: "A pod that mounts a folder of the node may read, or write, what belongs to the node and to others: " +
			"credentials, logs, the state of the kubelet.\n\nA second paragraph.",
		Attack: []string{"T1611", "T1552.001"}, Mitigations: []string{"M1022"}, Remediation: "Use a volume of the cluster.",
		Related: []string{"https://kubernetes.io/docs/concepts/storage/volumes/#hostpath"},
	},
	{ID: "user/main.deny_a", Kind: User, Title: "a | b", Severity: Off},
}

func TestRender(t *testing.T) {
	for _, format := range Formats() {
		var b bytes.Buffer
		if err := List(&b, shown, format); err != nil {
			t.Fatal(err)
		}
		for _, rule := range shown {
			b.WriteString("=== " + rule.ID + "\n")
			if err := Explain(&b, rule, format); err != nil {
				t.Fatal(err)
			}
		}
		golden(t, "testdata/render/"+format, b.String())
	}
	if List(&bytes.Buffer{}, nil, "html") == nil || Explain(&bytes.Buffer{}, Rule{}, "") == nil {
		t.Error("got no error for a format that there is not")
	}
}

func TestFind(t *testing.T) {
	if got, err := Find(shown, "kubernetes/host-path"); err != nil || got.Title != shown[0].Title {
		t.Errorf("got %v and error %v", got, err)
	}
	for id, want := range map[string]string{
		"kubernetes/hostpath": `there is no rule "kubernetes/hostpath": did you mean "kubernetes/host-path"?`,
		"zzz":                 "there is no rule \"zzz\": `tidewaiter rules` lists them",
	} {
		if _, err := Find(shown, id); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestExamples(t *testing.T) {
	fixture := "---\nkind: A\n# a comment that stays\n---\n# want \"from the document\"\nkind: B\nspec: 1 # want \"x\" \"y\"\n" +
		"---\nkind: C # want `z`\n--- # another\nkind: D\n"
	fixtures := fstest.MapFS{"kubernetes/host-path.yaml": &fstest.MapFile{Data: []byte(fixture)}}
	var b bytes.Buffer
	if err := Document(&b, shown, fixtures); err != nil {
		t.Fatal(err)
	}
	want := "\nAvoid:\n\n```yaml\nkind: B\nspec: 1\n```\n\nPrefer:\n\n```yaml\nkind: A\n# a comment that stays\n```\n"
	if got := b.String(); !strings.Contains(got, want) {
		t.Errorf("got:\n%s\nwant in it:\n%s", got, want)
	}
}
