package manifests

// Pods returns the pods that an object is or makes: of a built-in workload kind its template, and of any
// other kind whatever in it has the shape of a pod spec, a map whose containers is a list of maps with a name
// or an image. It looks neither at metadata and status nor into definitions of kinds, ConfigMaps and Secrets,
// which hold such text but do not run it.
func (o *Object) Pods() []Pod {
	if o.source != nil {
		return o.pods
	}
	return findIn(o, &expansion{left: Limits{}.withDefaults().ExpandedBytes}).pods
}

// findIn finds the pods in an object.
func findIn(o *Object, expansion *expansion) *podFinder {
	f := &podFinder{object: o, expansion: expansion}
	kind := kindOf(o.APIVersion, o.Kind)
	switch {
	case o.service != nil:
		// A service without an image is built, or completes one of another file.
		f.expansion.verbatim, f.custom.merged = true, true
		f.add(descend(o.Value, Path{"spec"}), o.Value, Path{"spec"})
	case kind == nil:
		f.searchCustom(o)
	case kind.pod != nil:
		f.builtin = true
		holder := descend(o.Value, kind.pod)
		if spec, ok := holder["spec"].(map[string]any); ok {
			f.add(spec, holder, kind.pod.with("spec"))
		}
	}
	return f
}

// descend follows keys from map to map; it returns nil where they lead nowhere.
func descend(object map[string]any, path Path) map[string]any {
	for _, step := range path {
		key, _ := step.(string)
		object, _ = object[key].(map[string]any)
	}
	return object
}

type podFinder struct {
	object    *Object
	pods      []Pod
	expansion *expansion
	builtin   bool // the fields were checked, and a container without image is an error, not another thing
	// custom is what the table says of a custom resource, and unknown what may be an image and is in no pod.
	custom  custom
	unknown []Path
	params  parameters // of a custom resource
}

func isPodSpec(spec map[string]any) bool {
	containers, _ := spec["containers"].([]any)
	for _, item := range containers {
		container, _ := item.(map[string]any)
		_, hasName := container["name"].(string)
		_, hasImage := container["image"].(string)
		if hasName || hasImage {
			return true
		}
	}
	return false
}

// add adds the pod whose spec stands at a path.
func (f *podFinder) add(spec, holder map[string]any, path Path) {
	pod := Pod{Path: path[: len(path)-1 : len(path)-1], SpecPath: path, Spec: spec}
	if path[len(path)-1] == "spec" {
		pod.Metadata, _ = holder["metadata"].(map[string]any)
	}
	for _, list := range [...]struct {
		field string
		is    ContainerType
	}{{"initContainers", Init}, {"containers", Regular}, {"ephemeralContainers", Ephemeral}} {
		items, _ := spec[list.field].([]any)
		for i, item := range items {
			if container, ok := item.(map[string]any); ok {
				f.addContainer(&pod, container, list.is, path.with(list.field, i))
			}
		}
	}
	addImageVolumes(&pod)
	f.pods = append(f.pods, pod)
}

func (f *podFinder) addContainer(pod *Pod, spec map[string]any, is ContainerType, path Path) {
	if is == Init && spec["restartPolicy"] == "Always" {
		is = Sidecar
	}
	c := Container{Type: is, Path: path, Spec: spec}
	c.Name, _ = spec["name"].(string)
	c.Image, _ = spec["image"].(string)
	for _, spec := range f.alternatives(spec) {
		for _, given := range f.given(pod, spec, path) {
			c.Given = append(c.Given, given)
			c.Runs = append(c.Runs, f.runs(spec, path, given)...)
		}
	}
	if !f.builtin {
		c.Merged = c.Image == "" && (f.custom.merged || isStep(spec))
	}
	pod.Containers = append(pod.Containers, c)
	if _, written := spec["image"]; written || f.builtin {
		pod.Images = append(pod.Images, ImageUse{Reference: c.Image, Path: path.with("image")})
	}
}

// isStep tells that a container is a step of Tekton that may have its image from elsewhere: a template of all steps, or
// an action that is defined by itself.
func isStep(spec map[string]any) bool {
	return hasText(spec, "script") || spec["ref"] != nil
}

// addImageVolumes adds the images that are mounted as volumes.
func addImageVolumes(pod *Pod) {
	volumes, _ := pod.Spec["volumes"].([]any)
	for i, item := range volumes {
		volume, _ := item.(map[string]any)
		image, isImage := volume["image"].(map[string]any)
		if !isImage {
			continue
		}
		reference, _ := image["reference"].(string)
		pod.Images = append(pod.Images, ImageUse{Reference: reference, Path: pod.SpecPath.with("volumes", i, "image", "reference")})
	}
}
