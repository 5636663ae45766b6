package gate

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/tidewaiter/tidewaiter/manifests"
	"github.com/tidewaiter/tidewaiter/shell"
)

// podCommands are the commands of a pod, each with what the others leave for it: one container fetches a program into a
// volume, and another runs it from there.
type podCommands struct {
	pod       manifests.Pod
	commands  []podCommand
	first     []int // the first command of each container
	delivered []delivery
	left      int // of maxDeliveries; negative if there was more to do
}

// maxDeliveries bounds how often something that was fetched is held against a command of the same pod.
const maxDeliveries = 250_000

type podCommand struct {
	command
	shown     []string // its arguments as the manifest has them
	container int      // its index in the pod
	result    shell.Result
}

// delivery is something that was fetched, and where that lies.
type delivery struct {
	shell.Fetched
	by        int    // the command that fetched it; -1 for the kubelet
	container int    // the container that Path is a path of, unless
	volume    string // it is one of this volume
}

// analyzePod looks at the commands of a pod, as far as the manifests alone tell them. The error says that there is more to follow
// from one to another than is allowed.
func analyzePod(pod manifests.Pod) (*podCommands, error) {
	p := newPodCommands(pod)
	// Init containers are in the order in which they run. All others run at the same time, which takes a second round.
	for i := range p.commands {
		p.analyze(i)
	}
	for i, c := range p.commands {
		if len(p.delivered) > 0 && pod.Containers[c.container].Type != manifests.Init && len(p.foundBy(i)) > len(c.fetched) {
			p.analyze(i)
		}
	}
	if p.left < 0 {
		return p, fmt.Errorf("more than %d pairs of a fetched file and a command in one pod: split it", maxDeliveries)
	}
	return p, nil
}

// runs is what the commands of one container do.
func (p *podCommands) runs(container int) []RunEvidence {
	runs := []RunEvidence{}
	for _, c := range p.commands[p.first[container]:p.first[container+1]] {
		e := c.evidence(c.result)
		e.Args = c.shown
		runs = append(runs, e)
	}
	return runs
}

func newPodCommands(pod manifests.Pod) *podCommands {
	p := &podCommands{pod: pod, left: maxDeliveries}
	for i, c := range pod.Containers {
		p.first = append(p.first, len(p.commands))
		for k, run := range containerCommands(c) {
			p.commands = append(p.commands, podCommand{command: run, shown: c.Runs[k].Args, container: i})
		}
	}
	p.first = append(p.first, len(p.commands))
	for _, volume := range mapsOf(pod.Spec["volumes"]) {
		name, _ := volume["name"].(string)
		git, _ := volume["gitRepo"].(map[string]any)
		if url, _ := git["repository"].(string); url != "" {
			fetched := shell.Fetched{Path: "/", Tree: true, Tool: "gitRepo", Source: url, Steps: []string{"the kubelet gets " + url + " into volume " + name}}
			p.delivered = append(p.delivered, delivery{Fetched: fetched, by: -1, volume: name})
		}
	}
	return p
}

// analyze looks at one command, and notes what it leaves.
func (p *podCommands) analyze(i int) {
	c := &p.commands[i]
	c.fetched = p.foundBy(i)
	c.result = c.command.analyze()
	p.delivered = slices.DeleteFunc(p.delivered, func(d delivery) bool { return d.by == i })
	for _, f := range c.result.Fetched {
		if !path.IsAbs(f.Path) && c.workDir != "" {
			f.Path = path.Join(c.workDir, f.Path)
		}
		if !slices.ContainsFunc(c.fetched, func(g shell.Fetched) bool { return g.Path == f.Path }) {
			f.Steps = p.placed(f.Steps, c)
			p.delivered = append(p.delivered, delivery{Fetched: f, by: i, container: c.container})
		}
	}
}

// placed says in the first step which container takes it, unless that is another's and says so already.
func (p *podCommands) placed(taken []string, c *podCommand) []string {
	if len(taken) == 0 || slices.ContainsFunc(c.fetched, func(g shell.Fetched) bool { return len(g.Steps) > 0 && g.Steps[0] == taken[0] }) {
		return taken
	}
	taken = slices.Clone(taken)
	taken[0] += " in " + containerLabel(p.pod.Containers[c.container])
	return taken
}

// containerLabel names a container as the rules do.
func containerLabel(c manifests.Container) string {
	kind := "container"
	if c.Type != manifests.Regular {
		kind = string(c.Type) + " container"
	}
	return fmt.Sprintf("%s %q", kind, c.Name)
}

// foundBy is what a command finds that others have left: in its own container, or in a volume that both see.
func (p *podCommands) foundBy(i int) []shell.Fetched {
	var all []shell.Fetched
	if p.left -= len(p.delivered); p.left < 0 {
		return nil
	}
	for _, d := range p.delivered {
		if d.by == i {
			continue
		}
		if d.volume == "" && d.container == p.commands[i].container {
			all = append(all, d.Fetched)
		} else {
			all = append(all, p.mounted(d, p.commands[i].container)...)
		}
	}
	return all
}

// foundIn is what a container finds that others have left.
func (p *podCommands) foundIn(container int) []shell.Fetched {
	var all []shell.Fetched
	for _, d := range p.delivered {
		if d.volume != "" || d.container != container {
			all = append(all, p.mounted(d, container)...)
		}
	}
	return all
}

// mounted is what was delivered, under the names by which a container has it in its volumes.
func (p *podCommands) mounted(d delivery, container int) []shell.Fetched {
	if d.volume != "" {
		return under(d.Fetched, p.pod.Containers[container], d.volume, d.Path)
	}
	var all []shell.Fetched
	for _, mount := range mapsOf(p.pod.Containers[d.container].Spec["volumeMounts"]) {
		name, at, sub := mountOf(mount)
		if rest, ok := pathBelow(at, d.Path); ok && at != "" {
			all = append(all, under(d.Fetched, p.pod.Containers[container], name, path.Join("/", sub, rest))...)
		}
	}
	return all
}

// under is something at a path of a volume, under the names by which a container has it.
func under(f shell.Fetched, c manifests.Container, volume, at string) []shell.Fetched {
	var all []shell.Fetched
	for _, mount := range mapsOf(c.Spec["volumeMounts"]) {
		name, dir, sub := mountOf(mount)
		if name != volume || dir == "" {
			continue
		}
		rest, ok := pathBelow(path.Join("/", sub), at)
		if !ok && f.Tree { // a part of the folder is mounted
			_, ok = pathBelow(at, path.Join("/", sub))
		}
		if ok {
			f.Path = path.Join("/", dir, rest)
			all = append(all, f)
		}
	}
	return all
}

func mountOf(mount map[string]any) (volume, at, sub string) {
	volume, _ = mount["name"].(string)
	at, _ = mount["mountPath"].(string)
	sub, _ = mount["subPath"].(string)
	return volume, at, sub
}

// pathBelow is the rest of an absolute path below a folder, or of the folder itself.
func pathBelow(folder, name string) (rest string, ok bool) {
	folder = strings.TrimSuffix(path.Clean(folder), "/")
	rest, ok = strings.CutPrefix(name, folder)
	return rest, ok && (rest == "" || rest[0] == '/')
}
