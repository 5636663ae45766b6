package store

import (
	"context"
	"time"
)

// EndSession remembers that a session of the page was ended, though it would have lasted until then.
func (s *Store) EndSession(ctx context.Context, id string, until time.Time) error {
	return s.db.write(ctx, func(ctx context.Context, tx transaction) error {
		_, err := tx.exec(ctx, `INSERT INTO tw_ended_session (id, until) VALUES ($1, $2) ON CONFLICT DO NOTHING`, id, until.UnixMilli())
		return err
	})
}

// SessionEnded tells whether a session was ended.
func (s *Store) SessionEnded(ctx context.Context, id string) (bool, error) {
	_, found, err := one(ctx, s.db, single[string], `SELECT id FROM tw_ended_session WHERE id = $1`, id)
	return found, err
}
