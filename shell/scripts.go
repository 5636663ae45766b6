package shell

import (
	"encoding/json"
	"errors"
	"path"
	"strings"
)

// packageScript is a script in a package.json, and where it stands.
type packageScript struct {
	text string
	line int
}

// packageFiles are the package.json that npm and its like look for: here or in a folder above.
func packageFiles(in *interp, c *call) []string {
	if len(packageVerbs(c)) == 0 {
		return nil
	}
	p := packageOptions(c.name()).parse(c.args())
	dir := in.path(p.value("prefix", "dir", "cwd", "C"))
	if dir == "" {
		dir = in.env.cwd
	}
	file := "package.json"
	if c.name() == "deno" {
		file = "deno.json"
	}
	if w := p.value("workspace", "w"); w != "" {
		return []string{path.Join(dir, w, file), path.Join(dir, "packages", w, file), path.Join(dir, "apps", w, file)}
	}
	names := []string{path.Join(dir, file)}
	for up := dir; up != "/" && in.known(up) && len(names) < maxFoldersAbove; {
		up = path.Join(up, "..")
		names = append(names, path.Join(up, file))
	}
	return names
}

// maxFoldersAbove is how many folders a file is looked for in, one above the other.
const maxFoldersAbove = 10

// packageOptions are the options of npm and its like that come with a value.
func packageOptions(name string) options {
	long := "prefix dir cwd workspace registry cache loglevel filter modules-folder userconfig script-shell "
	switch name {
	case "npm":
		return options{short: "Cw", long: long}
	case "pnpm":
		return options{short: "CF", long: long}
	}
	return options{long: long}
}

// packageVerbs says what a command line of npm, or of one like it, asks for: the name of a script, then its arguments.
func packageVerbs(c *call) []string {
	p := packageOptions(c.name()).parse(c.args())
	switch verb := firstOr(p.args, ""); c.name() {
	case "npm":
		switch verb {
		case "start", "stop", "restart", "test":
			return p.args
		case "t", "tst":
			return append([]string{"test"}, p.args[1:]...)
		case "run", "run-script", "rum", "urn":
			return p.args[1:]
		}
		return nil
	case "node":
		for i, a := range c.args() {
			if script, ok := strings.CutPrefix(a, "--run="); ok {
				return append([]string{script}, c.args()[i+1:]...)
			}
			if a == "--run" {
				return c.args()[i+1:]
			}
		}
		return nil
	case "deno":
		if verb == "task" {
			return p.args[1:]
		}
		return nil
	default: // of yarn, pnpm and bun any other verb is a script, too
		if verb == "run" || verb == "run-script" {
			return p.args[1:]
		}
		return p.args
	}
}

// packageCommands are the scripts that a command line asks for, with those that go before and after them.
func packageCommands(in *interp, c *call, name, text string) (holding, error) {
	verbs := packageVerbs(c)
	scripts, err := packageScripts(text)
	if err != nil || len(verbs) == 0 {
		return holding{}, err
	}
	wanted := []string{verbs[0]}
	if _, ok := scripts["restart"]; verbs[0] == "restart" && !ok {
		wanted = []string{"stop", "start"}
	}
	dir := folderOf(name)
	env := map[string]string{"PATH": path.Join(dir, "node_modules/.bin") + ":" + in.setting("PATH")}
	var found holding
	for _, script := range wanted {
		s, ok := scripts[script]
		if !ok && script == "start" && c.name() == "npm" {
			s = packageScript{text: "node server.js"}
		}
		s.text += " " + quoteAll(verbs[1:])
		for _, s := range []packageScript{scripts["pre"+script], s, scripts["post"+script]} {
			if strings.TrimSpace(s.text) != "" {
				found.runs = append(found.runs, started{text: s.text, dir: dir, line: s.line, env: env})
			}
		}
	}
	return found, nil
}

var errNoObject = errors.New("it holds no JSON object")

// packageScripts reads the scripts of a package.json, or the tasks of a deno.json. Of two of one name the last one counts.
func packageScripts(text string) (map[string]packageScript, error) {
	text = strings.TrimPrefix(text, "\ufeff")
	dec := json.NewDecoder(strings.NewReader(text))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, errNoObject
	}
	var scripts map[string]packageScript
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, err
		}
		if key != "scripts" && key != "tasks" {
			var other json.RawMessage
			if err := dec.Decode(&other); err != nil {
				return nil, err
			}
			continue
		}
		if scripts, err = scriptsIn(dec, text); err != nil {
			return nil, err
		}
	}
	_, err := dec.Token()
	return scripts, err
}

// scriptsIn reads an object of strings. What else is in it is no script.
func scriptsIn(dec *json.Decoder, text string) (map[string]packageScript, error) {
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.Join(err, errNoObject)
	}
	scripts := map[string]packageScript{}
	line, counted := 1, int64(0)
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, err
		}
		var value any
		if err := dec.Decode(&value); err != nil {
			return nil, err
		}
		line += strings.Count(text[counted:dec.InputOffset()], "\n")
		counted = dec.InputOffset()
		if name, ok := key.(string); ok {
			script, _ := value.(string)
			scripts[name] = packageScript{text: script, line: line}
		}
	}
	_, err := dec.Token()
	return scripts, err
}
