package store

import (
	"context"
	"embed"
	"fmt"
	"log/slog"
	"strings"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivermigrate"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrateRiver brings River's tables up to date.
func migrateRiver[TTx any](ctx context.Context, driver riverdriver.Driver[TTx], log *slog.Logger) error {
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: riverLog(log)})
	if err != nil {
		return err
	}
	_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return err
}

// migrate brings our own tables up to date: each file of migrations that the database has not seen, in order of their
// names, in one transaction. A database that has seen more than we know is of a newer program, and is left alone.
func migrate(ctx context.Context, tx transaction, dialect *strings.Replacer) error {
	if _, err := tx.exec(ctx, `CREATE TABLE IF NOT EXISTS tw_migration (name TEXT PRIMARY KEY)`); err != nil {
		return err
	}
	seen, err := all(ctx, tx, single[string], `SELECT name FROM tw_migration`)
	if err != nil {
		return err
	}
	todo, err := unseen(seen)
	if err != nil {
		return err
	}
	for _, name := range todo {
		text, err := migrations.ReadFile("migrations/" + name)
		if err != nil {
			return err
		}
		for _, statement := range strings.SplitAfter(dialect.Replace(string(text)), ";\n") {
			if strings.TrimSpace(statement) == "" {
				continue
			}
			if _, err := tx.exec(ctx, statement); err != nil {
				return fmt.Errorf("migration %s: %w", name, err)
			}
		}
		if _, err := tx.exec(ctx, `INSERT INTO tw_migration (name) VALUES ($1)`, name); err != nil {
			return err
		}
	}
	return nil
}

// unseen returns the migrations that are not among those that the database has seen.
func unseen(seen []string) ([]string, error) {
	entries, err := migrations.ReadDir("migrations") // sorted
	if err != nil {
		return nil, err
	}
	past := map[string]bool{}
	for _, name := range seen {
		past[name] = true
	}
	var todo []string
	for _, entry := range entries {
		if !past[entry.Name()] {
			todo = append(todo, entry.Name())
		}
		delete(past, entry.Name())
	}
	for name := range past {
		return nil, fmt.Errorf("the database has migration %q, which this version does not know: use the newer version that made it", name)
	}
	return todo, nil
}
