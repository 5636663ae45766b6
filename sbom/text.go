package sbom

import (
	"bytes"
	"path"
	"regexp"
	"slices"
	"strings"
)

// saying is one indicator in a text: of a tool, by its number in the table.
type saying struct {
	tool int
	sort string
	weak bool
	mark Mark
}

// maxMatches bounds the places of one expression that are looked at, maxShown what a mark shows, in bytes.
const (
	maxMatches = 50
	maxShown   = 200
)

// readText looks for what the table's expressions, and its words in source texts, say. They are looked for only
// of a class of which a word was found, or a wallet: each of them has one.
func (s *pass) readText(whole []byte) {
	c := &s.found
	classes := map[string]bool{}
	for _, found := range []map[int]int64{c.hits, c.quoted} {
		for word := range found {
			for _, class := range s.table.uses[word].classes {
				classes[class] = true
			}
		}
	}
	coins := findWallets(whole)
	if len(classes)+len(coins) == 0 {
		return
	}
	text := blankComments(s.name, whole)
	for i := range s.table.tools {
		if tool := &s.table.tools[i]; classes[tool.Class] || tool.Wallets && len(coins) > 0 {
			s.readFor(i, text)
		}
		if s.table.tools[i].Wallets {
			s.wallets(i, coins)
		}
	}
	c.about = len(c.sayings) > 0 && s.table.isAbout(s.name, whole)
	if c.about && sortsOf(c.sayings) < mentions {
		c.sayings = nil
	}
}

// mentions is how many sorts of indicators a text that is about tools needs to be suspicious: it may be no
// documentation but a script that is called so.
const mentions = 3

func sortsOf(sayings []saying) int {
	sorts := map[string]bool{}
	for _, s := range sayings {
		sorts[s.sort] = true
	}
	return len(sorts)
}

// readFor looks for the i-th tool.
func (s *pass) readFor(i int, text []byte) {
	tool, c := &s.table.tools[i], &s.found
	for _, rule := range tool.Text {
		if at := s.table.plainMatch(rule.match, text); at != nil {
			// The first line is enough to find it, and keeps a private key out of reports.
			shown, _, _ := strings.Cut(strings.TrimSpace(string(text[at[0]:min(at[1], at[0]+maxShown)])), "\n")
			c.sayings = append(c.sayings, saying{i, rule.Sort, rule.Weak, Mark{By: byContent, Text: shown, Offset: int64(at[0])}})
		}
	}
	for _, rule := range tool.Source {
		for _, m := range s.table.sourceMarks(rule, text, c) {
			c.sayings = append(c.sayings, saying{i, rule.Sort, rule.Weak, m})
		}
	}
}

// wallets takes addresses for the i-th tool. In the source of a program they say little: it may handle them.
func (s *pass) wallets(i int, coins []wallet) {
	ext := strings.ToLower(path.Ext(s.name))
	source := slices.Contains(slashComments, ext) || ext == ".py" || ext == ".rb"
	for _, w := range coins[:min(len(coins), maxMarks)] {
		weak := source || !w.private || len(coins) > fewWallets
		s.found.sayings = append(s.found.sayings, saying{i, sortWallet, weak, Mark{By: byContent, Text: w.String(), Offset: int64(w.at)}})
	}
}

// plainMatch returns the first match that is not a detection rule's text.
func (t *table) plainMatch(match expression, text []byte) []int {
	for _, at := range match.FindAllIndex(text, maxMatches) {
		if !t.quotes(text, at[0]) {
			return at
		}
	}
	return nil
}

// sourceMarks returns the rule's words in the text of a program's source, if there are enough.
func (t *table) sourceMarks(rule wordRule, text []byte, c *content) []Mark {
	var marks []Mark
	for _, w := range rule.words {
		if _, hit := c.hits[w]; !hit && c.quoted[w] == 0 {
			continue
		}
		word := t.words.words[w]
		if at := bytes.Index(text, word); at >= 0 && !t.quotes(text, at) {
			marks = append(marks, Mark{By: byContent, Text: string(word), Offset: int64(at)})
		}
	}
	if len(marks) < rule.Need {
		return nil
	}
	return marks
}

// quotes says whether what stands at a place of a text is part of a detection rule.
func (t *table) quotes(text []byte, at int) bool {
	before := text[max(0, at-lookBehind):at]
	if i := bytes.LastIndexByte(before, '\n'); i >= 0 {
		before = before[i+1:]
	}
	return slices.ContainsFunc(t.ruleText, func(r *regexp.Regexp) bool { return r.Match(before) })
}

// isAbout says whether a text speaks of tools and is none itself: documentation, by its name, or detection
// rules, by their form. What begins as a script or as JSON does is no documentation, whatever it is called.
func (t *table) isAbout(name string, text []byte) bool {
	if hashBang(text) {
		return false
	}
	for _, form := range t.ruleFiles {
		if bytes.Contains(text, []byte(form.With)) && form.match.Match(text) {
			return true
		}
	}
	start := bytes.TrimLeft(text, "\ufeff \t\r\n")
	if bytes.HasPrefix(start, []byte("{")) || bytes.HasPrefix(start, []byte("[")) {
		return false
	}
	base := path.Base(name)
	return strings.HasPrefix(name, docFolder) || nameMatches(t.prose, base)
}

// docFolder is where Debian and others keep documentation.
const docFolder = "/usr/share/doc/"

// slashComments are the endings of source files in which // and * begin the line of a comment. In a shell a
// path may begin so.
var slashComments = []string{".js", ".mjs", ".cjs", ".ts", ".java", ".go", ".c", ".h", ".cc", ".cpp", ".rs", ".php"}

// blankComments returns text with spaces for the lines that are comments; offsets stay.
func blankComments(name string, text []byte) []byte {
	comments := []string{"#"}
	if slices.Contains(slashComments, strings.ToLower(path.Ext(name))) {
		comments = []string{"//", "*", "/*"}
	}
	text = bytes.Clone(text)
	rest := text
	for len(rest) > 0 {
		line := rest
		if i := bytes.IndexByte(rest, '\n'); i >= 0 {
			line = rest[:i+1]
		}
		rest = rest[len(line):]
		start := bytes.TrimLeft(line, " \t")
		if slices.ContainsFunc(comments, func(c string) bool { return bytes.HasPrefix(start, []byte(c)) }) {
			for i := range bytes.TrimRight(line, "\n") {
				line[i] = ' '
			}
		}
	}
	return text
}
