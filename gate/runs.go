package gate

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/tidewaiter/tidewaiter/manifests"
	"github.com/tidewaiter/tidewaiter/shell"
)

// command is a command that a container would run, with all that is known of where it runs.
type command struct {
	where string
	path  []any // leads to it in the object
	args  []string
	// written is what the manifest itself says in this place, before $(VAR) was replaced.
	written []string
	given   *manifests.Given
	workDir string            // empty if unknown
	env     map[string]string // of the image; what is given goes before it
	files   map[string]string // of the image
	fetched []shell.Fetched   // what other commands of the pod have left where this one finds it
}

// analyze says what the command does, as package shell has it.
func (c command) analyze() shell.Result {
	return shell.Options{Env: c.environment(), Files: c.texts(), Fetched: c.fetched}.Analyze(c.args)
}

// analyzeFile says what a file does that starts by itself.
func (c command) analyzeFile(name, text string) shell.Result {
	return shell.Options{Env: c.environment(), Files: c.texts()}.AnalyzeFile(name, text)
}

// run says what the command does, as rules have it.
func (c command) run() RunEvidence { return c.evidence(c.analyze()) }

func (c command) evidence(result shell.Result) RunEvidence {
	e := RunEvidence{Where: c.where, Path: c.path, Args: c.args, Actions: make([]ActionEvidence, len(result.Actions)), Unreadable: result.Unreadable}
	for i, a := range result.Actions {
		e.Actions[i] = c.action(a)
		c.redact(&e.Actions[i].Action)
	}
	if c.given != nil && c.given.Unknown != "" && e.Unreadable == "" {
		e.Unreadable = c.given.Unknown
	}
	return e
}

func (c command) environment() map[string]string {
	if c.given == nil || len(c.given.Env) == 0 {
		return c.env
	}
	env := make(map[string]string, len(c.env)+len(c.given.Env))
	maps.Copy(env, c.env)
	for name, v := range c.given.Env {
		env[name] = v.Value
	}
	return env
}

// texts are the files that the command finds, by absolute name and by that from the working directory, which has dots for
// those in the folders above it. Those that are mounted hide the image's.
func (c command) texts() map[string]string {
	texts := map[string]string{}
	put := func(name, text string) {
		texts[name] = text
		if rest, ok := strings.CutPrefix(name, strings.TrimSuffix(c.workDir, "/")+"/"); ok && c.workDir != "" {
			texts[rest] = text
		} else if above, ok := strings.CutPrefix(c.workDir, strings.TrimSuffix(path.Dir(name), "/")+"/"); ok {
			texts[strings.Repeat("../", 1+strings.Count(strings.Trim(above, "/"), "/"))+path.Base(name)] = text
		}
	}
	for name, text := range c.files {
		put(name, text)
	}
	if c.given != nil {
		for _, f := range c.given.Files {
			put(f.Name, f.Text)
		}
	}
	return texts
}

// action finds out where the text stands that an action quotes: in the command itself, or in what it is given. A
// text that was put together stands nowhere, and is left with the command.
func (c command) action(a shell.Action) ActionEvidence {
	e, origin := ActionEvidence{Action: a}, c.origin(a)
	if c.given == nil || origin != nil && holds(c.text(origin.Name), a.Text) {
		e.Origin = origin
		return e
	}
	if strings.Contains(strings.Join(c.written, " "), a.Text) {
		return e
	}
	for _, f := range c.given.Files {
		if e.stands(f.Text, f.Name, f.Source) {
			return e
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.given.Env)) {
		if v := c.given.Env[name]; e.stands(v.Value, "$"+name, v.Source) {
			return e
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.files)) {
		if e.stands(c.files[name], name, manifests.Source{}) {
			return e
		}
	}
	e.Origin = origin
	return e
}

// text is the text of a file by its absolute name.
func (c command) text(name string) string {
	for _, f := range slices.Backward(c.given.Files) {
		if f.Name == name {
			return f.Text
		}
	}
	return c.files[name]
}

// holds tells whether a text stands in a file as it is, or as a string of JSON.
func holds(file, text string) bool {
	return strings.Contains(file, text) || strings.Contains(file, strings.ReplaceAll(text, `"`, `\"`))
}

// origin is the file that tells a program what to start, by the name that it was opened by; nil if there is none.
func (c command) origin(a shell.Action) *OriginEvidence {
	if a.File == "" {
		return nil
	}
	e := &OriginEvidence{Name: c.absolute(a.File)}
	if c.given == nil {
		return e
	}
	for _, f := range c.given.Files {
		if o := f.Source.Object; f.Name == e.Name && o != nil {
			e.Object = objectName(o)
			e.File, e.Line = o.TextPlace(f.Source.Path, a.Line)
		}
	}
	return e
}

// absolute is a name that the command opens a file by, from the root.
func (c command) absolute(name string) string {
	if path.IsAbs(name) {
		return path.Clean(name)
	}
	return path.Join("/", c.workDir, name)
}

// shortestSecret is how long a value of a Secret is, in bytes, to be taken out of what is told: a shorter one would
// be found anywhere.
const shortestSecret = 4

// redact replaces values of Secrets by the names of their variables: what a command does is told to more people
// than may know them.
func (c command) redact(a *shell.Action) {
	if c.given == nil {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(c.given.Env)) {
		v := c.given.Env[name]
		if v.Object.Kind != "Secret" || len(v.Value) < shortestSecret {
			continue
		}
		a.Text = strings.ReplaceAll(a.Text, v.Value, "$"+name)
		a.Source = strings.ReplaceAll(a.Source, v.Value, "$"+name)
		for i := range a.Steps {
			a.Steps[i] = strings.ReplaceAll(a.Steps[i], v.Value, "$"+name)
		}
	}
}

// stands notes where the action stands, if it is in that text. What is in no object is in the image.
func (e *ActionEvidence) stands(text, name string, source manifests.Source) bool {
	before, _, found := strings.Cut(text, e.Text)
	if !found {
		return false
	}
	e.Line = 1 + strings.Count(before, "\n")
	e.Origin = &OriginEvidence{Name: name}
	if o := source.Object; o != nil {
		e.Origin.Object = objectName(o)
		e.Origin.File, e.Origin.Line = o.TextPlace(source.Path, e.Line)
	}
	return true
}

// containerCommands are the commands of a container, as far as the manifests alone tell. Where the image's unknown
// ENTRYPOINT comes before the arguments, and they look like a shell's ("-c", "script"), they are taken for a
// shell's.
func containerCommands(c manifests.Container) []command {
	all := make([]command, 0, len(c.Runs))
	for _, r := range c.Runs {
		run := manifestCommand(c, r)
		if r.ImageEntrypoint && len(r.Args) > 1 && len(r.Args[0]) > 1 && r.Args[0][0] == '-' {
			run.args = append([]string{"sh"}, r.Args...)
		}
		all = append(all, run)
	}
	return all
}

// manifestCommand is one command of a container as its manifest has it.
func manifestCommand(c manifests.Container, r manifests.Run) command {
	out := command{where: r.Where, path: steps(r.Path), args: r.Args, written: r.Args, given: r.Given}
	out.workDir, _ = c.Spec["workingDir"].(string)
	if r.Where == "command" {
		out.written = textsIn(c.Spec["command"], c.Spec["args"])
	}
	return out
}

// textsIn are the texts in lists.
func textsIn(lists ...any) []string {
	var all []string
	for _, list := range lists {
		items, _ := list.([]any)
		for _, item := range items {
			if text, ok := item.(string); ok {
				all = append(all, text)
			}
		}
	}
	return all
}
