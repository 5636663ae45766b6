package shell

import "strings"

// execlineOperands are the programs of execline and s6 that end by running the rest of their command line, with the number
// of operands before it. Blocks in braces are command lines of their own.
var execlineOperands = map[string]int{
	"fdmove": 2, "fdclose": 1, "fdblock": 1, "fdreserve": 1, "redirfd": 3, "piperw": 2, "heredoc": 2, "withstdinas": 1,
	"export": 2, "unexport": 1, "importas": 2, "import": 1, "define": 2, "multidefine": 2, "backtick": 1, "elglob": 2, "getpid": 1,
	"cd": 1, "umask": 1, "homeof": 1, "emptyenv": 0, "exec": 0, "foreground": 0, "background": 0, "if": 0, "ifelse": 0, "ifte": 0,
	"ifthenelse": 0, "case": 1, "pipeline": 0, "forx": 1, "forstdin": 1, "loopwhilex": 0, "tryexec": 0, "trap": 0, "wait": 0,
	"posix-cd": 1, "posix-umask": 1, "elgetpositionals": 0, "elgetopt": 1, "shift": 0, "runblock": 0, "dollarat": 0,
	"with-contenv": 0, "s6-setuidgid": 1, "s6-applyuidgid": 0, "s6-envdir": 1, "s6-setlock": 1, "s6-softlimit": 0, "s6-fghack": 0,
	"s6-notifyoncheck": 0, "s6-socklog": 0, "s6-ipcserver": 1, "s6-sudo": 1, "nice": 0,
}

// execlineValued are short options of these programs that come with a value.
const execlineValued = "uUgGdDtwnmcC"

// execline walks a script of execlineb, in which each program runs the rest of the line.
func (in *interp) execline(c *call, text string) {
	in.charge(parseWeight * len(text))
	in.chain(c, execlineWords(text), map[string]string{})
}

// chain walks one command line of execline.
func (in *interp) chain(c *call, words []string, values map[string]string) {
	for len(words) > 0 && in.step() {
		if words[0] == blockBegin {
			var block []string
			block, words = cutBlock(words)
			in.deeper(func() { in.chain(c, block, values) })
			continue
		}
		name := programName(words[0])
		operands, ok := execlineOperands[name]
		if !ok {
			in.subshell(func() { in.run(c.with(substituted(words, values))) })
			return
		}
		words = words[1:]
		for len(words) > 0 && strings.HasPrefix(words[0], "-") {
			if len(words[0]) == 2 && strings.Contains(execlineValued, words[0][1:]) && name != "backtick" && name != "fdmove" && name != "foreground" {
				words = words[1:]
			}
			words = words[min(1, len(words)):]
		}
		operands = min(operands, len(words))
		given := words[:operands]
		words = words[operands:]
		switch {
		case name == "define" && operands == 2:
			values["${"+given[0]+"}"] = substituted(given[1:], values)[0]
		case name == "importas" && operands == 2:
			values["${"+given[0]+"}"] = in.setting(given[1])
		case name == "export" && operands == 2:
			in.env.vars.set(given[0], substituted(given[1:], values)[0])
		case name == "cd" && operands == 1:
			in.env.cwd = in.path(given[0])
		}
	}
}

// substituted puts values in the place of their names, up to the next block.
func substituted(words []string, values map[string]string) []string {
	var out []string
	for _, w := range words {
		if w == blockBegin || w == blockEnd {
			break
		}
		if strings.Contains(w, "${") {
			for _, name := range sortedKeys(values) {
				if len(w) < maxExpanded {
					w = strings.ReplaceAll(w, name, values[name])
				}
			}
		}
		out = append(out, w)
	}
	return out
}

// Braces that begin and end a block, told from those in quotes.
const (
	blockBegin = "\x00{"
	blockEnd   = "\x00}"
)

// cutBlock takes the block that words begin with off them.
func cutBlock(words []string) (block, rest []string) {
	depth := 0
	for i, w := range words {
		switch w {
		case blockBegin:
			depth++
		case blockEnd:
			if depth--; depth == 0 {
				return words[1:i], words[i+1:]
			}
		}
	}
	return words[1:], nil
}

// execlineWords takes a script of execline apart.
func execlineWords(text string) []string {
	var words []string
	for line := range strings.SplitSeq(strings.ReplaceAll(text, "\x00", ""), "\n") {
		for at := 0; at < len(line); {
			switch ch := line[at]; {
			case ch == ' ' || ch == '\t' || ch == '\r':
				at++
				continue
			case ch == '#':
				at = len(line)
				continue
			}
			end := wordEnd(line, at)
			switch word := line[at:end]; word {
			case "{":
				words = append(words, blockBegin)
			case "}":
				words = append(words, blockEnd)
			default:
				words = append(words, strings.Join(splitString(word), " "))
			}
			at = end
		}
	}
	return words
}

// wordEnd is where the word that begins there ends.
func wordEnd(line string, at int) int {
	quoted := false
	for ; at < len(line); at++ {
		switch ch := line[at]; {
		case ch == '\\':
			at++
		case ch == '"':
			quoted = !quoted
		case !quoted && (ch == ' ' || ch == '\t' || ch == '\r'):
			return at
		}
	}
	return len(line)
}
