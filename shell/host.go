package shell

import (
	"path"
	"slices"
	"strings"
)

// hostAction reports that the command gets at the node by way of the path, if the path tells that it is the node's,
// and otherwise that it would if the path were.
func (in *interp) hostAction(tool, name string, sure bool, steps ...string) {
	kind := HostAccess
	if sure {
		kind = HostTakeover
	}
	if i := in.report(kind, tool, "", steps, nil); i >= 0 && in.actions[i].Path == "" {
		in.actions[i].Path = in.display(name)
	}
}

// nodeLike tells whether a folder is, by its name, the node's file system or a part of it: /host, /mnt/node,
// $HOST_ROOT, /proc/1/root, or where the script has mounted a disk.
func (in *interp) nodeLike(dir string) bool {
	for _, mounted := range in.disks {
		if _, ok := within(mounted, dir+"/x"); ok {
			return true
		}
	}
	if strings.HasPrefix(dir, "/proc/1/root") || strings.Contains(dir, "/proc/1/root/") {
		return true
	}
	first, rest, _ := strings.Cut(strings.TrimPrefix(in.display(dir), "/"), "/")
	first = strings.ToLower(strings.Trim(first, "$.{}"))
	switch first {
	case "mnt", "media", "rootfs", "root-fs", "realroot", "r00t", "real", "rootmnt", "sysroot":
		return true
	case "tmp", "run", "var", "root", "srv":
		first = strings.ToLower(path.Base("/" + rest))
	}
	return strings.Contains(first, "host") && first != "localhost" && first != "hostname" || strings.Contains(first, "node") && !strings.Contains(first, "node_modules") ||
		in.unset["ROOT_MOUNT_DIR"] != "" && first == "root_mount_dir"
}

// chroot runs a command within a folder. What it runs, and whether it is given one at all, does not matter.
func (in *interp) chroot(c *call) effect {
	p := options{long: "groups userspec ", first: true}.parse(c.args())
	if len(p.args) == 0 {
		return effect{}
	}
	dir := in.path(p.args[0])
	in.enterRoot(c, dir)
	argv := p.args[1:]
	if len(argv) == 0 {
		argv = []string{"sh", "-i"}
	}
	return in.run(c.with(argv))
}

// enterRoot reports a command that takes a folder for its root. One that the script has filled itself is not the
// node's.
func (in *interp) enterRoot(c *call, dir string) {
	if dir == "" || dir == "." {
		dir = in.env.cwd
	}
	sure := in.nodeLike(dir)
	if path.Clean(dir) == "/" || dir == "" || !sure && (in.made(dir) || strings.Contains(dir, "chroot") || strings.Contains(dir, "jail")) {
		return
	}
	in.hostAction(c.name(), dir, sure, c.name()+" enters "+in.display(dir)+" as the root of the file system")
}

// made tells whether the script has put something into dir.
func (in *interp) made(dir string) bool {
	for _, name := range in.fileNames() {
		if _, ok := within(dir, name); ok {
			return true
		}
	}
	return slices.ContainsFunc(in.trees, func(t tree) bool { _, ok := within(dir, path.Join(t.dir, "x")); return ok })
}

// nsenter runs a command in other namespaces. In the mount namespace of another process it sees that one's files.
func (in *interp) nsenter(c *call) effect {
	p := parseNsenter(c.args())
	if mount, given := p.get("m", "mount"); (given || p.has("a", "all")) && in.foreignNamespace(mount, p) {
		in.hostAction("nsenter", "", true, "nsenter enters the mount namespace of "+in.namespaceOwner(mount, p))
	}
	argv := p.args
	if len(argv) == 0 {
		argv = []string{"sh", "-i"}
	}
	return in.run(c.with(argv))
}

// parseNsenter takes the options apart: those of namespaces have a value only where it is joined to them.
func parseNsenter(args []string) parsed {
	var p parsed
	for i := 0; i < len(args); i++ {
		a := args[i]
		switch {
		case a == "--":
			p.args = append(p.args, args[i+1:]...)
			return p
		case strings.HasPrefix(a, "--"):
			i += p.addLong(options{long: "target setuid setgid "}, a[2:], args[i+1:])
		case strings.HasPrefix(a, "-") && len(a) > 1:
			if name, file, ok := strings.Cut(a[1:], "/"); ok && len(name) == 1 && strings.Contains("muinpUCTrw", name) {
				p.opts = append(p.opts, option{name, "/" + file})
				continue
			}
			i += p.addShort(options{short: "tSG"}, a[1:], args[i+1:])
		default:
			p.args = append(p.args, args[i:]...)
			return p
		}
	}
	return p
}

func (in *interp) foreignNamespace(mount string, p parsed) bool {
	if mount = strings.TrimPrefix(mount, "="); mount != "" {
		return !strings.HasPrefix(mount, "/proc/self/") && !strings.HasPrefix(mount, "/proc/$$/")
	}
	target := strings.TrimPrefix(p.value("t", "target"), "=")
	return target != "" && target != "$$" && target != "self"
}

func (in *interp) namespaceOwner(mount string, p parsed) string {
	if mount != "" {
		return in.display(mount)
	}
	return "process " + in.display(p.value("t", "target"))
}

// mount notes where a disk of the node, or another folder, shows up.
func (in *interp) mount(c *call) effect {
	p := options{short: "toLUO", long: "types options source target "}.parse(c.args())
	if len(p.args) < 2 {
		return effect{}
	}
	what, where := p.args[0], in.path(p.args[len(p.args)-1])
	bound := (p.has("B", "bind", "R", "rbind", "move", "M") || strings.Contains(p.value("o"), "bind")) && in.nodeLike(in.path(what))
	disk := strings.HasPrefix(what, "/dev/") && !strings.HasPrefix(what, "/dev/loop") && !strings.HasPrefix(what, "/dev/shm")
	if (bound || disk) && len(in.disks) < maxTrees {
		in.disks = append(in.disks, where)
	}
	return effect{}
}

// folders of a node in which a file starts something by itself, or lets somebody in.
var startFolders = []string{
	"/etc/cron.d/", "/etc/cron.hourly/", "/etc/cron.daily/", "/etc/cron.weekly/", "/etc/cron.monthly/", "/var/spool/cron/", "/etc/crontabs/",
	"/etc/systemd/system/", "/usr/lib/systemd/system/", "/lib/systemd/system/", "/etc/init.d/", "/etc/rc.d/", "/etc/profile.d/", "/etc/sudoers.d/",
	"/etc/update-motd.d/", "/etc/pam.d/", "/.ssh/authorized_keys",
}

// startFiles are single files of that kind.
var startFiles = []string{
	"/etc/crontab", "/etc/anacrontab", "/etc/rc.local", "/etc/profile", "/etc/bash.bashrc", "/etc/ld.so.preload", "/etc/passwd", "/etc/shadow", "/etc/sudoers",
	"/etc/ssh/sshd_config", "/root/.bashrc", "/root/.profile", "/root/.bash_profile",
}

// kubeFolders hold what the kubelet starts, and its own settings: no container has these of its own.
var kubeFolders = []string{
	"/etc/kubernetes/manifests/", "/etc/kubelet.d/", "/etc/kubernetes/pki/", "/var/lib/rancher/k3s/server/manifests/", "/var/lib/rancher/rke2/server/manifests/",
	"/var/lib/rancher/rke2/agent/pod-manifests/", "/var/lib/rancher/k3s/agent/pod-manifests/", "/var/lib/kubelet/pki/",
}

var kubeFiles = []string{"/var/lib/kubelet/config.yaml", "/var/lib/kubelet/kubeadm-flags.env", "/etc/kubernetes/kubelet.conf", "/etc/default/kubelet",
	"/etc/kubernetes/admin.conf", "/etc/kubernetes/kubelet/kubelet-config.json"}

// kernelFiles are files of the kernel by which root in a container runs a program on the node.
var kernelFiles = []string{"/release_agent", "/sys/kernel/uevent_helper", "/proc/sys/kernel/modprobe"}

// hostWrite reports a write to where the node would run it, or let somebody in by it. Within a container of its own
// the same file starts something of the container.
func (in *interp) hostWrite(name, text string) {
	for _, f := range kernelFiles {
		if strings.HasSuffix(name, f) {
			in.hostAction("sh", name, true, "it writes to "+in.display(name)+", which the kernel runs on the node")
			return
		}
	}
	if strings.HasSuffix(name, "/proc/sys/kernel/core_pattern") && strings.HasPrefix(strings.TrimSpace(text), "|") {
		in.hostAction("sh", name, true, "it makes the kernel run a program on the node for every crash")
		return
	}
	if _, ok := startsByItself(name, kubeFolders, kubeFiles); ok {
		in.hostAction("sh", name, true, "it writes to "+in.display(name)+", which the kubelet reads")
		return
	}
	prefix, ok := startsByItself(name, startFolders, startFiles)
	if !ok {
		return
	}
	what := "it writes to " + in.display(name) + ", which starts programs or lets somebody in"
	if strings.Contains(name, "/.ssh/authorized_keys") { // the home may be that of a container's user
		home := path.Dir(path.Dir(name))
		if parent := path.Dir(home); path.Base(parent) == "home" {
			home = parent
		}
		prefix = path.Dir(home)
	}
	in.hostAction("sh", name, prefix != "" && prefix != "/" && in.nodeLike(prefix), what)
}

// startsByItself finds one of the folders or files in a path, and what stands before it.
func startsByItself(name string, folders, files []string) (prefix string, ok bool) {
	for _, f := range folders {
		if i := strings.Index(name+"/", f); i >= 0 || strings.HasPrefix("/"+name, f) {
			return name[:max(i, 0)], true
		}
	}
	for _, f := range files {
		if prefix, ok := strings.CutSuffix(name, f); ok {
			return prefix, true
		}
	}
	return "", false
}

// otherRoot is the programs that take the root of a file system as an option, or write to a disk by themselves.
func (in *interp) otherRoot(c *call) effect {
	o := options{short: "RDrdgGuscmpeb", long: "chroot root directory prefix "}
	p := o.parse(c.args())
	switch name := c.name(); name {
	case "debugfs":
		if p.has("w") {
			in.hostAction(name, firstOr(p.args, ""), true, "debugfs writes to the disk "+in.display(firstOr(p.args, "")))
		}
		return effect{}
	case "pivot_root", "switch_root":
		in.enterRoot(c, in.path(firstOr(p.args, "/")))
		return effect{}
	case "useradd", "usermod", "chpasswd", "passwd":
		if dir := p.value("R", "root"); dir != "" {
			in.enterRoot(c, in.path(dir))
		}
		return effect{}
	case "capsh", "systemd-nspawn", "proot":
		if dir := p.value("chroot", "D", "directory", "r"); dir != "" {
			in.enterRoot(c, in.path(dir))
		}
	}
	argv := o.commandIn(c.args())
	if i := slices.Index(c.argv, "--"); i >= 0 {
		argv = append([]string{"sh"}, c.argv[i+1:]...) // capsh -- -c script
	}
	return in.run(c.with(argv))
}
