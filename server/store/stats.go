package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Waiting returns what is running, retrying and queued, in this order, at most limit of them.
func (s *Store) Waiting(ctx context.Context, limit int) ([]Pending, error) {
	waiting := []Pending{}
	rows, err := s.db.jobs(ctx, bound(limit, most))
	for _, row := range rows {
		if p, _ := pendingJob(row); p != nil {
			waiting = append(waiting, *p)
		}
	}
	return waiting, err
}

// Stats counts.
func (s *Store) Stats(ctx context.Context) (Stats, error) {
	var n Stats
	// Events come first: one that becomes a job meanwhile is counted twice, not never.
	var accepted int64
	err := s.db.query(ctx, func(scan func(...any) error) error {
		return scan(&n.Events, &accepted, &n.Dead, &n.Replicas)
	}, `SELECT (SELECT count(*) FROM tw_event WHERE resolved = 0), (SELECT coalesce(min(accepted), 0) FROM tw_event WHERE resolved = 0),
		(SELECT count(*) FROM tw_verdict WHERE dead = 1), (SELECT count(*) FROM tw_replica)`)
	if err != nil {
		return n, err
	}
	err = s.db.query(ctx, func(scan func(...any) error) error {
		var queue, state string
		var tried, count int
		if err := scan(&queue, &state, &tried, &count); err != nil {
			return err
		}
		switch {
		case queue == notifying:
			n.Notices += count
		case state == "running":
			n.Running += count
		case tried != 0:
			n.Retrying += count
		default:
			n.Queued += count
		}
		return nil
	}, `SELECT queue, CAST(state AS TEXT), CASE WHEN attempt > 0 THEN 1 ELSE 0 END, count(*) FROM river_job
		WHERE state IN (`+unfinishedSQL+`) AND queue IN ('`+judging+`', '`+notifying+`') GROUP BY 1, 2, 3`)
	if err != nil {
		return n, err
	}
	oldest, err := s.db.oldest(ctx)
	if err != nil {
		return n, err
	}
	if accepted != 0 && (oldest == 0 || accepted < oldest) {
		oldest = accepted
	}
	n.Oldest = moment(oldest)
	return n, nil
}

// Ready returns nil if the database can be written, and, between Work and Stop, this process takes part in the work and
// the queue has room.
func (s *Store) Ready(ctx context.Context) error {
	if !s.working.Load() {
		return errors.New("the workers are not started")
	}
	if s.full() {
		return ErrBusy
	}
	if silent := time.Since(time.UnixMilli(s.alive.Load())); silent > s.options.Lease {
		return fmt.Errorf("the database could not be written for %s", silent.Round(time.Second))
	}
	return s.db.write(ctx, func(ctx context.Context, tx transaction) error {
		_, err := tx.exec(ctx, `UPDATE tw_replica SET seen = seen WHERE id = $1`, s.id)
		return err
	})
}
