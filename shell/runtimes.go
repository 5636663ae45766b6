package shell

import (
	"slices"
	"strings"
)

// containerTool is a client of the container runtime.
type containerTool struct {
	short, long string // options that take a value, before the verb
	address     string // which of them say where the runtime is
	runs        string // verbs that start a command
	nodes       bool   // it only ever talks to the node's own runtime
}

const dockerShort = "vepwuhlmca"

const dockerLong = "volume env publish workdir user hostname label memory cpus name network net pid ipc uts userns entrypoint mount cap-add cap-drop " +
	"security-opt device env-file restart add-host dns platform pull runtime shm-size tmpfs ulimit gpus log-driver log-opt "

// containerTools are those clients.
var containerTools = map[string]containerTool{
	"docker":  {short: "Hlc", long: "host context config log-level tlscacert tlscert tlskey ", address: "H host", runs: "run exec create start"},
	"podman":  {long: "url connection root runroot storage-driver log-level ", address: "url", runs: "run exec create start"},
	"nerdctl": {short: "anH", long: "address namespace host data-root cgroup-manager snapshotter ", address: "a address H host", runs: "run exec create start", nodes: true},
	"crictl":  {short: "ritc", long: "runtime-endpoint image-endpoint timeout config ", runs: "exec run runp create start", nodes: true},
	"runc":    {long: "root log log-format criu rootless ", runs: "exec run create", nodes: true},
	"ctr":     {short: "anc", long: "address namespace timeout connect-timeout ", runs: "run c container containers t task tasks", nodes: true},
}

// container walks a client of the container runtime: what it starts on the node by it, and the command within.
func (in *interp) container(c *call) effect {
	name := c.name()
	tool := containerTools[name]
	global := options{short: tool.short, long: tool.long, first: true}.parse(c.args())
	verb, rest := firstOr(global.args, ""), global.args[min(1, len(global.args)):]
	if verb == "container" && name != "ctr" {
		verb, rest = firstOr(rest, ""), rest[min(1, len(rest)):]
	}
	if !slices.Contains(strings.Fields(tool.runs), verb) {
		return in.stranger(c)
	}
	if name == "ctr" && verb != "run" {
		if sub := firstOr(rest, ""); sub != "create" && sub != "exec" && sub != "start" && sub != "attach" {
			return effect{}
		}
	}
	address := global.value(strings.Fields(tool.address)...)
	if address == "" && (name == "docker" || name == "podman") {
		address, _ = in.env.vars.get(map[string]string{"docker": "DOCKER_HOST", "podman": "CONTAINER_HOST"}[name])
	}
	p := options{short: dockerShort, long: dockerLong, first: true}.parse(rest)
	switch {
	case tool.nodes:
		in.hostAction(name, address, true, name+" runs a command by the node's container runtime")
	case takesHost(p, rest) && (name != "podman" || address != ""):
		in.hostAction(name, address, true, name+" starts a container that has the node's file system or privileges")
	case address != "" && !loopback(address):
		in.hostAction(name, address, true, name+" runs a command by the container runtime at "+in.display(address))
	case address == "" && name == "docker":
		in.hostAction(name, "/var/run/docker.sock", false, "docker runs a command by the container runtime at its socket")
	}
	if len(p.args) < 2 {
		return effect{}
	}
	return in.contained(c, p)
}

// contained walks the command within a container: it does what it does on the same machine.
func (in *interp) contained(c *call, p parsed) effect {
	argv := p.args[1:]
	if entry := p.value("entrypoint"); entry != "" {
		argv = append([]string{entry}, argv...)
	} else if first := argv[0]; strings.HasPrefix(first, "-") {
		argv = append([]string{programName(p.args[0])}, argv...) // arguments for the image's own program
	}
	var e effect
	in.subshell(func() { e = in.run(c.with(argv)) })
	return e
}

// loopback tells that an address is one of the pod's own: a daemon in a sidecar.
func loopback(address string) bool {
	_, host, ok := strings.Cut(address, "://")
	if !ok {
		host = address
	}
	host, _, _ = strings.Cut(host, ":")
	return host == "localhost" || host == "127.0.0.1" || strings.HasPrefix(address, "tcp://[::1]") || host == "docker"
}

// takesHost tells whether a container is given the node: its file system, its namespaces, its privileges.
func takesHost(p parsed, args []string) bool {
	if p.has("privileged") || p.value("pid") == "host" || p.value("userns") == "host" || slices.Contains(args, "--privileged") {
		return true
	}
	for _, o := range p.opts {
		switch o.name {
		case "v", "volume", "mount":
			if nodeFolder(o.value) {
				return true
			}
		case "cap-add":
			if c := strings.TrimPrefix(strings.ToUpper(o.value), "CAP_"); c == "ALL" || c == "SYS_ADMIN" || c == "SYS_PTRACE" || c == "SYS_MODULE" {
				return true
			}
		case "device":
			if strings.HasPrefix(o.value, "/dev/sd") || strings.HasPrefix(o.value, "/dev/nvme") || strings.HasPrefix(o.value, "/dev/vd") {
				return true
			}
		}
	}
	return false
}

// nodeFolder tells whether a volume is a folder of the node from which it can be taken over.
func nodeFolder(volume string) bool {
	source, _, _ := strings.Cut(volume, ":")
	for field := range strings.SplitSeq(volume, ",") {
		for _, key := range []string{"source=", "src="} {
			if v, ok := strings.CutPrefix(field, key); ok {
				source = v
			}
		}
	}
	for _, dir := range []string{"/", "/etc", "/root", "/home", "/var", "/boot", "/proc", "/sys", "/dev", "/usr", "/lib", "/var/run", "/run", "/var/lib",
		"/var/spool/cron", "/var/lib/kubelet", "/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock"} {
		if source == dir || source == dir+"/" || dir != "/" && (strings.HasPrefix(source, "/etc/cron") || strings.HasPrefix(source, "/etc/kubernetes")) {
			return true
		}
	}
	return false
}

// runtimeRequest reports a request to the API of a container runtime that starts something.
func (in *interp) runtimeRequest(tool, socket, method, text string) {
	if !strings.HasSuffix(socket, ".sock") {
		return
	}
	asks := strings.EqualFold(method, "POST") || strings.Contains(text, "POST ")
	if asks && (strings.Contains(text, "/containers/") || strings.Contains(text, "/exec/")) {
		in.hostAction(tool, socket, true, tool+" asks the container runtime at "+in.display(socket)+" to start something")
	}
}
