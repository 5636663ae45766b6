package shell

import (
	"fmt"
	"regexp"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// recipe is what a rule of a Makefile, or a recipe of a justfile, runs.
type recipe struct {
	needs []string
	lines []recipeLine
}

type recipeLine struct {
	text string
	line int
}

// recipes are what such a file says, and its first target. A target may have several rules.
type recipes struct {
	first string
	rules map[string][]*recipe
	vars  map[string]string
	runs  []recipeLine // as it is read: $(shell …)
	reads []string     // included files
}

func makeFiles(in *interp, c *call) []string {
	p := makeOptions.parse(c.args())
	return in.optionFile(p.value("C", "directory"), p.value("f", "file", "makefile"), "GNUmakefile", "makefile", "Makefile")
}

// make runs what says it without being a file: the Makefile on the input, and rules on the command line.
func (in *interp) make(c *call) effect {
	s, _ := starterOf(c.name())
	p := makeOptions.parse(c.args())
	if named := p.value("f", "file", "makefile"); named == "-" || named == "/dev/stdin" {
		in.startText(c, s, "", in.stdin(c))
	}
	if text := p.value("eval"); text != "" {
		in.startText(c, s, "", text)
	}
	return effect{}
}

func justFiles(in *interp, c *call) []string {
	p := justOptions.parse(c.args())
	return in.optionFile(p.value("d", "working-directory"), p.value("f", "justfile"), "justfile", "Justfile", ".justfile", "JUSTFILE")
}

var (
	makeOptions = options{short: "CfIjlo", long: "directory file makefile eval "}
	justOptions = options{short: "fd", long: "justfile working-directory set shell "}
)

var (
	assignment = regexp.MustCompile(`^(?:export\s+|override\s+)*([A-Za-z0-9_.-]+)\s*(?::{1,3}|\?|\+|!)?=\s*(.*)$`)
	included   = regexp.MustCompile(`^-?s?include\s+(.+)$`)
	imported   = regexp.MustCompile(`^import\s+['"](.+)['"]`)
	makeValue  = regexp.MustCompile(`\$[({]([^(){}$:]+)[)}]|\$([@<^])`)
	justValue  = regexp.MustCompile(`\{\{\s*([A-Za-z0-9_-]+)\s*\}\}`)
)

func makeCommands(_ *interp, c *call, name, text string) (holding, error) {
	r := parseRecipes(text, "\t")
	dir := folderOf(name)
	found := holding{reads: r.reads}
	var goals []string
	for _, a := range makeOptions.parse(c.args()).args {
		if key, value, ok := strings.Cut(a, "="); ok {
			r.vars[key] = value
			continue
		}
		goals = append(goals, a)
	}
	if program, _, more := strings.Cut(r.vars["SHELL"], " "); more && program != "" {
		found.runs = append(found.runs, started{text: r.expanded(r.vars["SHELL"], ""), dir: dir})
	}
	if len(goals) == 0 {
		goals = strings.Fields(r.vars[".DEFAULT_GOAL"] + " ")
	}
	for _, l := range r.runs {
		found.runs = append(found.runs, started{text: ": " + r.expanded(l.text, ""), dir: dir, line: l.line})
	}
	err := r.follow(goals, func(target string, l recipeLine) {
		found.runs = append(found.runs, started{text: strings.TrimLeft(r.expanded(l.text, target), "@-+ \t"), dir: dir, line: l.line})
	})
	return found, err
}

func justCommands(_ *interp, c *call, name, text string) (holding, error) {
	r := parseRecipes(text, " \t")
	found := holding{reads: r.reads}
	script := map[string]*started{}
	err := r.follow(justOptions.parse(c.args()).args, func(target string, l recipeLine) {
		text := justValue.ReplaceAllStringFunc(l.text, func(value string) string {
			if v, ok := r.vars[justValue.FindStringSubmatch(value)[1]]; ok {
				return strings.Trim(v, `"'`)
			}
			return `"$1"` // a parameter
		})
		if s := script[target]; s != nil { // a script of its own
			s.text += "\n" + text
			return
		}
		run := started{text: strings.TrimLeft(text, "@- \t"), dir: folderOf(name), line: l.line}
		if strings.HasPrefix(strings.TrimSpace(text), "#!") {
			script[target] = &run
			return
		}
		found.runs = append(found.runs, run)
	})
	for _, target := range sortedKeys(script) {
		found.runs = append(found.runs, *script[target])
	}
	return found, err
}

// parseRecipes reads rules: a line "TARGETS: NEEDS" and what is indented below it.
func parseRecipes(text, indent string) *recipes {
	r := &recipes{rules: map[string][]*recipe{}, vars: map[string]string{}}
	current := &recipe{}
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		at, line := i+1, strings.TrimSuffix(lines[i], "\r")
		var whole strings.Builder
		for strings.HasSuffix(line, `\`) && i+1 < len(lines) {
			whole.WriteString(strings.TrimSuffix(line, `\`) + " ")
			i++
			line = strings.TrimSuffix(lines[i], "\r")
		}
		whole.WriteString(line)
		line = whole.String()
		switch {
		case strings.TrimSpace(line) == "":
		case strings.IndexByte(indent, line[0]) >= 0:
			current.lines = append(current.lines, recipeLine{line[1:], at})
		default:
			current = r.line(strings.TrimLeft(line, " @"), at, current)
		}
	}
	return r
}

// line reads a line that is not indented, and returns the recipe that the next ones belong to.
func (r *recipes) line(line string, at int, current *recipe) *recipe {
	if strings.Contains(line, "$(shell ") || strings.Contains(line, "${shell ") {
		r.runs = append(r.runs, recipeLine{line, at})
	}
	if m := included.FindStringSubmatch(line); m != nil {
		r.reads = append(r.reads, strings.Fields(r.expanded(m[1], ""))...)
		return current
	}
	if m := imported.FindStringSubmatch(line); m != nil {
		r.reads = append(r.reads, m[1])
		return current
	}
	if m := assignment.FindStringSubmatch(line); m != nil {
		r.vars[m[1]] = m[2]
		return current
	}
	targets, rest, ok := strings.Cut(line, ":")
	if !ok || strings.HasPrefix(line, "#") {
		return current
	}
	needs, inline, _ := strings.Cut(strings.TrimLeft(rest, ":"), ";")
	made := &recipe{needs: strings.Fields(r.expanded(needs, ""))}
	if strings.TrimSpace(inline) != "" {
		made.lines = append(made.lines, recipeLine{inline, at})
	}
	for _, target := range strings.Fields(r.expanded(targets, "")) {
		if r.first == "" && !strings.HasPrefix(target, ".") {
			r.first = target
		}
		r.rules[target] = append(r.rules[target], made)
	}
	return made
}

// follow calls run with every line of the targets, and of those that they need.
func (r *recipes) follow(targets []string, run func(target string, l recipeLine)) error {
	if len(targets) == 0 {
		targets = []string{r.first}
	}
	seen, lines := map[string]bool{}, 0
	for at := 0; at < len(targets); at++ {
		target := strings.Trim(targets[at], "()&|")
		if seen[target] {
			continue
		}
		seen[target] = true
		for _, rule := range r.rules[target] {
			targets = append(targets, rule.needs...)
			if lines += len(rule.lines); lines > maxArguments || len(targets) > maxArguments {
				return fmt.Errorf("more than %d commands or targets", maxArguments)
			}
			for _, l := range rule.lines {
				run(target, l)
			}
		}
	}
	return nil
}

// expanded replaces the variables of make in a text. What is none of the file's is one of the environment.
func (r *recipes) expanded(text, target string) string {
	left := maxExpanded
	for range maxExpansions {
		before := text
		text = makeValue.ReplaceAllStringFunc(text, func(found string) string {
			value := r.value(makeValue.FindStringSubmatch(found), target)
			if left -= len(value); left < 0 {
				return ""
			}
			return value
		})
		if text == before {
			break
		}
	}
	return strings.ReplaceAll(strings.ReplaceAll(text, "$(shell ", "$("), "$$", "$")
}

// value is what make puts in the place of an expansion.
func (r *recipes) value(found []string, target string) string {
	name, automatic := found[1], found[2]
	value, known := r.vars[name]
	command, isShell := strings.CutPrefix(name, "shell ")
	switch {
	case automatic == "@":
		return target
	case automatic != "":
		return ""
	case isShell:
		return "`" + command + "`"
	case known:
		return value
	case name == "MAKE":
		return "make"
	case name == "CURDIR":
		return "."
	case syntax.ValidName(name):
		return "${" + name + "}" // of the environment
	}
	return ""
}

const (
	maxExpansions = 5         // of variables within variables
	maxExpanded   = 256 << 10 // bytes that the variables of one line become
)
