package shell

// handler does what one program or builtin does.
type handler func(*interp, *call) effect

// handlerOf returns the handler of a program that the tables of data do not describe, nil for any other. It is a
// switch because a map of functions that look themselves up in it cannot be initialised.
func handlerOf(name string) handler {
	switch name {
	case "cd", "pushd", "chdir":
		return (*interp).cd
	case "popd":
		return (*interp).popd
	case "export", "declare", "local", "readonly", "typeset":
		return (*interp).declareArgs
	case "read", "mapfile", "readarray":
		return (*interp).readLine
	case "set":
		return (*interp).set
	case "shift":
		return (*interp).shift
	case "unset", "let", "getopts", "wait":
		return (*interp).subscripts
	case "umask", "ulimit", "jobs", "shopt":
		return silent
	case "hash":
		return (*interp).hash
	case "mkdir", "chmod", "chown", "chgrp", "sleep", "touch", "kill", "pkill", "groupadd", "adduser",
		"addgroup", "sync", "true", "false", ":", "modprobe", "sysctl", "service", "systemctl", "rmdir", "umount":
		return silent
	case "alias":
		return (*interp).defineAlias
	case "trap":
		return (*interp).trap
	case "exit":
		return func(*interp, *call) effect { return effect{exits: leavesScript} }
	case "return", "break", "continue":
		return (*interp).leave
	case "eval":
		return (*interp).eval
	case ".", "source":
		return (*interp).source
	case "exec":
		return (*interp).exec
	case "command", "builtin":
		return (*interp).builtin
	case "which", "type", "readlink", "realpath":
		return (*interp).which
	case "test", "[":
		return (*interp).test
	case "mount":
		return (*interp).mount
	case "chroot":
		return (*interp).chroot
	case "nsenter":
		return (*interp).nsenter
	case "docker", "podman", "nerdctl", "crictl", "ctr", "runc":
		return (*interp).container
	case "capsh", "systemd-nspawn", "pivot_root", "switch_root", "proot", "useradd", "usermod", "chpasswd", "passwd", "debugfs":
		return (*interp).otherRoot
	}
	if h := programHandler(name); h != nil {
		return h
	}
	return remoteHandler(name)
}

// programHandler is the part of handlerOf for programs that move and change data.
func programHandler(name string) handler {
	switch name {
	case "echo":
		return (*interp).echo
	case "printf":
		return (*interp).printf
	case "cat", "tac", "pv":
		return (*interp).cat
	case "tee", "sponge":
		return (*interp).tee
	case "cp", "mv", "ln", "install":
		return (*interp).copyFiles
	case "rm", "unlink":
		return (*interp).remove
	case "dd":
		return (*interp).dd
	case "mkfifo", "mknod":
		return (*interp).mkfifo
	case "tar", "bsdtar", "gtar", "unzip", "7z", "7za", "7zr", "cpio", "ar", "dpkg-deb", "unsquashfs", "jar":
		return (*interp).extract
	case "sed", "head", "tail", "cut", "sort", "uniq", "jq", "yq", "nl", "fold", "strings", "iconv", "dos2unix", "shuf", "column", "zstdgrep":
		return (*interp).textFilter
	case "gcc", "cc", "g++", "c++", "clang", "clang++", "tcc", "rustc", "gccgo", "ghc", "nim":
		return (*interp).compile
	case "ansible-playbook", "ansible-pull":
		return (*interp).playbook
	case "vim", "vi", "nvim", "ex", "view", "rvim", "gvim", "vimdiff", "gdb":
		return (*interp).editor
	case "kubectl", "oc", "k3s-kubectl":
		return (*interp).kubectl
	case "kustomize":
		return (*interp).kustomize
	case "helm":
		return (*interp).helm
	case "emacs", "emacsclient":
		return (*interp).lisp
	case "grep", "egrep", "fgrep", "cmp", "diff":
		return (*interp).grep
	case "base64", "base32", "basenc", "xxd", "uudecode", "gunzip", "gzip", "zcat", "unxz", "xz", "xzcat", "bunzip2", "bzip2",
		"bzcat", "unzstd", "zstd", "zstdcat", "lz4", "unlz4", "lz4cat", "lzma", "unlzma", "lzcat", "brotli", "zlib-flate", "pigz", "uncompress", "rev", "tr":
		return (*interp).decode
	case "openssl":
		return (*interp).openssl
	case "sha1sum", "sha224sum", "sha256sum", "sha384sum", "sha512sum", "md5sum", "b2sum", "shasum", "sha256", "sha512", "cksum":
		return (*interp).checksum
	case "gpg", "gpgv", "gpg2", "cosign", "minisign", "signify", "slsa-verifier":
		return (*interp).signature
	case "xargs", "parallel":
		return (*interp).xargs
	case "find":
		return (*interp).find
	case "crontab", "at", "batch":
		return (*interp).schedule
	case "make", "gmake":
		return (*interp).make
	case "insmod", "ld.so", "ld-linux-x86-64.so.2", "ld-musl-x86_64.so.1", "dotnet", "systemd-run", "run-parts":
		return (*interp).runOperand
	}
	return nil
}

// remoteHandler is the part of handlerOf for shells, and for programs that talk to peers.
func remoteHandler(name string) handler {
	if isShell(name) {
		return (*interp).shell
	}
	switch name {
	case "su", "runuser":
		return (*interp).su
	case "script":
		return (*interp).scriptCommand
	case "watch":
		return (*interp).watch
	case "flock":
		return (*interp).flock
	case "env":
		return (*interp).envCommand
	case "busybox", "toybox":
		return (*interp).applet
	case "ssh", "dropbear", "dbclient":
		return (*interp).ssh
	case "nc", "ncat", "netcat", "nc.openbsd", "nc.traditional", "cryptcat":
		return (*interp).netcat
	case "tmate", "ttyd", "gotty", "wetty", "shellinaboxd", "code", "upterm":
		return (*interp).shellServer
	case "start-stop-daemon":
		return (*interp).startDaemon
	case "socket":
		return (*interp).socketTool
	case "ztcp":
		return (*interp).ztcp
	case "telnet":
		return (*interp).telnet
	case "telnetd":
		return (*interp).telnetd
	case "tmux":
		return (*interp).tmux
	case "nix-shell":
		return (*interp).nixShell
	case "xterm":
		return (*interp).xterm
	case "socat":
		return (*interp).socat
	case "awk", "gawk", "mawk", "nawk":
		return (*interp).awk
	case "powershell", "pwsh":
		return (*interp).powershell
	case "cmd":
		return (*interp).cmdExe
	case "mshta", "regsvr32", "rundll32", "msiexec":
		return (*interp).windowsHost
	case "go":
		return (*interp).goTool
	}
	return nil
}

// leave is return, break and continue. Where there is nothing to leave, bash complains and goes on.
func (in *interp) leave(c *call) effect {
	if c.name() == "return" && in.env.inCall || c.name() != "return" && in.env.inLoop {
		return effect{exits: leavesFunction}
	}
	return effect{}
}

func silent(*interp, *call) effect { return effect{} }
