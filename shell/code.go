package shell

import (
	"path"
	"slices"
	"strings"
)

// vocabulary is the names by which code in a language does what matters here. A name matches what stands last in
// a qualified one.
type vocabulary struct {
	tool  string
	fetch string // gets something from a URL
	// fetchVerbs do so where they belong to one of the modules of fetchFrom.
	fetchVerbs, fetchFrom string
	prints                string // writes to standard output
	eval                  string // runs code in the same language
	shell                 string // runs a command
	from                  string // modules whose functions of the names in shell count; empty: any
	sockets               string // connects to a peer, or listens
	receive               string // reads from a peer
	stdin                 string // standard input
}

// vocabularies are those of the languages of one-liners.
var vocabularies = map[language]vocabulary{
	python: {tool: "python", fetch: "urlopen urlretrieve URLopener HTTPConnection HTTPSConnection retrbinary",
		fetchVerbs: "get post request stream put download urlopen", fetchFrom: "requests httpx urllib3 aiohttp wget session", prints: "print write",
		eval:  "exec eval execfile run_path",
		shell: "system popen Popen call check_output check_call getoutput getstatusoutput run spawn create_subprocess_shell create_subprocess_exec execv execve execl execlp execvp execle",
		from:  "os subprocess pty commands posix asyncio", sockets: "socket socketserver create_connection create_server open_connection start_server", receive: "recv makefile", stdin: "stdin"},
	perl: {tool: "perl", fetch: "get getstore getprint mirror LWP Tiny UserAgent", prints: "print printf say getprint", eval: "eval do", shell: "system exec popen readpipe",
		sockets: "socket INET Socket", receive: "STDIN fdopen recv", stdin: "STDIN"},
	ruby: {tool: "ruby", fetch: "open get get_response HTTP get_print", prints: "puts print write", eval: "eval instance_eval class_eval load", shell: "system exec spawn popen popen3 capture2",
		sockets: "TCPSocket TCPServer", receive: "gets recv read", stdin: "STDIN"},
	javascript: {tool: "node", fetch: "get fetch request axios got", prints: "log write", eval: "eval Function runInThisContext runInNewContext _compile", shell: "exec execSync spawn spawnSync execFile execFileSync",
		sockets: "Socket connect createConnection createServer", receive: "on pipe", stdin: "stdin"},
	php: {tool: "php", fetch: "file_get_contents curl_exec fopen copy", prints: "echo print printf readfile", eval: "eval assert create_function include require include_once require_once",
		shell: "exec shell_exec system passthru popen proc_open pcntl_exec", sockets: "fsockopen pfsockopen stream_socket_client socket_create", receive: "fgets fread socket_read", stdin: "STDIN"},
	lua:    {tool: "lua", fetch: "request", prints: "print write", eval: "load loadstring dofile", shell: "execute popen", sockets: "tcp connect socket bind", receive: "receive", stdin: "stdin"},
	golang: {tool: "go", fetch: "Get", shell: "Exec Command StartProcess ForkExec", sockets: "Socket Dial DialTCP Listen", receive: "ReadString Scan"},
	java:   {tool: "java", fetch: "openStream URL", eval: "eval evaluate loadClass", shell: "exec ProcessBuilder", sockets: "Socket ServerSocket SocketChannel", receive: "readLine"},
	julia: {tool: "julia", fetch: "download", eval: "eval include include_string", shell: "run pipeline", sockets: "connect listen", receive: "readline",
		stdin: "stdin"},
	cLang: {tool: "a C program", shell: "execl execlp execle execv execve execvp system popen", sockets: "socket connect bind", receive: "recv read"},
	tcl:   {tool: "tclsh", fetch: "geturl", prints: "puts", eval: "eval source", shell: "exec spawn", sockets: "socket", receive: "gets", stdin: "stdin"},
	rlang: {tool: "Rscript", fetch: "url download.file readLines", eval: "eval source", shell: "system system2", sockets: "socketConnection", receive: "readLines",
		stdin: "stdin"},
}

// codeUse is one call in code: its name, and what is known of its arguments.
type codeUse struct {
	name     string
	literals []string
	names    bool // it has arguments that are no literals
	open     bool // the first of them is none
	// args are the arguments in order, as far as they are written out or were fetched; a fetched one is r.hole.
	args    []string
	input   bool // what was fetched is given to it as its input
	fetched bool // one of the arguments was

	from, to int // the tokens of its arguments
}

// code looks into code of another language for what it does: fetch and run, a shell for a peer, or commands, which
// are walked in turn. It sees names and strings, not values; a name in a string or a comment does not count.
func (in *interp) code(c *call, code string, lang language) {
	v, ok := vocabularies[lang]
	if !ok || !in.step() {
		return
	}
	in.charge(parseWeight * len(code))
	code = plainCode(code, lang)
	tokens := lex(code, lang)
	if len(tokens) > maxTokens {
		in.unreadable("a program of more than %d words", maxTokens)
	}
	r := newReader(tokens, v, lang)
	r.source = r.namedURL(code)
	r.follow()
	if len(r.fetchAt) > 0 {
		url := r.firstURL()
		r.hole = in.newHole(hole{spelling: url, fetch: in.newFetch(v.tool, url, false), steps: []string{strings.TrimSpace(v.tool + " fetches " + url)}})
	}
	evals, shells := r.uses(v.eval, ""), r.uses(v.shell, v.from)
	defer in.codePrints(c, &r)
	if in.codeReverse(&r, evals, shells) {
		return
	}
	if in.codeInstalls(c, &r) {
		return
	}
	in.codeHost(&r)
	in.codePipes(c, &r)
	if r.hole == "" && r.mentions(v.sockets) && r.mentions(v.receive+" print") {
		peer := r.peer()
		r.hole = in.newHole(hole{spelling: peer, fetch: in.newFetch(v.tool, peer, true), steps: []string{v.tool + " connects to " + peer}})
	}
	if r.hole != "" {
		in.codeStores(&r)
	}
	if len(evals) > 0 && (in.evaluates(c, &r, evals) || in.evaluatesOutput(c, &r, evals, shells)) {
		return
	}
	for _, u := range shells {
		in.codeCommand(c, &r, u)
	}
}

// codePrints gives on what the code prints, as far as it is written out, is decoded or was fetched. What is on its input
// may be a part of it.
func (in *interp) codePrints(c *call, r *reader) {
	var b strings.Builder
	open := false
	for _, u := range r.uses(r.v.prints, anyModule) {
		args := in.printed(c, r, u)
		for _, a := range args {
			b.WriteString(a)
		}
		if strings.Contains(" print puts say echo ", " "+u.name+" ") && len(args) > 0 {
			b.WriteString("\n")
		}
		open = open || u.names && len(args) == 0
	}
	if r.v.tool == "perl" && r.hole != "" && r.mentions("getprint") {
		b.WriteString(r.hole)
	}
	if text := in.bounded(b.String()); text != "" && !open {
		in.print(c, text)
		return
	}
	in.print(c, in.filtered(c, r)+"\n")
}

// printed are the arguments of a call that prints. What they decode is decoded, where it is not what was fetched.
func (in *interp) printed(c *call, r *reader, u codeUse) []string {
	e := r.encoded(u.from, u.to)
	if e.plain() || u.fetched || in.remarkable(waiting(c)) != nil {
		return u.args
	}
	if texts := in.decoded(e, waiting(c)); len(texts) > 0 || !e.hidden {
		return texts
	}
	return []string{in.newHole(hole{spelling: "$(" + c.name() + ")", opaque: r.v.tool + " decodes what cannot be read here"})}
}

// filtered is what code makes of its input: perl -pe, or what nobody can follow.
func (in *interp) filtered(c *call, r *reader) string {
	text := in.stdin(c)
	if e := r.encoded(0, len(r.tokens)); in.known(text) && len(e.codings) > 0 {
		if texts := in.decoded(encoded{codings: e.codings}, text); len(texts) > 0 {
			return texts[0]
		}
	}
	return in.derived(text, "$("+c.name()+")", "")
}

// codePipes walks the commands that perl's and ruby's open starts: open(F, "command|"), open(F, "-|", "command"),
// open("|command").
func (in *interp) codePipes(c *call, r *reader) {
	if r.lang != perl && r.lang != ruby {
		return
	}
	for _, u := range r.uses("open", anyModule) {
		for i, l := range u.literals {
			command := strings.Trim(l, "| ")
			if i > 0 && (u.literals[i-1] == "-|" || u.literals[i-1] == "|-") || command != "-" && len(command) < len(strings.TrimSpace(l)) {
				in.childShell(command, scriptRun{via: r.v.tool + " runs it", fds: c.fds})
			}
		}
	}
}

// codeHost looks for what code does to a node: it enters its file system, or writes there.
func (in *interp) codeHost(r *reader) {
	for _, u := range r.uses("chroot", anyModule) {
		if len(u.literals) > 0 {
			in.enterRoot(&call{argv: []string{r.v.tool}}, in.path(u.literals[0]))
		}
	}
	for _, u := range r.uses(storeNames, anyModule) {
		_, last := lastName(u.name)
		writes := last != "open" && last != "fopen" || slices.ContainsFunc(u.literals, func(l string) bool { return len(l) < 4 && strings.ContainsAny(l, "wax>") || strings.HasPrefix(l, ">") })
		for _, l := range u.literals[:min(2, len(u.literals))] {
			if l = strings.TrimLeft(l, "> "); writes && strings.HasPrefix(l, "/") {
				in.hostWrite(path.Clean(l), "")
			}
		}
	}
}

// storeNames are the functions that write a file which they are given the name of, in all the languages.
const storeNames = "open copyfile copy2 move symlink rename write_text urlretrieve getstore mirror copy file_put_contents writeFile writeFileSync createWriteStream download.file write download_file retrieve download writeTextFile"

// codeStores notes the files into which code may write what it has fetched.
func (in *interp) codeStores(r *reader) {
	for _, u := range r.uses(storeNames, anyModule) {
		for _, l := range u.literals {
			if isURL(l) || !strings.ContainsAny(l, "/.") || strings.ContainsAny(l, " \n") {
				continue
			}
			in.writeFile(in.path(l), r.hole, false)
		}
	}
}

// codeReverse reports code that connects to a peer and hands it a shell, or runs what it receives.
func (in *interp) codeReverse(r *reader, evals, shells []codeUse) bool {
	hands := r.mentions("dup2 fileno as_raw_fd makefile")
	if !r.mentions(r.v.sockets) && !(r.mentions("__import__ import_module") && r.counted["socket"] > 0) || len(shells)+len(evals)+r.count(command) == 0 && !hands {
		return false
	}
	handed := slices.ContainsFunc(r.tokens, func(t token) bool { return t.kind != ident && t.kind != punct && startsShell(t.text) })
	receives := r.mentions(r.v.receive) || r.readsHandle() || r.mentions("open_connection") && r.mentions("read readline")
	blind := receives && slices.ContainsFunc(append(shells, evals...), func(u codeUse) bool { return u.open })
	handed = handed && r.handsOver(shells)
	if !handed && !blind {
		return false
	}
	peer := r.peer()
	last := "it hands the connection to a shell"
	if !handed {
		last = "it runs what it receives"
	}
	in.report(ReverseShell, r.v.tool, peer, []string{strings.TrimSpace(r.v.tool + " connects to " + peer), last}, nil)
	return true
}

// startsShell tells whether a string is a command that begins with a shell.
func startsShell(s string) bool {
	f := strings.Fields(s)
	if len(f) == 0 || len(f) > 12 {
		return false
	}
	name := programName(f[0])
	return isShell(name) || name == "cmd" || name == "powershell"
}

// evaluates handles code that evaluates code: what was fetched, what is on its input, or what it decodes.
func (in *interp) evaluates(c *call, r *reader, evals []codeUse) bool {
	open := slices.ContainsFunc(evals, func(u codeUse) bool { return u.names })
	remote := slices.IndexFunc(evals, func(u codeUse) bool { return slices.ContainsFunc(u.literals, isURL) })
	switch {
	case r.hole != "" && open || remote >= 0:
		source := r.firstURL()
		in.report(RuntimeDownload, r.v.tool, source, []string{strings.TrimSpace(r.v.tool + " fetches " + source), "it is evaluated as code"}, nil)
		return true
	case open && r.mentions(r.v.stdin) && in.remarkable(waiting(c)) != nil:
		in.executed(in.stdin(c), "its output is evaluated by "+r.v.tool)
		return true
	case in.decodedCode(c, r, evals):
		return true
	case open && r.mentions(r.v.stdin) && waiting(c) != "" && in.known(waiting(c)):
		in.nestedCode(c, in.stdin(c), r.lang)
		return true
	}
	for _, u := range evals {
		for _, l := range u.literals {
			if f, ok := in.lookup(in.path(l)); ok && in.fetched(f.text) != nil {
				in.executed(f.text, in.display(l)+" is run by "+r.v.tool)
				return true
			}
			in.nestedCode(c, l, r.lang)
		}
	}
	return false
}

// evaluatesOutput handles code that evaluates what a command prints which it runs: exec(os.popen("curl …").read()).
func (in *interp) evaluatesOutput(c *call, r *reader, evals, shells []codeUse) bool {
	if !slices.ContainsFunc(evals, func(u codeUse) bool { return u.names }) {
		return false
	}
	printed := in.capture(func() {
		for _, u := range shells {
			in.codeCommand(&call{argv: c.argv, fds: &in.env.fds}, r, u)
		}
	})
	h := in.fetched(printed)
	if h != nil {
		in.executedHole(h, "it is evaluated as code by "+r.v.tool)
	}
	return h != nil
}

// decodedCode looks into what code decodes and evaluates, and tells whether there was something.
func (in *interp) decodedCode(c *call, r *reader, evals []codeUse) bool {
	found, unresolved := false, false
	for _, u := range evals {
		e := r.encoded(r.firstArgument(u))
		if e.plain() {
			unresolved = unresolved || u.open && len(e.texts) == 0
			continue
		}
		texts := in.decoded(e, waiting(c))
		for _, plain := range texts {
			in.nestedCode(c, plain, r.lang)
		}
		if len(texts) == 0 && e.hidden {
			in.unreadable("%s evaluates what it decodes, which cannot be read here", r.v.tool)
		}
		found = found || len(texts) > 0 || e.hidden
	}
	if unresolved && !found && r.mentions(decoderNames) {
		in.decodedAnywhere(c, r)
	}
	return found
}

// decoderNames are the functions that decode text and do nothing else, in all the languages.
const decoderNames = "b64decode decode64 decode_base64 base64_decode unhexlify fromhex a2b_base64 hex2bin atob gzinflate str_rot13 b85decode a85decode b32decode Buffer"

// decodedAnywhere looks into the strings of code that decodes some of them, and evaluates something that nobody could
// follow.
func (in *interp) decodedAnywhere(c *call, r *reader) {
	for _, t := range r.tokens {
		if t.kind != literal || len(t.text) < 16 || !in.step() {
			continue
		}
		all := encoded{texts: []string{t.text}, codings: []coding{decodeBase85, decodeBase32, decodeHex, decodeBase64, inflated}}
		for _, plain := range in.decoded(all, "") {
			in.nestedCode(c, plain, r.lang)
		}
	}
}

// waiting is what a command could read from its input, which is left there.
func waiting(c *call) string {
	if e := c.fds.get(0); e != nil && e.socket == nil {
		return e.text
	}
	return ""
}

// decodedCommand walks a command that code decodes before it runs it, and tells whether it is one.
func (in *interp) decodedCommand(c *call, r *reader, u codeUse) bool {
	from, to := r.firstArgument(u)
	vector := len(u.args) > 0 && startsShell(u.args[0]) // sh, -c, and what is decoded
	if vector {
		from, to = u.from, u.to
	}
	e := r.encoded(from, to)
	if e.plain() {
		return false
	}
	texts := in.decoded(e, waiting(c))
	first := vector || r.leads(from, 0)
	for _, plain := range texts {
		if first {
			in.childShell(plain, scriptRun{via: r.v.tool + " runs it", fds: c.fds})
		}
	}
	if len(texts) == 0 && e.hidden && first {
		in.unreadable("%s runs what it decodes, which cannot be read here", r.v.tool)
	}
	return first && len(texts) > 0
}

func (in *interp) nestedCode(c *call, code string, lang language) {
	in.deeper(func() {
		in.within(&layer{src: code, outer: in.layer}, func() { in.code(c, code, lang) })
	})
}

func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' && r != '\r' || r == 0xFFFD })
}

// codeCommand walks a command that code runs: one string for a shell, or a vector. An argument that was fetched is
// fetched data there too.
func (in *interp) codeCommand(c *call, r *reader, u codeUse) {
	if r.hole != "" && u.fetched && u.open {
		in.executed(r.hole, "it is run")
		return
	}
	inner := c
	if u.input {
		fds := *c.fds
		fds.set(0, &end{text: r.hole, piped: true})
		inner = &call{argv: c.argv, fds: &fds}
	}
	args := u.args
	if in.decodedCommand(inner, r, u) || len(args) == 0 {
		return
	}
	if _, last := lastName(u.name); strings.HasPrefix(last, "exec") && len(args) > 1 && programName(args[0]) == programName(args[1]) {
		args = args[1:] // execvp("sh", ["sh", …]): the file, and then the name that it is to go by
	}
	if r.lang == python && u.open && strings.HasPrefix(args[0], "-") {
		args = append([]string{"python"}, args...) // sys.executable
	}
	if (len(args) > 1 || u.input) && !strings.ContainsAny(args[0], " \t\n") {
		in.run(inner.with(args))
		return
	}
	in.childShell(args[0], scriptRun{via: r.v.tool + " runs it", fds: inner.fds})
}

// codeInstalls reports a language's own function that installs packages.
func (in *interp) codeInstalls(c *call, r *reader) bool {
	switch {
	case r.lang == rlang && r.mentions("install.packages install_github install_version"):
	case r.lang == julia && r.mentions("Pkg") && r.mentions("add develop instantiate"):
	case r.lang == python && r.mentions("pip pip3") && slices.ContainsFunc(r.uses("main", "pip _internal"), func(u codeUse) bool { return slices.Contains(u.literals, "install") }):
	default:
		return false
	}
	in.report(RuntimeInstall, c.name(), "", []string{c.name() + " installs packages"}, nil)
	return true
}
