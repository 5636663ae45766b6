package shell

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// make runs what a Makefile says: one in the folder, on the input, or on the command line.
func (in *interp) make(c *call) effect {
	p := options{short: "CfIjlo", long: "directory file makefile eval "}.parse(c.args())
	text := in.makefile(c, p)
	if in.fetched(text) != nil {
		in.executed(text, "its Makefile is run by "+c.name())
		return effect{}
	}
	if c.name() != "make" && c.name() != "gmake" {
		return effect{}
	}
	m := readMakefile(text + "\n" + p.value("eval"))
	var targets []string
	for _, a := range p.args {
		if name, value, ok := strings.Cut(a, "="); ok {
			m.values[name] = value
			in.shellFunctions(value)
		} else {
			targets = append(targets, a)
		}
	}
	if program, _, ok := strings.Cut(m.values["SHELL"], " "); ok && program != "" {
		in.later(m.values["SHELL"], c.name()+" runs it")
	}
	for _, line := range m.outside {
		in.shellFunctions(line)
	}
	if len(targets) == 0 && m.first != "" {
		targets = []string{m.first}
	}
	in.recipes(c, m, targets)
	return effect{}
}

// makefile is the text of the Makefile that make reads, "" if it is not known.
func (in *interp) makefile(c *call, p parsed) string {
	dir := in.path(p.value("C", "directory"))
	if dir == "" {
		dir = in.env.cwd
	}
	named := p.value("f", "file", "makefile")
	if named == "-" || named == "/dev/stdin" {
		return in.stdin(c)
	}
	for _, name := range []string{named, "GNUmakefile", "makefile", "Makefile"} {
		if f, ok := in.lookup(path.Join(dir, name)); ok && name != "" {
			return f.text
		}
	}
	if t := in.treeOf(path.Join(dir, "Makefile")); t != nil {
		return t.text
	}
	return ""
}

// rules are what a Makefile says, as far as it is written out.
type rules struct {
	values  map[string]string
	recipes map[string][]string
	needs   map[string][]string
	first   string   // the target that is made if none is named
	outside []string // the lines that belong to no recipe
}

var (
	makeRule  = regexp.MustCompile(`^([^\s:#=][^:=]*)::?(?:[^:=][^=]*|)$`)
	makeValue = regexp.MustCompile(`^\s*(?:export\s+|override\s+)?([\w.-]+)\s*(?::{0,3}|\?|\+|!)=\s*(.*)$`)
	makeName  = regexp.MustCompile(`\$[({]([\w.-]+)[)}]`)
)

func readMakefile(text string) rules {
	m := rules{values: map[string]string{}, recipes: map[string][]string{}, needs: map[string][]string{}}
	var current []string
	for line := range strings.SplitSeq(strings.ReplaceAll(text, "\\\n", " "), "\n") {
		head, inline, _ := strings.Cut(line, ";")
		if strings.HasPrefix(line, "\t") && current != nil {
			for _, t := range current {
				m.recipes[t] = append(m.recipes[t], line)
			}
			continue
		}
		m.outside = append(m.outside, line)
		if v := makeValue.FindStringSubmatch(line); v != nil {
			m.values[v[1]] = v[2]
		} else if makeRule.MatchString(head) {
			names, needs, _ := strings.Cut(head, ":")
			current = strings.Fields(names)
			for _, t := range current {
				m.needs[t] = append(m.needs[t], strings.Fields(needs)...)
				if inline != "" {
					m.recipes[t] = append(m.recipes[t], inline)
				}
				if m.first == "" && !strings.HasPrefix(t, ".") {
					m.first = t
				}
			}
		}
	}
	return m
}

// recipes walks what making targets runs, with what they need.
func (in *interp) recipes(c *call, m rules, targets []string) {
	var made []string
	for len(targets) > 0 && len(made) < maxFiles && in.step() {
		t := targets[0]
		targets = targets[1:]
		if slices.Contains(made, t) {
			continue
		}
		made = append(made, t)
		targets = append(slices.Clip(m.needs[t]), targets...)
		for _, line := range m.recipes[t] {
			line = in.shellFunctions(line)
			for range maxChoices {
				line = in.bounded(makeName.ReplaceAllStringFunc(line, func(s string) string { return m.values[s[2:len(s)-1]] }))
			}
			in.later(strings.ReplaceAll(strings.TrimLeft(line, "\t @-+"), "$$", "$"), c.name()+" runs it")
		}
	}
}

// shellFunctions walks the commands of $(shell command), and returns the line without them.
func (in *interp) shellFunctions(line string) string {
	for in.step() {
		i := strings.Index(line, "$(shell ")
		if i < 0 {
			break
		}
		command, n := delimited(line[i+1:])
		in.later(strings.ReplaceAll(strings.TrimPrefix(command, "shell "), "$$", "$"), "make runs it")
		line = line[:i] + line[i+1+n:]
	}
	return line
}
