package shell

import "strings"

// extraction is the command line of tar, unzip and their like.
type extraction struct {
	archive  string // "" or "-" is standard input
	dir      string // "" is the current folder
	stdout   bool   // what is unpacked goes to standard output
	extracts bool
}

func parseExtraction(name string, args []string) extraction {
	p := options{short: "fCdoIbXT", long: "file directory "}.parse(args)
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
		if strings.Contains(letters, "f") {
			x.archive = firstOr(rest, "")
		}
	}
	return x
}

// extract is tar, unzip and their like.
func (in *interp) extract(c *call) effect {
	x := parseExtraction(c.name(), c.args())
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
	return effect{}
}
