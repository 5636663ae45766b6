package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/tidewaiter/tidewaiter/gate"
)

// judgeArgs are one judging. While one is unfinished, no other with the same first four fields is queued.
type judgeArgs struct {
	Host       string `json:"host" river:"unique"`
	Repository string `json:"repository" river:"unique"`
	Digest     string `json:"digest" river:"unique"`
	Policy     string `json:"policy" river:"unique"`

	// ID is of the verdict to come. A job that is worked twice, because a process died or was thought dead, can so only
	// give one verdict.
	ID     string `json:"id"`
	Reason Reason `json:"reason"`
	Note   string `json:"note,omitempty"`
}

// Kind is the name of these jobs in the database.
func (judgeArgs) Kind() string { return "judge" }

func (a judgeArgs) image() Image { return Image{a.Host, a.Repository, a.Digest} }

// newJudging is a judging of a digest in the repository of image.
func newJudging(image Image, digest, policy string, reason Reason, note string) judgeArgs {
	return judgeArgs{
		Host: image.Host, Repository: image.Repository, Digest: digest, Policy: policy,
		ID: newID(), Reason: reason, Note: note,
	}
}

// enqueue queues judgings: those of pushes only if the image has no verdict of the policy. Who asks for an image that is
// being judged gets it judged once more after that, since what it is about may not have been there at the beginning. It returns
// how many were not queued before.
func (s *Store) enqueue(ctx context.Context, tx transaction, wanted []judgeArgs, priority int) (news int64, err error) {
	var todo []judgeArgs
	for _, args := range wanted {
		if args.Reason == Pushed {
			known, err := s.judged(ctx, tx, args)
			if err != nil {
				return 0, err
			}
			if known {
				continue
			}
		}
		todo = append(todo, args)
	}
	// One order for all transactions, and one of a kind: PostgreSQL does not take two in one statement.
	slices.SortStableFunc(todo, func(a, b judgeArgs) int {
		return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.Repository, b.Repository), cmp.Compare(a.Digest, b.Digest),
			cmp.Compare(a.Policy, b.Policy), cmp.Compare(weight(a.Reason), weight(b.Reason)))
	})
	todo = slices.CompactFunc(todo, func(a, b judgeArgs) bool { return a.image() == b.image() && a.Policy == b.Policy })
	jobs := make([]river.InsertManyParams, len(todo))
	for i, args := range todo {
		jobs[i] = river.InsertManyParams{Args: args, InsertOpts: unique(judging, priority)}
	}
	results, err := tx.insert(ctx, jobs)
	if err != nil {
		return 0, err
	}
	for i, result := range results {
		if err := s.enqueued(ctx, tx, todo[i], priority, result); err != nil {
			return 0, err
		}
		if !result.UniqueSkippedAsDuplicate {
			news++
		}
	}
	return news, nil
}

// weight lets who asks for a new judgement go before a push, for which an old one would do.
func weight(reason Reason) int {
	if reason == Pushed {
		return 1
	}
	return 0
}

// enqueued remembers the job of an image, and that someone asks for it.
func (s *Store) enqueued(ctx context.Context, tx transaction, args judgeArgs, priority int, result *rivertype.JobInsertResult) error {
	asked := 0
	if args.Reason == Signature || args.Reason == Asked {
		asked = 1 // for the others, the judging that goes on will do
	}
	if _, err := tx.exec(ctx, `INSERT INTO tw_image (host, repository, digest, asked, job) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (host, repository, digest) DO UPDATE SET job = excluded.job, asked = tw_image.asked + excluded.asked`,
		args.Host, args.Repository, args.Digest, asked, result.Job.ID); err != nil {
		return err
	}
	if result.UniqueSkippedAsDuplicate {
		// What the night has queued must not let a push wait until the morning.
		_, err := tx.exec(ctx, `UPDATE river_job SET priority = $1 WHERE id = $2 AND priority > $1`, priority, result.Job.ID)
		return err
	}
	return tx.publish(ctx, Change{Kind: Enqueued, ID: args.ID, Host: args.Host, Repository: args.Repository, Digest: args.Digest})
}

// judged tells whether an image has a verdict of the policy that a push need not have repeated. The one that holds counts:
// if nobody could judge the image the last time, what was found before that helps no one.
func (s *Store) judged(ctx context.Context, q querier, args judgeArgs) (bool, error) {
	verdict, found, err := current(ctx, q, args.image(), args.Policy)
	return found && !verdict.Dead && !s.outOfDate(verdict), err
}

// asked is how many have asked for an image.
func asked(ctx context.Context, q querier, image Image) (int64, error) {
	n, _, err := one(ctx, q, single[int64], `SELECT asked FROM tw_image WHERE host = $1 AND repository = $2 AND digest = $3`,
		image.Host, image.Repository, image.Digest)
	return n, err
}

type judge struct {
	river.WorkerDefaults[judgeArgs]
	s *Store
}

// Timeout bounds an attempt.
func (w *judge) Timeout(*river.Job[judgeArgs]) time.Duration { return w.s.options.JudgeTimeout }

// nightly are the further attempts at what is judged again without anybody asking: with the default backoff, a registry may be
// away for half a day before it denies what it has allowed.
const nightly = 12

// attempts is how often it is tried to judge an image.
func (s *Store) attempts(reason Reason) int {
	if reason == Rules {
		return s.options.Attempts + nightly
	}
	return s.options.Attempts
}

// patience is how long a process waits before it looks again at work of another policy.
const patience = 2 * time.Second

// Work judges an image and writes its verdict down, if this process has the policy of the job.
func (w *judge) Work(ctx context.Context, job *river.Job[judgeArgs]) error {
	s, args := w.s, job.Args
	if args.Policy != s.options.Policy {
		return s.leave(ctx, job)
	}
	begun := outcome{args: args, attempt: job.Attempt, started: s.now()}
	var err error
	if begun.asked, err = asked(ctx, s.db, args.image()); err != nil {
		return err
	}
	if _, found, err := verdictByID(ctx, s.db, args.ID); err != nil || found {
		return err // judged, by a process that died before it could say that the job is done
	}
	if job.Attempt > s.attempts(args.Reason) {
		begun.failure = errors.New("the process that judged it died, again and again")
		return s.end(ctx, job.JobRow, begun)
	}
	done := s.judge(ctx, begun)
	if done.failure != nil {
		if ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return river.JobSnooze(0) // handed back
		}
		if job.Attempt < s.attempts(args.Reason) {
			return done.failure
		}
	}
	return s.end(ctx, job.JobRow, done)
}

// judge calls Options.Judge and reads its result.
func (s *Store) judge(ctx context.Context, o outcome) (_ outcome) {
	image := o.args.image()
	tags, err := tagsOf(ctx, s.db, image)
	if err != nil {
		o.failure = err
		return o
	}
	result, err := s.callJudge(ctx, Job{
		ID: o.args.ID, Image: image, Tags: tags, Policy: o.args.Policy, Reason: o.args.Reason, Attempt: o.attempt,
	})
	if err == nil {
		o.evidence, err = readEvidence(result, s.options.MaxEvidence)
	}
	if err == nil && o.evidence.verdict == gate.Undecided {
		err = fmt.Errorf("undecided: %s", o.evidence.reason)
	}
	o.failure = err
	return o
}

// callJudge lets a panic be an error, and progress be told no more often than people can see.
func (s *Store) callJudge(ctx context.Context, job Job) (result Result, err error) {
	var mutex sync.Mutex
	var told time.Time
	progress := func(progress Progress) {
		mutex.Lock()
		defer mutex.Unlock()
		if time.Since(told) < blink || ctx.Err() != nil {
			return
		}
		told = time.Now()
		_ = s.db.tell(ctx, Change{
			Kind: Progressed, ID: job.ID, Host: job.Host, Repository: job.Repository, Digest: job.Digest, Progress: &progress,
		}) // who watches sees the next one
	}
	err = safely(func() (err error) {
		result, err = s.options.Judge(ctx, job, progress)
		return err
	})
	return result, err
}

// blink is the least time between two signs of progress.
const blink = 200 * time.Millisecond

// leave hands a job to who has its policy. If no living process has, it becomes one of ours: the old policy judges nothing
// any more.
func (s *Store) leave(ctx context.Context, job *river.Job[judgeArgs]) error {
	alive, err := elsewhere(ctx, s.db, job.Args.Policy)
	if err != nil {
		return err
	}
	if alive {
		return river.JobSnooze(patience)
	}
	return s.db.write(ctx, func(ctx context.Context, tx transaction) error {
		if err := tx.complete(ctx, job.JobRow); err != nil {
			return err
		}
		ours := newJudging(job.Args.image(), job.Args.Digest, s.options.Policy, job.Args.Reason, job.Args.Note)
		_, err := s.enqueue(ctx, tx, []judgeArgs{ours}, job.Priority)
		return err
	})
}

// end completes a job with its verdict.
func (s *Store) end(ctx context.Context, row *rivertype.JobRow, o outcome) error {
	return s.db.write(ctx, func(ctx context.Context, tx transaction) error {
		if err := s.db.lock(ctx, tx, o.args.image().Name()); err != nil {
			return err
		}
		// Completed first: who asks now either is counted below, or queues a job of their own.
		if err := tx.complete(ctx, row); err != nil {
			return err
		}
		new, err := s.finish(ctx, tx, o)
		if err != nil || !new {
			return err
		}
		n, err := asked(ctx, tx, o.args.image())
		if err != nil || n <= o.asked {
			return err
		}
		again := newJudging(o.args.image(), o.args.Digest, o.args.Policy, Signature, "")
		_, err = s.enqueue(ctx, tx, []judgeArgs{again}, row.Priority)
		return err
	})
}
