package shell

import (
	"path"
	"slices"
	"strings"
)

// httpieTransfers is http [METHOD] URL [item]... with --download.
func httpieTransfers(p parsed) []transfer {
	for _, a := range p.args {
		if isURL(a) || strings.ContainsAny(a, "./:") {
			t := transfer{source: a, dest: p.value("o", "output")}
			if t.dest == "" && p.has("d", "download") {
				t.dest = urlBase(a)
			}
			return []transfer{t}
		}
	}
	return nil
}

// ftpgetTransfers is busybox's ftpget HOST [LOCAL] REMOTE.
func ftpgetTransfers(p parsed) []transfer {
	if len(p.args) < 2 {
		return nil
	}
	remote := p.args[len(p.args)-1]
	return []transfer{{source: "ftp://" + p.args[0] + "/" + strings.TrimPrefix(remote, "/"), dest: path.Base(p.args[1])}}
}

// tftpTransfers is busybox's tftp -g -r REMOTE [-l LOCAL] HOST and tftp-hpa's tftp HOST -c get REMOTE [LOCAL].
func tftpTransfers(p parsed) []transfer {
	if p.value("c") == "get" && len(p.args) > 1 {
		return []transfer{{source: "tftp://" + p.args[0] + "/" + p.args[1], dest: path.Base(p.args[len(p.args)-1])}}
	}
	if !p.has("g") || len(p.args) == 0 {
		return nil
	}
	t := transfer{source: "tftp://" + p.args[0] + "/" + p.value("r"), dest: p.value("l")}
	if t.dest == "" {
		t.dest = path.Base(p.value("r"))
	}
	return []transfer{t}
}

// lftpTransfers is lftp -c "get URL -o FILE".
func lftpTransfers(p parsed) []transfer {
	words := strings.Fields(strings.NewReplacer(";", " ").Replace(p.value("c", "e")))
	t := transfer{source: firstOr(p.args, "")}
	for i, w := range words {
		next := firstOr(words[min(i+1, len(words)):], "")
		switch w {
		case "open":
			t.source = next
		case "get", "pget", "mget", "cat":
			t.source += next
			if w != "cat" {
				t.dest = urlBase("/" + next)
			}
		case "-o":
			t.dest = next
		}
	}
	if t.source == "" {
		return nil
	}
	return []transfer{t}
}

// remoteCopy is scp, sftp and rsync from HOST:PATH.
func remoteCopy(p parsed) []transfer {
	if len(p.args) == 0 {
		return nil
	}
	dest := "."
	sources := p.args
	if len(p.args) > 1 {
		dest, sources = p.args[len(p.args)-1], p.args[:len(p.args)-1]
	}
	var all []transfer
	for _, s := range sources {
		host, file, ok := strings.Cut(s, ":")
		if !ok || strings.Contains(host, "/") {
			continue
		}
		t := transfer{source: s, dest: dest}
		switch {
		case strings.HasSuffix(file, "/"), p.has("a", "archive", "r", "recursive") && dest != ".":
			t.tree = true
		case dest == "." || strings.HasSuffix(dest, "/"):
			t.dest = path.Join(dest, path.Base(file))
		}
		all = append(all, t)
	}
	return all
}

// smbTransfers is smbclient //HOST/SHARE -c "get REMOTE [LOCAL]".
func smbTransfers(p parsed) []transfer {
	f := strings.Fields(p.value("c", "command"))
	if len(f) < 2 || f[0] != "get" && f[0] != "mget" {
		return nil
	}
	return []transfer{{source: firstOr(p.args, "") + "/" + f[1], dest: path.Base(f[len(f)-1]), dir: path.Dir(f[len(f)-1])}}
}

// asked is a client that prints what a server answers; host are the options that name the server.
func asked(short, long string, host ...string) fetcher {
	return fetcher{options: options{short: short, long: long}, verb: "asks", store: true, transfers: func(p parsed) []transfer {
		source := p.value(host...)
		if source == "" {
			source = "its server"
		}
		return []transfer{{source: source}}
	}}
}

// craneTransfers is crane export IMAGE [FILE], a file system as an archive.
func craneTransfers(p parsed) []transfer {
	if len(p.args) < 2 || p.args[0] != "export" && p.args[0] != "pull" && p.args[0] != "blob" {
		return nil
	}
	return []transfer{{source: p.args[1], dest: firstOr(p.args[2:], "")}}
}

// skopeoTransfers is skopeo copy docker://IMAGE dir:FOLDER.
func skopeoTransfers(p parsed) []transfer {
	if len(p.args) < 3 || p.args[0] != "copy" || !strings.HasPrefix(p.args[1], "docker://") {
		return nil
	}
	_, dest, _ := strings.Cut(p.args[2], ":")
	return []transfer{{source: p.args[1], dest: dest, tree: true}}
}

// gitTransfers is git clone URL [FOLDER], hg clone and svn checkout.
func gitTransfers(p parsed) []transfer {
	if len(p.args) > 0 && (p.args[0] == "pull" || p.args[0] == "fetch") {
		dir := p.value("C")
		if dir == "" {
			dir = "."
		}
		return []transfer{{source: firstOr(p.args[1:], "its origin"), dest: dir, tree: true}}
	}
	if len(p.args) > 1 && p.args[0] == "archive" && p.value("remote") != "" {
		return []transfer{{source: p.value("remote")}}
	}
	if len(p.args) < 2 {
		return nil
	}
	switch p.args[0] {
	case "clone", "checkout", "co", "export":
	case "submodule":
		return []transfer{{source: "submodules", dest: ".", tree: true}}
	default:
		return nil
	}
	url := p.args[1]
	if p.args[0] == "checkout" && !strings.Contains(url, "://") {
		return nil // git checkout BRANCH
	}
	t := transfer{source: url, tree: true, dest: strings.TrimSuffix(path.Base(url), ".git")}
	if len(p.args) > 2 {
		t.dest = p.args[2]
	}
	return []transfer{t}
}

// cloudTransfers is aws s3 cp, gsutil cp, gcloud storage cp, mc cp, rclone copyto, s3cmd get and their cat.
func cloudTransfers(p parsed) []transfer {
	args := p.args
	verb := -1
	for i, a := range args[:min(2, len(args))] {
		switch a {
		case "cp", "cat", "get", "copy", "copyto", "sync", "mv", "rsync", "mirror", "get-object":
			verb = i
		}
	}
	if verb < 0 && p.has("query", "output") && len(args) > 1 {
		return []transfer{{source: args[0] + " " + args[1]}} // a record, printed
	}
	if verb < 0 || verb+1 >= len(args) {
		return nil
	}
	if args[verb] == "get-object" {
		return []transfer{{source: "s3://" + p.value("bucket") + "/" + p.value("key"), dest: args[len(args)-1]}}
	}
	source := args[verb+1]
	if !strings.Contains(source, "://") && !strings.Contains(source, ":") && !strings.Contains(source, "/") {
		return nil
	}
	if strings.HasPrefix(source, "/") || strings.HasPrefix(source, ".") {
		return nil // an upload
	}
	t := transfer{source: source}
	if args[verb] == "cat" {
		return []transfer{t}
	}
	if t.dest = path.Base(source); verb+2 < len(args) {
		t.dest = args[verb+2]
	}
	t.tree = p.has("recursive", "r", "R") || args[verb] == "sync" || args[verb] == "mirror" || args[verb] == "rsync"
	if !t.tree && (t.dest == "." || strings.HasSuffix(t.dest, "/")) {
		t.dest = path.Join(t.dest, path.Base(source))
	}
	return []transfer{t}
}

// azTransfers is az storage blob download.
func azTransfers(p parsed) []transfer {
	if len(p.args) < 3 || p.args[0] != "storage" || p.args[2] != "download" {
		return nil
	}
	return []transfer{{source: p.value("c", "container-name") + "/" + p.value("n", "name"), dest: p.value("f", "file")}}
}

// ipfsTransfers is ipfs get and ipfs cat.
func ipfsTransfers(p parsed) []transfer {
	if len(p.args) < 2 || p.args[0] != "get" && p.args[0] != "cat" {
		return nil
	}
	t := transfer{source: "ipfs://" + p.args[1], dest: p.value("o", "output")}
	if t.dest == "" && p.args[0] == "get" {
		t.dest = path.Base(p.args[1])
	}
	return []transfer{t}
}

// orasTransfers is oras pull, which unpacks an artifact.
func orasTransfers(p parsed) []transfer {
	if len(p.args) < 2 || p.args[0] != "pull" {
		return nil
	}
	dir := p.value("o", "output")
	if dir == "" {
		dir = "."
	}
	return []transfer{{source: p.args[1], dest: dir, tree: true}}
}

// dnsTransfers is a query whose answer, a TXT record, carries the data.
func dnsTransfers(p parsed) []transfer {
	for _, a := range p.args {
		if !strings.HasPrefix(a, "+") && !strings.HasPrefix(a, "@") && strings.Contains(a, ".") {
			return []transfer{{source: "dns:" + a}}
		}
	}
	return nil
}

// ftpScript adds to a command line of ftp or sftp what its input tells it to get: get REMOTE [LOCAL].
func (in *interp) ftpScript(c *call, p parsed) parsed {
	if len(p.args) == 0 {
		return p
	}
	host := p.args[0]
	text := in.stdin(c)
	if !in.known(text) || !strings.Contains(text, "get ") {
		return p
	}
	for line := range strings.SplitSeq(text, "\n") {
		if f := strings.Fields(line); len(f) > 1 && (f[0] == "get" || f[0] == "recv" || f[0] == "mget") {
			source := "ftp://" + host + "/" + strings.TrimPrefix(f[1], "/")
			text := in.newHole(hole{spelling: source, fetch: in.newFetch(c.name(), source, false), steps: []string{c.name() + " fetches " + source}})
			in.writeFile(in.path(path.Base(f[1])), text, false)
			if len(f) > 2 {
				in.writeFile(in.path(f[2]), text, false)
			}
		}
	}
	return parsed{}
}

// gitRuns walks the commands that git's settings start: git -c core.pager=..., git config core.pager ..., and those
// of its environment.
func (in *interp) gitRuns(c *call, p parsed) {
	for _, name := range [...]string{"GIT_SSH_COMMAND", "GIT_SSH", "GIT_PROXY_COMMAND", "GIT_ASKPASS", "GIT_PAGER", "GIT_EDITOR", "GIT_EXTERNAL_DIFF"} {
		if value, ok := in.env.vars.get(name); ok {
			in.childShell(value, scriptRun{via: "git runs it", fds: c.fds})
		}
	}
	in.gitCommands(c, p)
	if len(p.args) > 2 && p.args[0] == "config" {
		in.gitSetting(c, p.args[1], p.args[2])
	}
	for _, o := range p.opts {
		key, value, ok := strings.Cut(o.value, "=")
		if (o.name != "c" && o.name != "config") || !ok {
			continue
		}
		in.gitSetting(c, key, value)
	}
}

// gitCommands walks the commands that git's own subcommands are given: submodule foreach, bisect run, rebase --exec,
// filter-branch --…-filter, and the URL ext::command.
func (in *interp) gitCommands(c *call, p parsed) {
	args := c.args()
	for i, a := range args {
		next := firstOr(args[i+1:], "")
		switch verb := firstOr(p.args, ""); {
		case verb == "bisect" && a == "run":
			in.run(c.with(args[i+1:]))
			return
		case verb == "submodule" && a == "foreach":
			in.childShell(strings.Join(slices.DeleteFunc(slices.Clone(args[i+1:]), func(a string) bool { return strings.HasPrefix(a, "--") }), " "), scriptRun{via: "git runs it", fds: c.fds})
			return
		case verb == "rebase" && (a == "-x" || a == "--exec"), verb == "filter-branch" && strings.HasSuffix(a, "-filter"):
			in.childShell(next, scriptRun{via: "git runs it", fds: c.fds})
		case strings.HasPrefix(a, "ext::"):
			in.childShell(strings.ReplaceAll(a[len("ext::"):], "% ", `\ `), scriptRun{via: "git runs it", fds: c.fds})
		}
	}
}

// gitSetting walks the value of a setting if that is a command.
func (in *interp) gitSetting(c *call, key, value string) {
	key = strings.ToLower(key)
	if value, shell := strings.CutPrefix(value, "!"); shell && strings.HasPrefix(key, "alias.") {
		in.childShell(value, scriptRun{via: "git runs it", fds: c.fds})
	} else if shell && strings.HasSuffix(key, "helper") {
		in.childShell(value, scriptRun{via: "git runs it", fds: c.fds})
	} else if _, last := lastName(key); strings.Contains(" pager editor command sshcommand fsmonitor clean smudge process external cmd program textconv driver uploadpack receivepack gitproxy askpass ", " "+last+" ") {
		in.childShell(value, scriptRun{via: "git runs it", fds: c.fds})
	}
}
