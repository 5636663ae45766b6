package manifests

import (
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// composeKind is the kind of the objects that services of compose files become. It is no kind of Kubernetes.
const composeKind = "compose"

// composeFile is a compose file: https://github.com/compose-spec/compose-spec. Each of its services becomes an object of
// its own, with the pod that would run the same: what a container can do does not depend on who starts it, and
// the rules need not know two languages.
type composeFile struct {
	name     string
	value    map[string]any
	document *document
	// variables are those of the file .env beside it, and envFiles those of the files that services name as env_file.
	variables variables
	envFiles  map[string]variables
}

// service is what an object knows that is a service of a compose file.
type service struct {
	// places leads from paths of the object, as text, to where the user wrote what stands there. The empty path is the
	// service itself.
	places map[string]composePlace
	// files are the texts that the file itself puts into the container.
	files []File
	// unreadable says why the command of the container is not known; empty if it is.
	unreadable string
	plain      map[string]any
}

// composePlace is a path in a compose file.
type composePlace struct {
	file *composeFile
	path Path
}

// place returns the longest part of a path that was written somewhere, and where.
func (s *service) place(path Path) composePlace {
	for n := len(path); n > 0; n-- {
		if at, known := s.places[path[:n].String()]; known {
			return at
		}
	}
	return s.places[""]
}

// Compose tells that the object is a service of a compose file: its Value is a pod that was made of it.
func (o *Object) Compose() bool { return o.service != nil }

// Written is the path by which the user knows what stands at a path of the object. The two differ where the object was
// made of something else.
func (o *Object) Written(path Path) Path {
	if o.service == nil {
		return path
	}
	return o.service.place(path).path
}

// Plain is the object as it is written: of a service of a compose file, the file without its other services.
func (o *Object) Plain() map[string]any {
	if o.service == nil {
		return o.Value
	}
	return o.service.plain
}

var (
	composeName = regexp.MustCompile(`^(docker-)?compose([.\-_][^/]*)?\.(ya?ml|json)$`)
	// composeKeys and serviceKeys are what the specification allows, beside x-….
	composeKeys = strings.Fields("configs include models name networks secrets services version volumes")
	serviceKeys = strings.Fields(`annotations attach blkio_config build cap_add cap_drop cgroup cgroup_parent command configs
		container_name cpu_count cpu_percent cpu_period cpu_quota cpu_rt_period cpu_rt_runtime cpu_shares cpus cpuset credential_spec
		depends_on deploy develop device_cgroup_rules devices dns dns_opt dns_search domainname entrypoint env_file environment expose
		extends external_links extra_hosts gpus group_add healthcheck hostname image init ipc isolation label_file labels links logging
		mac_address mem_limit mem_reservation mem_swappiness memswap_limit models network_mode networks oom_kill_disable
		oom_score_adj pid pids_limit platform ports post_start pre_stop privileged profiles provider pull_policy read_only restart
		runtime scale secrets security_opt shm_size stdin_open stop_grace_period stop_signal storage_opt sysctls tmpfs tty ulimits
		use_api_socket user userns_mode uts volume_driver volumes volumes_from working_dir`)
)

// isCompose tells that a value is a compose file. One that is called so needs services and nothing else; any other has
// a service with an image or a build and no key that docker compose would refuse: other tools have services, too.
func isCompose(name string, value any) bool {
	file, _ := value.(map[string]any)
	services, isMap := file["services"].(map[string]any)
	if claimsKind(value) || !isMap && file["include"] == nil {
		return false
	}
	if isComposeName(name) {
		return true
	}
	return isMap && onlyKeys(file, composeKeys) && slices.ContainsFunc(slices.Collect(maps.Values(services)), runsImage)
}

func isComposeName(name string) bool {
	return composeName.MatchString(strings.ToLower(filepath.Base(name)))
}

// runsImage tells that a value is a service that says what it runs, in the words of the specification alone.
func runsImage(value any) bool {
	service, _ := value.(map[string]any)
	_, build := service["build"].(map[string]any)
	return (hasText(service, "image") || hasText(service, "build") || build) && onlyKeys(service, serviceKeys)
}

func onlyKeys(value map[string]any, known []string) bool {
	for key := range value {
		if !slices.Contains(known, key) && !strings.HasPrefix(key, "x-") {
			return false
		}
	}
	return true
}

// project is what reports call the services of a file together: by its own name, else its folder's, else the file's.
func (c *composeFile) project() string {
	if name, known := c.variables.interpolate(composeText(c.value["name"])); known && name != "" {
		return name
	}
	if folder := path.Base(path.Dir(filepath.ToSlash(c.name))); folder != "." && folder != ".." && folder != "/" {
		return folder
	}
	if c.name == Stdin {
		return "stdin"
	}
	return strings.TrimSuffix(filepath.Base(c.name), filepath.Ext(c.name))
}

// composeFiles finds the compose files of a run by their names.
type composeFiles map[string]*composeFile

// beside finds a file by its name from the folder of another.
func (all composeFiles) beside(c *composeFile, name string) *composeFile {
	if !path.IsAbs(name) {
		name = path.Join(path.Dir(filepath.ToSlash(c.name)), name)
	}
	return all[path.Clean(name)]
}

// objects are the services of the file, in the order of their names, and what else it brings.
func (c *composeFile) objects(all composeFiles, limits Limits) ([]*Object, []Problem) {
	var objects []*Object
	var problems []Problem
	if o := c.includes(all, limits); o != nil {
		objects = append(objects, o)
	}
	left := limits.ExpandedBytes
	services, _ := c.value["services"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(services)) {
		at := Path{"services", name}
		switch fields := services[name].(type) {
		case nil:
		case map[string]any:
			if len(objects) >= limits.Objects {
				return objects, append(problems, newProblem(LimitExceeded, c.name, c.document.position(nil, at).Line, limits.tooManyObjects()))
			}
			t := &translation{file: c, all: all, left: &left, places: map[string]composePlace{}}
			t.layers = t.inherit(layer{c, fields, at}, nil)
			objects = append(objects, t.object(name))
			if left <= 0 {
				return nil, []Problem{newProblem(LimitExceeded, c.name, c.document.position(nil, at).Line, limits.tooExpanded())}
			}
		default:
			err := fmt.Errorf("service %s: want a map, got %s", name, typeName(fields))
			problems = append(problems, newProblem(Undecodable, c.name, c.document.position(nil, at).Line, err))
		}
	}
	return objects, problems
}

// includes is an object for those files that the file includes and that are not of this run; nil if there are none.
func (c *composeFile) includes(all composeFiles, limits Limits) *Object {
	left := limits.ExpandedBytes
	t := &translation{file: c, all: all, left: &left, places: map[string]composePlace{}}
	t.layers = []layer{{c, map[string]any{}, Path{"include"}}}
	list, isList := c.value["include"].([]any)
	if text, isText := c.value["include"].(string); isText {
		list, isList = []any{text}, true
	}
	if c.value["include"] != nil && !isList {
		t.unreadPart("file", "includes something that is no list of files", composePlace{c, Path{"include"}})
	}
	for i, item := range list {
		at := composePlace{c, Path{"include", i}}
		names := texts(item)
		if long, isMap := item.(map[string]any); isMap {
			names = texts(long["path"])
		}
		for _, written := range names {
			if name, _ := c.variables.interpolate(written); all.beside(c, name) == nil {
				t.unreadPart("file", fmt.Sprintf("includes %q, which is not among the files of this run", name), at)
			}
		}
	}
	if len(t.unread) == 0 {
		return nil
	}
	return t.newObject("include", map[string]any{"containers": []any{}})
}

// texts are the texts that a text or a list of them is.
func texts(value any) []string {
	if text, isText := value.(string); isText {
		return []string{text}
	}
	return words(value)
}

// newObject makes an object of what was made of a service.
func (t *translation) newObject(name string, spec map[string]any) *Object {
	value := map[string]any{
		"apiVersion": composeKind, "kind": composeKind,
		"metadata": map[string]any{"name": name, "namespace": t.file.project()}, "spec": spec,
	}
	if t.build != nil {
		value["build"] = t.build
	}
	if len(t.unread) > 0 {
		value["unread"] = t.unread
	}
	last := t.layers[len(t.layers)-1]
	t.places[""] = composePlace{last.file, last.path}
	plain := maps.Clone(t.file.value)
	plain["services"] = map[string]any{name: last.fields}
	o := &Object{
		File: t.file.name, Value: value, APIVersion: composeKind, Kind: composeKind, Namespace: t.file.project(), Name: name, source: t.file.document,
		service: &service{places: t.places, files: t.files, unreadable: t.unreadable, plain: plain},
	}
	for i := range o.service.files {
		o.service.files[i].Object = o
	}
	o.Line = o.Position(nil).Line
	o.pods = findIn(o, &expansion{left: *t.left}).pods
	return o
}
