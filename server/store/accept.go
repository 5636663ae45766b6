package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/riverqueue/river"

	"github.com/tidewaiter/tidewaiter/server/webhook"
)

// Accept keeps events. When it returns nil they are on disk, all of them; otherwise none is. An event whose sender and
// ID are known is left out, so a replayed request costs nothing. ErrBusy if too much waits already.
func (s *Store) Accept(ctx context.Context, events []webhook.Event) error {
	if len(events) == 0 {
		return nil
	}
	if s.full() {
		return ErrBusy
	}
	for _, event := range events {
		if err := fits(event); err != nil {
			return err
		}
	}
	var news int64
	err := s.db.writeFirst(ctx, func(ctx context.Context, tx transaction) error {
		var err error
		news, err = s.accept(ctx, tx, events)
		return err
	})
	if err != nil {
		return err
	}
	s.queued.Add(news)
	return nil
}

// full tells whether no more may wait.
func (s *Store) full() bool { return s.queued.Load() >= int64(s.options.Queue) }

// accept returns how many events were new.
func (s *Store) accept(ctx context.Context, tx transaction, events []webhook.Event) (int64, error) {
	now := s.now()
	repositories := map[resolveArgs]bool{}
	var news int64
	for _, e := range events {
		pushed := now
		if !e.Time.IsZero() {
			pushed = min(e.Time.UnixMilli(), now) // no clock ahead of ours may hold a tag
		}
		n, err := tx.exec(ctx, `INSERT INTO tw_event (sender, id, host, repository, tag, digest, subject, artifact, pushed, accepted)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING`,
			e.Sender, null(e.ID), e.Host, e.Repository, e.Tag, e.Digest, e.Subject, e.ArtifactType, pushed, now)
		if err != nil {
			return 0, err
		}
		if n == 0 {
			continue
		}
		news++
		repositories[resolveArgs{Host: e.Host, Repository: e.Repository}] = true
		if err := tx.publish(ctx, Change{Kind: Arrived, Host: e.Host, Repository: e.Repository, Tag: e.Tag, Digest: e.Digest}); err != nil {
			return 0, err
		}
	}
	_, err := tx.insert(ctx, resolveJobs(repositories))
	return news, err
}

// resolveJobs are in an order that all transactions share, so that none waits for another in a circle.
func resolveJobs(repositories map[resolveArgs]bool) []river.InsertManyParams {
	var jobs []river.InsertManyParams
	for args := range repositories {
		jobs = append(jobs, river.InsertManyParams{Args: args, InsertOpts: unique(resolving, first)})
	}
	slices.SortFunc(jobs, func(a, b river.InsertManyParams) int {
		x, y := a.Args.(resolveArgs), b.Args.(resolveArgs)
		return cmp.Or(cmp.Compare(x.Host, y.Host), cmp.Compare(x.Repository, y.Repository))
	})
	return jobs
}

// longest is how long a field of an event may be, in bytes. The grammar of references allows less; this is for tables
// and messages of the database, which have limits of their own.
const longest = 512

// fits refuses an event that package webhook would not give.
func fits(e webhook.Event) error {
	if e.Host == "" || e.Repository == "" || e.Sender == "" {
		return fmt.Errorf("an event without sender, registry or repository: %q", e)
	}
	if e.Tag == "" && e.Digest == "" && e.Subject == "" {
		return fmt.Errorf("an event about %q names neither tag nor digest", e.Host+"/"+e.Repository)
	}
	for _, field := range []string{e.Sender, e.ID, e.Host, e.Repository, e.Tag, e.Digest, e.Subject, e.ArtifactType} {
		if len(field) > longest {
			return fmt.Errorf("an event has a field of %d bytes: %.64q", len(field), field)
		}
		if !utf8.ValidString(field) || strings.ContainsRune(field, 0) {
			return fmt.Errorf("an event has a field that is no text: %q", field)
		}
	}
	return nil
}

// null is what a field that a sender has not given is in the database, where it is equal to no other.
func null(text string) any {
	if text == "" {
		return nil
	}
	return text
}
