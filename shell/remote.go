package shell

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
