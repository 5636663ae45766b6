// Package store keeps what the server must not forget: the events that registries sent, the queue of what is to be
// judged, the verdicts with their evidence, and the notices that are still to be sent. It stands on River, over one
// SQLite file (one process) or PostgreSQL (any number of processes that share the work).
//
// What it promises: an event is on disk when Accept returns. Whatever is killed afterwards, every image of it ends in
// exactly one verdict, and each receiver hears of a change. A verdict never changes, one of another policy is never
// served as current, and what nobody could judge is denied. Judging itself may happen twice, when a process dies at the
// end of it; the second result finds the first one's verdict and is dropped.
//
// What it refuses to do: it judges nothing and speaks to no registry and no receiver. Functions of Options do.
package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidewaiter/tidewaiter/server/webhook"
)

// Options are what a store needs. DSN, Policy, Judge and Resolve are required; of the others zero means the default.
type Options struct {
	// DSN is a postgres:// or postgresql:// address, or the path of a SQLite file (with or without sqlite: before it),
	// which is made, readable for the user alone, if it is not there.
	DSN string
	// Policy is the digest of all that makes up the judgement: configuration, rules, trust, program.
	Policy string

	// Judge judges one image. An error, or a report whose verdict is undecided, is tried again; a panic is an error.
	// When ctx is done it must return soon. The function progress may be called from anywhere, as often as it pleases.
	Judge func(ctx context.Context, job Job, progress func(Progress)) (Result, error)
	// Resolve asks the registry what an event is about. ErrGone (wrapped or not) is tried again too, for registries that
	// tell before they show, and is then the end of the event. Any other error ends in denial of the event's digest.
	Resolve func(ctx context.Context, event webhook.Event) (Resolved, error)
	// Notify sends a notice to the receiver of that name; an error is tried again, for three days.
	Notify func(ctx context.Context, receiver string, notice Notice) error
	// Receivers are the names of who gets notices.
	Receivers []string

	// Workers is how many images are judged at once, by this process: default 2.
	Workers int
	// Attempts is how often a judging is tried before the image is denied for it: default 5. What is judged again without
	// anybody asking is tried for half a day longer.
	Attempts int
	// JudgeTimeout bounds one attempt: default 15 minutes. ResolveTimeout bounds one call of Resolve, NotifyTimeout one
	// of Notify: default 1 minute and 30 seconds.
	JudgeTimeout   time.Duration
	ResolveTimeout time.Duration
	NotifyTimeout  time.Duration
	// Backoff is how long to wait after attempt n, which counts from 1. Default: 10 s, 1 min, 5 min, 15 min, and then
	// an hour each, give or take a tenth.
	Backoff func(attempt int) time.Duration

	// Queue is how much may wait, events and images, before Accept answers ErrBusy: default 20,000.
	Queue int
	// Rejudge is the time of day, UTC, at which what is deployed or newest of a tag is judged again: default 3 hours.
	Rejudge time.Duration
	// Fresh is how old a verdict may be that allows: default 7 days. An older one is out of date.
	Fresh time.Duration
	// Retention is how long verdicts, events and history are kept: default 90 days. The newest verdict of what is
	// deployed or newest of a tag is kept in any case.
	Retention time.Duration
	// MaxEvidence bounds a report and an SBOM, in bytes each, before compression: default 64 MiB. One that is larger
	// is an error of the judging.
	MaxEvidence int64
	// Lease is after how long without a sign of life a process of PostgreSQL counts as dead, and others take over what
	// it was doing: default 20 s. Signs are given four times as often.
	Lease time.Duration

	Log *slog.Logger
	Now func() time.Time
}

// Store is open until Close. All its methods may be called at once.
type Store struct {
	options Options
	db      database
	hub     *hub
	id      string // of this process among the replicas

	queued  atomic.Int64 // an estimate, refreshed: what Options.Queue bounds
	working atomic.Bool
	closed  atomic.Bool
	alive   atomic.Int64 // when the last sign of life was written, in Unix milliseconds

	stop context.CancelFunc // ends what Open has started in the background
	done sync.WaitGroup
}

// Open opens the database, brings its tables up to date, and takes back what dead processes were doing. It works on
// nothing yet: Work does.
func Open(ctx context.Context, options Options) (*Store, error) {
	if err := options.complete(); err != nil {
		return nil, err
	}
	s := &Store{options: options, hub: newHub(), id: newID()}
	var err error
	if s.db, err = openDatabase(ctx, s); err != nil {
		return nil, err
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	if err := s.beat(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("database: %w", err), s.Close())
	}
	s.done.Go(func() { s.keepBeating(background) })
	s.done.Go(func() { s.db.listen(background, s.hub) })
	return s, nil
}

// Close closes the database. Call Stop first, if Work was called. A second call does nothing.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	s.stop()
	s.done.Wait()
	s.hub.close()
	return s.db.close()
}

// Work starts the workers and returns. It asks for what is deployed or newest of a tag to be judged by the policy, if it
// was not.
func (s *Store) Work(ctx context.Context) error {
	if err := s.enqueueRejudge(ctx); err != nil {
		return err
	}
	if err := s.db.work(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("queue: %w", err)
	}
	s.working.Store(true)
	return nil
}

// Stop takes no more work and waits for what is being done. When ctx is done before that, it cancels the rest and hands
// it back to the queue, which costs it no attempt.
func (s *Store) Stop(ctx context.Context) error {
	if !s.working.Swap(false) {
		return nil
	}
	return s.db.stop(ctx)
}

func (o *Options) complete() error {
	if o.DSN == "" || o.Policy == "" || o.Judge == nil || o.Resolve == nil || (o.Notify == nil && len(o.Receivers) > 0) {
		return errors.New("store: DSN, Policy, Judge, Resolve, and with receivers Notify, must be given")
	}
	for _, d := range []struct {
		value *time.Duration
		or    time.Duration
	}{
		{&o.JudgeTimeout, 15 * time.Minute},
		{&o.ResolveTimeout, time.Minute},
		{&o.NotifyTimeout, 30 * time.Second},
		{&o.Rejudge, 3 * time.Hour},
		{&o.Fresh, 7 * 24 * time.Hour},
		{&o.Retention, 90 * 24 * time.Hour},
		{&o.Lease, 20 * time.Second},
	} {
		if *d.value <= 0 {
			*d.value = d.or
		}
	}
	if o.Workers <= 0 {
		o.Workers = 2
	}
	if o.Attempts <= 0 {
		o.Attempts = 5
	}
	if o.Queue <= 0 {
		o.Queue = 20_000
	}
	if o.MaxEvidence <= 0 {
		o.MaxEvidence = 64 << 20
	}
	if o.Backoff == nil {
		o.Backoff = backoff
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return nil
}
