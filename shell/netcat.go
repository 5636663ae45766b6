package shell

import (
	"strconv"
	"strings"
)

// converse is a program that connects its own input and output to a peer.
func (in *interp) converse(c *call, peer *fetch) {
	in.sent(peer, in.stdin(c))
	in.print(c, in.received(peer))
}

// serve runs a program whose input and output are a connection.
func (in *interp) serve(c *call, peer *fetch, run func(*call)) {
	fds := *c.fds
	e := &end{socket: peer}
	fds.set(0, e)
	fds.set(1, e)
	run(&call{fds: &fds})
}

// netcat is nc, ncat and their like: -e runs a program on the connection, -c a script.
func (in *interp) netcat(c *call) effect {
	p := options{short: "ecpswiqIOTxXgGmbo", long: "exec sh-exec lua-exec source-port source wait idle-timeout proxy proxy-type proxy-auth " +
		"ssl-cert ssl-key max-conns delay output allow deny "}.parse(c.args())
	if p.has("z", "h", "help") {
		return effect{}
	}
	if p.has("U", "unixsock") {
		in.runtimeRequest(c.name(), firstOr(p.args, ""), "", in.stdin(c))
		return effect{}
	}
	peer := in.newFetch(c.name(), peerName(p), true)
	if program := p.value("e", "exec"); program != "" {
		in.serve(c, peer, func(inner *call) { inner.argv = strings.Fields(program); in.run(inner) })
		return effect{}
	}
	if script := p.value("c", "sh-exec"); script != "" {
		in.serve(c, peer, func(inner *call) { in.childShell(script, scriptRun{via: c.name() + " runs it", fds: inner.fds}) })
		return effect{}
	}
	in.converse(c, peer)
	return effect{}
}

// peerName is HOST:PORT of a command line, or the port that it listens on.
func peerName(p parsed) string {
	host, port := firstOr(p.args, ""), ""
	if len(p.args) > 1 {
		port = p.args[1]
	}
	if p.has("l", "listen") {
		if p.value("p") != "" {
			return "port " + p.value("p")
		}
		if port == "" {
			return "port " + host
		}
	}
	if port == "" {
		return host
	}
	return host + ":" + port
}

// socketTool is socket(1), whose -p runs a program on the connection.
func (in *interp) socketTool(c *call) effect {
	p := options{short: "pB"}.parse(c.args())
	peer := in.newFetch("socket", peerName(p), true)
	if program := p.value("p"); program != "" {
		in.serve(c, peer, func(inner *call) { in.childShell(program, scriptRun{via: "socket runs it", fds: inner.fds}) })
		return effect{}
	}
	in.converse(c, peer)
	return effect{}
}

// ztcp is zsh's own: it opens a connection and leaves its descriptor in REPLY.
func (in *interp) ztcp(c *call) effect {
	p := options{short: "d"}.parse(c.args())
	if p.has("c") || len(p.args) == 0 {
		return effect{}
	}
	n := firstFree + len(in.env.fds.more)
	in.env.fds.set(n, &end{socket: in.newFetch("ztcp", peerName(p), true)})
	in.env.vars.set("REPLY", strconv.Itoa(n))
	return effect{}
}

func (in *interp) telnet(c *call) effect {
	p := options{short: "eklnbX"}.parse(c.args())
	in.converse(c, in.newFetch("telnet", peerName(p), true))
	return effect{}
}

// telnetd offers what -l says, without a password if that is a shell.
func (in *interp) telnetd(c *call) effect {
	p := options{short: "lpbfw"}.parse(c.args())
	if program := p.value("l"); program != "" {
		peer := in.newFetch("telnetd", "port "+p.value("p"), true)
		in.serve(c, peer, func(inner *call) { inner.argv = strings.Fields(program); in.run(inner) })
	}
	return effect{}
}

// socat connects two addresses; one of them may be a program.
func (in *interp) socat(c *call) effect {
	args := options{short: "tTlbL"}.parse(c.args()).args
	for i, a := range args {
		if a == "-" { // parse takes a lone dash for an operand
			args[i] = "STDIO"
		}
	}
	if len(args) < 2 {
		return effect{}
	}
	for i, other := range []string{args[1], args[0]} {
		peer := socatPeer(other)
		kind, rest, _ := strings.Cut(args[i], ":")
		if _, socket, ok := strings.Cut(other, ":"); ok && strings.HasPrefix(strings.ToUpper(other), "UNIX") {
			in.runtimeRequest("socat", socket, "", in.stdin(c))
		}
		if peer == "" {
			continue
		}
		f := in.newFetch("socat", peer, true)
		switch strings.ToUpper(kind) {
		case "EXEC":
			in.serve(c, f, func(inner *call) { inner.argv = strings.Fields(socatValue(rest)); in.run(inner) })
		case "SYSTEM", "SHELL":
			in.serve(c, f, func(inner *call) {
				in.childShell(socatValue(rest), scriptRun{via: "socat runs it", fds: inner.fds})
			})
		case "STDIO", "STDIN", "STDOUT":
			in.converse(c, f)
		case "OPEN", "CREATE", "CREAT", "FILE", "GOPEN":
			name, _, _ := strings.Cut(rest, ",")
			in.writeFile(in.path(name), in.received(f), false)
		}
	}
	return effect{}
}

// socatPeer returns the peer of an address, "" if it is none on a network.
func socatPeer(address string) string {
	kind, rest, _ := strings.Cut(address, ":")
	kind = strings.ToUpper(kind)
	rest, _, _ = strings.Cut(rest, ",")
	for _, network := range []string{"TCP", "OPENSSL", "SSL", "UDP", "SCTP", "DTLS", "SOCKS", "PROXY", "VSOCK"} {
		if strings.HasPrefix(kind, network) {
			if strings.Contains(kind, "LISTEN") || strings.HasSuffix(kind, "-L") {
				return "port " + rest
			}
			return rest
		}
	}
	return ""
}

// socatValue cuts the options off the value of an address, and quotes and backslashes out of it.
func socatValue(s string) string {
	var b strings.Builder
	quote := byte(0)
	for i := 0; i < len(s); i++ {
		switch ch := s[i]; {
		case ch == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case ch == quote:
			quote = 0
		case quote == 0 && (ch == '"' || ch == '\''):
			quote = ch
		case quote == 0 && ch == ',':
			return b.String()
		default:
			b.WriteByte(ch)
		}
	}
	return b.String()
}

// shellServer is tmate and its like, which offer a shell by themselves, and ttyd and its like, which offer a program.
func (in *interp) shellServer(c *call) effect {
	p := options{short: "pPucmtTbSFk", long: "port interface credential permit-arguments signal name ", first: true}.parse(c.args())
	if p.has("h", "help", "version") {
		return effect{}
	}
	peer := in.newFetch(c.name(), "", true)
	switch name := c.name(); name {
	case "ttyd", "gotty", "wetty":
		in.serve(c, peer, func(inner *call) { inner.argv = p.args; in.run(inner) })
	case "code":
		if firstOr(p.args, "") == "tunnel" {
			in.report(ReverseShell, name, "", []string{name + " offers a shell through its tunnel"}, peer)
		}
	default:
		in.report(ReverseShell, name, "", []string{name + " offers a shell to others"}, peer)
	}
	return effect{}
}
