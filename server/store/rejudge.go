package store

import (
	"context"
	"time"

	"github.com/riverqueue/river"
)

// rejudgeArgs ask for everything that matters to be judged by a policy: what is deployed, or newest of a tag.
type rejudgeArgs struct {
	Policy string `json:"policy" river:"unique"`
	// All asks for what has a verdict of the policy too: waivers and signatures expire.
	All bool `json:"all" river:"unique"`
}

// Kind is the name of these jobs in the database.
func (rejudgeArgs) Kind() string { return "rejudge" }

// pageLimit is how many rows the upkeep handles in one transaction, so that nobody waits for it.
const pageLimit = "200"

type rejudger struct {
	river.WorkerDefaults[rejudgeArgs]
	s *Store
}

// Timeout is none: it is many short transactions.
func (*rejudger) Timeout(*river.Job[rejudgeArgs]) time.Duration { return -1 }

// matters are the two kinds of images that are judged again, without what is of both kinds in the second.
var matters = []string{
	`SELECT DISTINCT host, repository, digest FROM tw_tag m WHERE TRUE`,
	`SELECT host, repository, digest FROM tw_image m WHERE deployed > 0 AND NOT EXISTS (SELECT 1 FROM tw_tag t
		WHERE t.host = m.host AND t.repository = m.repository AND t.digest = m.digest)`,
}

// Work queues judgings, a page at a time. If it is interrupted it begins again, and finds most of them queued.
func (w *rejudger) Work(ctx context.Context, job *river.Job[rejudgeArgs]) error {
	unjudged := ""
	if !job.Args.All {
		unjudged = ` AND coalesce((SELECT v.dead FROM tw_verdict v WHERE v.host = m.host AND v.repository = m.repository
			AND v.digest = m.digest AND v.policy = $4 ORDER BY v.finished DESC, v.id DESC LIMIT 1), 1) = 1`
	}
	for _, images := range matters {
		var after Image
		for {
			values := []any{after.Host, after.Repository, after.Digest}
			if !job.Args.All {
				values = append(values, job.Args.Policy)
			}
			page, err := all(ctx, w.s.db, readImage, images+` AND (host, repository, digest) > ($1, $2, $3)`+unjudged+
				` ORDER BY host, repository, digest LIMIT `+pageLimit, values...)
			if err != nil {
				return handBack(ctx, err)
			}
			if len(page) == 0 {
				break
			}
			after = page[len(page)-1]
			if err := w.s.enqueueAll(ctx, page, job.Args); err != nil {
				return handBack(ctx, err)
			}
		}
	}
	return nil
}

// handBack gives a job back that was interrupted because the process stops.
func handBack(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return river.JobSnooze(0)
	}
	return err
}

func readImage(scan func(...any) error) (Image, error) {
	var i Image
	err := scan(&i.Host, &i.Repository, &i.Digest)
	return i, err
}

func (s *Store) enqueueAll(ctx context.Context, images []Image, args rejudgeArgs) error {
	return s.db.write(ctx, func(ctx context.Context, tx transaction) error {
		var wanted []judgeArgs
		for _, image := range images {
			if err := s.db.lock(ctx, tx, image.Name()); err != nil { // sorted, as all who hold more than one
				return err
			}
			judging := newJudging(image, image.Digest, args.Policy, Rules, "")
			if !args.All {
				// It may have been judged since the page was read.
				if known, err := s.judged(ctx, tx, judging); err != nil || known {
					if err != nil {
						return err
					}
					continue
				}
			}
			wanted = append(wanted, judging)
		}
		_, err := s.enqueue(ctx, tx, wanted, last)
		return err
	})
}

// enqueueRejudge asks for what the policy has not judged.
func (s *Store) enqueueRejudge(ctx context.Context) error {
	return s.db.write(ctx, func(ctx context.Context, tx transaction) error {
		_, err := tx.insert(ctx, []river.InsertManyParams{{
			Args: rejudgeArgs{Policy: s.options.Policy}, InsertOpts: unique(keeping, first),
		}})
		return err
	})
}

// periodic are the jobs that the clock queues. One of the processes does.
func (s *Store) periodic() []*river.PeriodicJob {
	return []*river.PeriodicJob{
		river.NewPeriodicJob(daily(s.options.Rejudge), func() (river.JobArgs, *river.InsertOpts) {
			return rejudgeArgs{Policy: s.options.Policy, All: true}, unique(keeping, first)
		}, nil),
		river.NewPeriodicJob(river.PeriodicInterval(time.Hour), func() (river.JobArgs, *river.InsertOpts) {
			return sweepArgs{}, unique(keeping, first)
		}, nil),
	}
}

// daily is a time of day, UTC.
type daily time.Duration

// Next is when it is that time the next time.
func (d daily) Next(now time.Time) time.Time {
	next := now.UTC().Truncate(24 * time.Hour).Add(time.Duration(d))
	if !next.After(now) {
		next = next.Add(24 * time.Hour)
	}
	return next
}
