package store

import (
	"context"

	"github.com/riverqueue/river"
)

// Sweep sweeps now.
func (s *Store) Sweep(ctx context.Context) error { return s.sweep(ctx) }

// Nightly asks for what the night asks for, now.
func (s *Store) Nightly(ctx context.Context) error {
	return s.db.write(ctx, func(ctx context.Context, tx transaction) error {
		_, err := tx.insert(ctx, []river.InsertManyParams{{
			Args: rejudgeArgs{Policy: s.options.Policy, All: true}, InsertOpts: unique(keeping, first),
		}})
		return err
	})
}

// Count is the answer to a query of one number.
func (s *Store) Count(ctx context.Context, sql string, args ...any) (int64, error) {
	n, _, err := one(ctx, s.db, single[int64], sql, args...)
	return n, err
}

// Exec runs SQL.
func (s *Store) Exec(ctx context.Context, sql string, args ...any) error {
	return s.db.write(ctx, func(ctx context.Context, tx transaction) error {
		_, err := tx.exec(ctx, sql, args...)
		return err
	})
}

// Tell tells who watches.
func (s *Store) Tell(ctx context.Context, change Change) error { return s.db.tell(ctx, change) }

// Beat gives a sign of life now, and takes back what the dead were doing.
func (s *Store) Beat(ctx context.Context) error { return s.beat(ctx) }

// Write runs SQL in a transaction, and then fails or panics, if it is told to.
func (s *Store) Write(ctx context.Context, sql string, failure error, panics bool) error {
	return s.db.write(ctx, func(ctx context.Context, tx transaction) error {
		if _, err := tx.exec(ctx, sql); err != nil {
			return err
		}
		if panics {
			panic("in a transaction")
		}
		return failure
	})
}

// NextDaily is when a time of day is, the next time.
var NextDaily = daily.Next

// Daily is a time of day.
type Daily = daily
