package store

import (
	"context"
	"time"

	"github.com/riverqueue/river"
)

// sweepArgs ask for what is older than Options.Retention to be deleted.
type sweepArgs struct{}

// Kind is the name of these jobs in the database.
func (sweepArgs) Kind() string { return "sweep" }

type sweeper struct {
	river.WorkerDefaults[sweepArgs]
	s *Store
}

// Timeout is none: it is many short transactions.
func (*sweeper) Timeout(*river.Job[sweepArgs]) time.Duration { return -1 }

// Work sweeps.
func (w *sweeper) Work(ctx context.Context, _ *river.Job[sweepArgs]) error {
	return handBack(ctx, w.s.sweep(ctx))
}

// broom deletes one kind of rows: pick says which are older than $1, in Unix milliseconds or, byDay, as a date. Each of
// deletes gets the columns of each row; the first looks again, because rows are picked outside of the transaction.
type broom struct {
	pick    string
	columns int
	byDay   bool
	deletes []string
}

// kept says of a verdict v that it is the newest of an image that is deployed or newest of a tag.
const kept = `NOT EXISTS (SELECT 1 FROM tw_verdict n WHERE n.host = v.host AND n.repository = v.repository
		AND n.digest = v.digest AND (n.finished, n.id) > (v.finished, v.id))
	AND (EXISTS (SELECT 1 FROM tw_tag t WHERE t.host = v.host AND t.repository = v.repository AND t.digest = v.digest)
		OR EXISTS (SELECT 1 FROM tw_image i WHERE i.host = v.host AND i.repository = v.repository AND i.digest = v.digest AND i.deployed > 0))`

// idle says of an image i that nothing is known about it and nothing to come.
const idle = `deployed = 0
	AND NOT EXISTS (SELECT 1 FROM tw_verdict v WHERE v.host = i.host AND v.repository = i.repository AND v.digest = i.digest)
	AND NOT EXISTS (SELECT 1 FROM river_job j WHERE j.id = i.job AND j.state IN (` + unfinishedSQL + `))`

var brooms = []broom{
	{`SELECT id FROM tw_verdict v WHERE finished < $1 AND NOT (` + kept + `)`, 1, false, []string{
		`DELETE FROM tw_verdict AS v WHERE id = $1 AND NOT (` + kept + `)`,
		`DELETE FROM tw_finding WHERE verdict = $1 AND NOT EXISTS (SELECT 1 FROM tw_verdict WHERE id = $1)`,
	}},
	{`SELECT seq FROM tw_event WHERE accepted < $1 AND resolved > 0`, 1, false, []string{
		`DELETE FROM tw_event WHERE seq = $1`,
	}},
	{`SELECT host, repository, tag, digest, pushed, seq FROM tw_tag_history h WHERE pushed < $1
		AND NOT EXISTS (SELECT 1 FROM tw_tag t WHERE t.host = h.host AND t.repository = h.repository AND t.tag = h.tag
			AND t.pushed = h.pushed AND t.seq = h.seq)`, 6, false, []string{
		`DELETE FROM tw_tag_history WHERE host = $1 AND repository = $2 AND tag = $3 AND digest = $4 AND pushed = $5 AND seq = $6`,
	}},
	{`SELECT DISTINCT day FROM tw_rule_day WHERE day < $1`, 1, true, []string{
		`DELETE FROM tw_rule_day WHERE day = $1`,
	}},
	{`SELECT host, repository, digest FROM tw_image i WHERE ` + idle + ` AND CAST($1 AS BIGINT) > 0`, 3, false, []string{
		`DELETE FROM tw_image AS i WHERE host = $1 AND repository = $2 AND digest = $3 AND ` + idle,
		`DELETE FROM tw_announced WHERE host = $1 AND repository = $2 AND subject = $3`,
	}},
	{`SELECT hash, used FROM tw_blob b WHERE used < $1 AND NOT EXISTS (SELECT 1 FROM tw_verdict WHERE report = b.hash)
		AND NOT EXISTS (SELECT 1 FROM tw_verdict WHERE sbom = b.hash)`, 2, false, []string{
		`DELETE FROM tw_blob WHERE hash = $1 AND used = $2`,
	}},
	{`SELECT id FROM tw_ended_session WHERE until < $1`, 1, false, []string{
		`DELETE FROM tw_ended_session WHERE id = $1`,
	}},
}

// sweep deletes what is too old.
func (s *Store) sweep(ctx context.Context) error {
	horizon := s.options.Now().Add(-s.options.Retention).UTC()
	for _, b := range brooms {
		var older any = horizon.UnixMilli()
		if b.byDay {
			older = horizon.Format(time.DateOnly)
		}
		for more := true; more; {
			var err error
			if more, err = s.sweepPage(ctx, b, older); err != nil {
				return err
			}
		}
	}
	return nil
}

// sweepPage deletes a page of rows, and tells whether there may be more.
func (s *Store) sweepPage(ctx context.Context, b broom, older any) (bool, error) {
	page, err := all(ctx, s.db, func(scan func(...any) error) ([]any, error) {
		row, into := make([]any, b.columns), make([]any, b.columns)
		for i := range row {
			into[i] = &row[i]
		}
		return row, scan(into...)
	}, b.pick+` LIMIT `+pageLimit, older)
	if err != nil || len(page) == 0 {
		return false, err
	}
	var gone int64
	err = s.db.write(ctx, func(ctx context.Context, tx transaction) error {
		gone = 0
		for _, row := range page {
			for _, statement := range b.deletes {
				n, err := tx.exec(ctx, statement, row...)
				if err != nil {
					return err
				}
				gone += n
			}
		}
		return nil
	})
	return gone > 0, err
}
