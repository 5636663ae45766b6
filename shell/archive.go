package shell

import (
	"path"
	"strings"
)

// extraction is the command line of tar, unzip and their like.
type extraction struct {
	archive  string // "" or "-" is standard input
	dir      string // "" is the current folder
	stdout   bool   // what is unpacked goes to standard output
	extracts bool
}

func parseExtraction(name string, args []string) extraction {
	p := options{short: extractionOptions[name], long: "file directory use-compress-program to-command checkpoint-action strip-components exclude "}.parse(args)
	x := extraction{
		archive:  p.value("f", "file"),
		dir:      p.value("C", "directory"),
		extracts: p.has("x", "extract", "get"),
		stdout:   p.has("O", "to-stdout"),
	}
	rest := p.args[min(1, len(p.args)):]
	switch name {
	case "unzip", "unsquashfs":
		return extraction{firstOr(p.args, ""), p.value("d"), p.has("p"), !p.has("l")}
	case "dpkg-deb":
		return extraction{firstOr(p.args, ""), firstOr(rest, ""), false, p.has("x", "extract", "X", "R")}
	case "7z", "7za", "7zr", "ar", "jar":
		return extraction{firstOr(rest, x.archive), p.value("o"), false, strings.ContainsAny(firstOr(p.args, ""), "xe")}
	case "cpio":
		return extraction{p.value("F"), p.value("D"), false, p.has("i", "extract")}
	}
	if letters := firstOr(args, ""); !strings.HasPrefix(letters, "-") { // the old style: tar xzf FILE
		x.extracts = strings.Contains(letters, "x")
		x.stdout = x.stdout || strings.Contains(letters, "O")
		for _, letter := range letters { // each with a value takes the next operand
			value := firstOr(rest, "")
			switch letter {
			case 'f':
				x.archive = value
			case 'C':
				x.dir = value
			case 'b', 'X', 'T', 'K', 'N', 'V', 'I', 'g', 'H', 'L', 'F':
			default:
				continue
			}
			rest = rest[min(1, len(rest)):]
		}
	}
	return x
}

// extractionOptions are the short options with a value.
var extractionOptions = map[string]string{
	"tar": "fCIbXTHKLNFVg", "gtar": "fCIbXTHKLNFVg", "bsdtar": "fCbXTs", "unzip": "dxP", "cpio": "DFIOHCEMR", "unsquashfs": "dpef", "7z": "o", "7za": "o", "7zr": "o",
}

// extract is tar, unzip and their like.
func (in *interp) extract(c *call) effect {
	x := parseExtraction(c.name(), c.args())
	in.tarRuns(c)
	if !x.extracts {
		return effect{}
	}
	text := ""
	if x.archive == "" || x.archive == "-" {
		text = in.stdin(c)
	} else {
		text, _ = in.content(c, x.archive)
	}
	if x.stdout {
		in.print(c, in.derived(text, "$("+c.name()+")", c.name()+" unpacks it"))
		return effect{}
	}
	target := in.env.cwd
	if x.dir != "" {
		target = in.path(x.dir)
	}
	in.unpack(target, text)
	in.hostWrite(path.Join(target, "x"), "")
	return effect{}
}

// tarRuns walks the commands that options of tar start.
func (in *interp) tarRuns(c *call) {
	p := options{short: extractionOptions["tar"], long: "use-compress-program to-command checkpoint-action rsh-command info-script new-volume-script "}.parse(c.args())
	if !strings.HasSuffix(c.name(), "tar") {
		return
	}
	for _, o := range p.opts {
		switch o.name {
		case "checkpoint-action":
			if script, ok := strings.CutPrefix(o.value, "exec="); ok {
				in.childShell(script, scriptRun{via: "tar runs it", fds: c.fds})
			}
		case "use-compress-program", "I", "to-command", "rsh-command", "F", "info-script", "new-volume-script":
			if strings.ContainsAny(o.value, " /") {
				in.childShell(o.value, scriptRun{via: "tar runs it", fds: c.fds})
			}
		}
	}
}
