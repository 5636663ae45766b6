package shell

import (
	"cmp"
	"path"
	"slices"
	"strings"
)

// startInterpreter walks what an interpreter runs before the code that it is told to run: files that it looks for by
// itself, and those that a variable or an option names.
func (in *interp) startInterpreter(c *call, lang language) {
	switch lang {
	case python:
		in.startPython(c)
	case javascript:
		in.startNode(c)
	case perl:
		in.startPerl(c)
	case ruby:
		in.startRuby(c)
	case php:
		in.startPHP(c)
	}
}

// begins runs those of the container's files that a name or a pattern means, each once, and returns their names.
func (in *interp) begins(c *call, pattern string, lang language, code func(text string) string) []string {
	if !in.known(pattern) {
		return nil
	}
	names := in.asked(pattern)
	for _, name := range names {
		if in.begun[name] {
			continue
		}
		if in.begun == nil {
			in.begun = map[string]bool{}
		}
		in.begun[name] = true
		text := in.fileText(name)
		if code != nil {
			text = code(text)
		}
		in.codeOf(c, place{file: name, line: 1}, text, lang)
	}
	return names
}

// codeOf walks code that stands in a file. That it cannot be read is no news: libraries are large.
func (in *interp) codeOf(c *call, at place, text string, lang language) {
	why := in.why
	in.deeper(func() {
		in.within(&layer{src: text, outer: in.layer, via: c.name() + " runs it as it starts", at: at}, func() { in.code(c, text, lang) })
	})
	if !in.budget.stopped {
		in.why = why
	}
}

// startPython walks sitecustomize and usercustomize, and the lines of .pth files that are code.
func (in *interp) startPython(c *call) {
	folders := in.foldersIn("PYTHONPATH")
	prefixes := []string{"/usr", "/usr/local", in.setting("VIRTUAL_ENV"), in.setting("PYTHONHOME"), cmp.Or(in.setting("HOME"), "/root") + "/.local"}
	for _, dir := range append(in.foldersIn("PATH"), path.Dir(c.argv[0])) {
		if path.IsAbs(dir) && path.Base(dir) == "bin" {
			prefixes = append(prefixes, path.Dir(dir))
		}
	}
	slices.Sort(prefixes)
	for _, prefix := range slices.Compact(prefixes) {
		if !path.IsAbs(prefix) {
			continue
		}
		folders = append(folders, path.Join(prefix, "lib/python3*"))
		for _, site := range []string{"lib/python3*/site-packages", "lib/python3*/dist-packages", "lib64/python3*/site-packages"} {
			folders = append(folders, path.Join(prefix, site))
			in.startPth(c, path.Join(prefix, site))
		}
	}
	for _, dir := range folders {
		in.begins(c, path.Join(dir, "sitecustomize.py"), python, nil)
		in.begins(c, path.Join(dir, "usercustomize.py"), python, nil)
	}
}

// startPth walks the code in the .pth files of a folder, and the modules beside them that it imports.
func (in *interp) startPth(c *call, dir string) {
	for _, name := range in.begins(c, path.Join(dir, "*.pth"), python, pthCode) {
		for _, line := range strings.Split(pthCode(in.fileText(name)), "\n") {
			module, _, _ := strings.Cut(strings.TrimPrefix(line, "import"), ";")
			for _, m := range strings.Split(module, ",") {
				if m = strings.TrimSpace(m); m != "" && !strings.ContainsAny(m, "/*?[ ") {
					file := path.Join(path.Dir(name), strings.ReplaceAll(m, ".", "/"))
					in.begins(c, file+".py", python, nil)
					in.begins(c, file+"/__init__.py", python, nil)
				}
			}
		}
	}
}

// pthCode are the lines of a .pth file that Python runs, each in its place.
func pthCode(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if !strings.HasPrefix(line, "import ") && !strings.HasPrefix(line, "import\t") {
			lines[i] = ""
		}
	}
	return strings.Join(lines, "\n")
}

// startNode walks the modules that node is told to load first.
func (in *interp) startNode(c *call) {
	words := append(splitString(strings.ReplaceAll(in.setting("NODE_OPTIONS"), "'", `\'`)), c.args()...)
	for i, w := range words {
		name, value, has := strings.Cut(w, "=")
		switch {
		case slices.Contains([]string{"-r", "--require", "--import", "--loader", "--experimental-loader"}, name):
			if !has {
				value = firstOr(words[i+1:], "")
			}
			in.startModule(c, value)
		case strings.HasPrefix(w, "-r") && len(w) > 2:
			in.startModule(c, w[2:])
		}
	}
}

// startModule walks a module of node: code in a URL, a file, or a package.
func (in *interp) startModule(c *call, module string) {
	if rest, ok := strings.CutPrefix(module, "data:"); ok {
		kind, code, _ := strings.Cut(rest, ",")
		if plain, ok := percentDecoded(code); ok {
			code = plain
		}
		if plain, ok := decodeBase64(code); ok && strings.HasSuffix(kind, ";base64") {
			code = plain
		}
		in.codeOf(c, place{}, code, javascript)
		return
	}
	file := strings.TrimPrefix(module, "file://")
	if file == "" || strings.ContainsAny(file, wildcards) {
		return
	}
	if !strings.HasPrefix(file, "/") && !strings.HasPrefix(file, ".") {
		file = path.Join("node_modules", file)
	}
	for _, end := range []string{"", ".js", ".cjs", ".mjs", "/index.js"} {
		in.begins(c, in.path(file+end), javascript, nil)
	}
}

// startPerl walks the modules of perl's -M, of which each may bring code of its own.
func (in *interp) startPerl(c *call) {
	dirs := in.foldersIn("PERL5LIB")
	words := append(strings.Fields(in.setting("PERL5OPT")), c.args()...)
	for i, w := range words {
		switch {
		case strings.HasPrefix(w, "-Mlib="):
			dirs = append(dirs, in.path(w[len("-Mlib="):]))
		case w == "-I":
			dirs = append(dirs, in.path(firstOr(words[i+1:], "")))
		case strings.HasPrefix(w, "-I"):
			dirs = append(dirs, in.path(w[2:]))
		}
	}
	dirs = append(dirs, "/etc/perl", "/usr/local/lib/site_perl", "/usr/share/perl5", "/usr/local/share/perl/5*")
	for _, w := range words {
		module, ok := strings.CutPrefix(w, "-M")
		if !ok {
			module, ok = strings.CutPrefix(w, "-m")
		}
		if device, debugger := strings.CutPrefix(w, "-d:"); debugger {
			module, ok = "Devel::"+device, true
		}
		if !ok || module == "" {
			continue
		}
		if strings.ContainsAny(module, ";({") {
			in.codeOf(c, place{}, "use "+module, perl)
		}
		module, _, _ = strings.Cut(strings.TrimPrefix(module, "-"), "=")
		if strings.ContainsAny(module, wildcards+"/ ") {
			continue
		}
		for _, dir := range dirs {
			in.begins(c, path.Join(dir, strings.ReplaceAll(module, "::", "/")+".pm"), perl, nil)
		}
	}
}

// startRuby walks the files of ruby's -r.
func (in *interp) startRuby(c *call) {
	dirs := in.foldersIn("RUBYLIB")
	words := append(strings.Fields(in.setting("RUBYOPT")), c.args()...)
	for _, w := range words {
		if dir, ok := strings.CutPrefix(w, "-I"); ok && dir != "" {
			dirs = append(dirs, in.path(dir))
		}
	}
	for i, w := range words {
		file, ok := strings.CutPrefix(w, "-r")
		if !ok {
			continue
		}
		if file == "" {
			file = firstOr(words[i+1:], "")
		}
		if strings.ContainsAny(file, wildcards) || file == "" {
			continue
		}
		for _, dir := range append(dirs, in.env.cwd) {
			if path.IsAbs(file) {
				dir = ""
			}
			in.begins(c, path.Join(dir, file), ruby, nil)
			in.begins(c, path.Join(dir, file)+".rb", ruby, nil)
		}
	}
}

// phpSettings are where PHP looks for its settings.
var phpSettings = []string{
	"/usr/local/etc/php/php.ini", "/usr/local/etc/php/conf.d/*.ini", "/etc/php.ini", "/etc/php.d/*.ini",
	"/etc/php/*/*/php.ini", "/etc/php/*/*/conf.d/*.ini", "/etc/php*/php.ini", "/etc/php*/conf.d/*.ini",
	"/usr/local/etc/php-fpm.d/*.conf", "/etc/php/*/fpm/pool.d/*.conf", "/etc/php*/php-fpm.d/*.conf",
}

// startPHP walks the files that PHP is told to run before and after each script.
func (in *interp) startPHP(c *call) {
	args := c.args()
	for i, a := range args {
		if setting, ok := strings.CutPrefix(a, "-d"); ok {
			if setting == "" {
				setting = firstOr(args[i+1:], "")
			}
			in.phpSetting(c, setting)
		}
	}
	settings := phpSettings
	for _, dir := range in.foldersIn("PHP_INI_SCAN_DIR") {
		settings = append(settings[:len(settings):len(settings)], path.Join(dir, "*.ini"))
	}
	if file := (options{short: "cdf"}).parse(args).value("c"); file != "" {
		settings = append(settings[:len(settings):len(settings)], in.path(file), path.Join(in.path(file), "php.ini"))
	}
	for _, pattern := range settings {
		if !in.known(pattern) {
			continue
		}
		for _, name := range in.asked(pattern) {
			for _, e := range parseINI(in.fileText(name)) {
				in.phpSetting(c, e.key+"="+e.value)
			}
		}
	}
}

// phpSetting walks the file of auto_prepend_file and auto_append_file, also as php_admin_value[auto_prepend_file].
func (in *interp) phpSetting(c *call, setting string) {
	name, value, _ := strings.Cut(setting, "=")
	if _, inner, ok := strings.Cut(name, "["); ok {
		name = strings.TrimSuffix(strings.TrimSpace(inner), "]")
	}
	file := strings.Trim(strings.TrimSpace(value), `"'`)
	if name = strings.TrimSpace(name); name != "auto_prepend_file" && name != "auto_append_file" || file == "" || strings.ContainsAny(file, wildcards) {
		return
	}
	in.begins(c, in.path(file), php, nil)
}

// setting is the value of a variable, "" if it is not set.
func (in *interp) setting(variable string) string {
	value, _ := in.env.vars.get(variable)
	return value
}

// startByVariables walks what interpreters are told by variables to run first, whether or not one is seen to start: what
// starts it may be a program of which nothing is known.
func (in *interp) startByVariables() {
	for _, v := range []struct {
		name, program string
		start         func(*call)
	}{
		{"NODE_OPTIONS", "node", in.startNode}, {"PERL5OPT", "perl", in.startPerl}, {"RUBYOPT", "ruby", in.startRuby},
	} {
		if in.setting(v.name) != "" {
			v.start(&call{argv: []string{v.program}, fds: &in.env.fds})
		}
	}
}

// foldersIn is the value of a variable that holds folders.
func (in *interp) foldersIn(variable string) []string {
	var all []string
	for _, dir := range strings.Split(in.setting(variable), ":") {
		if dir != "" && len(all) < maxBraces {
			all = append(all, in.path(dir))
		}
	}
	return all
}
