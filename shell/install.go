package shell

import (
	"path"
	"slices"
	"strings"
)

// installer is a package manager.
type installer struct {
	short string // short options that take a value
	long  string // long options that take a value
	verbs string // subcommands that install
	flags string // short options that install: pacman -S, rpm -i
	runs  string // subcommands that fetch a package and run it at once
	bare  bool   // without a subcommand it installs: yarn
	// phrases are subcommands of two words that install, separated by commas; of a program with phrases alone, the
	// rest is not a package manager's.
	phrases string
}

const pipLong = "requirement constraint index-url extra-index-url target prefix root find-links timeout retries proxy cert python "

// installers are the package managers.
var installers = map[string]installer{
	"apt-get":                {short: "octa", long: "option config-file target-release ", verbs: "install upgrade dist-upgrade full-upgrade build-dep reinstall satisfy"},
	"apt":                    {short: "octa", long: "option config-file target-release ", verbs: "install upgrade dist-upgrade full-upgrade build-dep reinstall satisfy"},
	"aptitude":               {short: "oqt", verbs: "install upgrade full-upgrade safe-upgrade dist-upgrade reinstall"},
	"apk":                    {short: "Xpt", long: "repository root virtual keys-dir repositories-file arch ", verbs: "add upgrade fix"},
	"yum":                    yumLike,
	"dnf":                    yumLike,
	"dnf5":                   yumLike,
	"microdnf":               yumLike,
	"tdnf":                   yumLike,
	"rpm-ostree":             {verbs: "install upgrade"},
	"zypper":                 {short: "RCDr", long: "root repo plus-repo ", verbs: "install in update up dist-upgrade dup patch"},
	"pacman":                 {short: "br", long: "root dbpath config ", flags: "S"},
	"yay":                    {flags: "S"},
	"emerge":                 {bare: true},
	"xbps-install":           {bare: true},
	"opkg":                   {verbs: "install upgrade"},
	"swupd":                  {verbs: "bundle-add update"},
	"dpkg":                   {flags: "i"},
	"rpm":                    {flags: "iUF"},
	"snap":                   {verbs: "install"},
	"flatpak":                {verbs: "install"},
	"brew":                   {verbs: "install upgrade"},
	"nix-env":                {short: "fpA", flags: "iA"},
	"nix":                    {verbs: "profile", runs: "run shell"},
	"guix":                   {verbs: "install"},
	"pip":                    {short: "rcitfe", long: pipLong, verbs: "install"},
	"pipx":                   {long: "index-url python ", verbs: "install upgrade inject", runs: "run"},
	"pipenv":                 {verbs: "install sync update"},
	"poetry":                 {short: "CEP", verbs: "install add update"},
	"uv":                     {short: "r", long: pipLong, verbs: "pip add sync tool"},
	"uvx":                    {long: "from with python index-url ", bare: true, runs: "*"},
	"easy_install":           {short: "fid", bare: true},
	"conda":                  {short: "ncp", long: "name channel prefix ", verbs: "install create update upgrade", phrases: "env update,env create"},
	"mamba":                  {short: "ncp", long: "name channel prefix ", verbs: "install create update upgrade", phrases: "env update,env create"},
	"micromamba":             {short: "ncpf", long: "name channel prefix file ", verbs: "install create update upgrade"},
	"npm":                    {long: "prefix registry workspace cache loglevel ", verbs: "install i add ci install-clean update up upgrade isntall", runs: "exec x init create"},
	"npx":                    {short: "pc", long: "package call registry cache ", runs: "*"},
	"yarn":                   {long: "cwd registry modules-folder ", verbs: "install add global upgrade", runs: "dlx create", bare: true},
	"pnpm":                   {short: "C", long: "dir registry filter ", verbs: "install i add update up", runs: "dlx create"},
	"pnpx":                   {runs: "*"},
	"bun":                    {long: "cwd ", verbs: "install i add update", runs: "x create"},
	"bunx":                   {runs: "*"},
	"gem":                    {short: "viPsn", long: "version install-dir source bindir ", verbs: "install update i"},
	"bundle":                 {long: "path gemfile jobs retry ", verbs: "install update add", bare: true},
	"bundler":                {verbs: "install update add", bare: true},
	"cargo":                  {long: "version git branch tag rev path root registry ", verbs: "install binstall"},
	"composer":               {short: "d", long: "working-dir ", verbs: "install update require create-project global"},
	"luarocks":               {long: "server tree ", verbs: "install build"},
	"cpan":                   {bare: true},
	"cpanm":                  {short: "lLM", long: "local-lib mirror ", bare: true},
	"pear":                   {verbs: "install upgrade"},
	"pecl":                   {verbs: "install upgrade"},
	"cabal":                  {verbs: "install"},
	"stack":                  {verbs: "install"},
	"opam":                   {verbs: "install"},
	"mix":                    {verbs: "deps.get archive.install"},
	"dotnet-tool":            {verbs: "install"},
	"install_packages":       {bare: true}, // of minideb and Bitnami
	"docker-php-ext-install": {short: "j", bare: true},
	"install-plugins.sh":     {bare: true},
	"jenkins-plugin-cli":     {short: "pfd", long: "war plugin-download-directory ", bare: true},
	"elasticsearch-plugin":   {verbs: "install"},
	"opensearch-plugin":      {verbs: "install"},
	"logstash-plugin":        {verbs: "install update"},
	"kibana-plugin":          {verbs: "install"},
	"helm":                   {long: "namespace kube-context kubeconfig ", phrases: "plugin install,plugin update"},
	"kubectl":                {short: "nf", phrases: "krew install,krew upgrade"},
	"krew":                   {verbs: "install upgrade"},
	"ansible-galaxy":         {short: "rp", phrases: "collection install,role install,install "},
	"jupyter":                {phrases: "labextension install,nbextension install,serverextension install"},
	"grafana-cli":            {long: "pluginUrl pluginsDir repo ", phrases: "plugins install,plugins update,plugins update-all"},
	"grafana":                {phrases: "cli plugins"},
	"wp":                     {long: "path url user ", phrases: "plugin install,theme install,core update,plugin update"},
	"code-server":            {phrases: "--install-extension "},
	"code":                   {phrases: "--install-extension "},
	"gh":                     {phrases: "extension install"},
	"dotnet":                 {phrases: "tool install,tool update,tool restore"},
	"az":                     {short: "n", long: "name source ", phrases: "extension add"},
	"gcloud":                 {phrases: "components install,components update"},
	"tlmgr":                  {verbs: "install update"},
	"asdf":                   {verbs: "install", phrases: "plugin add"},
	"nvm":                    {verbs: "install"},
	"sdk":                    {verbs: "install"},
	"rustup":                 {verbs: "update", phrases: "toolchain install,component add,target add"},
	"rebar3":                 {verbs: "get-deps"},
	"bower":                  {verbs: "install"},
	"lein":                   {verbs: "deps"},
	"vcpkg":                  {verbs: "install"},
	"conan":                  {verbs: "install"},
	"spack":                  {verbs: "install"},
	"choco":                  {verbs: "install upgrade"},
	"winget":                 {verbs: "install upgrade"},
	"scoop":                  {verbs: "install update"},
}

var yumLike = installer{short: "cdexR", long: "installroot releasever enablerepo disablerepo setopt repo config ",
	verbs: "install localinstall groupinstall reinstall update upgrade swap distro-sync"}

func isInstaller(name string) bool {
	_, ok := installers[name]
	return ok
}

// install walks a package manager, and tells whether the program is one.
func (in *interp) install(c *call, name string) bool {
	i, ok := installers[name]
	if !ok {
		return false
	}
	p := options{short: i.short, long: i.long}.parse(c.args())
	if p.has("version", "help", "V") {
		return true
	}
	if operands, ok := phraseOf(i, c.args(), p); ok {
		in.installs(c, name, operands)
		return true
	}
	if i.phrases != "" && i.verbs == "" {
		return false // it does other things besides
	}
	if url := p.value("git"); name == "cargo" && url != "" && firstOr(p.args, "") == "install" {
		in.installs(c, name, []string{"git+" + url})
		return true
	}
	if i.runs == "*" {
		in.runsPackage(c, name, p.args, p)
		return true
	}
	if i.flags != "" && hasFlag(i, p) || i.bare && len(p.args) == 0 {
		in.installs(c, name, p.args)
		return true
	}
	if i.bare && i.verbs == "" {
		in.installs(c, name, p.args)
		return true
	}
	verb := firstOr(p.args, "")
	if slices.Contains([]string{"conda", "mamba", "micromamba", "poetry", "pipenv", "uv", "bundle"}, name) && (verb == "run" || verb == "exec") {
		rest := c.args()[slices.Index(c.args(), verb)+1:]
		in.run(c.with(options{short: "npC", long: "name prefix cwd with python extra "}.commandIn(rest)))
		return true
	}
	operands := p.args[min(1, len(p.args)):]
	switch {
	case verb == "":
	case slices.Contains(strings.Fields(i.runs), verb):
		in.runsPackage(c, name, operands, p)
	case slices.Contains(strings.Fields(i.verbs), verb) && !harmless(name, verb, operands, p):
		in.installs(c, name, operands)
	}
	return true
}

// phraseOf finds the subcommand of two words that installs, and what stands behind it. One that begins with dashes
// is an option.
func phraseOf(i installer, args []string, p parsed) (operands []string, ok bool) {
	for phrase := range strings.SplitSeq(i.phrases, ",") {
		first, second, _ := strings.Cut(phrase, " ")
		switch {
		case first == "":
		case strings.HasPrefix(first, "-"):
			if at := slices.IndexFunc(args, func(a string) bool { return a == first || strings.HasPrefix(a, first+"=") }); at >= 0 {
				return args[min(at+1, len(args)):], true
			}
		case len(p.args) > 0 && p.args[0] == first && second == "":
			return p.args[1:], true
		case len(p.args) > 1 && p.args[0] == first && p.args[1] == second:
			return p.args[2:], true
		}
	}
	return nil, false
}

func hasFlag(i installer, p parsed) bool {
	for _, o := range p.opts {
		if len(o.name) == 1 && strings.Contains(i.flags, o.name) {
			asks := p.has("q", "query") || o.name == "S" && p.has("s", "i", "l", "g", "c")
			return !asks // rpm -qi, pacman -Ss
		}
		if o.name == "install" || o.name == "upgrade" || o.name == "sync" || o.name == "import-archive" {
			return true
		}
	}
	return false
}

// harmless tells the verbs that share a name with one that installs: uv pip list, yarn global bin, --dry-run.
func harmless(name, verb string, operands []string, p parsed) bool {
	if p.has("dry-run", "simulate", "just-print", "download-only", "downloadonly", "help", "h") {
		return true
	}
	if strings.HasPrefix(name, "apt") && p.has("s", "d") {
		return true
	}
	second := firstOr(operands, "")
	switch verb {
	case "pip":
		return second != "install" && second != "sync"
	case "tool":
		return second != "install" && second != "run"
	case "global":
		return second != "add" && second != "require"
	case "profile":
		return second != "install" && second != "add"
	}
	return false
}

// installs reports an installation. Where it takes the package from a URL or a fetched file, code is fetched and
// run: packages bring scripts of their own.
func (in *interp) installs(c *call, name string, operands []string) {
	packages := operands
	for _, o := range operands {
		if isURL(o) || strings.HasPrefix(o, "git+") || strings.HasPrefix(o, "git://") || strings.Contains(o, "@git+") || strings.Contains(o, " @ http") {
			f := in.newFetch(name, o, false)
			in.report(RuntimeDownload, name, o, []string{name + " fetches " + o, name + " installs it, which runs its code"}, f)
			return
		}
		if h := in.fetchedOperand(o); h != nil {
			in.report(RuntimeDownload, h.fetch.tool, h.fetch.source, appendStep(h.steps, name+" installs "+o+", which runs its code"), h.fetch)
			return
		}
	}
	source := strings.Join(packages, " ")
	what := name + " installs " + source
	if source == "" {
		what = name + " installs packages"
	}
	in.report(RuntimeInstall, name, source, []string{what}, nil)
	in.print(c, in.unknown("$("+name+")"))
}

// fetchedOperand returns where a file or folder that a program is given was fetched from, if it was.
func (in *interp) fetchedOperand(arg string) *hole {
	if len(in.files) == 0 && len(in.trees) == 0 || arg == "" {
		return nil
	}
	name := in.path(arg)
	if f, ok := in.lookup(name); ok {
		return in.fetched(f.text)
	}
	for _, t := range in.trees {
		if _, ok := within(t.dir, path.Join(name, "x")); ok && !t.home && (strings.ContainsAny(arg, "./")) {
			return in.fetched(t.text)
		}
	}
	return nil
}

// runsPackage is npx and its like: the package is fetched, unless it is there, and run.
func (in *interp) runsPackage(c *call, name string, operands []string, p parsed) {
	if p.has("no-install", "no", "offline", "help", "version") {
		return
	}
	pkg := p.value("p", "package", "from")
	if pkg == "" {
		pkg = firstOr(operands, p.value("c", "call"))
	}
	if pkg == "" || strings.HasPrefix(pkg, ".") || strings.HasPrefix(pkg, "/") {
		return
	}
	if !p.has("p", "package") && in.runsInstalled(c, name, operands) {
		return
	}
	f := in.newFetch(name, pkg, false)
	in.report(RuntimeDownload, name, pkg, []string{name + " fetches " + pkg + " unless it is installed", "it is run"}, f)
}

// runsInstalled runs a package's program where the container has it already: then it is not fetched, unless a version is
// asked for.
func (in *interp) runsInstalled(c *call, name string, operands []string) bool {
	if name != "npx" && name != "npm" && name != "bunx" || len(operands) == 0 || strings.ContainsAny(operands[0], "@/"+wildcards) {
		return false
	}
	file := in.path(path.Join("node_modules/.bin", operands[0]))
	if len(in.asked(file)) == 0 {
		return false
	}
	in.run(c.with(append([]string{file}, operands[1:]...)))
	return true
}

// goTool is go run and go install of a module with a version.
func (in *interp) goTool(c *call) effect {
	p := options{short: "Co"}.parse(c.args())
	verb, operands := firstOr(p.args, ""), p.args[min(1, len(p.args)):]
	if verb == "mod" && (firstOr(operands, "") == "download" || firstOr(operands, "") == "tidy") {
		in.report(RuntimeInstall, "go", "", []string{"go gets the modules of the program"}, nil)
		return effect{}
	}
	if verb != "run" && verb != "install" && verb != "get" {
		in.print(c, in.unknown("$(go "+verb+")")+"\n")
		return effect{}
	}
	for _, o := range operands {
		module, _, versioned := strings.Cut(o, "@")
		switch {
		case verb == "run" && versioned:
			f := in.newFetch("go", o, false)
			in.report(RuntimeDownload, "go", o, []string{"go fetches " + o, "it is compiled and run"}, f)
			return effect{}
		case verb == "run" && in.fetchedOperand(o) != nil:
			h := in.fetchedOperand(o)
			in.report(RuntimeDownload, h.fetch.tool, h.fetch.source, appendStep(h.steps, o+" is compiled and run"), h.fetch)
			return effect{}
		case verb == "install" && (strings.HasPrefix(o, ".") || strings.HasPrefix(o, "/")): // the module itself
		case verb == "install" && strings.Contains(o, "."), verb == "get":
			in.report(RuntimeInstall, "go", o, []string{"go installs " + o}, nil)
			text := in.newHole(hole{spelling: o, fetch: in.newFetch("go", o, false), steps: []string{"go installs " + o}})
			in.writeFile("/usr/local/bin/"+path.Base(module), text, false)
			in.writeFile(in.variable("HOME")+"/go/bin/"+path.Base(module), text, false)
			in.writeFile("/go/bin/"+path.Base(module), text, false)
			if dir, ok := in.env.vars.get("GOBIN"); ok {
				in.writeFile(in.path(path.Join(dir, path.Base(module))), text, false)
			}
		}
		if verb == "run" {
			text, _ := in.content(c, o)
			if !in.merelyUnknown(text) {
				in.code(c, text, golang)
			}
			return effect{}
		}
	}
	return effect{}
}
