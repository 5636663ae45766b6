package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/tidewaiter/tidewaiter/server/webhook"
)

// resolveArgs ask the registry about all new events of a repository: one job, however many there are. An event that
// failed has a job of its own from then on, so that it holds up no other.
type resolveArgs struct {
	Host       string `json:"host" river:"unique"`
	Repository string `json:"repository" river:"unique"`
	Event      int64  `json:"event,omitempty" river:"unique"`
}

// Kind is the name of these jobs in the database.
func (resolveArgs) Kind() string { return "resolve" }

// resolveBatch is how many events one job takes at most. What is left is the next job's.
const resolveBatch = 100

type resolver struct {
	river.WorkerDefaults[resolveArgs]
	s *Store
}

// Timeout is none: each call of Resolve has its own.
func (*resolver) Timeout(*river.Job[resolveArgs]) time.Duration { return -1 }

// openEvent is an event that is not resolved.
type openEvent struct {
	webhook.Event
	seq    int64
	answer Resolved
	err    error
}

// Work asks the registry, outside of any transaction, and then writes down what follows.
func (w *resolver) Work(ctx context.Context, job *river.Job[resolveArgs]) error {
	events, err := w.s.openEvents(ctx, job.Args)
	if err != nil {
		return err
	}
	asked := w.s.ask(ctx, events)
	if ctx.Err() != nil {
		return river.JobSnooze(0) // handed back
	}
	attempt := 1
	if job.Args.Event != 0 {
		attempt += job.Attempt
	}
	var again error
	err = w.s.db.write(ctx, func(ctx context.Context, tx transaction) error {
		again = nil
		if err := w.s.db.lock(ctx, tx, Image{Host: job.Args.Host, Repository: job.Args.Repository}.Name()); err != nil {
			return err
		}
		for _, event := range asked {
			if event.err != nil && job.Args.Event != 0 && attempt < w.s.options.Attempts {
				again = event.err
				return w.s.failed(ctx, tx, event, attempt)
			}
		}
		return w.s.resolved(ctx, tx, job.JobRow, job.Args, asked, attempt)
	})
	return errors.Join(err, again)
}

// openEvents reads what a job is about, oldest first.
func (s *Store) openEvents(ctx context.Context, args resolveArgs) ([]*openEvent, error) {
	where, values := `attempts = 0 AND host = $1 AND repository = $2`, []any{args.Host, args.Repository}
	if args.Event != 0 {
		where, values = `seq = $1`, []any{args.Event}
	}
	return all(ctx, s.db, func(scan func(...any) error) (*openEvent, error) {
		var e openEvent
		var pushed int64
		err := scan(&e.seq, &e.Sender, &e.ID, &e.Host, &e.Repository, &e.Tag, &e.Digest, &e.Subject, &e.ArtifactType, &pushed)
		e.Time = moment(pushed)
		return &e, err
	}, `SELECT seq, sender, coalesce(id, ''), host, repository, tag, digest, subject, artifact, pushed
		FROM tw_event WHERE resolved = 0 AND `+where+` ORDER BY seq LIMIT `+fmt.Sprint(resolveBatch), values...)
}

// ask fills in what the registry says of events, and returns those that it had time for. Events that ask the same get
// the same answer: it was given after all of them had arrived.
func (s *Store) ask(ctx context.Context, events []*openEvent) []*openEvent {
	type question struct{ tag, digest, subject, artifact string }
	answers := map[question]*openEvent{}
	begun := time.Now()
	for i, event := range events {
		q := question{event.Tag, event.Digest, event.Subject, event.ArtifactType}
		if before := answers[q]; before != nil {
			event.answer, event.err = before.answer, before.err
			continue
		}
		if i > 0 && time.Since(begun) > s.options.ResolveTimeout {
			return events[:i]
		}
		event.answer, event.err = s.resolve(ctx, event.Event)
		answers[q] = event
	}
	return events
}

// resolve calls Options.Resolve. That it panics is its error, and not that of the other events.
func (s *Store) resolve(ctx context.Context, event webhook.Event) (answer Resolved, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.options.ResolveTimeout)
	defer cancel()
	err = safely(func() (err error) {
		answer, err = s.options.Resolve(ctx, event)
		return err
	})
	if err == nil && answer == (Resolved{}) {
		err = ErrGone
	}
	return answer, err
}

// resolved ends a job, and its events as far as they came: what is to be judged is queued, what failed for the first
// time gets a job of its own, and what failed for the last time is given up.
func (s *Store) resolved(ctx context.Context, tx transaction, row *rivertype.JobRow, args resolveArgs, asked []*openEvent, attempt int) error {
	// Completed first: an event that comes in now is either seen below, or queues a job of its own.
	if err := tx.complete(ctx, row); err != nil {
		return err
	}
	var images []judgeArgs
	for _, event := range asked {
		var err error
		switch {
		case event.err == nil:
			var found []judgeArgs
			found, err = s.settle(ctx, tx, event)
			images = append(images, found...)
		case attempt >= s.options.Attempts:
			err = s.giveUp(ctx, tx, event, attempt)
		default:
			err = s.retryAlone(ctx, tx, event, attempt)
		}
		if err != nil {
			return err
		}
	}
	if _, err := s.enqueue(ctx, tx, images, first); err != nil {
		return err
	}
	_, more, err := one(ctx, tx, single[int64], `SELECT seq FROM tw_event
		WHERE resolved = 0 AND attempts = 0 AND host = $1 AND repository = $2 LIMIT 1`, args.Host, args.Repository)
	if err != nil || !more {
		return err
	}
	_, err = tx.insert(ctx, resolveJobs(map[resolveArgs]bool{{Host: args.Host, Repository: args.Repository}: true}))
	return err
}

// settle writes down what an event is about and what its tag is now, and returns what is to be judged.
func (s *Store) settle(ctx context.Context, tx transaction, event *openEvent) ([]judgeArgs, error) {
	image := Image{Host: event.Host, Repository: event.Repository}
	answer, note := event.answer, ""
	if answer.Subject == "" && event.Digest != "" && answer.Tagged != "" && event.Digest != answer.Tagged {
		note = fmt.Sprintf("%s said that tag %s is %s, the registry says %s", event.Sender, event.Tag, event.Digest, answer.Tagged)
	}
	about := answer.Subject
	if about == "" {
		about = answer.Digest
	}
	if about == "" {
		about = answer.Tagged
	}
	n, err := tx.exec(ctx, `UPDATE tw_event SET resolved = $1, about = $2, note = $3, error = '', attempts = attempts + 1
		WHERE seq = $4 AND resolved = 0`, s.now(), about, note, event.seq)
	if err != nil || n == 0 {
		return nil, err // n == 0: another process was faster
	}
	if answer.Subject != "" {
		return []judgeArgs{newJudging(image, answer.Subject, s.options.Policy, Signature, note)}, nil
	}
	if err := s.recordTag(ctx, tx, event); err != nil {
		return nil, err
	}
	var found []judgeArgs
	if answer.Digest != "" {
		found = append(found, newJudging(image, answer.Digest, s.options.Policy, Pushed, note))
	}
	if answer.Tagged != "" && answer.Tagged != answer.Digest {
		found = append(found, newJudging(image, answer.Tagged, s.options.Policy, Pushed, note))
	}
	return found, nil
}

// failed remembers how an attempt went.
func (s *Store) failed(ctx context.Context, tx transaction, event *openEvent, attempt int) error {
	_, err := tx.exec(ctx, `UPDATE tw_event SET attempts = $1, error = $2 WHERE seq = $3 AND resolved = 0`, attempt, clip(event.err.Error()), event.seq)
	return err
}

// retryAlone gives an event that failed a job of its own.
func (s *Store) retryAlone(ctx context.Context, tx transaction, event *openEvent, attempt int) error {
	if err := s.failed(ctx, tx, event, attempt); err != nil {
		return err
	}
	options := unique(resolving, first)
	options.ScheduledAt = time.Now().Add(s.options.Backoff(attempt))
	_, err := tx.insert(ctx, []river.InsertManyParams{{
		Args:       resolveArgs{Host: event.Host, Repository: event.Repository, Event: event.seq},
		InsertOpts: options,
	}})
	return err
}

// giveUp ends an event that nobody could resolve. If it names an image, that is denied: nobody could look at it. Where
// the registry says that there is no such thing, there is nothing to deny.
func (s *Store) giveUp(ctx context.Context, tx transaction, event *openEvent, attempt int) error {
	n, err := tx.exec(ctx, `UPDATE tw_event SET resolved = $1, attempts = $2, error = $3 WHERE seq = $4 AND resolved = 0`,
		s.now(), attempt, clip(event.err.Error()), event.seq)
	digest := event.Subject
	if digest == "" && event.ArtifactType == "" {
		digest = event.Digest
	}
	if err != nil || n == 0 || digest == "" || errors.Is(event.err, ErrGone) {
		return err
	}
	args := newJudging(Image{Host: event.Host, Repository: event.Repository}, digest, s.options.Policy, Pushed, "")
	known, err := s.judged(ctx, tx, args)
	if err != nil || known {
		return err // what was judged before stays judged
	}
	_, err = s.finish(ctx, tx, outcome{args: args, attempt: attempt, started: s.now(), failure: event.err})
	return err
}
