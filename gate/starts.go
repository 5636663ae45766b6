package gate

import (
	"path"
	"slices"
	"strings"

	"github.com/tidewaiter/tidewaiter/image"
	"github.com/tidewaiter/tidewaiter/manifests"
	"github.com/tidewaiter/tidewaiter/shell"
)

// ownCommands are the command lines of an image.
func ownCommands(c image.Config, texts imageTexts) []command {
	var all []command
	add := func(where string, args []string) {
		if len(args) > 0 {
			all = append(all, command{
				where: where, path: []any{"config", where}, args: args, workDir: path.Join("/", c.WorkingDir), env: environmentOf(c), files: texts.Scripts(),
			})
		}
	}
	add("entrypoint", slices.Concat(c.Entrypoint, c.Cmd))
	switch check := c.Healthcheck; {
	case len(check) > 1 && check[0] == "CMD":
		add("healthcheck", check[1:])
	case len(check) > 1 && check[0] == "CMD-SHELL":
		add("healthcheck", append([]string{"sh", "-c"}, check[1:]...))
	}
	return all
}

// followed are the folders, and files, of what starts by itself whose commands are followed into the files that they
// start. What else starts by itself is a distribution's: there it would lead into the maintenance of packages.
var followed = []string{
	"/etc/crontab", "/etc/cron.d/", "/etc/crontabs/", "/var/spool/cron/", "/etc/systemd/system/", "/etc/inittab", "/etc/rc.local",
	"/docker-entrypoint.d/", "/docker-entrypoint-initdb.d/", "/etc/cont-init.d/", "/etc/cont-finish.d/", "/etc/services.d/",
	"/etc/service/", "/etc/sv/", "/etc/s6-overlay/",
}

// autostart is something that starts by itself, with the files that it finds.
func autostart(c image.Config, name string, texts imageTexts) command {
	cmd := command{where: "autostart", path: []any{"files", name}, args: []string{name}, workDir: "/"}
	if slices.ContainsFunc(followed, func(f string) bool { return name == f || strings.HasSuffix(f, "/") && strings.HasPrefix(name, f) }) {
		cmd.env, cmd.files = environmentOf(c), texts.Scripts()
	}
	return cmd
}

// sought are the files of an image that its own commands and those of containers read, as far as that is known by the
// texts that were read before.
func sought(containers []manifests.Container, c image.Config, texts imageTexts) []string {
	var names []string
	add := func(cmd command, result shell.Result) {
		for _, name := range result.Sought {
			names = append(names, cmd.absolute(name))
		}
	}
	for _, cmd := range ownCommands(c, texts) {
		add(cmd, cmd.analyze())
	}
	facts := &platformFacts{config: c, scripts: texts.Scripts()}
	for _, container := range containers {
		for _, cmd := range imageCommands(container, facts) {
			add(cmd, cmd.analyze())
		}
	}
	for _, name := range texts.Autostarts() {
		if cmd := autostart(c, name, texts); cmd.files != nil {
			text, _ := texts.Script(name)
			add(cmd, cmd.analyzeFile(name, text))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
