package manifests

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// containerPath is where the container stands in the object that is made of a service.
var containerPath = Path{"spec", "containers", 0}

// object translates the service. What Kubernetes and Docker have in common is written in the words of Kubernetes;
// what only one of them has is left out.
func (t *translation) object(name string) *Object {
	container := map[string]any{"name": name}
	spec := map[string]any{}
	containers := []any{container}
	t.addImage(container)
	t.addCommand(container)
	t.addEnvironment(container)
	t.addHealthcheck(container)
	t.addContext(container)
	t.addSecurityOptions(container)
	t.addHost(spec)
	t.addVolumes()
	if folder, at := t.get("working_dir"); folder != nil {
		t.fill(container, containerPath.with("workingDir"), t.text(folder), at)
	}
	if len(t.mounts) > 0 {
		container["volumeMounts"] = t.mounts
	}
	if len(t.volumes) > 0 {
		spec["volumes"] = t.volumes
	}
	for _, hooks := range [...]string{"post_start", "pre_stop"} {
		t.each(hooks, func(item any, at composePlace) {
			if hook := t.hook(item, at, container, len(containers)); hook != nil {
				containers = append(containers, hook)
			}
		})
	}
	spec["containers"] = containers
	return t.newObject(name, spec)
}

// addImage translates image and build. What is built here has nothing that could be looked at before.
func (t *translation) addImage(container map[string]any) {
	image, at := t.get("image")
	written, known := t.file.variables.interpolate(composeText(image))
	build, buildAt := t.get("build")
	policy, _ := t.get("pull_policy")
	switch built := build != nil && slices.Contains([]string{"", "build", "never"}, t.text(policy)); {
	case built:
	case image == nil:
	case !known:
		t.unreadPart("variable", fmt.Sprintf("runs image %q, which depends on a variable", written), at)
	default:
		t.fill(container, containerPath.with("image"), written, at)
	}
	if build != nil {
		t.build = map[string]any{}
		t.places[Path{"build"}.String()] = buildAt
		long, _ := build.(map[string]any)
		for key, value := range long {
			t.build[key] = value
			t.places[Path{"build", key}.String()] = buildAt.below(key)
		}
		if t.build["privileged"] != nil {
			t.build["privileged"] = t.isOn(t.build["privileged"])
		}
	}
	if provider, at := t.get("provider"); provider != nil {
		t.unreadPart("plugin", "is provided by a program of the host, which compose starts", at)
	}
}

// addCommand translates entrypoint and command, which are command and args in a pod. An empty entrypoint is none: then
// the command is all that there is.
func (t *translation) addCommand(container map[string]any) {
	entrypoint, at := t.get("entrypoint")
	command, commandAt := t.get("command")
	first, rest := t.arguments(entrypoint), t.arguments(command)
	if entrypoint != nil && len(first) == 0 {
		first, rest, at = rest, nil, commandAt
	}
	if len(first) > 0 {
		t.fill(container, containerPath.with("command"), first, at)
	}
	if len(rest) > 0 {
		t.fill(container, containerPath.with("args"), rest, commandAt)
	}
}

// arguments are the words of a command, which is a list or a text.
func (t *translation) arguments(value any) []any {
	var all []any
	if list, isList := value.([]any); isList {
		for _, item := range list {
			all = append(all, t.text(item))
		}
		return all
	}
	text := t.text(value)
	words, ok := splitWords(text)
	if !ok {
		t.unreadable = "a quote is not closed"
		return []any{text}
	}
	for _, word := range words {
		all = append(all, word)
	}
	return all
}

// addEnvironment translates the variables. One without a value is that of whoever starts the file, and so is all that
// comes from files that are not there: what is not known hides nothing.
func (t *translation) addEnvironment(container map[string]any) {
	env := t.variables("environment", containerPath.with("env"))
	set := map[string]bool{}
	for _, variable := range env {
		set[variable.(map[string]any)["name"].(string)] = true
	}
	t.eachEnvFile(func(known variables, found bool, at composePlace) {
		if !found {
			t.fill(container, containerPath.with("envFrom"), []any{map[string]any{}}, at)
		}
		for _, name := range slices.Sorted(maps.Keys(known)) {
			if *t.left -= int64(len(name)+len(known[name])) + entryBytes; *t.left <= 0 {
				return
			}
			if !set[name] {
				set[name] = true
				t.places[containerPath.with("env", len(env)).String()] = at
				env = append(env, map[string]any{"name": name, "value": known[name]})
			}
		}
	})
	if len(env) > 0 {
		container["env"] = env
	}
}

func (t *translation) variables(field string, path Path) []any {
	var env []any
	for _, s := range t.settings(field) {
		variable := map[string]any{"name": s.name, "value": s.value}
		if !s.known || strings.HasPrefix(s.value, "${") && strings.Index(s.value, "}") == len(s.value)-1 {
			variable = map[string]any{"name": s.name, "valueFrom": map[string]any{}}
		}
		t.places[path.with(len(env)).String()] = s.at
		env = append(env, variable)
	}
	return env
}

// addHealthcheck translates the command that is run again and again, which is a probe in a pod.
func (t *translation) addHealthcheck(container map[string]any) {
	check, at := t.get("healthcheck")
	fields, _ := check.(map[string]any)
	command := t.arguments(fields["test"])
	if text, isText := fields["test"].(string); isText {
		command = []any{"CMD-SHELL", t.text(text)}
	}
	if len(command) < 2 || t.isOn(fields["disable"]) {
		return
	}
	switch command[0] {
	case "CMD":
		command = command[1:]
	case "CMD-SHELL":
		command = []any{"/bin/sh", "-c", command[1]}
	default:
		return
	}
	container["livenessProbe"] = map[string]any{"exec": map[string]any{"command": command}}
	t.places[containerPath.with("livenessProbe").String()] = at.below("test")
}

// securityContext is the container's, made if there is none.
func securityContext(container map[string]any) map[string]any {
	context, _ := container["securityContext"].(map[string]any)
	if context == nil {
		context = map[string]any{}
		container["securityContext"] = context
	}
	return context
}

func (t *translation) addContext(container map[string]any) {
	context, path := securityContext(container), containerPath.with("securityContext")
	if _, at, on := t.switchOn("privileged"); on {
		t.fill(context, path.with("privileged"), true, at)
	}
	if value, at := t.get("read_only"); value != nil {
		t.fill(context, path.with("readOnlyRootFilesystem"), t.isOn(value), at)
	}
	if user, at := t.get("user"); user != nil {
		name, _, _ := strings.Cut(t.text(user), ":")
		if name == "root" {
			name = "0"
		}
		if id, err := strconv.ParseInt(name, 10, 64); err == nil {
			t.fill(context, path.with("runAsUser"), id, at)
		}
	}
	capabilities := map[string]any{}
	for field, name := range map[string]string{"cap_add": "add", "cap_drop": "drop"} {
		var list []any
		t.each(field, func(item any, at composePlace) {
			t.places[path.with("capabilities", name, len(list)).String()] = at
			list = append(list, strings.TrimPrefix(strings.ToUpper(t.text(item)), "CAP_"))
		})
		if len(list) > 0 {
			capabilities[name] = list
		}
	}
	if len(capabilities) > 0 {
		context["capabilities"] = capabilities
	}
}

// addSecurityOptions translates security_opt. Docker confines by a seccomp profile of its own if nothing else is said.
func (t *translation) addSecurityOptions(container map[string]any) {
	context, path := securityContext(container), containerPath.with("securityContext")
	context["seccompProfile"] = map[string]any{"type": "RuntimeDefault"}
	t.each("security_opt", func(item any, at composePlace) {
		text := t.text(item)
		end := strings.IndexAny(text, ":=")
		name, value := text, ""
		if end >= 0 {
			name, value = text[:end], text[end+1:]
		}
		switch name {
		case "no-new-privileges":
			t.fill(context, path.with("allowPrivilegeEscalation"), value == "false", at)
		case "seccomp":
			t.fill(context, path.with("seccompProfile"), profile(value), at)
		case "apparmor":
			t.fill(context, path.with("appArmorProfile"), profile(value), at)
		case "systempaths":
			t.fill(context, path.with("procMount"), "Unmasked", at)
		case "label":
			t.addLabel(context, path.with("seLinuxOptions"), value, at)
		}
	})
}

// profile is a seccomp or AppArmor profile as Kubernetes writes it.
func profile(name string) map[string]any {
	if name == "unconfined" {
		return map[string]any{"type": "Unconfined"}
	}
	return map[string]any{"type": "Localhost", "localhostProfile": name}
}

// unconfinedType is the type of processes that SELinux does not confine, which a container has without labels.
const unconfinedType = "spc_t"

func (t *translation) addLabel(context map[string]any, path Path, label string, at composePlace) {
	options, _ := context["seLinuxOptions"].(map[string]any)
	if options == nil {
		options = map[string]any{}
		context["seLinuxOptions"] = options
	}
	end := strings.IndexAny(label, ":=")
	switch {
	case label == "disable":
		t.fill(options, path.with("type"), unconfinedType, at)
	case end > 0 && slices.Contains([]string{"user", "role", "type", "level"}, label[:end]):
		t.fill(options, path.with(label[:end]), label[end+1:], at)
	}
}

// addHost translates what a service shares with its host.
func (t *translation) addHost(spec map[string]any) {
	for field, name := range map[string]string{"pid": "hostPID", "ipc": "hostIPC", "network_mode": "hostNetwork"} {
		if value, at := t.get(field); t.text(value) == "host" {
			t.fill(spec, Path{"spec", name}, true, at)
		}
	}
	var sysctls []any
	for _, s := range t.settings("sysctls") {
		t.places[Path{"spec", "securityContext", "sysctls", len(sysctls)}.String()] = s.at
		sysctls = append(sysctls, map[string]any{"name": s.name, "value": s.value})
	}
	if len(sysctls) > 0 {
		spec["securityContext"] = map[string]any{"sysctls": sysctls}
	}
}

// hook is a command that is run in the container after it has started or before it stops, as a container of its own: it
// may have rights of its own. nil if it is none.
func (t *translation) hook(item any, at composePlace, container map[string]any, index int) map[string]any {
	fields, _ := item.(map[string]any)
	command := t.arguments(fields["command"])
	if len(command) == 0 {
		return nil
	}
	path := Path{"spec", "containers", index}
	t.places[path.String()] = at
	hook := map[string]any{
		"name": container["name"], "command": command,
		"securityContext": map[string]any{"seccompProfile": map[string]any{"type": "RuntimeDefault"}},
	}
	for _, shared := range [...]string{"env", "envFrom", "volumeMounts"} {
		if value := container[shared]; value != nil {
			hook[shared] = value
		}
	}
	t.places[path.with("command").String()] = at.below("command")
	if t.isOn(fields["privileged"]) {
		t.fill(securityContext(hook), path.with("securityContext", "privileged"), true, at.below("privileged"))
	}
	return hook
}
