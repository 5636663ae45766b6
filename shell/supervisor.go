package shell

import (
	"path"
	"regexp"
	"strings"
)

// supervisorFiles are the configuration that supervisord is told to read, or those that it looks for.
func supervisorFiles(in *interp, c *call) []string {
	p := options{short: "cudleayzqij", long: "configuration user directory logfile pidfile "}.parse(c.args())
	if file := p.value("c", "configuration"); file != "" {
		return []string{in.path(file)}
	}
	return []string{
		in.path("supervisord.conf"), in.path("etc/supervisord.conf"), "/etc/supervisord.conf", "/etc/supervisor/supervisord.conf",
		"/usr/etc/supervisord.conf", "/usr/local/etc/supervisord.conf",
	}
}

// iniEntry is one key of an INI file. A value may go on on further lines that are indented.
type iniEntry struct {
	section, key, value string
	line                int
}

// parseINI reads an INI file as Python's ConfigParser does.
func parseINI(text string) []iniEntry {
	var entries []iniEntry
	section := ""
	for i, line := range strings.Split(text, "\n") {
		trimmed := strings.TrimSpace(line)
		switch {
		case trimmed == "" || strings.HasPrefix(trimmed, ";") || strings.HasPrefix(trimmed, "#"):
		case (line[0] == ' ' || line[0] == '\t') && len(entries) > 0 && entries[len(entries)-1].section == section:
			entries[len(entries)-1].value += "\n" + withoutComment(trimmed)
		case strings.HasPrefix(trimmed, "["):
			section, _, _ = strings.Cut(trimmed[1:], "]")
		default:
			if at := strings.IndexAny(trimmed, "=:"); at > 0 {
				key := strings.ToLower(strings.TrimSpace(trimmed[:at]))
				entries = append(entries, iniEntry{section, key, strings.TrimSpace(withoutComment(trimmed[at+1:])), i + 1})
			}
		}
	}
	return entries
}

// withoutComment cuts off a comment behind a value.
func withoutComment(value string) string {
	for _, mark := range []string{" ;", "\t;", " #", "\t#"} {
		value, _, _ = strings.Cut(value, mark)
	}
	return value
}

// supervisorCommands are the programs and event listeners of a configuration of supervisord.
func supervisorCommands(in *interp, _ *call, name, text string) (holding, error) {
	var found holding
	programs := map[string]*started{}
	var order []*started
	common := map[string]string{}
	for _, e := range parseINI(text) {
		kind, program, isProgram := strings.Cut(e.section, ":")
		value := in.supervisorValue(e.value, name, program)
		switch {
		case e.section == "include" && e.key == "files":
			found.reads = append(found.reads, strings.Fields(value)...)
		case e.section == "supervisord" && e.key == "environment":
			common = supervisorEnvironment(value)
		case isProgram && strings.Contains(" program eventlistener fcgi-program ", " "+strings.TrimSpace(kind)+" "):
			p := programs[e.section]
			if p == nil {
				p = &started{}
				programs[e.section], order = p, append(order, p)
			}
			switch e.key {
			case "command":
				p.argv, p.line = splitString(value), e.line
			case "directory":
				p.dir = value
			case "environment":
				p.env = supervisorEnvironment(value)
			}
		}
	}
	for _, p := range order {
		if p.env == nil {
			p.env = common
		}
		if len(p.argv) > 0 {
			found.runs = append(found.runs, *p)
		}
	}
	return found, nil
}

// supervisorExpansion is %(name)s in a value.
var supervisorExpansion = regexp.MustCompile(`%\(([A-Za-z0-9_]+)\)[0-9]*[sd]|%%`)

// supervisorValue replaces the expansions in a value.
func (in *interp) supervisorValue(value, file, program string) string {
	return supervisorExpansion.ReplaceAllStringFunc(value, func(found string) string {
		switch {
		case found == "%%":
			return "%"
		case strings.HasPrefix(found, "%(here)"):
			return path.Dir(file)
		case strings.HasPrefix(found, "%(program_name)"):
			return program
		case strings.HasPrefix(found, "%(ENV_"):
			name, _, _ := strings.Cut(strings.TrimPrefix(found, "%(ENV_"), ")")
			return in.variable(name)
		}
		return found
	})
}

// supervisorVariable is one of a list: KEY="value",KEY=value
var supervisorVariable = regexp.MustCompile(`([A-Za-z_][A-Za-z0-9_]*)\s*=\s*("[^"]*"|'[^']*'|[^,\s]*)`)

func supervisorEnvironment(value string) map[string]string {
	env := map[string]string{}
	for _, m := range supervisorVariable.FindAllStringSubmatch(value, maxBraces) {
		env[m[1]] = strings.Trim(m[2], `"'`)
	}
	return env
}
