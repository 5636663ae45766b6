package gate

import (
	"path"
	"slices"
	"strings"

	"github.com/tidewaiter/tidewaiter/image"
	"github.com/tidewaiter/tidewaiter/manifests"
	"github.com/tidewaiter/tidewaiter/sbom"
)

// platformFacts is what is kept of a platform of an image, to be judged together with the pods that run it.
type platformFacts struct {
	digest, platform string
	config           image.Config
	user             UserEvidence
	tools            []ToolEvidence
	setuid           []sbom.File
	runs             []RunEvidence     // what the image does by itself
	scripts          map[string]string // texts, by path
	has              map[string]bool   // of the paths that were asked for
}

// imageContent is what is inside a platform; *sbom.SBOM is it.
type imageContent interface {
	Scripts() map[string]string
	Has(path string) bool
}

func newPlatformFacts(e ImageEvidence, content imageContent, started sbom.Started) *platformFacts {
	f := &platformFacts{
		digest: e.Digest, platform: e.Platform, config: e.Config, user: e.User, runs: e.Runs,
		tools: toolsOf(e), setuid: []sbom.File{}, scripts: content.Scripts(), has: map[string]bool{},
	}
	for _, file := range e.Files {
		if file.DeletedIn < 0 && (file.Setuid || file.Capabilities) {
			f.setuid = append(f.setuid, file)
		}
	}
	for _, name := range started.Paths {
		f.has[name] = content.Has(name)
	}
	return f
}

// keep notes the facts of a platform of the image with that key.
func (r *run) keep(key string, f *platformFacts) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.facts == nil {
		r.facts = map[string][]*platformFacts{}
	}
	r.facts[key] = append(r.facts[key], f)
}

// toolsOf lists what the visible files of an image, its packages and its configuration are good for, sorted by
// class and tool.
func toolsOf(e ImageEvidence) []ToolEvidence {
	tools := []ToolEvidence{}
	add := func(t ToolEvidence, classes []sbom.Class) {
		for _, c := range classes {
			t.Class, t.Tool, t.Marks = c.Class, c.Tool, c.Marks
			if i := slices.IndexFunc(tools, func(o ToolEvidence) bool { return o.Class == t.Class && o.Tool == t.Tool }); i >= 0 {
				tools[i].Files += t.Files
				continue
			}
			tools = append(tools, t)
		}
	}
	for _, f := range e.Files {
		if f.DeletedIn < 0 {
			add(ToolEvidence{Path: f.Path, Files: 1, LayerDigest: f.LayerDigest, SHA256: f.SHA256}, f.Classes)
		}
	}
	for _, p := range e.Packages {
		add(ToolEvidence{Path: "package " + p.Name}, p.Classes)
	}
	add(ToolEvidence{Path: "config"}, e.Settings)
	slices.SortStableFunc(tools, func(a, b ToolEvidence) int {
		return strings.Compare(a.Class+"\x00"+a.Tool, b.Class+"\x00"+b.Tool)
	})
	return tools
}

// startedIn is what the commands of containers start in an image: the files that they name, and the scripts that
// they are. The names of the image's users are read, too.
func startedIn(containers []manifests.Container, config image.Config) sbom.Started {
	started := sbom.Started{Paths: []string{passwdFile}}
	for _, c := range containers {
		for _, cmd := range imageCommands(c, &platformFacts{config: config}) {
			started.Paths = append(started.Paths, scriptNames(cmd.args, cmd.config(config))...)
			started.Texts = append(started.Texts, strings.Join(cmd.args, " "))
			for _, f := range cmd.given.Files {
				if strings.Contains(strings.Join(cmd.args, " "), path.Base(f.Name)) {
					started.Texts = append(started.Texts, f.Text)
				}
			}
		}
	}
	slices.Sort(started.Paths)
	slices.Sort(started.Texts)
	return sbom.Started{Paths: slices.Compact(started.Paths), Texts: slices.Compact(started.Texts)}
}

// config is the configuration of the image as the container changes it: its working directory and PATH.
func (c command) config(base image.Config) image.Config {
	base.WorkingDir = c.workDir
	if c.given != nil {
		if v, ok := c.given.Env["PATH"]; ok {
			base.Env = append(slices.Clone(base.Env), "PATH="+v.Value)
		}
	}
	return base
}

// imageCommands are the commands of a container in an image, by Kubernetes' rules: command replaces ENTRYPOINT and
// CMD, args alone come behind ENTRYPOINT, and without either the image's own run.
func imageCommands(c manifests.Container, f *platformFacts) []command {
	var all []command
	add := func(cmd command) {
		if cmd.workDir == "" {
			cmd.workDir = path.Join("/", f.config.WorkingDir)
		}
		cmd.env, cmd.files = environmentOf(f.config), f.scripts
		all = append(all, cmd)
	}
	starts := false
	for _, r := range c.Runs {
		cmd := manifestCommand(c, r)
		if r.ImageEntrypoint {
			cmd.args = slices.Concat(f.config.Entrypoint, r.Args)
		}
		starts = starts || r.Where == "command" || r.Where == "script"
		add(cmd)
	}
	for _, given := range c.Given {
		if args := slices.Concat(f.config.Entrypoint, f.config.Cmd); !starts && len(args) > 0 {
			work, _ := c.Spec["workingDir"].(string)
			add(command{where: "entrypoint", path: append(steps(c.Path)[:len(c.Path):len(c.Path)], "image"), args: args, written: args, given: given, workDir: work})
		}
	}
	return all
}

// environmentOf is the environment that an image's configuration gives. Of two values the last one counts.
func environmentOf(c image.Config) map[string]string {
	env := make(map[string]string, len(c.Env))
	for _, v := range c.Env {
		if name, value, ok := strings.Cut(v, "="); ok {
			env[name] = value
		}
	}
	return env
}
