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

// readText looks for what the table's expressions, and its words in source texts, say. Where neither a word nor
// a wallet was found, none of them would.
func (s *pass) readText() {
	c := &s.found
	c.about = s.table.isAbout(s.name, s.text)
	coins := findWallets(s.text)
	if len(c.hits)+len(c.quoted)+len(coins) == 0 {
		return
	}
	text := blankComments(s.name, s.text)
	for i := range s.table.tools {
		tool := &s.table.tools[i]
		for _, rule := range tool.Text {
			if at := s.table.plainMatch(rule.match, text); at != nil {
				shown := strings.TrimSpace(string(text[at[0]:min(at[1], at[0]+maxShown)]))
				c.sayings = append(c.sayings, saying{i, rule.Sort, rule.Weak, Mark{By: byContent, Text: shown, Offset: int64(at[0])}})
			}
		}
		for _, rule := range tool.Source {
			for _, m := range s.table.sourceMarks(rule, text, c) {
				c.sayings = append(c.sayings, saying{i, rule.Sort, rule.Weak, m})
			}
		}
		if tool.Wallets {
			for _, w := range coins[:min(len(coins), maxMarks)] {
				weak := !w.private || len(coins) > fewWallets
				c.sayings = append(c.sayings, saying{i, sortWallet, weak, Mark{By: byContent, Text: w.String(), Offset: int64(w.at)}})
			}
		}
	}
}

// plainMatch returns the first match that is not a detection rule's text.
func (t *table) plainMatch(match *regexp.Regexp, text []byte) []int {
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
		if form.Match(text) {
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
