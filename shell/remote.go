package shell

import (
	"path"
	"strconv"
	"strings"
)

// reverseShell reports a shell whose input comes from a peer while its output goes to one, or to the named pipe
// that feeds one.
func (in *interp) reverseShell(c *call, interactive bool) bool {
	from, to := c.fds.get(0), c.fds.get(1)
	var peer *fetch
	if from != nil {
		peer = from.socket
		if h := in.leading(from.text); peer == nil && h != nil && h.fetch != nil && h.fetch.socket {
			peer = h.fetch
		}
	}
	switch {
	case to == nil:
		return false
	case to.socket != nil && (peer != nil || interactive):
		if peer == nil {
			peer = to.socket
		}
	case peer != nil && to.path != "" && in.isFIFO(to.path):
	default:
		return false
	}
	in.report(ReverseShell, peer.tool, peer.source,
		[]string{peer.tool + " connects to " + peer.source, "its input and output are given to " + c.name()}, peer)
	return true
}

func (in *interp) isFIFO(name string) bool {
	f, ok := in.files[name]
	return ok && f.fifo
}

// remoteInput handles a shell that takes its commands from a peer or a named pipe, and tells whether it does.
// Where its output goes is not known yet: sent finds out.
func (in *interp) remoteInput(c *call, text, name string) bool {
	h := in.leading(text)
	if h == nil || h.fifo == "" && (h.fetch == nil || !h.fetch.socket) {
		return false
	}
	io := &shellIO{tool: name, from: h, index: -1, at: in.newFetch(name, "", false)}
	if h.fetch != nil {
		how := "its output is read by " + name
		if e := c.fds.get(0); e != nil && e.piped {
			how = "its output is piped into " + name
		}
		io.index = in.report(RuntimeDownload, h.fetch.tool, h.fetch.source, appendStep(h.steps, how), h.fetch)
	} else {
		in.file(h.fifo).reader = name
	}
	in.print(c, in.newHole(hole{spelling: "(output of " + name + ")", shell: io}))
	return true
}

// sent handles data that goes to a peer: the output of a shell that takes its commands from one makes it a
// reverse shell.
func (in *interp) sent(peer *fetch, text string) {
	h := in.findHole(text, func(h *hole) bool { return h.shell != nil })
	if h == nil {
		return
	}
	steps := []string{h.shell.tool + " takes its commands from a named pipe", "its output goes to " + peer.source + " by " + peer.tool}
	source := peer.source
	if at := h.shell.at; at.layer == peer.layer {
		peer.offset = min(peer.offset, at.offset) // so that what is quoted begins with the shell
	}
	if f := h.shell.from.fetch; f != nil {
		steps[0] = h.shell.tool + " takes its commands from " + f.source + " by " + f.tool
	}
	if i := h.shell.index; i >= 0 { // it was reported when only its input was known
		in.actions[i].Kind = ReverseShell
		in.actions[i].Steps = []string{in.display(steps[0]), in.display(steps[1])}
		return
	}
	in.report(ReverseShell, peer.tool, source, steps, peer)
}

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
		if peer == "" {
			continue
		}
		kind, rest, _ := strings.Cut(args[i], ":")
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

// openssl is s_client, which talks to a peer; enc and base64, which decode; and dgst, which checks.
func (in *interp) openssl(c *call) effect {
	args := c.args()
	if len(args) == 0 {
		return effect{}
	}
	p := options{single: true, long: "in out k pass passin kfile connect verify signature sigfile host port K iv md iter key inkey servername CAfile cert "}.parse(args[1:])
	switch args[0] {
	case "s_client":
		in.converse(c, in.newFetch("openssl", p.value("connect"), true))
		return effect{}
	case "s_server":
		in.converse(c, in.newFetch("openssl", "port "+p.value("port"), true))
		return effect{}
	case "dgst", "sha256", "sha512":
		files := p.args
		text := in.inputs(c, files)
		if key := p.value("verify"); key != "" && in.fetched(in.readFile(in.path(key))) == nil {
			return effect{passed: in.fetches(text)}
		}
		in.print(c, in.newHole(hole{spelling: "$(openssl dgst)", digest: in.fetches(text)})+"\n")
		return effect{}
	}
	in.print(c, in.opensslDecode(c, args[0], p))
	return effect{}
}

func (in *interp) opensslDecode(c *call, verb string, p parsed) string {
	text := ""
	if from := p.value("in"); from != "" {
		text, _ = in.content(c, from)
	} else {
		text = in.stdin(c)
	}
	var decoder func(string) (string, bool)
	if verb == "base64" || verb == "enc" && p.has("base64", "a") && len(p.opts) <= 4 && !p.has("k", "pass", "K") {
		decoder = decodeBase64
	}
	if !p.has("d", "decrypt") && verb != "rsautl" && verb != "pkeyutl" {
		text = in.derived(text, "$(openssl)", "")
	} else {
		text = in.convert(text, "openssl", decoder)
	}
	if to := p.value("out"); to != "" {
		in.writeFile(in.path(to), text, false)
		return ""
	}
	return text
}

// awk has a network of its own in /inet/tcp. A program that reads from a peer, and from a command as well or by
// system, does what the peer says.
func (in *interp) awk(c *call) effect {
	p := options{short: "Ffv", first: true}.parse(c.args())
	program, files := firstOr(p.args, ""), p.args[min(1, len(p.args)):]
	if f := p.value("f"); f != "" {
		program, _ = in.content(c, f)
		files = p.args
	}
	text := in.inputs(c, files)
	if in.awkProgram(program) && in.fetched(text) != nil {
		in.executedHole(in.fetched(text), "awk runs it by system")
	}
	in.print(c, in.derived(text, "$(awk)", "")+"\n")
	return effect{}
}

// It tells whether the program hands anything to system that is not written in it.
func (in *interp) awkProgram(program string) (system bool) {
	code := lex(program, awkLang)
	peer := ""
	for _, t := range code {
		if t.kind == literal && (strings.HasPrefix(t.text, "/inet/") || strings.HasPrefix(t.text, "/inet4/")) {
			peer = strings.Join(strings.Split(path.Clean(t.text), "/")[4:], ":")
		}
	}
	readers := map[string]bool{} // what stands left of | getline
	for i, t := range code {
		system = system || t.kind == ident && t.text == "system" && i+2 < len(code) && code[i+2].kind != literal
		if t.kind == ident && t.text == "getline" && i >= 2 && code[i-1].text == "|" || t.text == "getline" && i >= 3 && code[i-1].text == "&" {
			k := i - 2
			if code[i-1].text == "&" {
				k--
			}
			readers[code[k].text] = true
		}
		if t.kind == ident && t.text == "system" && i+2 < len(code) && code[i+2].kind == literal && peer == "" {
			in.childShell(code[i+2].text, scriptRun{via: "awk runs it", fds: &in.env.fds})
		}
	}
	if peer != "" && (len(readers) > 1 || system && len(readers) > 0) {
		in.report(ReverseShell, "awk", strings.TrimPrefix(peer, "0:"), []string{"awk connects to " + peer, "it runs what it receives"}, nil)
	}
	return system
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
