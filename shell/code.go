package shell

import (
	"net"
	"path"
	"slices"
	"strings"
)

// vocabulary is the names by which code in a language does what matters here. A name matches what stands last in
// a qualified one.
type vocabulary struct {
	tool    string
	fetch   string // gets something from a URL
	eval    string // runs code in the same language
	shell   string // runs a command
	from    string // modules whose functions of the names in shell count; empty: any
	sockets string // connects to a peer, or listens
	receive string // reads from a peer
	stdin   string // standard input
}

// vocabularies are those of the languages of one-liners.
var vocabularies = map[language]vocabulary{
	python: {tool: "python", fetch: "urlopen urlretrieve requests httpx HTTPConnection HTTPSConnection URLopener",
		eval:  "exec eval execfile",
		shell: "system popen Popen call check_output check_call getoutput getstatusoutput run spawn execv execve execl execlp execvp execle",
		from:  "os subprocess pty commands posix", sockets: "socket create_connection create_server", receive: "recv makefile", stdin: "stdin"},
	perl: {tool: "perl", fetch: "get getstore mirror LWP Tiny UserAgent", eval: "eval do", shell: "system exec popen qx",
		sockets: "socket INET Socket", receive: "STDIN fdopen recv", stdin: "STDIN"},
	ruby: {tool: "ruby", fetch: "open get get_response HTTP get_print", eval: "eval instance_eval class_eval load", shell: "system exec spawn popen popen3 capture2",
		sockets: "TCPSocket TCPServer", receive: "gets recv read", stdin: "STDIN"},
	javascript: {tool: "node", fetch: "get fetch request axios got", eval: "eval Function runInThisContext runInNewContext _compile", shell: "exec execSync spawn spawnSync execFile execFileSync",
		sockets: "Socket connect createConnection createServer", receive: "on pipe", stdin: "stdin"},
	php: {tool: "php", fetch: "file_get_contents curl_exec fopen copy", eval: "eval assert create_function include require include_once require_once",
		shell: "exec shell_exec system passthru popen proc_open pcntl_exec", sockets: "fsockopen pfsockopen stream_socket_client socket_create", receive: "fgets fread socket_read", stdin: "STDIN"},
	lua:    {tool: "lua", fetch: "request", eval: "load loadstring dofile", shell: "execute popen", sockets: "tcp connect socket bind", receive: "receive", stdin: "stdin"},
	golang: {tool: "go", fetch: "Get", shell: "Exec Command StartProcess ForkExec", sockets: "Socket Dial DialTCP Listen", receive: "ReadString Scan"},
	java:   {tool: "java", fetch: "openStream URL", eval: "eval evaluate loadClass", shell: "exec ProcessBuilder", sockets: "Socket ServerSocket SocketChannel", receive: "readLine"},
	julia: {tool: "julia", fetch: "download", eval: "eval include include_string", shell: "run pipeline", sockets: "connect listen", receive: "readline",
		stdin: "stdin"},
	tcl: {tool: "tclsh", fetch: "geturl", eval: "eval source", shell: "exec spawn", sockets: "socket", receive: "gets", stdin: "stdin"},
	rlang: {tool: "Rscript", fetch: "url download.file readLines", eval: "eval source", shell: "system system2", sockets: "socketConnection", receive: "readLines",
		stdin: "stdin"},
}

// codeUse is one call in code: its name, and what is known of its arguments.
type codeUse struct {
	name     string
	literals []string
	names    bool // it has arguments that are no literals
	open     bool // the first of them is none
}

// code looks into code of another language for what it does: fetch and run, a shell for a peer, or commands, which
// are walked in turn. It sees names and strings, not values; a name in a string or a comment does not count.
func (in *interp) code(c *call, code string, lang language) {
	v, ok := vocabularies[lang]
	if !ok || !in.step() {
		return
	}
	in.charge(parseWeight * len(code))
	tokens := lex(code, lang)
	if len(tokens) > maxTokens {
		in.unreadable("a program of more than %d words", maxTokens)
	}
	r := newReader(tokens, v, lang)
	evals, shells := r.uses(v.eval, ""), r.uses(v.shell, v.from)
	fetches := r.fetches()
	if in.codeReverse(&r, evals, shells) {
		return
	}
	if in.codeInstalls(c, &r) {
		return
	}
	if len(evals) > 0 && in.evaluates(c, &r, evals, fetches) {
		return
	}
	for _, u := range shells {
		in.codeCommand(c, &r, u, fetches)
	}
	if fetches != nil {
		in.codeStores(&r)
	}
}

// storeNames are the functions that write a file which they are given the name of, in all the languages.
const storeNames = "open urlretrieve getstore mirror copy file_put_contents writeFile writeFileSync createWriteStream download.file write"

// codeStores notes the files into which code may write what it has fetched.
func (in *interp) codeStores(r *reader) {
	url := r.firstURL()
	for _, u := range r.uses(storeNames, anyModule) {
		for _, l := range u.literals {
			if isURL(l) || !strings.ContainsAny(l, "/.") || strings.ContainsAny(l, " \n") {
				continue
			}
			text := in.newHole(hole{spelling: url, fetch: in.newFetch(r.v.tool, url, false), steps: []string{strings.TrimSpace(r.v.tool + " fetches " + url)}})
			in.writeFile(in.path(l), text, false)
		}
	}
}

// codeReverse reports code that connects to a peer and hands it a shell, or runs what it receives.
func (in *interp) codeReverse(r *reader, evals, shells []codeUse) bool {
	if !r.mentions(r.v.sockets) || len(shells)+len(evals)+r.count(command) == 0 {
		return false
	}
	handed := slices.ContainsFunc(r.tokens, func(t token) bool { return t.kind != ident && t.kind != punct && startsShell(t.text) })
	blind := r.mentions(r.v.receive) && slices.ContainsFunc(append(shells, evals...), func(u codeUse) bool { return u.open })
	if !(handed && len(shells)+r.count(command) > 0) && !blind {
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
func (in *interp) evaluates(c *call, r *reader, evals []codeUse, fetches []string) bool {
	open := slices.ContainsFunc(evals, func(u codeUse) bool { return u.names })
	remote := slices.IndexFunc(evals, func(u codeUse) bool { return slices.ContainsFunc(u.literals, isURL) })
	switch {
	case fetches != nil && open || remote >= 0:
		source := r.firstURL()
		in.report(RuntimeDownload, r.v.tool, source, []string{strings.TrimSpace(r.v.tool + " fetches " + source), "it is evaluated as code"}, nil)
		return true
	case open && r.mentions(r.v.stdin):
		in.executed(in.stdin(c), "its output is evaluated by "+r.v.tool)
		return true
	case open && r.mentions(decoderNames):
		return in.decodedCode(c, r)
	}
	for _, u := range evals {
		for _, l := range u.literals {
			in.nestedCode(c, l, r.lang)
		}
	}
	return false
}

// decoderNames are the functions that turn text into other text, in all the languages.
const decoderNames = "b64decode decode64 decode_base64 base64_decode unhexlify fromhex decompress unpack atob decode gzinflate str_rot13"

// decodedCode looks into the strings that code decodes and evaluates.
func (in *interp) decodedCode(c *call, r *reader) bool {
	for _, t := range r.tokens {
		if t.kind != literal || len(t.text) < 8 {
			continue
		}
		for _, decoder := range []func(string) (string, bool){decodeBase64, decodeHex} {
			plain, ok := decoder(t.text)
			if !ok {
				continue
			}
			if unpacked, ok := decompress(plain); ok {
				plain = unpacked
			}
			if !printable(plain) {
				continue
			}
			in.nestedCode(c, plain, r.lang)
			return true
		}
	}
	in.unreadable("%s evaluates what it decodes, which cannot be read here", r.v.tool)
	return true
}

func (in *interp) nestedCode(c *call, code string, lang language) {
	in.deeper(func() {
		saved := in.layer
		in.layer = &layer{src: code, outer: saved}
		in.code(c, code, lang)
		in.layer = saved
	})
}

func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' && r != '\r' || r == 0xFFFD })
}

// codeCommand walks a command that code runs. Where code has fetched something, a command that is not written out,
// or that names a file which the code names elsewhere too, runs that.
func (in *interp) codeCommand(c *call, r *reader, u codeUse, fetches []string) {
	if fetches != nil && (len(u.literals) == 0 && u.names || r.sharesPath(u)) {
		source := r.firstURL()
		in.report(RuntimeDownload, r.v.tool, source, []string{strings.TrimSpace(r.v.tool + " fetches " + source), "it is run"}, nil)
		return
	}
	if len(u.literals) == 0 {
		return
	}
	first := u.literals[0]
	if len(u.literals) > 1 && !strings.ContainsAny(first, " \t\n") {
		in.run(c.with(u.literals))
		return
	}
	in.childShell(first, scriptRun{via: r.v.tool + " runs it", fds: c.fds})
}

// codeInstalls reports a language's own function that installs packages.
func (in *interp) codeInstalls(c *call, r *reader) bool {
	if r.lang != rlang || !r.mentions("install.packages install_github") {
		return false
	}
	in.report(RuntimeInstall, c.name(), "", []string{c.name() + " installs packages"}, nil)
	return true
}

// reader answers questions about lexed code.
type reader struct {
	tokens  []token
	v       vocabulary
	lang    language
	aliases map[string]string // import subprocess as s
	counted map[string]int    // how often each string occurs
	runs    bool              // it names a module whose functions run commands
}

const (
	maxUses      = 100 // calls that are looked at
	maxCallWords = 500 // words of the arguments of one call
	maxLiterals  = 50  // strings of the arguments of one call
)

func newReader(tokens []token, v vocabulary, lang language) reader {
	r := reader{tokens: tokens, v: v, lang: lang, aliases: aliasesIn(tokens), counted: map[string]int{}}
	for _, t := range tokens {
		if t.kind == literal {
			r.counted[t.text]++
			r.runs = r.runs || strings.HasSuffix(t.text, "child_process")
		}
	}
	r.runs = r.runs || r.mentions("subprocess os pty")
	return r
}

func aliasesIn(tokens []token) map[string]string {
	var m map[string]string
	for i := 2; i < len(tokens); i++ {
		if tokens[i-1].text == "as" && tokens[i].kind == ident && tokens[i-2].kind == ident {
			if m == nil {
				m = map[string]string{}
			}
			m[tokens[i].text] = tokens[i-2].text
		}
	}
	return m
}

// lastName returns what stands last in a qualified name, and what stands before it.
func lastName(name string) (qualifier, last string) {
	i := max(strings.LastIndexByte(name, '.'), strings.LastIndexByte(name, ':'), strings.LastIndexByte(name, '>'))
	return strings.TrimRight(name[:max(i, 0)], ".:->"), name[i+1:]
}

// mentions tells whether one of the names occurs, as any part of a qualified one.
func (r *reader) mentions(names string) bool {
	list := strings.Fields(names)
	return slices.ContainsFunc(r.tokens, func(t token) bool {
		if t.kind != ident {
			return false
		}
		for _, part := range strings.FieldsFunc(t.text, func(c rune) bool { return strings.ContainsRune(".:->$@", c) }) {
			if slices.Contains(list, part) {
				return true
			}
		}
		return slices.Contains(list, t.text)
	})
}

func (r *reader) count(kind tokenKind) int {
	n := 0
	for _, t := range r.tokens {
		if t.kind == kind {
			n++
		}
	}
	return n
}

// anyModule says that a name counts whatever it belongs to.
const anyModule = "*"

// uses returns the calls of one of the names; from lists the modules that they must belong to.
func (r *reader) uses(names, from string) []codeUse {
	list, modules := strings.Fields(names), strings.Fields(from)
	var all []codeUse
	for i, t := range r.tokens {
		if len(all) >= maxUses {
			break
		}
		if t.kind == command && names == r.v.shell {
			all = append(all, codeUse{name: "`", literals: []string{t.text}, open: strings.HasPrefix(t.text, "$")})
			continue
		}
		qualifier, last := lastName(t.text)
		if t.kind != ident || !slices.Contains(list, last) || from != anyModule && !r.counts(t.text, qualifier, last, modules) {
			continue
		}
		if u := r.arguments(i + 1); u.names || len(u.literals) > 0 {
			u.name = t.text
			all = append(all, u)
		}
	}
	return all
}

// counts tells whether a name means what it seems to: exec is a method of JavaScript's regular expressions, too.
func (r *reader) counts(name, qualifier, last string, modules []string) bool {
	if a := r.aliases[qualifier]; a != "" {
		qualifier = a
	}
	_, module := lastName(qualifier)
	switch r.lang {
	case python:
		if len(modules) == 0 {
			return qualifier == "" && !strings.HasPrefix(name, ".") || qualifier == "builtins"
		}
		return slices.Contains(modules, module) || strings.HasPrefix(name, ".") && last != "run" ||
			qualifier == "" && r.runs && last != "call"
	case javascript:
		if strings.Contains(" "+r.v.shell+" ", " "+last+" ") {
			return r.runs
		}
	}
	return true
}

// arguments collects what stands in the parentheses at token i or, without any, up to the end of the statement.
func (r *reader) arguments(i int) codeUse {
	var u codeUse
	depth := 0
	parens := i < len(r.tokens) && r.tokens[i].text == "(" && r.tokens[i].kind == punct
	for stop := min(len(r.tokens), i+maxCallWords); i < stop && len(u.literals) < maxLiterals; i++ {
		t := r.tokens[i]
		switch {
		case t.kind == punct && strings.Contains("([{", t.text):
			depth++
		case t.kind == punct && strings.Contains(")]}", t.text):
			if depth--; depth <= 0 && parens || depth < 0 {
				return u
			}
		case t.kind == punct && (t.text == ";" || t.text == "\n") && !parens:
			return u
		case t.kind == literal:
			u.literals = append(u.literals, t.text)
		case t.kind == ident:
			u.open = u.open || len(u.literals) == 0 && !u.names
			u.names = u.names || i+1 >= len(r.tokens) || r.tokens[i+1].text != "=" || r.tokens[i+1].kind != punct
		}
	}
	return u
}

// fetches returns the names by which the code gets something from a URL; nil if it does not.
func (r *reader) fetches() []string {
	var all []string
	for i, t := range r.tokens {
		if t.kind != ident {
			continue
		}
		_, last := lastName(t.text)
		if !slices.Contains(strings.Fields(r.v.fetch), last) {
			continue
		}
		u := r.arguments(i + 1)
		if slices.ContainsFunc(u.literals, isURL) || r.lang == python || r.firstURL() != "" {
			all = append(all, t.text)
		}
	}
	return all
}

func (r *reader) firstURL() string {
	for _, t := range r.tokens {
		if t.kind == literal && isURL(t.text) {
			return t.text
		}
	}
	return ""
}

// sharesPath tells whether a command names a file that the code names outside of it too.
func (r *reader) sharesPath(u codeUse) bool {
	for _, t := range r.tokens {
		if t.kind != literal || len(t.text) < 2 || isURL(t.text) || strings.ContainsAny(t.text, " \n") || slices.Contains(u.literals, t.text) && r.counted[t.text] < 2 {
			continue
		}
		base := path.Base(t.text)
		if !strings.Contains(t.text, "/") && !strings.Contains(base, ".") {
			continue
		}
		for _, l := range u.literals {
			if strings.Contains(l, t.text) {
				return true
			}
		}
	}
	return false
}

// peer finds HOST:PORT among the strings and numbers of code, as far as it is written there.
func (r *reader) peer() string {
	host := ""
	for i, t := range r.tokens {
		if t.kind == literal && host == "" && looksLikeHost(t.text) {
			host = t.text
			for _, n := range r.tokens[i:min(i+4, len(r.tokens))] {
				if n.kind == number {
					return net.JoinHostPort(host, n.text)
				}
			}
		}
	}
	if host != "" {
		return host
	}
	return "a peer"
}

func looksLikeHost(s string) bool {
	if net.ParseIP(s) != nil {
		return true
	}
	return strings.Contains(s, ".") && !strings.ContainsAny(s, "/ \n<>&%") && !strings.HasSuffix(s, ".py") && !strings.HasSuffix(s, ".exe")
}
