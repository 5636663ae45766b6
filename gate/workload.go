package gate

import (
	"context"
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/tidewaiter/tidewaiter/manifests"
	"github.com/tidewaiter/tidewaiter/policies"
	"github.com/tidewaiter/tidewaiter/shell"
)

// judgeWorkloads judges each object together with the images that it runs, in parallel, and adds what is found to
// the object's own subject. Images that could not be looked at are undecided by themselves.
func (r *run) judgeWorkloads(ctx context.Context, s *set, subjects []Subject) {
	if len(r.facts) == 0 || s == nil {
		return // without a set, the run is undecided already
	}
	inParallel(len(s.objects), workers(), func(i int) {
		err := guard(func() error {
			evidence, any := r.workloadEvidence(s, i)
			if !any {
				return nil
			}
			found, err := r.judge(ctx, policies.Workload, evidence, &subjects[i])
			for _, f := range onceEach(found) {
				subjects[i].Findings = append(subjects[i].Findings, placeOwn(f, s.objects[i]))
			}
			return err
		})
		if err != nil {
			subjects[i].Error = errors.Join(asError(subjects[i].Error), err).Error()
		}
	})
}

func asError(text string) error {
	if text == "" {
		return nil
	}
	return errors.New(text)
}

// onceEach leaves out what is found again on another platform of an image.
func onceEach(findings []policies.Finding) []policies.Finding {
	var once []policies.Finding
	for _, f := range findings {
		again := func(o policies.Finding) bool {
			return o.Rule == f.Rule && o.Message == f.Message && slices.Equal(o.Path, f.Path) && o.Severity >= f.Severity
		}
		if !slices.ContainsFunc(once, again) {
			once = append(once, f)
		}
	}
	return once
}

// workloadEvidence assembles what the rules get to see of one object and its images. any tells that some image of
// it was looked at.
func (r *run) workloadEvidence(s *set, i int) (e WorkloadEvidence, any bool) {
	o := s.objects[i]
	e = WorkloadEvidence{Kind: policies.Workload, File: o.File, Object: o.Value, Compose: o.Compose(), Pods: []WorkloadPodEvidence{}}
	for n, pod := range o.Pods() {
		p := WorkloadPodEvidence{
			Path: steps(pod.Path), SpecPath: steps(pod.SpecPath), Metadata: pod.Metadata, Spec: pod.Spec,
			Containers: []WorkloadContainerEvidence{}, Policies: []string{}, Exec: []ExecEvidence{},
		}
		if !o.Compose() {
			p.Policies, p.Exec = append(p.Policies, s.policies[s.first[i]+n]...), s.exec(o.Namespace)
		}
		commands, err := analyzePod(pod)
		if err != nil {
			continue // the object is undecided for it already
		}
		for i, c := range pod.Containers {
			container := WorkloadContainerEvidence{
				Name: c.Name, Type: string(c.Type), Path: steps(c.Path), Spec: c.Spec, Image: c.Image, Platforms: []ContainerPlatformEvidence{},
			}
			for _, f := range r.factsOf(c) {
				container.Platforms = append(container.Platforms, containerOn(c, f, commands.runs(i), commands.foundIn(i)))
				any = true
			}
			p.Containers = append(p.Containers, container)
		}
		e.Pods = append(e.Pods, p)
	}
	return e, any
}

func (r *run) factsOf(c manifests.Container) []*platformFacts {
	w := wantedImage{written: c.Image}
	if w.ref, w.err = kubernetesReference(c.Image); w.err != nil {
		return nil
	}
	return r.facts[w.key()]
}

// containerOn is a container as it runs on one platform of its image. Its manifest tells runs of it by itself, and
// that it finds what others have fetched.
func containerOn(c manifests.Container, f *platformFacts, runs []RunEvidence, fetched []shell.Fetched) ContainerPlatformEvidence {
	e := ContainerPlatformEvidence{
		Digest: f.digest, Platform: f.platform, User: f.user, Program: ProgramEvidence{Args: []string{}, Looked: []string{}},
		Runs: []RunEvidence{}, Tools: f.tools, Setuid: f.setuid,
	}
	known := actionKeys(f.runs, runs)
	for _, cmd := range imageCommands(c, f) {
		if main(cmd) {
			e.Program = program(c, cmd, f)
		}
		cmd.fetched = fetched
		run := cmd.run()
		run.Actions = slices.DeleteFunc(run.Actions, func(a ActionEvidence) bool { return known[keyOf(a)] })
		run.Unreadable = ""
		if len(run.Actions) > 0 {
			e.Runs = append(e.Runs, run)
		}
	}
	return e
}

// main tells that a command is what the container starts first.
func main(c command) bool { return c.where == "command" || c.where == "entrypoint" }

// actionKey is the same for an action that is seen from the manifest, from the image, and from both.
type actionKey struct{ kind, text string }

func keyOf(a ActionEvidence) actionKey { return actionKey{string(a.Kind), a.Text} }

func actionKeys(lists ...[]RunEvidence) map[actionKey]bool {
	keys := map[actionKey]bool{}
	for _, run := range slices.Concat(lists...) {
		for _, a := range run.Actions {
			keys[keyOf(a)] = true
		}
	}
	return keys
}

// program looks for what a container starts. Where it might be is told only if that is certain: nothing is mounted
// there, and neither its name nor the PATH depends on what is not known.
func program(c manifests.Container, cmd command, f *platformFacts) ProgramEvidence {
	e := ProgramEvidence{Args: slices.Clone(cmd.args), Looked: []string{}}
	if len(cmd.args) == 0 || f.config.OS == "windows" || strings.Contains(cmd.args[0], "$") || pathUnknown(c, cmd) {
		return e
	}
	names := scriptNames(cmd.args[:1], cmd.config(f.config))
	for _, name := range names {
		if e.Found == "" && f.has[name] {
			e.Found = name
		}
	}
	if !slices.ContainsFunc(names, func(name string) bool { return mounted(c, name) }) {
		e.Looked = names
	}
	return e
}

// pathUnknown tells that a name is looked for on a PATH that something unknown may set.
func pathUnknown(c manifests.Container, cmd command) bool {
	if strings.Contains(cmd.args[0], "/") {
		return false
	}
	if _, known := cmd.given.Env["PATH"]; known {
		return false
	}
	sources, _ := c.Spec["envFrom"].([]any)
	return len(sources) > 0 || slices.ContainsFunc(mapsOf(c.Spec["env"]), func(v map[string]any) bool { return v["name"] == "PATH" })
}

// kernelFolders hold what the kernel and the runtime put there, not the image.
var kernelFolders = []string{"/proc", "/sys", "/dev"}

// mounted tells that what stands at a path may not be the image's.
func mounted(c manifests.Container, name string) bool {
	at := slices.Clone(kernelFolders)
	for _, mount := range mapsOf(c.Spec["volumeMounts"]) {
		if folder, ok := mount["mountPath"].(string); ok {
			at = append(at, path.Join("/", folder))
		}
	}
	return slices.ContainsFunc(at, func(folder string) bool {
		return folder == "/" || name == folder || strings.HasPrefix(name, folder+"/")
	})
}

// mapsOf are the maps in a list.
func mapsOf(list any) []map[string]any {
	var all []map[string]any
	items, _ := list.([]any)
	for _, item := range items {
		if m, ok := item.(map[string]any); ok {
			all = append(all, m)
		}
	}
	return all
}
