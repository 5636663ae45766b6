package store

import (
	"bytes"
	"log/slog"
	"testing"
)

// What River is glad of is for who looks for a mistake; what it warns of is for everybody.
func TestRiverLog(t *testing.T) {
	for level, want := range map[slog.Level]string{
		slog.LevelDebug: "DEBUG", slog.LevelInfo: "DEBUG", slog.LevelWarn: "WARN", slog.LevelError: "ERROR", slog.LevelDebug - 4: "DEBUG-4",
	} {
		for _, shown := range []slog.Level{slog.LevelDebug - 4, slog.LevelInfo} {
			var out bytes.Buffer
			log := riverLog(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: shown, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
				if a.Key == slog.TimeKey {
					return slog.Attr{}
				}
				return a
			}})))
			log.With("queue", "judge").WithGroup("job").Log(t.Context(), level, "told", "id", 1)
			line := "level=" + want + " msg=told queue=judge job.id=1\n"
			if shown == slog.LevelInfo && level < slog.LevelWarn {
				line = ""
			}
			if out.String() != line {
				t.Errorf("at %v, where %v is shown: got %q, want %q", level, shown, out.String(), line)
			}
		}
	}
}
