package manifests

import (
	"maps"
	"slices"
	"strings"
)

// Unknown returns the fields of a custom resource that look as if something runs what they say, and of which nothing
// here knows how: they are in none of its Pods.
func (o *Object) Unknown() []Path {
	if o.source != nil {
		return o.unknown
	}
	return findIn(o, &expansion{left: Limits{}.withDefaults().ExpandedBytes}).unknown
}

// searchCustom finds pods, containers and images anywhere in a custom resource, by their shapes and by what the
// table says of its kind. It looks neither at metadata and status.
func (f *podFinder) searchCustom(o *Object) {
	f.custom = customOf(o.APIVersion, o.Kind)
	f.params = parametersOf(o)
	for _, key := range slices.Sorted(maps.Keys(o.Value)) {
		if key != "metadata" && key != "status" {
			f.search(o.Value[key], o.Value, Path{key})
		}
	}
	var images []ImageUse
	for _, use := range f.custom.imagesIn(o.Value) {
		if !f.has(use.Path) {
			images = append(images, use)
		}
	}
	if len(images) > 0 {
		// Nobody's containers: the controller makes the pods that run them.
		f.pods = append(f.pods, Pod{SpecPath: Path{"spec"}, Spec: map[string]any{}, Images: images})
	}
	f.unknown = slices.DeleteFunc(f.unknown, f.has)
}

// has tells that a path is that of an image that was found.
func (f *podFinder) has(path Path) bool {
	return slices.ContainsFunc(f.pods, func(pod Pod) bool {
		return slices.ContainsFunc(pod.Images, func(use ImageUse) bool { return slices.Equal(use.Path, path) })
	})
}

// search finds what a value is or holds. holder is the map that value stands in.
func (f *podFinder) search(value any, holder map[string]any, path Path) {
	switch value := value.(type) {
	case []any:
		for i, item := range value {
			f.search(item, nil, path.with(i))
		}
	case map[string]any:
		switch {
		case isPodSpec(value):
			f.add(value, holder, path)
			f.searchKeys(value, path, podLists)
		case isContainer(value):
			pod := Pod{SpecPath: path, Spec: map[string]any{}}
			f.addContainer(&pod, value, Regular, path)
			f.pods = append(f.pods, pod)
			f.searchMap(value, path)
		case isPrivileged(value):
			// Only containers are. Its image is its controller's, and what else it holds may be something else's.
			pod := Pod{SpecPath: path, Spec: map[string]any{}}
			f.addContainer(&pod, map[string]any{"securityContext": value["securityContext"]}, Regular, path)
			pod.Containers[0].Merged = true
			f.pods = append(f.pods, pod)
			f.searchMap(value, path)
		default:
			f.searchMap(value, path)
		}
	case string:
		f.searchText(value, path)
	}
}

// searchMap finds what stands in a map that is no pod spec: containers outside of one, the settings of a pod without
// its containers, and all else below it.
func (f *podFinder) searchMap(value map[string]any, path Path) {
	loose := looseContainers(value)
	if len(loose) > 0 || setsHost(value) {
		pod := Pod{Path: path, SpecPath: path, Spec: value}
		for _, at := range loose {
			container, _ := follow(value, at)
			f.addContainer(&pod, container.(map[string]any), looseType(at), path.with(at...))
		}
		addImageVolumes(&pod)
		f.pods = append(f.pods, pod)
	}
	var done []string
	for _, at := range loose {
		done = append(done, at[0].(string))
	}
	f.searchKeys(value, path, done)
}

// podLists are the fields of a pod spec in which everything was found.
var podLists = []string{"containers", "initContainers", "ephemeralContainers", "volumes"}

// searchKeys searches what stands in a map, but for some of its keys.
func (f *podFinder) searchKeys(value map[string]any, path Path, done []string) {
	for _, key := range slices.Sorted(maps.Keys(value)) {
		if !slices.Contains(done, key) {
			f.search(value[key], value, path.with(key))
		}
	}
}

// searchText finds what may be an image outside of a container, and patches of pods and manifests that are written as text.
func (f *podFinder) searchText(text string, path Path) {
	switch key, _ := path[len(path)-1].(string); {
	case f.custom.quiets(path):
	case key == "manifest" && claimsText([]byte(text)):
		f.unknown = append(f.unknown, path) // the template of a resource that Argo creates
	case key == "podSpecPatch" && text != "", key == "image" && strings.ContainsAny(text, "/:@") && !strings.ContainsAny(text, " \n"):
		f.unknown = append(f.unknown, path)
	}
}

// lists and single are the keys under which containers stand outside of a pod spec: the steps of Tekton, the containers
// and scripts of Argo's templates.
var (
	lists  = []string{"initContainers", "steps", "sidecars"}
	single = []string{"container", "script"}
)

// looseContainers are the containers in a map that is no pod spec, by their paths from it.
func looseContainers(value map[string]any) []Path {
	var found []Path
	for _, key := range lists {
		items, _ := value[key].([]any)
		for i, item := range items {
			if container, isMap := item.(map[string]any); isMap && (hasText(container, "image") || hasText(container, "script")) {
				found = append(found, Path{key, i})
			}
		}
	}
	for _, key := range single {
		if container, isMap := value[key].(map[string]any); isMap && hasText(container, "image") {
			found = append(found, Path{key})
		}
	}
	return found
}

func looseType(at Path) ContainerType {
	switch at[0] {
	case "initContainers":
		return Init
	case "sidecars":
		return Sidecar
	}
	return Regular
}

func hasText(value map[string]any, key string) bool {
	text, _ := value[key].(string)
	return text != ""
}

// isContainer tells that a map has an image and what else containers have.
func isContainer(value map[string]any) bool {
	return hasText(value, "image") && slices.ContainsFunc([]string{
		"command", "args", "script", "env", "envFrom", "volumeMounts", "ports", "workingDir", "imagePullPolicy", "securityContext",
		"livenessProbe", "readinessProbe",
	}, func(key string) bool { return value[key] != nil })
}

func isPrivileged(value map[string]any) bool {
	context, _ := value["securityContext"].(map[string]any)
	return context["privileged"] == true
}

// setsHost tells that a map sets what only pods have, and what lets them out of their containers.
func setsHost(value map[string]any) bool {
	for _, key := range []string{"hostNetwork", "hostPID", "hostIPC"} {
		if value[key] == true {
			return true
		}
	}
	volumes, _ := value["volumes"].([]any)
	return slices.ContainsFunc(volumes, func(item any) bool {
		volume, _ := item.(map[string]any)
		return volume["hostPath"] != nil
	})
}
