package store

import (
	"context"
	"log/slog"
)

// riverLog is what River logs to: what it has to tell besides warnings is of its own works, and for who looks for a mistake.
func riverLog(log *slog.Logger) *slog.Logger { return slog.New(quiet{log.Handler()}) }

// quiet makes what is worth knowing what is worth looking for.
type quiet struct{ slog.Handler }

func (q quiet) level(level slog.Level) slog.Level {
	if level < slog.LevelWarn {
		return min(level, slog.LevelDebug)
	}
	return level
}

func (q quiet) Enabled(ctx context.Context, level slog.Level) bool {
	return q.Handler.Enabled(ctx, q.level(level))
}

func (q quiet) Handle(ctx context.Context, record slog.Record) error {
	record.Level = q.level(record.Level)
	return q.Handler.Handle(ctx, record)
}

func (q quiet) WithAttrs(attrs []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(attrs)} }

func (q quiet) WithGroup(name string) slog.Handler { return quiet{q.Handler.WithGroup(name)} }
