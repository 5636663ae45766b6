package shell

import (
	"path"
	"strings"
)

// fetcher is a program that gets data from elsewhere.
type fetcher struct {
	options
	verb  string // what it does, for Steps: "fetches"
	store bool   // what it gets are settings and records
	// transfers says what it gets and where that goes.
	transfers func(p parsed) []transfer
}

// transfer is one thing that is fetched.
type transfer struct {
	source string
	dest   string // file; "" or "-" is standard output
	dir    string // folder in which dest lies, "" for the current one
	tree   bool   // dest is a folder full of files: a repository
}

// fetch walks a fetcher.
func (in *interp) fetch(c *call, name string, f fetcher) {
	p := f.parse(c.args())
	verb := f.verb
	if verb == "" {
		verb = "fetches"
	}
	switch name {
	case "curl":
		method := p.value("X", "request")
		if method == "" && p.has("d", "data", "data-raw", "data-binary", "json") {
			method = "POST"
		}
		in.runtimeRequest(name, p.value("unix-socket"), method, strings.Join(p.args, " "))
	case "rsync", "scp":
		if to := p.args[max(0, len(p.args)-1):]; len(p.args) > 1 && !strings.Contains(to[0], ":") {
			in.hostWrite(path.Join(in.path(to[0]), "x"), "")
		}
	case "ftp", "sftp":
		p = in.ftpScript(c, p)
	case "git":
		in.gitRuns(c, p)
	}
	for _, t := range f.transfers(p) {
		if local, ok := strings.CutPrefix(t.source, "file://"); ok {
			text, _ := in.content(c, local)
			in.deliver(c, t, text)
			continue
		}
		source := in.display(t.source)
		step := name + " " + verb + " " + source
		if source == "" {
			step = name + " " + verb + " something"
		}
		from := in.newFetch(name, t.source, false)
		from.store = f.store
		text := in.newHole(hole{
			spelling: "$(" + name + " " + source + ")",
			fetch:    from,
			steps:    []string{step},
		})
		in.deliver(c, t, text)
	}
}

// deliver puts what was fetched where it goes.
func (in *interp) deliver(c *call, t transfer, text string) {
	n, isFD := devFD(t.dest)
	switch {
	case t.tree:
		dir := in.path(t.dest)
		if dir == "" || dir == "." {
			dir = in.env.cwd
		}
		in.addTree(tree{dir: dir, text: text, home: dir == ""})
	case t.dest == "" || t.dest == "-":
		in.print(c, text)
	case isFD:
		in.write(c.fds.get(n), text)
	default:
		name := t.dest
		if t.dir != "" && !strings.HasPrefix(name, "/") {
			name = path.Join(t.dir, name)
		}
		in.writeFile(in.path(name), text, false)
		if strings.HasSuffix(name, "/") || !strings.Contains(path.Base(name), ".") {
			// it may be a folder; then the file takes its name from the source
			in.writeFile(path.Join(in.path(name), urlBase(t.source)), text, false)
		}
	}
}

// urlBase is the file name under which wget and curl -O store a URL.
func urlBase(url string) string {
	_, rest, ok := strings.Cut(url, "://")
	if !ok {
		rest = url
	}
	rest, _, _ = strings.Cut(rest, "?")
	rest, _, _ = strings.Cut(rest, "#")
	i := strings.LastIndexByte(rest, '/')
	if i < 0 || i == len(rest)-1 {
		return "index.html"
	}
	return rest[i+1:]
}

// curl stores nothing unless told to: -o FILE, -O, --output-dir.
func curlTransfers(p parsed) []transfer {
	if p.has("I", "head") && !p.has("i", "include") {
		return nil
	}
	urls := p.args
	var outs []string
	for _, o := range p.opts {
		switch o.name {
		case "url":
			urls = append(urls, o.value)
		case "o", "output":
			outs = append(outs, o.value)
		case "O", "remote-name":
			outs = append(outs, "\x00")
		}
	}
	var all []transfer
	for i, u := range urls {
		t := transfer{source: u, dir: p.value("output-dir")}
		if i < len(outs) {
			t.dest = outs[i]
		} else if p.has("remote-name-all") {
			t.dest = "\x00"
		}
		switch {
		case t.dest == "\x00" && p.has("J", "remote-header-name") || strings.Contains(t.dest, "#"):
			t.tree, t.dest = true, t.dir // the server says under which name, or the URL's pattern does
		case t.dest == "\x00":
			t.dest = urlBase(u)
		}
		all = append(all, t)
	}
	if from, ok := p.get("K", "config"); ok && len(all) == 0 {
		all = append(all, transfer{source: "the URLs in " + from, dest: firstOr(outs, "")})
	}
	return all
}

// wget stores a URL under its last component, unless -O says where.
func wgetTransfers(p parsed) []transfer {
	if p.has("spider") {
		return nil
	}
	var all []transfer
	for _, u := range p.args {
		t := transfer{source: u, dest: p.value("O", "output-document"), dir: p.value("P", "directory-prefix")}
		if t.dest == "" {
			t.dest = urlBase(u)
		} else {
			t.dir = ""
		}
		if p.has("r", "recursive", "m", "mirror", "content-disposition") && t.dest != "-" && !p.has("O", "output-document") {
			t.tree, t.dest = true, t.dir
		}
		all = append(all, t)
	}
	if from, ok := p.get("i", "input-file"); ok && len(all) == 0 {
		t := transfer{source: "the URLs in " + from, dest: p.value("O", "output-document")}
		if t.dest == "" {
			t.tree, t.dest = true, p.value("P", "directory-prefix")
		}
		all = append(all, t)
	}
	return all
}

// printed is a program that writes to standard output what its operands name.
func printed(p parsed) []transfer {
	var all []transfer
	for _, a := range p.args {
		all = append(all, transfer{source: a})
	}
	return all
}

// stored returns a function for programs that store a URL, under the name that one of the options gives.
func stored(out, dir []string) func(parsed) []transfer {
	return func(p parsed) []transfer {
		var all []transfer
		for _, a := range p.args {
			t := transfer{source: a, dest: p.value(out...), dir: p.value(dir...)}
			if t.dest == "" {
				t.dest = urlBase(a)
			}
			all = append(all, t)
		}
		return all
	}
}

// fetchers are the programs whose output, on a pipe or in a file, came from elsewhere.
var fetchers = map[string]fetcher{
	"curl": {options: options{short: "oHXduAebcxmwTFKEyYzrQCDPtU", long: curlLong}, transfers: curlTransfers},
	"wget": {options: options{short: "OPoaetTUiBARDIXlQw", long: "output-document directory-prefix output-file append-output " +
		"tries timeout user-agent input-file header post-data post-file user password ca-certificate certificate private-key " +
		"execute wait limit-rate load-cookies referer method body-data body-file "}, transfers: wgetTransfers},
	"wget2":       {options: options{short: "OPoaetTUiBARDIXlQw", long: "output-document directory-prefix header "}, transfers: wgetTransfers},
	"aria2c":      {options: options{short: "odsxkjlmtui", long: "out dir split header "}, transfers: stored([]string{"o", "out"}, []string{"d", "dir"})},
	"axel":        {options: options{short: "onsUHT", long: "output "}, transfers: stored([]string{"o", "output"}, nil)},
	"fetch":       {options: options{short: "oBNSTwi"}, transfers: stored([]string{"o"}, nil)},
	"lynx":        {options: options{single: true}, transfers: printed},
	"links":       {options: options{single: true}, transfers: printed},
	"links2":      {options: options{single: true}, transfers: printed},
	"elinks":      {options: options{single: true}, transfers: printed},
	"w3m":         {options: options{short: "TIOlo"}, transfers: printed},
	"http":        {options: options{short: "oapAs", long: "output auth print "}, transfers: httpieTransfers},
	"https":       {options: options{short: "oapAs", long: "output auth print "}, transfers: httpieTransfers},
	"xh":          {options: options{short: "oapAs", long: "output auth print "}, transfers: httpieTransfers},
	"GET":         {transfers: printed},
	"lwp-request": {options: options{short: "mHCpbtio"}, transfers: printed},
	"lwp-download": {options: options{short: "a"}, transfers: func(p parsed) []transfer {
		if len(p.args) == 0 {
			return nil
		}
		return []transfer{{source: p.args[0], dest: firstOr(p.args[1:], urlBase(p.args[0]))}}
	}},
	"finger":    {transfers: printed},
	"whois":     {options: options{short: "hp"}, transfers: printed},
	"smbclient": {options: options{short: "cUpWIN", long: "command user workgroup "}, transfers: smbTransfers},
	"bitsadmin": {transfers: func(p parsed) []transfer {
		for i, a := range p.args {
			if isURL(a) && i+1 < len(p.args) {
				return []transfer{{source: a, dest: windowsName(p.args[i+1])}}
			}
		}
		return nil
	}},

	"ftpget":   {options: options{short: "upP"}, transfers: ftpgetTransfers},
	"tftp":     {options: options{short: "lrbc"}, transfers: tftpTransfers},
	"ftp":      {options: options{short: "opP"}, transfers: stored([]string{"o"}, nil)},
	"ncftpget": {options: options{short: "upPd"}, transfers: stored(nil, nil)},
	"lftp":     {options: options{short: "ceupf"}, transfers: lftpTransfers},
	"scp":      {options: options{short: "cDFiJloPSX"}, transfers: remoteCopy},
	"sftp":     {options: options{short: "BbcDFiJloPRSsX"}, transfers: remoteCopy},
	"rsync":    {options: options{short: "eBfTM", long: "rsh exclude include "}, transfers: remoteCopy},

	"git": {options: options{short: "cCb", long: "depth branch origin config reference git-dir work-tree remote "}, verb: "gets", transfers: gitTransfers},
	"hg":  {verb: "gets", transfers: gitTransfers},
	"svn": {options: options{short: "r", long: "username password "}, verb: "gets", transfers: gitTransfers},

	"aws":    {options: options{long: "region profile endpoint-url bucket key query output name secret-id "}, store: true, transfers: cloudTransfers},
	"gsutil": {options: options{short: "o"}, transfers: cloudTransfers},
	"gcloud": {options: options{long: "project account "}, transfers: cloudTransfers},
	"az":     {options: options{short: "fncg", long: "file name container-name account-name account-key sas-token connection-string "}, transfers: azTransfers},
	"mc":     {transfers: cloudTransfers},
	"s3cmd":  {options: options{short: "c", long: "config "}, transfers: cloudTransfers},
	"s5cmd":  {options: options{long: "endpoint-url "}, transfers: cloudTransfers},
	"rclone": {options: options{long: "config "}, transfers: cloudTransfers},
	"ipfs":   {options: options{short: "o", long: "output "}, transfers: ipfsTransfers},
	"oras":   {options: options{short: "o", long: "output "}, transfers: orasTransfers},

	"psql":       asked("hpUdcfv", "host port username dbname command file ", "h", "host"),
	"mysql":      asked("hPuDeS", "host port user database execute ", "h", "host"),
	"mariadb":    asked("hPuDeS", "host port user database execute ", "h", "host"),
	"redis-cli":  asked("hpasn", "", "h"),
	"mongosh":    asked("", "host port eval ", "host"),
	"etcdctl":    asked("", "endpoints cacert cert key ", "endpoints"),
	"consul":     asked("", "http-addr ", "http-addr"),
	"vault":      asked("", "address field format ", "address"),
	"ldapsearch": asked("HDwbs", "", "H"),
	"crane":      {transfers: craneTransfers},
	"skopeo":     {options: options{long: "src-creds dest-creds policy "}, transfers: skopeoTransfers},
	"dig":        {options: options{short: "bcfkpqtxy"}, verb: "asks for", transfers: dnsTransfers},
	"host":       {options: options{short: "tcNRWm"}, verb: "asks for", transfers: dnsTransfers},
	"nslookup":   {options: options{single: true}, verb: "asks for", transfers: dnsTransfers},
}

const curlLong = "output header request data data-raw data-binary data-urlencode user user-agent referer cookie cookie-jar proxy " +
	"max-time write-out upload-file form config cert key cacert capath connect-timeout retry retry-delay retry-max-time " +
	"resolve interface limit-rate url output-dir json range oauth2-bearer unix-socket tls-max ciphers noproxy proto proto-redir " +
	"connect-to dns-servers local-port max-filesize max-redirs netrc-file pinnedpubkey proxy-user socks5 socks5-hostname "
