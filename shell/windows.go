package shell

import (
	"encoding/base64"
	"strings"
	"unicode/utf16"
)

// powershell looks into PowerShell, as far as names and words tell: -Command, -EncodedCommand, or a script on its
// input.
func (in *interp) powershell(c *call) effect {
	args := c.args()
	for i, a := range args {
		option := strings.ToLower(strings.TrimLeft(a, "-/"))
		rest := args[i+1:]
		switch {
		case option == a && i == 0, option == strings.ToLower(a) && !strings.HasPrefix(a, "-"):
			if strings.HasSuffix(option, ".ps1") {
				return in.powershellFile(c, a)
			}
			if i == 0 {
				in.powershellCode(c, strings.Join(args, " "))
				return effect{}
			}
		case option != "" && strings.HasPrefix("encodedcommand", option) || option == "ec":
			if len(rest) > 0 {
				in.encodedCommand(c, rest[0])
			}
			return effect{}
		case option != "" && strings.HasPrefix("command", option):
			if len(rest) == 1 && rest[0] == "-" {
				break
			}
			in.powershellCode(c, strings.Join(rest, " "))
			return effect{}
		case option != "" && strings.HasPrefix("file", option) && len(rest) > 0:
			return in.powershellFile(c, rest[0])
		}
	}
	if in.reverseShell(c, false) {
		return effect{}
	}
	in.executed(in.stdin(c), "its output is piped into "+c.name())
	return effect{}
}

// powershellStatements walks the native programs that code starts, and notes the files that it downloads.
func (in *interp) powershellStatements(c *call, code string) {
	for statement := range strings.FieldsFuncSeq(code, func(r rune) bool { return strings.ContainsRune(";\n|&{}", r) }) {
		argv := windowsFields(strings.ReplaceAll(strings.TrimSpace(statement), "'", `"`))
		if len(argv) == 0 || !in.step() {
			continue
		}
		in.downloadedFile(statement)
		name := programName(strings.ToLower(argv[0]))
		if name == "certutil" {
			in.certutil(argv)
			continue
		}
		if name == "start-process" && len(argv) > 1 {
			argv = argv[1:]
			name = programName(strings.ToLower(argv[0]))
		}
		if _, made := in.files[in.path(windowsName(argv[0]))]; made || in.recognised(name) && !strings.Contains(psFetch+psEval+psStart, " "+name+" ") {
			in.runWindows(c, argv)
		}
	}
}

// downloadedFile notes the file of a DownloadFile('url', 'file').
func (in *interp) downloadedFile(statement string) {
	if !strings.Contains(strings.ToLower(statement), "downloadfile(") {
		return
	}
	url := firstURLIn(statement)
	_, rest, _ := strings.Cut(statement, url)
	words := strings.FieldsFunc(rest, func(r rune) bool { return strings.ContainsRune("'\",() ", r) })
	if url == "" || len(words) == 0 {
		return
	}
	text := in.newHole(hole{spelling: url, fetch: in.newFetch("powershell", url, false), steps: []string{"powershell fetches " + url}})
	in.writeFile(in.path(windowsName(words[0])), text, false)
}

func (in *interp) powershellFile(c *call, name string) effect {
	text, shown := in.content(c, name)
	if in.leading(text) != nil {
		in.executed(text, in.via(shown, "run by "+c.name()))
	} else {
		in.powershellCode(c, text)
	}
	return effect{}
}

// encodedCommand is Base64 of UTF-16.
func (in *interp) encodedCommand(c *call, encoded string) {
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(raw)%2 != 0 {
		in.unreadable("%s -EncodedCommand is given what is not Base64 of UTF-16", c.name())
		return
	}
	units := make([]uint16, len(raw)/2)
	for i := range units {
		units[i] = uint16(raw[2*i]) | uint16(raw[2*i+1])<<8
	}
	plain := string(utf16.Decode(units))
	in.deeper(func() {
		in.within(&layer{src: plain, outer: in.layer}, func() { in.powershellCode(c, plain) })
	})
}

// Words of PowerShell, in lower case; a backquote within a word is dropped before it is looked up.
const (
	psFetch   = " invoke-webrequest iwr invoke-restmethod irm curl wget downloadstring downloadfile downloaddata start-bitstransfer "
	psEval    = " iex invoke-expression [scriptblock]::create invokescript "
	psStart   = " start-process saps & start invoke-item ii . "
	psInstall = " install-module install-package install-script "
)

func (in *interp) powershellCode(c *call, code string) {
	in.charge(parseWeight * len(code))
	defer in.powershellStatements(c, code)
	words := powershellWords(code)
	has := func(list string) bool {
		for _, w := range words {
			if strings.Contains(list, " "+w+" ") {
				return true
			}
		}
		return false
	}
	lower := strings.ToLower(code)
	source := firstURLIn(code)
	switch {
	case strings.Contains(lower, "net.sockets.tcpclient") && strings.Contains(lower, "getstream") && (has(psEval) || has(psStart) || has(" start-process cmd powershell ")):
		in.report(ReverseShell, c.name(), "", []string{c.name() + " connects to a peer", "it runs what it receives"}, nil)
	case has(psFetch) && has(psEval):
		in.report(RuntimeDownload, c.name(), source, []string{c.name() + " fetches " + source, "it is evaluated by Invoke-Expression"}, nil)
	case has(psFetch) && startsFetched(words):
		in.report(RuntimeDownload, c.name(), source, []string{c.name() + " fetches " + source + " into a file", "it is run"}, nil)
	case has(psInstall):
		in.report(RuntimeInstall, c.name(), "", []string{c.name() + " installs packages"}, nil)
	}
}

// powershellWords splits code into lower-case words, apart from the quotes and brackets around them.
func powershellWords(code string) []string {
	code = strings.ToLower(strings.ReplaceAll(code, "`", ""))
	words := strings.FieldsFunc(code, func(r rune) bool { return strings.ContainsRune(" \t\r\n;|(){}'\",=", r) })
	for i, w := range words {
		if len(w) > 1 {
			words[i] = strings.TrimLeft(w, ".") // ).DownloadString(
		}
	}
	return words
}

// startsFetched tells whether a word that names a program occurs twice: where it is written, and where it is run.
func startsFetched(words []string) bool {
	seen := map[string]bool{}
	for _, w := range words {
		w = strings.TrimLeft(w, `./\`)
		name := programName(w) + ".exe"
		program := strings.HasSuffix(w, ".exe") || strings.HasSuffix(w, ".ps1") || strings.HasSuffix(w, ".bat") || strings.HasSuffix(w, ".cmd")
		if program && !isURL(w) {
			if seen[name] {
				return true
			}
			seen[name] = true
		}
	}
	return false
}

func firstURLIn(code string) string {
	for _, w := range strings.FieldsFunc(code, func(r rune) bool { return strings.ContainsRune(" \t\r\n;|(){}'\",", r) }) {
		if isURL(w) {
			return w
		}
	}
	return ""
}

// cmdExe is cmd /c: its commands are walked like those of a shell, one after the other.
func (in *interp) cmdExe(c *call) effect {
	args := c.args()
	for len(args) > 0 && strings.HasPrefix(args[0], "/") && !strings.EqualFold(args[0], "/c") && !strings.EqualFold(args[0], "/k") {
		args = args[1:]
	}
	if len(args) == 0 {
		in.reverseShell(c, false)
		return effect{}
	}
	line := strings.Join(args[1:], " ")
	for _, part := range windowsCommands(line) {
		argv := windowsFields(part)
		if len(argv) == 0 {
			continue
		}
		if strings.EqualFold(programName(argv[0]), "certutil") {
			in.certutil(argv)
			continue
		}
		if strings.EqualFold(argv[0], "start") || strings.EqualFold(argv[0], "call") {
			argv = argv[1:]
		}
		in.runWindows(c, argv)
	}
	return effect{}
}

// windowsFields splits a command line at spaces outside of double quotes.
func windowsFields(line string) []string {
	var s splitter
	quoted := false
	for i := 0; i < len(line); i++ {
		switch {
		case line[i] == '"':
			quoted = !quoted
			s.add("")
		case line[i] == ' ' && !quoted:
			s.end()
		case line[i] == '^' && !quoted:
		default:
			s.add(line[i : i+1])
		}
	}
	s.end()
	return s.fields
}

// commandLine takes apart a command that is one text instead of arguments: images for Windows hold a shell's so, by
// ArgsEscaped. Elsewhere nothing is called so.
func commandLine(args []string) []string {
	if len(args) == 0 || !strings.Contains(args[0], " ") {
		return args
	}
	line := strings.Join(args, " ")
	words := windowsFields(line)
	if len(words) == 0 {
		return args
	}
	switch programName(strings.ToLower(words[0])) {
	case "cmd":
		if at := strings.Index(strings.ToLower(line), " /c "); at >= 0 {
			return []string{words[0], "/c", line[at+len(" /c "):]}
		}
		return words
	case "powershell", "pwsh":
		return words
	}
	return args
}

// windowsCommands splits what cmd is given into commands, outside of double quotes. Those around the whole are cmd's.
func windowsCommands(line string) []string {
	line = strings.TrimSpace(line)
	if strings.Count(line, `"`) > 1 && line[0] == '"' && line[len(line)-1] == '"' {
		line = line[1 : len(line)-1]
	}
	var commands []string
	quoted, from := false, 0
	for i := range len(line) {
		switch c := line[i]; {
		case c == '"':
			quoted = !quoted
		case !quoted && (c == '&' || c == '|'):
			commands = append(commands, line[from:i])
			from = i + 1
		}
	}
	return append(commands, line[from:])
}

// certutil is certutil -urlcache -f URL FILE.
func (in *interp) certutil(argv []string) {
	for i, a := range argv {
		if isURL(a) && i+1 < len(argv) {
			text := in.newHole(hole{spelling: a, fetch: in.newFetch("certutil", a, false), steps: []string{"certutil fetches " + a}})
			in.writeFile(in.path(windowsName(argv[i+1])), text, false)
		}
	}
}

func windowsName(name string) string {
	return strings.TrimSuffix(strings.ToLower(strings.ReplaceAll(name, `\`, "/")), ".exe")
}

// windowsHost is a program of Windows that runs what a URL names: mshta, regsvr32, rundll32, msiexec.
func (in *interp) windowsHost(c *call) effect {
	for _, a := range c.args() {
		if u := a[max(0, strings.Index(strings.ToLower(a), "http")):]; isURL(u) {
			in.report(RuntimeDownload, c.argv[0], u, []string{c.argv[0] + " fetches " + u, "it is run"}, nil)
		}
	}
	return effect{}
}

func (in *interp) runWindows(c *call, argv []string) {
	if len(argv) == 0 {
		return
	}
	name := in.path(windowsName(argv[0]))
	if f, ok := in.files[name]; ok {
		in.executed(f.text, in.display(argv[0])+" is run")
		return
	}
	switch programName(strings.ToLower(argv[0])) {
	case "mshta", "regsvr32", "rundll32", "msiexec":
		in.windowsHost(c.with(argv))
	default:
		lower := append([]string{strings.ToLower(argv[0])}, argv[1:]...)
		for i, a := range lower {
			if i > 0 && (lower[i-1] == "-o" || lower[i-1] == "-O") {
				lower[i] = windowsName(a)
			}
		}
		in.run(c.with(lower))
	}
}
