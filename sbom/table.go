package sbom

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

// classesYAML is the whole knowledge of the classifier; its head says what it may hold.
//
//go:embed classes.yaml
var classesYAML []byte

// defang stands inside every telling word of the table, so that our own binary does not hold the words.
const defang = "·"

// table is classes.yaml, checked and made ready to match. It does not change once it is loaded.
type table struct {
	classes  map[string]classRule
	tools    []tool
	applets  map[string]string // applet to class
	texts    []string
	scanners scannerRule
	ruleText []*regexp.Regexp

	otherwiseNamed, binFolders []string

	// words is the matcher of all marks of content; uses says what each of its patterns is good for.
	words *matcher
	uses  []wordUse
	// telling are the numbers of the words that make a program worth keeping for syft.
	telling []int
}

type classRule struct {
	Sorts     int    `yaml:"sorts"`
	Otherwise string `yaml:"otherwise"`
}

type tool struct {
	Tool     string              `yaml:"tool"`
	Class    string              `yaml:"class"`
	Names    []string            `yaml:"names"`
	Packages map[string][]string `yaml:"packages"`
	Modules  []string            `yaml:"modules"`
	Content  []wordRule          `yaml:"content"`
	// Multicall programs are what their applets are.
	Multicall bool       `yaml:"multicall"`
	Text      []textRule `yaml:"text"`
}

// textRule is an indicator in the text of a script or a configuration.
type textRule struct {
	Sort  string `yaml:"sort"`
	Match string `yaml:"match"`

	match *regexp.Regexp
}

// wordRule is an indicator by content: Need of the Marks.
type wordRule struct {
	Sort  string   `yaml:"sort"`
	Need  int      `yaml:"need"`
	Marks []string `yaml:"marks"`

	words []int // the marks as patterns of table.words
}

type scannerRule struct {
	Need  int      `yaml:"need"`
	Marks []string `yaml:"marks"`

	words []int
}

// wordUse tells what a pattern of table.words starts, if anything, beside being a mark.
type wordUse struct {
	capture captureKind
	// pooled words are of a class that wants several sorts: what stands in a detection rule does not count.
	pooled bool
}

type tableFile struct {
	Classes  map[string]classRule `yaml:"classes"`
	Tools    []tool               `yaml:"tools"`
	Applets  map[string][]string  `yaml:"applets"`
	Texts    []string             `yaml:"texts"`
	Scanners scannerRule          `yaml:"scanners"`
	RuleText []string             `yaml:"ruleText"`

	OtherwiseNamed []string `yaml:"otherwiseNamed"`
	BinFolders     []string `yaml:"binFolders"`
}

// theTable is the embedded table; it is loaded once, at first use. A table that does not load is a broken
// build, which TestTable would not have let through.
var theTable = sync.OnceValues(func() (*table, error) { return loadTable(classesYAML) })

func loadTable(data []byte) (*table, error) {
	var f tableFile
	decoder := yaml.NewDecoder(bytes.NewReader(bytes.ReplaceAll(data, []byte(defang), nil)))
	decoder.KnownFields(true)
	if err := decoder.Decode(&f); err != nil {
		return nil, fmt.Errorf("the table of classes cannot be read: %w", err)
	}
	t := &table{classes: f.Classes, tools: f.Tools, texts: f.Texts, scanners: f.Scanners, applets: map[string]string{},
		otherwiseNamed: f.OtherwiseNamed, binFolders: f.BinFolders}
	for class, names := range f.Applets {
		for _, name := range names {
			t.applets[name] = class
		}
	}
	if err := t.check(f); err != nil {
		return nil, fmt.Errorf("the table of classes is wrong: %w", err)
	}
	for _, text := range f.RuleText {
		t.ruleText = append(t.ruleText, regexp.MustCompile(text))
	}
	for i := range t.tools {
		for j, rule := range t.tools[i].Text {
			t.tools[i].Text[j].match = regexp.MustCompile("(?m)" + rule.Match)
		}
	}
	t.compile()
	return t, nil
}

// check finds all that is wrong with the table, not only the first.
func (t *table) check(f tableFile) error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for class := range f.Applets {
		if _, ok := t.classes[class]; !ok {
			bad("applets: no class %q", class)
		}
	}
	for _, text := range f.RuleText {
		if _, err := regexp.Compile(text); err != nil {
			bad("ruleText: %v", err)
		}
	}
	for _, tool := range t.tools {
		if _, ok := t.classes[tool.Class]; !ok {
			bad("tool %q: no class %q", tool.Tool, tool.Class)
		}
		for _, pattern := range slices.Concat(append(mapValues(tool.Packages), tool.Names)...) {
			if _, err := path.Match(pattern, ""); err != nil {
				bad("tool %q: %q: %v", tool.Tool, pattern, err)
			}
		}
		for _, rule := range tool.Text {
			if _, err := regexp.Compile("(?m)" + rule.Match); err != nil {
				bad("tool %q: %v", tool.Tool, err)
			}
		}
		for _, rule := range tool.Content {
			if err := checkWords(rule.Marks, rule.Need); err != nil {
				bad("tool %q, %s: %v", tool.Tool, rule.Sort, err)
			}
		}
	}
	if err := checkWords(t.scanners.Marks, t.scanners.Need); err != nil {
		bad("scanners: %v", err)
	}
	return errors.Join(errs...)
}

func mapValues(m map[string][]string) [][]string {
	var values [][]string
	for _, v := range m {
		values = append(values, v)
	}
	return values
}

func checkWords(words []string, need int) error {
	if need < 1 || need > len(words) {
		return fmt.Errorf("needs %d of %d words", need, len(words))
	}
	for _, w := range words {
		if len(w) < shortestWord || len(w) > longestWord {
			return fmt.Errorf("%q has not %d to %d bytes", w, shortestWord, longestWord)
		}
	}
	return nil
}

// compile gives every distinct word a pattern number and builds the matcher.
func (t *table) compile() {
	var words []string
	number := map[string]int{}
	add := func(word string, use wordUse) int {
		n, ok := number[word]
		if !ok {
			n = len(words)
			number[word] = n
			words, t.uses = append(words, word), append(t.uses, wordUse{})
		}
		t.uses[n].pooled = t.uses[n].pooled || use.pooled
		t.uses[n].capture = max(t.uses[n].capture, use.capture)
		return n
	}
	for i := range t.tools {
		pooled := t.classes[t.tools[i].Class].Sorts > 1
		for j := range t.tools[i].Content {
			rule := &t.tools[i].Content[j]
			for _, word := range rule.Marks {
				rule.words = append(rule.words, add(word, wordUse{pooled: pooled}))
			}
		}
	}
	for _, word := range t.scanners.Marks {
		t.scanners.words = append(t.scanners.words, add(word, wordUse{}))
	}
	for kind, anchor := range captureAnchors {
		add(anchor, wordUse{capture: captureKind(kind)})
	}
	for _, word := range programMarks {
		t.telling = append(t.telling, add(word, wordUse{}))
	}
	t.words = newMatcher(words)
}

// nameMatches says whether the base name of a program is one of patterns.
func nameMatches(patterns []string, base string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		if !strings.ContainsAny(p, `*?[\`) {
			return p == base
		}
		ok, _ := path.Match(p, base)
		return ok
	})
}

// named says whether a program's name tells, where it is, which tool it is.
func (t *table) named(name string) bool {
	if slices.Contains(t.binFolders, path.Base(path.Dir(name))) {
		return true
	}
	return !slices.ContainsFunc(t.otherwiseNamed, func(dir string) bool { return strings.HasPrefix(name, dir+"/") })
}

// moduleMatches says whether a Go package or module path is one of patterns.
func moduleMatches(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		root, below := strings.CutSuffix(p, "/...")
		return name == root || below && strings.HasPrefix(name, root+"/")
	})
}
