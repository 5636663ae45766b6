package manifests

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// variables are those that a compose file may name, with their values.
type variables map[string]string

// variablesFile is where Compose looks for them, in the folder of the file that it is given.
const variablesFile = ".env"

const (
	maxVariablesFile = 1 << 20  // bytes
	maxEnvFiles      = 100      // of one compose file; what is in others stays unknown
	maxValue         = 64 << 10 // of a variable, in bytes; a longer one stays unknown
)

// readVariables reads the variables of all compose files that were read from disk.
func (s *scan) readVariables() {
	for _, in := range s.inputs {
		for _, f := range in.files {
			for _, r := range f.results {
				if r.compose != nil && in.beside != nil {
					in.problems = append(in.problems, r.compose.readVariables(in)...)
				}
			}
		}
	}
}

// readVariables reads the files of variables that stand with a compose file, or below it. Others, such as those of a
// process or of a user's home, are none of a gate's business: what it finds in them would be told.
func (c *composeFile) readVariables(in *input) (problems []Problem) {
	read := func(name string) variables {
		v, err := in.variables(name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			problems = append(problems, newProblem(Unreadable, filepath.Join(filepath.Dir(in.name), name), 0, withoutPath(err)))
		}
		return v
	}
	c.variables, c.envFiles = read(variablesFile), map[string]variables{}
	services, _ := c.value["services"].(map[string]any)
	for _, service := range slices.Sorted(maps.Keys(services)) {
		fields, _ := services[service].(map[string]any)
		for _, name := range c.envFileNames(fields["env_file"]) {
			if c.envFiles[name] == nil && filepath.IsLocal(name) && len(c.envFiles) < maxEnvFiles {
				c.envFiles[name] = read(name)
			}
		}
	}
	return problems
}

// envFileNames are the files that an env_file names: a text, or a list of texts and of maps with a path.
func (c *composeFile) envFileNames(field any) []string {
	list, isList := field.([]any)
	if !isList {
		list = []any{field}
	}
	names := make([]string, len(list))
	for i, item := range list {
		if long, isMap := item.(map[string]any); isMap {
			item = long["path"]
		}
		names[i], _ = c.variables.interpolate(composeText(item))
	}
	return names
}

// eachEnvFile calls do with the variables of the files that the service names, the last first: it comes before the others.
func (t *translation) eachEnvFile(do func(known variables, found bool, at composePlace)) {
	for _, l := range slices.Backward(t.layers) {
		if l.fields["env_file"] == nil {
			continue
		}
		for _, name := range slices.Backward(l.file.envFileNames(l.fields["env_file"])) {
			known := l.file.envFiles[name]
			do(known, known != nil, composePlace{l.file, l.path.with("env_file")})
		}
	}
}

// variables are those of a file beside an input.
func (in *input) variables(name string) (variables, error) {
	file, err := in.beside(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(err, errIrregular)
	}
	data, err := io.ReadAll(io.LimitReader(file, maxVariablesFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxVariablesFile {
		return nil, fmt.Errorf("is larger than %d bytes: that is no file of variables", maxVariablesFile)
	}
	return parseVariables(string(data)), nil
}

// parseVariables reads lines of NAME=value as Compose does. What is none is passed over: Compose starts nothing then.
func parseVariables(text string) variables {
	all := variables{}
	for text != "" {
		var name, value string
		if name, value, text = all.next(text); name != "" && len(value) <= maxValue {
			all[name] = value
		}
	}
	return all
}

// next takes the first variable off a text. Its name is empty if the first line has none.
func (v variables) next(text string) (name, value, rest string) {
	line, rest, _ := strings.Cut(text, "\n")
	line = strings.TrimPrefix(strings.TrimSpace(line), "export ")
	name, line = variableName(strings.TrimSpace(line))
	line = strings.TrimSpace(line)
	if name == "" || line == "" || line[0] != '=' && line[0] != ':' {
		return "", "", rest
	}
	written := strings.TrimSpace(line[1:])
	if strings.HasPrefix(written, "'") || strings.HasPrefix(written, `"`) {
		// It may go on over lines.
		if quoted, behind, isClosed := quotedValue(text[strings.IndexByte(text, written[0]):]); isClosed {
			if _, rest, _ = strings.Cut(behind, "\n"); written[0] == '"' {
				quoted, _ = v.interpolate(quoted)
			}
			return name, quoted, rest
		}
	}
	written, _, _ = strings.Cut(written, " #")
	value, _ = v.interpolate(strings.TrimSpace(written))
	return name, value, rest
}

// escapes are those of a value in double quotes.
var escapes = strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\n`, "\n", `\r`, "\r", `\t`, "\t", `\$`, "$$")

// quotedValue reads a value up to the quote that closes the one it begins with.
func quotedValue(s string) (value, behind string, isClosed bool) {
	for i := 1; i < len(s); i++ {
		switch {
		case s[0] == '"' && s[i] == '\\':
			i++
		case s[i] == s[0] && s[0] == '"':
			return escapes.Replace(s[1:i]), s[i+1:], true
		case s[i] == s[0]:
			return s[1:i], s[i+1:], true
		}
	}
	return "", "", false
}
