package store

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/riverqueue/river"

	"github.com/tidewaiter/tidewaiter/gate"
)

// outcome is how a judging ended.
type outcome struct {
	args     judgeArgs
	attempt  int
	started  int64
	asked    int64 // how many had asked for it when it began
	evidence evidence
	failure  error // nobody could judge it; evidence may be there all the same
}

// finish writes the verdict of an outcome, all that is counted by it, and the notices that it makes. It returns false,
// and has done nothing, if the judging has a verdict already. The repository is locked.
func (s *Store) finish(ctx context.Context, tx transaction, o outcome) (bool, error) {
	verdict := gate.Deny
	v := Verdict{
		ID: o.args.ID, Image: o.args.image(), Policy: o.args.Policy, Reason: o.args.Reason, Note: o.args.Note,
		Attempts: o.attempt, Findings: o.evidence.counts, Packages: o.evidence.packages,
		Started: moment(o.started), Finished: moment(s.now()),
	}
	if o.failure != nil {
		v.Dead, v.Error = true, clip(o.failure.Error())
	} else {
		verdict = o.evidence.verdict
	}
	v.Verdict = verdict
	if err := after(ctx, tx, &v); err != nil {
		return false, err
	}
	written, err := insertVerdict(ctx, tx, v, o.evidence)
	if err != nil || !written {
		return false, err
	}
	for _, b := range []blob{o.evidence.report, o.evidence.sbom} {
		if err := s.keepBlob(ctx, tx, b); err != nil {
			return false, err
		}
	}
	if err := countFindings(ctx, tx, v, o.evidence.rules); err != nil {
		return false, err
	}
	tags, err := tagsOf(ctx, tx, v.Image)
	if err != nil {
		return false, err
	}
	if err := s.announce(ctx, tx, v, tags); err != nil {
		return false, err
	}
	return true, tx.publish(ctx, Change{
		Kind: Judged, ID: v.ID, Host: v.Host, Repository: v.Repository, Digest: v.Digest, Verdict: v.Verdict,
	})
}

// after moves a verdict behind those that the image has. Where a clock was set back, or another process's is ahead, the last
// verdict would not be the newest otherwise, and what it denies stay allowed. The repository is locked.
func after(ctx context.Context, tx transaction, v *Verdict) error {
	before, found, err := newest(ctx, tx, v.Image)
	if found && !v.Finished.After(before.Finished) {
		v.Finished = before.Finished.Add(time.Millisecond)
	}
	return err
}

// insertVerdict returns false if there is a verdict with the ID.
func insertVerdict(ctx context.Context, tx transaction, v Verdict, e evidence) (bool, error) {
	dead := 0
	if v.Dead {
		dead = 1
	}
	n, err := tx.exec(ctx, `INSERT INTO tw_verdict (id, host, repository, digest, policy, verdict, dead, error, reason, note,
			attempts, critical, high, medium, low, waived, packages, report, sbom, started, finished)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)
		ON CONFLICT (id) DO NOTHING`,
		v.ID, v.Host, v.Repository, v.Digest, v.Policy, v.Verdict.String(), dead, v.Error, string(v.Reason), v.Note,
		v.Attempts, v.Findings.Critical, v.Findings.High, v.Findings.Medium, v.Findings.Low, v.Findings.Waived, v.Packages,
		e.report.hash, e.sbom.hash, v.Started.UnixMilli(), v.Finished.UnixMilli())
	return n > 0, err
}

// countFindings writes down which rules found something, for the verdict and for the day.
func countFindings(ctx context.Context, tx transaction, v Verdict, rules []ruleFindings) error {
	day := v.Finished.Format(time.DateOnly)
	for _, found := range rules { // sorted, so that no two transactions wait for each other in a circle
		if _, err := tx.exec(ctx, `INSERT INTO tw_finding (verdict, rule, severity, n) VALUES ($1, $2, $3, $4)`,
			v.ID, found.rule, found.severity.String(), found.n); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, `INSERT INTO tw_rule_day (day, rule, severity, n) VALUES ($1, $2, $3, 1)
			ON CONFLICT (day, rule, severity) DO UPDATE SET n = tw_rule_day.n + 1`, day, found.rule, found.severity.String()); err != nil {
			return err
		}
	}
	return nil
}

// announce queues a notice for each receiver if the verdict is another one than they were last told: of each of the
// tags, or of the digest if it has none.
func (s *Store) announce(ctx context.Context, tx transaction, v Verdict, tags []string) error {
	var changes []ChangedVerdict
	subjects := slices.Clone(tags)
	if len(tags) == 0 {
		subjects = []string{v.Digest} // no tag has a colon in it
	}
	for _, subject := range subjects {
		previous, changed, err := one(ctx, tx, single[string], `INSERT INTO tw_announced (host, repository, subject, verdict, previous)
			VALUES ($1, $2, $3, $4, '')
			ON CONFLICT (host, repository, subject) DO UPDATE SET previous = tw_announced.verdict, verdict = excluded.verdict
			WHERE tw_announced.verdict <> excluded.verdict RETURNING previous`, v.Host, v.Repository, subject, v.Verdict.String())
		if err != nil {
			return err
		}
		if changed {
			changes = append(changes, ChangedVerdict{Tag: strings.TrimPrefix(subject, v.Digest), From: previous, To: v.Verdict.String()})
		}
	}
	if len(changes) == 0 {
		return nil
	}
	notice := Notice{
		ID: newID(), Image: v.Image, Verdict: v.Verdict, VerdictID: v.ID, Error: v.Error, Findings: v.Findings,
		Changes: changes, Time: moment(s.now()),
	}
	var jobs []river.InsertManyParams
	for _, receiver := range s.options.Receivers {
		jobs = append(jobs, river.InsertManyParams{
			Args:       noticeArgs{Receiver: receiver, Notice: notice},
			InsertOpts: &river.InsertOpts{Queue: notifying, MaxAttempts: noticeAttempts},
		})
	}
	_, err := tx.insert(ctx, jobs)
	return err
}

// clip bounds what strangers wrote, and makes it text that every database takes.
func clip(text string) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "�"), "\x00", "�")
	if len(text) <= errorLength {
		return text
	}
	text = text[:errorLength]
	for !utf8.ValidString(text) {
		text = text[:len(text)-1]
	}
	return text + "…"
}

// errorLength is how much of an error is kept.
const errorLength = 2000
