package gate

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/tidewaiter/tidewaiter/image"
	"github.com/tidewaiter/tidewaiter/manifests"
	"github.com/tidewaiter/tidewaiter/policies"
)

// kubernetesEvidence assembles what the rules get to see of one object. The error is analyzePod's.
func kubernetesEvidence(o *manifests.Object, pods []manifests.Pod) (KubernetesEvidence, error) {
	e := KubernetesEvidence{Kind: policies.Kubernetes, File: o.File, Object: o.Value, Compose: o.Compose(), Pods: make([]PodEvidence, 0, len(pods)), Unknown: [][]any{}}
	for _, path := range o.Unknown() {
		e.Unknown = append(e.Unknown, path)
	}
	for _, pod := range pods {
		p, err := podEvidence(pod)
		if err != nil {
			return e, err
		}
		e.Pods = append(e.Pods, p)
	}
	return e, nil
}

func podEvidence(pod manifests.Pod) (PodEvidence, error) {
	e := PodEvidence{
		Path: steps(pod.Path), SpecPath: steps(pod.SpecPath), Metadata: pod.Metadata, Spec: pod.Spec,
		Containers: make([]ContainerEvidence, 0, len(pod.Containers)),
		Images:     make([]ImageUseEvidence, 0, len(pod.Images)),
	}
	commands, err := analyzePod(pod)
	if err != nil {
		return e, err
	}
	for i, c := range pod.Containers {
		e.Containers = append(e.Containers, ContainerEvidence{Name: c.Name, Type: string(c.Type), Path: steps(c.Path), Spec: c.Spec, Runs: commands.runs(i), Merged: c.Merged})
	}
	for _, use := range pod.Images {
		e.Images = append(e.Images, imageUseEvidence(use))
	}
	return e, nil
}

func imageUseEvidence(use manifests.ImageUse) ImageUseEvidence {
	e := ImageUseEvidence{Path: steps(use.Path), Written: use.Reference}
	ref, err := kubernetesReference(use.Reference)
	if err != nil {
		e.Invalid = err.Error()
		return e
	}
	e.Reference = referenceEvidence(ref)
	return e
}

// kubernetesReference reads an image as a kubelet would: always a registry's.
func kubernetesReference(written string) (image.Reference, error) {
	ref, err := image.ParseReference(written)
	if err == nil && ref.Transport != image.Registry {
		return image.Reference{}, fmt.Errorf("%q is no image in a registry", written)
	}
	return ref, err
}

func referenceEvidence(ref image.Reference) *ReferenceEvidence {
	if ref.Transport != image.Registry {
		return nil
	}
	return &ReferenceEvidence{Host: ref.Host, Repository: ref.Repository, Tag: ref.Tag, Digest: ref.Digest}
}

// steps returns p as rules see it: an array even where it is empty.
func steps(p manifests.Path) []any {
	if p == nil {
		return []any{}
	}
	return p
}

// judgeObjects judges every object, in parallel, and collects the images that they would run. The subjects
// stand in the objects' order.
func (r *run) judgeObjects(ctx context.Context, objects []*manifests.Object) ([]Subject, []wantedImage) {
	subjects := make([]Subject, len(objects))
	uses := make([][]wantedImage, len(objects))
	inParallel(len(objects), workers(), func(i int) {
		s := &subjects[i]
		*s = Subject{Kind: string(policies.Kubernetes), Name: objectName(objects[i]), File: objects[i].File, Line: objects[i].Line}
		err := guard(func() (err error) {
			uses[i], err = r.judgeObject(ctx, objects[i], s)
			return err
		})
		if err != nil {
			s.Error = err.Error()
		}
	})
	var all []wantedImage
	for _, u := range uses {
		all = append(all, u...)
	}
	return subjects, all
}

// judgeObject puts the findings on one object into its subject, and returns the images that it names if they
// are to be judged too.
func (r *run) judgeObject(ctx context.Context, o *manifests.Object, s *Subject) ([]wantedImage, error) {
	pods := o.Pods()
	evidence, err := kubernetesEvidence(o, pods)
	if err != nil {
		return nil, err
	}
	found, err := r.judge(ctx, policies.Kubernetes, evidence, s)
	for _, f := range found {
		s.Findings = append(s.Findings, placeOwn(f, o))
	}
	if err == nil && !r.inspecting {
		found, err = r.Rules.JudgeUser(ctx, o.Plain(), o.File)
		for _, f := range found {
			s.Findings = append(s.Findings, place(f, o))
		}
	}
	if !r.images {
		return nil, err // finding the line of each image is work
	}
	var uses []wantedImage
	for _, pod := range pods {
		for _, use := range pod.Images {
			uses = append(uses, wanted(use, pod, o))
		}
	}
	return uses, err
}

// placeOwn places a finding of one of our rules. One on an action (lib.shown) stands where the action does, which
// may be a ConfigMap.
func placeOwn(f policies.Finding, o *manifests.Object) Finding {
	if origin, ok := f.Evidence["origin"].(map[string]any); ok {
		file, _ := origin["file"].(string)
		line, _ := origin["line"].(json.Number)
		if n, err := line.Int64(); err == nil && file != "" {
			f.Location = &policies.Location{File: file, Line: int(n)}
		}
	}
	return place(f, o)
}

// place gives a finding on an object its file, line and column.
func place(f policies.Finding, o *manifests.Object) Finding {
	out := finding(f)
	out.Path = o.Written(manifests.Path(f.Path)).String()
	file, at := o.Place(manifests.Path(f.Path))
	out.File, out.Line, out.Column = file, at.Line, at.Column
	if out.Line < 1 {
		out.Line = max(o.Line, 1)
	}
	if f.Location != nil && f.Location.Line > 0 {
		out.Line, out.Column = f.Location.Line, 0
		if f.Location.File != "" {
			out.File = f.Location.File
		}
	}
	return out
}

// objectName is how reports and waivers name an object: Kind/namespace/name, or compose/project/service.
func objectName(o *manifests.Object) string {
	name := o.Name
	if name == "" {
		name = "(unnamed)"
	}
	if o.Namespace == "" {
		return o.Kind + "/" + name
	}
	return o.Kind + "/" + o.Namespace + "/" + name
}
