package shell

import (
	"regexp"
	"strings"
)

// sedPrograms are the programs that a call of sed is given.
func sedPrograms(p parsed) []string {
	var all []string
	for _, o := range p.opts {
		if o.name == "e" || o.name == "expression" {
			all = append(all, o.value)
		}
	}
	if len(all) == 0 && !p.has("f", "file") && len(p.args) > 0 {
		all = p.args[:1]
	}
	return all
}

// sedRuns walks what a program of GNU sed runs: e COMMAND, e alone and s/…/…/e, which run the line as it then is.
// Of the line no more is known than what was read, or what it is replaced by.
func (in *interp) sedRuns(c *call, program, text string) {
	for program != "" && in.step() {
		program = sedAddress(program)
		if program == "" {
			return
		}
		verb := program[0]
		program = program[1:]
		switch verb {
		case '{', '}', ';', '\n', ' ', '\t', '!':
		case 'e':
			command, rest, _ := strings.Cut(program, "\n")
			program = rest
			if command = strings.Trim(command, " \t;}"); command == "" {
				command = text
			}
			in.sedCommand(c, command)
		case 's', 'y':
			replacement, flags, rest := sedReplacement(program)
			program = rest
			if verb == 's' && strings.Contains(flags, "e") {
				in.sedCommand(c, replacement)
				in.sedCommand(c, text)
			}
		case 'a', 'i', 'c', 'r', 'R', 'w', 'W':
			_, program, _ = strings.Cut(program, "\n")
		default:
			if end := strings.IndexAny(program, ";\n}"); end >= 0 {
				program = program[end:]
			} else {
				program = ""
			}
		}
	}
}

func (in *interp) sedCommand(c *call, command string) {
	in.childShell(command, scriptRun{via: "sed runs it", fds: c.fds})
}

// substituted is what programs of nothing but s and y make of a text that is known; ok is false for any other.
func (in *interp) substituted(text string, programs []string, extended bool) (result string, ok bool) {
	if !in.known(text) || len(text) > maxEdited || len(programs) == 0 {
		return "", false
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for _, program := range programs {
		for program = strings.TrimLeft(program, " ;\n\t"); program != ""; program = strings.TrimLeft(program, " ;\n\t") {
			verb, rest := program[0], program[1:]
			if verb != 's' && verb != 'y' || rest == "" || !in.step() {
				return "", false
			}
			pattern, _ := sedPart(rest[1:], rest[0])
			replacement, flags, rest := sedReplacement(rest)
			edit := lineEdit(verb, pattern, replacement, flags, extended)
			if edit == nil {
				return "", false
			}
			for i, l := range lines {
				in.work(1)
				if (len(l)+1)*(len(replacement)+1) > in.budget.limits.ValueBytes {
					return "", false
				}
				lines[i] = in.bounded(edit(l))
			}
			program = rest
		}
	}
	return strings.Join(lines, "\n") + "\n", true
}

// maxEdited is the length of a text, in bytes, up to which what sed makes of it is worked out.
const maxEdited = 64 << 10

// lineEdit is what one s or y does to a line; nil if that cannot be told.
func lineEdit(verb byte, pattern, replacement, flags string, extended bool) func(string) string {
	if verb == 'y' {
		return func(line string) string { return translated(line, pattern, replacement, false) }
	}
	if strings.Trim(flags, "gIi") != "" || len(pattern) > 2*maxPattern {
		return nil
	}
	if !extended {
		pattern = basicPattern.ReplaceAllStringFunc(pattern, func(s string) string {
			if len(s) > 1 {
				return s[1:]
			}
			return `\` + s
		})
	}
	if strings.ContainsAny(flags, "Ii") {
		pattern = "(?i)" + pattern
	}
	rx, err := regexp.Compile(pattern)
	if err != nil {
		return nil
	}
	with := sedReference.ReplaceAllStringFunc(strings.ReplaceAll(replacement, "$", "$$"), func(s string) string {
		switch {
		case s == "&":
			return "${0}"
		case s[1] >= '0' && s[1] <= '9':
			return "${" + s[1:] + "}"
		case s[1] == 'n':
			return "\n"
		}
		return s[1:]
	})
	if strings.Contains(flags, "g") {
		return func(line string) string { return rx.ReplaceAllString(line, with) }
	}
	return func(line string) string {
		m := rx.FindStringSubmatchIndex(line)
		if m == nil {
			return line
		}
		return line[:m[0]] + string(rx.ExpandString(nil, with, line, m)) + line[m[1]:]
	}
}

// basicPattern is what means the opposite with and without a backslash in basic and in extended regular expressions;
// sedReference is what stands for something else in a replacement.
var (
	basicPattern = regexp.MustCompile(`\\[(){}|+?]|[(){}|+?]`)
	sedReference = regexp.MustCompile(`(?s)&|\\.`)
)

// sedAddress returns what stands behind the address of a command: 1, $, /x/, \,x,I, 1,5, 0~3.
func sedAddress(s string) string {
	for s != "" {
		switch ch := s[0]; {
		case ch >= '0' && ch <= '9' || strings.IndexByte("$,~+ \t;\n", ch) >= 0:
			s = s[1:]
		case ch == '/' || ch == '\\' && len(s) > 1:
			if ch == '\\' {
				s = s[1:]
			}
			_, s = sedPart(s[1:], s[0])
			s = strings.TrimLeft(s, "IM")
		default:
			return s
		}
	}
	return ""
}

// sedReplacement takes apart what stands behind s or y: /regex/replacement/flags, with any delimiter.
func sedReplacement(s string) (replacement, flags, rest string) {
	if s == "" {
		return "", "", ""
	}
	delimiter := s[0]
	_, s = sedPart(s[1:], delimiter)
	replacement, s = sedPart(s, delimiter)
	n := span(s, func(ch byte) bool { return ch >= '0' && ch <= '9' || strings.IndexByte("gpIiMme", ch) >= 0 })
	return replacement, s[:n], s[n:]
}

// sedPart returns the text up to a delimiter, which a backslash takes for text, and what stands behind it.
func sedPart(s string, delimiter byte) (part, rest string) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			if i++; s[i] != delimiter {
				b.WriteByte('\\')
			}
			b.WriteByte(s[i])
		case s[i] == delimiter:
			return b.String(), s[i+1:]
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), ""
}
