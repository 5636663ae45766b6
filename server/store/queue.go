package store

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"
)

// The queues, so that registries that hang hold up neither judging nor notices.
const (
	judging   = "judge"
	resolving = "resolve"
	notifying = "notice"
	keeping   = "upkeep"
)

// MaxWorkers is what Options.Workers may be at most.
const MaxWorkers = river.QueueNumWorkersMax

// Priorities of River: 1 comes first.
const (
	first        = 1
	last         = 3 // what the night brings
	lastPriority = "3"
)

const (
	// resolvers and notifiers are how many calls of Resolve and Notify go on at once.
	resolvers, notifiers = 8, 4
	// river never gives a job up by itself: giving up is a verdict, and ours to give.
	endless = 10_000
	// keptJobs is how long River keeps what is done, for who looks into its tables.
	keptJobs = time.Hour
	// grace is how much longer than its time a job may take before River thinks that it is stuck. Dead processes are found
	// sooner than that, by their signs of life.
	grace = 5 * time.Minute
)

// queue is River over one kind of transaction.
type queue[TTx any] struct {
	client *river.Client[TTx]
	// completeTx ends the job of ctx: River wants to be told its driver at compile time.
	completeTx func(ctx context.Context, tx TTx, job *river.Job[anyArgs]) error
}

// anyArgs stand for the arguments of any job.
type anyArgs struct{}

// Kind is not that of a job.
func (anyArgs) Kind() string { return "any" }

func newQueue[TTx any](s *Store, driver riverdriver.Driver[TTx], poll time.Duration, completeTx func(context.Context, TTx, *river.Job[anyArgs]) error) (queue[TTx], error) {
	o := s.options
	workers := river.NewWorkers()
	river.AddWorker(workers, &resolver{s: s})
	river.AddWorker(workers, &judge{s: s})
	river.AddWorker(workers, &notifier{s: s})
	river.AddWorker(workers, &rejudger{s: s})
	river.AddWorker(workers, &sweeper{s: s})
	client, err := river.NewClient(driver, &river.Config{
		ID:                          s.id,
		Logger:                      riverLog(o.Log),
		Workers:                     workers,
		MaxAttempts:                 endless,
		RetryPolicy:                 retry(o.Backoff),
		JobTimeout:                  o.JudgeTimeout,
		RescueStuckJobsAfter:        o.JudgeTimeout + grace,
		CompletedJobRetentionPeriod: keptJobs,
		FetchCooldown:               20 * time.Millisecond,
		FetchPollInterval:           poll,
		Queues: map[string]river.QueueConfig{
			judging:   {MaxWorkers: o.Workers},
			resolving: {MaxWorkers: resolvers},
			notifying: {MaxWorkers: notifiers},
			keeping:   {MaxWorkers: 1},
		},
		PeriodicJobs: s.periodic(),
	})
	return queue[TTx]{client, completeTx}, err
}

func (q queue[TTx]) work(ctx context.Context) error { return q.client.Start(ctx) }

func (q queue[TTx]) stop(ctx context.Context) error {
	err := q.client.Stop(ctx)
	if err == nil || !errors.Is(err, ctx.Err()) {
		return err
	}
	// Jobs return when they are cancelled, so this ends by itself.
	return q.client.StopAndCancel(context.WithoutCancel(ctx))
}

func (q queue[TTx]) job(ctx context.Context, id int64) (*rivertype.JobRow, error) {
	return q.client.JobGet(ctx, id)
}

func (q queue[TTx]) jobs(ctx context.Context, limit int) ([]*rivertype.JobRow, error) {
	var jobs []*rivertype.JobRow
	for _, states := range [][]rivertype.JobState{
		{rivertype.JobStateRunning}, {rivertype.JobStateRetryable},
		{rivertype.JobStateAvailable, rivertype.JobStateScheduled, rivertype.JobStatePending},
	} {
		if len(jobs) == limit {
			break
		}
		list, err := q.client.JobList(ctx, river.NewJobListParams().Queues(judging).States(states...).First(limit-len(jobs)))
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, list.Jobs...)
	}
	return jobs, nil
}

// queued is a transaction with the queue in it.
type queued[TTx any] struct {
	querier
	queue queue[TTx]
	tx    TTx
}

func (t queued[TTx]) insert(ctx context.Context, jobs []river.InsertManyParams) ([]*rivertype.JobInsertResult, error) {
	if len(jobs) == 0 {
		return nil, nil
	}
	return t.queue.client.InsertManyTx(ctx, t.tx, jobs)
}

func (t queued[TTx]) complete(ctx context.Context, job *rivertype.JobRow) error {
	return t.queue.completeTx(ctx, t.tx, &river.Job[anyArgs]{JobRow: job})
}

// unfinished are the states in which a job keeps others like it out of the queue.
var unfinished = []rivertype.JobState{
	rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable,
	rivertype.JobStateRunning, rivertype.JobStateScheduled,
}

const unfinishedSQL = `'available', 'pending', 'retryable', 'running', 'scheduled'`

// unique keeps a job out of the queue while one with the same arguments, of those marked, is unfinished.
func unique(queue string, priority int) *river.InsertOpts {
	return &river.InsertOpts{
		Queue:      queue,
		Priority:   priority,
		UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: unfinished},
	}
}

// backoff is the default of Options.Backoff.
func backoff(attempt int) time.Duration {
	steps := []time.Duration{10 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour}
	wait := steps[min(max(attempt, 1), len(steps))-1]
	return wait*9/10 + rand.N(wait/5)
}

// retry is how long River waits after an attempt.
type retry func(attempt int) time.Duration

// NextRetry is when the next attempt is.
func (r retry) NextRetry(job *rivertype.JobRow) time.Time {
	return time.Now().UTC().Add(r(max(job.Attempt, 1)))
}
