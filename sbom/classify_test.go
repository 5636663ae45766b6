package sbom

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// standIn is a case of testdata/programs.yaml.
type standIn struct {
	Name, Path, Head string
	Mode             os.FileMode
	Strings          []string
	Want             []string
}

// bytes makes the program's file.
func (p standIn) bytes() []byte {
	head := "\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 57)
	if p.Head != "" {
		head = p.Head
	}
	if len(p.Strings) == 0 {
		return []byte(head)
	}
	return []byte(head + strings.Join(p.Strings, "\x00") + "\x00")
}

func mustTable(t testing.TB) *table {
	t.Helper()
	table, err := theTable()
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// classesOf classifies a file as the walk would.
func classesOf(t testing.TB, name string, mode os.FileMode, file []byte, limit int64) []Class {
	t.Helper()
	table, r := mustTable(t), bytes.NewReader(file)
	head, err := readHead(r, make([]byte, headSize))
	if err != nil {
		t.Fatal(err)
	}
	c, err := table.inspect(name, mode, head, r, newBounds(Limits{File: limit, Nested: 4 << 30}))
	if err != nil {
		t.Fatal(err)
	}
	if c == nil {
		return nil
	}
	return table.classify(name, mode, c, nil)
}

func classNames(classes []Class) []string {
	var names []string
	for _, c := range classes {
		if !slices.Contains(names, c.Class) {
			names = append(names, c.Class)
		}
	}
	return names
}

func TestClassify(t *testing.T) {
	text, err := os.ReadFile("testdata/programs.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var programs []standIn
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&programs); err != nil {
		t.Fatal(err)
	}
	for _, p := range programs {
		t.Run(p.Name, func(t *testing.T) {
			mode := p.Mode
			if mode == 0 {
				mode = 0o755
			}
			classes := classesOf(t, p.Path, mode, p.bytes(), 1<<30)
			if got := classNames(classes); !slices.Equal(got, p.Want) {
				t.Errorf("got %q, want %q\n%+v", got, p.Want, classes)
			}
		})
	}
}

// build builds a program of testdata, stripped, and returns its file.
func build(t *testing.T, folder string) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "program")
	run := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", out, "./testdata/"+folder)
	if text, err := run.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, text)
	}
	file, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestClassifyBuilt(t *testing.T) {
	tests := []struct {
		folder string
		want   []string
	}{
		{"standin", []string{"miner"}},
		{"scanner", nil},
	}
	for _, tt := range tests {
		got := classNames(classesOf(t, "/usr/sbin/nginx", 0o755, build(t, tt.folder), 1<<30))
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.folder, got, tt.want)
		}
	}
}

// TestClassifySelf: the table must not make a miner, or anything, of the program that holds it.
func TestClassifySelf(t *testing.T) {
	name, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if classes := classesOf(t, "/usr/bin/tidewaiter", 0o755, self, 1<<30); classes != nil {
		t.Errorf("our own binary is taken for %+v", classes)
	}
}

func TestClassifyTooLarge(t *testing.T) {
	file := append([]byte("\x7fELF"), make([]byte, 1<<20)...)
	classes := classesOf(t, "/bin/app", 0o755, file, 1<<19)
	if got := classNames(classes); !slices.Equal(got, []string{Unscanned}) {
		t.Errorf("got %q, want %s", got, Unscanned)
	}
}

func TestClassifyPackage(t *testing.T) {
	miner := strings.ReplaceAll("xm~rig", "~", "") // not in our own binary: see TestClassifySelf
	tests := []struct {
		p    Package
		want []string
	}{
		{Package{Type: "deb", Name: "curl"}, []string{"download-tool"}},
		{Package{Type: "deb", Name: "python3.11-minimal"}, []string{"interpreter"}},
		{Package{Type: "apk", Name: miner}, []string{"suspicious-miner"}},
		{Package{Type: "npm", Name: "curl"}, nil},
		{Package{Type: "deb", Name: "libcurl4"}, nil},
	}
	for _, tt := range tests {
		if got := classNames(mustTable(t).classifyPackage(tt.p)); !slices.Equal(got, tt.want) {
			t.Errorf("%s %s: got %q, want %q", tt.p.Type, tt.p.Name, got, tt.want)
		}
	}
}

// TestTable: what is telling must not stand in the table as it is.
func TestTable(t *testing.T) {
	table := mustTable(t)
	for i, word := range table.words.words {
		if table.uses[i].mark && bytes.Contains(classesYAML, word) {
			t.Errorf("classes.yaml has %q without %s in it", word, defang)
		}
	}
	if n := len(table.words.words); n < 100 {
		t.Errorf("only %d words", n)
	}
}

func TestLoadTableErrors(t *testing.T) {
	const head = "classes: {shell: {sorts: 1}}\nscanners: {need: 1, marks: [scanner]}\n"
	tests := []struct{ yaml, want string }{
		{"nonsense: 1\n", "nonsense"},
		{head + "tools: [{tool: x, class: sheII}]\n", `no class "sheII"`},
		{head + "tools: [{tool: x, class: shell, names: ['[']}]\n", "syntax error in pattern"},
		{head + "tools: [{tool: x, class: shell, content: [{sort: a, need: 2, marks: [words]}]}]\n", "needs 2 of 1"},
		{head + "tools: [{tool: x, class: shell, content: [{sort: a, need: 1, marks: [abcd]}]}]\n", "bytes"},
		{head + "tools: [{tool: x, class: shell, text: [{sort: a, match: '('}]}]\n", "missing closing"},
		{head + "applets: {nothing: [ls]}\n", `no class "nothing"`},
	}
	for _, tt := range tests {
		if _, err := loadTable([]byte(tt.yaml)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: got error %v, want one with %q", tt.yaml, err, tt.want)
		}
	}
}
