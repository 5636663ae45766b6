package manifests

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// addVolumes translates everything that a service mounts. What is a file or folder of the host becomes a hostPath; the
// folder of the project and volumes with names are as good as an emptyDir.
func (t *translation) addVolumes() {
	t.each("volumes", func(item any, at composePlace) {
		switch item := item.(type) {
		case string:
			t.shortVolume(item, at)
		case map[string]any:
			t.longVolume(item, at)
		}
	})
	for _, list := range [...]struct{ field, folder string }{{"configs", "/"}, {"secrets", "/run/secrets/"}} {
		t.each(list.field, func(item any, at composePlace) { t.fileVolume(list.field, list.folder, item, at) })
	}
	t.each("devices", func(item any, at composePlace) {
		text, _ := t.file.variables.interpolate(composeText(item))
		if long, isMap := item.(map[string]any); isMap {
			text, at = t.text(long["source"]), at.below("source")
		}
		if source, _, _ := strings.Cut(text, ":"); strings.HasPrefix(source, "/") {
			t.addVolume("device "+source, hostVolume(source), at)
		}
	})
	t.each("device_cgroup_rules", func(item any, at composePlace) {
		// With a rule for all devices, and mknod, which Docker allows, the container makes those that it wants.
		if text := t.text(item); strings.HasPrefix(text, "a") || strings.HasPrefix(text, "b") {
			t.addVolume("device_cgroup_rules "+text, hostVolume("/dev"), at)
		}
	})
	if _, at, set := t.switchOn("use_api_socket"); set {
		t.mount("use_api_socket", hostVolume("/var/run/docker.sock"), "/var/run/docker.sock", false, at)
	}
}

// drive is how a path of Windows begins.
var drive = regexp.MustCompile(`^[A-Za-z]:[\\/]`)

// shortVolume translates source:target:mode.
func (t *translation) shortVolume(written string, at composePlace) {
	text, _ := t.file.variables.interpolate(written)
	prefix := drive.FindString(text)
	parts := strings.Split(text[len(prefix):], ":")
	parts[0] = prefix + parts[0]
	if len(parts) > 2 && drive.MatchString(parts[1]+":"+parts[2]) {
		parts = slices.Concat(parts[:1], []string{parts[1] + ":" + parts[2]}, parts[3:])
	}
	if len(parts) == 1 {
		t.mount(parts[0], emptyVolume(), parts[0], false, at) // a volume without a name
		return
	}
	readOnly := len(parts) > 2 && slices.Contains(strings.Split(parts[2], ","), "ro")
	t.mountSource(parts[0], parts[1], readOnly, isPath(parts[0]), at)
}

// longVolume translates a volume that is written as a map.
func (t *translation) longVolume(volume map[string]any, at composePlace) {
	source, target := t.text(volume["source"]), t.text(volume["target"])
	readOnly := t.isOn(volume["read_only"])
	switch t.text(volume["type"]) {
	case "image":
		t.mount(target, map[string]any{"image": map[string]any{"reference": source}}, target, true, at.below("source"))
	case "bind", "npipe":
		t.mountSource(source, target, readOnly, true, at.below("source"))
	case "tmpfs":
		t.mount(target, emptyVolume(), target, false, at)
	default:
		t.mountSource(source, target, readOnly, isPath(source), at.below("source"))
	}
}

// isPath tells that the source of a volume is a path, not a name.
func isPath(source string) bool {
	return strings.HasPrefix(source, "$") || drive.MatchString(source) || strings.ContainsAny(source, `/\`) || strings.HasPrefix(source, ".") || strings.HasPrefix(source, "~")
}

// mountSource mounts a path, or a volume by its name.
func (t *translation) mountSource(source, target string, readOnly, isPath bool, at composePlace) {
	if isPath {
		t.mountPath(source, target, readOnly, at)
		return
	}
	root, _ := at.file.value["volumes"].(map[string]any)
	volume, _ := root[source].(map[string]any)
	options, _ := volume["driver_opts"].(map[string]any)
	inFile := composePlace{at.file, Path{"volumes", source, "driver_opts"}}
	for _, option := range t.hostOptions(options) {
		t.mountPath(option.folder, target, readOnly, inFile.below(option.key))
		return
	}
	t.mount(target, emptyVolume(), target, readOnly, at)
}

type hostOption struct{ key, folder string }

// hostOptions are the folders and devices of the host that the options of a volume with a name make it of: they are those
// of mount(8).
func (t *translation) hostOptions(options map[string]any) []hostOption {
	var found []hostOption
	mount := strings.Split(t.text(options["o"]), ",")
	// The files of another machine, or nobody's; but with bind the type means nothing to the kernel.
	elsewhere := slices.Contains([]string{"cifs", "nfs", "nfs4", "smb3", "tmpfs"}, t.text(options["type"])) &&
		!slices.Contains(mount, "bind") && !slices.Contains(mount, "rbind")
	if device := t.text(options["device"]); isPath(device) && !elsewhere {
		found = append(found, hostOption{"device", device})
	}
	for _, option := range mount {
		name, value, _ := strings.Cut(option, "=")
		if folder, _, _ := strings.Cut(value, ":"); strings.HasSuffix(name, "dir") && strings.HasPrefix(folder, "/") {
			found = append(found, hostOption{"o", folder}) // lowerdir=/ of an overlay
		}
	}
	return found
}

// fileVolume translates a config or a secret of a service: a file of the host is mounted as it is, whatever it is, and
// what the compose file itself holds is a text that the container finds.
func (t *translation) fileVolume(field, folder string, item any, at composePlace) {
	source, target := t.text(item), ""
	if long, isMap := item.(map[string]any); isMap {
		source, target = t.text(long["source"]), t.text(long["target"])
	}
	if target == "" {
		target = source
	}
	if !strings.HasPrefix(target, "/") {
		target = folder + target
	}
	root, _ := at.file.value[field].(map[string]any)
	definition, _ := root[source].(map[string]any)
	inFile := composePlace{at.file, Path{field, source}}
	if name := t.text(definition["file"]); name != "" {
		t.mountPath(name, target, true, inFile.below("file"))
	}
	if content := t.text(definition["content"]); content != "" {
		key := Path{"files", len(t.files)}
		t.places[key.String()] = inFile.below("content")
		t.files = append(t.files, File{path.Clean(target), content, Source{Path: key}})
	}
}

// mountPath mounts a path of whoever starts the file.
func (t *translation) mountPath(source, target string, readOnly bool, at composePlace) {
	volume := emptyVolume()
	folder, kind := hostFolder(source)
	switch {
	case kind == hostSource:
		volume = hostVolume(folder)
	case kind == unknownSource && strings.HasSuffix(target, ".sock"):
		volume = hostVolume(target) // what it is called inside tells enough
	case kind == unknownSource:
		t.unreadPart("variable", fmt.Sprintf("mounts %q, which depends on a variable", source), at)
	}
	t.mount(target, volume, target, readOnly, at)
}

type sourceKind int

const (
	projectSource sourceKind = iota // below the folder of the project, or beside it
	hostSource
	unknownSource
)

// rootFolders stand in the root of a host, and where a path leads out of the project by three steps or more it is
// taken to mean them.
var rootFolders = regexp.MustCompile(`^(bin|boot|dev|etc|home|lib|lib64|opt|proc|root|run|sbin|srv|sys|usr|var)(/|$)`)

// hostFolder says what a path is. Where the folder of the project will be is not known: "../.." may be anything, but a
// path that climbs as far as the root is meant to.
func hostFolder(source string) (folder string, kind sourceKind) {
	if drive.MatchString(source) || strings.HasPrefix(source, `\`) || strings.HasPrefix(source, "~") {
		return source, hostSource
	}
	if rest, inProject := strings.CutPrefix(source, "${PWD}"); inProject {
		source = "./" + rest
	}
	if strings.HasPrefix(source, "${HOME}") {
		return "~" + strings.TrimPrefix(source, "${HOME}"), hostSource
	}
	if strings.Contains(source, "${") {
		return "", unknownSource
	}
	cleaned := path.Clean(source)
	if path.IsAbs(source) {
		return cleaned, hostSource
	}
	up := 0
	for ; cleaned == ".." || strings.HasPrefix(cleaned, "../"); up++ {
		cleaned = strings.TrimPrefix(strings.TrimPrefix(cleaned, ".."), "/")
	}
	if up > 5 || up > 2 && rootFolders.MatchString(cleaned) || up > 0 && strings.HasSuffix(cleaned, ".sock") {
		return "/" + cleaned, hostSource
	}
	return "", projectSource
}

func hostVolume(folder string) map[string]any {
	return map[string]any{"hostPath": map[string]any{"path": folder}}
}

func emptyVolume() map[string]any { return map[string]any{"emptyDir": map[string]any{}} }

// mount adds a volume and mounts it.
func (t *translation) mount(name string, volume map[string]any, target string, readOnly bool, at composePlace) {
	t.addVolume(name, volume, at)
	mount := map[string]any{"name": name, "mountPath": target}
	if readOnly {
		mount["readOnly"] = true
	}
	t.mounts = append(t.mounts, mount)
}

func (t *translation) addVolume(name string, volume map[string]any, at composePlace) {
	volume["name"] = name
	t.places[Path{"spec", "volumes", len(t.volumes)}.String()] = at
	t.volumes = append(t.volumes, volume)
}
