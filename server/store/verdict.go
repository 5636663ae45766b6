package store

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/riverqueue/river/rivertype"

	"github.com/tidewaiter/tidewaiter/gate"
)

// Verdict returns the newest verdict of the current policy. Otherwise the error is a *Pending if one is to come, and
// ErrUnknown if none is. If there are only verdicts of other policies, or one that allows and is older than Options.Fresh, that
// is Pending too, with State Stale and the newest of them as Previous, and the image is queued.
func (s *Store) Verdict(ctx context.Context, image Image) (Verdict, error) {
	if v, found, err := s.holding(ctx, image); err != nil || found {
		return v, err
	}
	pending, err := s.pending(ctx, image)
	if err != nil {
		return Verdict{}, err
	}
	// It may have been judged between the two.
	if v, found, err := s.holding(ctx, image); err != nil || found {
		return v, err
	}
	previous, judged, err := newest(ctx, s.db, image)
	if err != nil {
		return Verdict{}, err
	}
	switch {
	case pending == nil && !judged:
		return Verdict{}, ErrUnknown
	case pending == nil:
		pending = &Pending{Image: image, State: Stale, Reason: Rules}
		if !s.full() {
			if err := s.queueAgain(ctx, image, Rules); err != nil {
				return Verdict{}, err
			}
		}
	}
	if judged {
		pending.Previous = &previous
	}
	return Verdict{}, pending
}

// holding is the newest verdict of the policy, unless it is out of date: waivers, certificates and attestations expire, and
// keys are taken back. A denial holds until there is another verdict.
func (s *Store) holding(ctx context.Context, image Image) (Verdict, bool, error) {
	v, found, err := current(ctx, s.db, image, s.options.Policy)
	if err != nil || !found || s.outOfDate(v) {
		return Verdict{}, false, err
	}
	v.Tags, err = tagsOf(ctx, s.db, image)
	return v, true, err
}

func (s *Store) outOfDate(v Verdict) bool {
	return v.Verdict == gate.Allow && s.options.Now().Sub(v.Finished) > s.options.Fresh
}

// pending returns what is known of the coming verdict of an image; nil: none is to come.
func (s *Store) pending(ctx context.Context, image Image) (*Pending, error) {
	id, _, err := one(ctx, s.db, single[int64], `SELECT job FROM tw_image WHERE host = $1 AND repository = $2 AND digest = $3`,
		image.Host, image.Repository, image.Digest)
	if err != nil {
		return nil, err
	}
	if id != 0 {
		row, err := s.db.job(ctx, id)
		if err != nil && !errors.Is(err, rivertype.ErrNotFound) {
			return nil, err
		}
		if row != nil && slices.Contains(unfinished, row.State) {
			// The ID of a job that is long gone may be another's now.
			if p, policy := pendingJob(row); p != nil && p.Image == image && policy == s.options.Policy {
				return p, nil
			}
		}
	}
	accepted, found, err := one(ctx, s.db, single[int64], `SELECT accepted FROM tw_event
		WHERE resolved = 0 AND host = $1 AND repository = $2 AND (digest = $3 OR subject = $3) LIMIT 1`, image.Host, image.Repository, image.Digest)
	if err != nil || !found {
		return nil, err
	}
	return &Pending{Image: image, State: Accepted, Reason: Pushed, Since: moment(accepted)}, nil
}

// pendingJob reads a judging that is not finished, and its policy; nil if it is no judging.
func pendingJob(row *rivertype.JobRow) (*Pending, string) {
	var args judgeArgs
	if row.Kind != args.Kind() || json.Unmarshal(row.EncodedArgs, &args) != nil {
		return nil, ""
	}
	p := &Pending{
		Image: args.image(), ID: args.ID, Reason: args.Reason, Attempt: row.Attempt, Since: row.CreatedAt.UTC(), State: Queued,
	}
	if len(row.Errors) > 0 {
		p.Failure = clip(row.Errors[len(row.Errors)-1].Error)
	}
	switch {
	case row.State == rivertype.JobStateRunning:
		p.State = Running
	case row.Attempt > 0:
		p.State, p.Next = Retrying, row.ScheduledAt.UTC()
	}
	return p, args.Policy
}

// Again queues an image to be judged again, whatever verdicts it has. It need not be known.
func (s *Store) Again(ctx context.Context, image Image) error {
	if s.full() {
		return ErrBusy
	}
	return s.queueAgain(ctx, image, Asked)
}

func (s *Store) queueAgain(ctx context.Context, image Image, reason Reason) error {
	args := newJudging(image, image.Digest, s.options.Policy, reason, "")
	return s.queueing(ctx, image, func(ctx context.Context, tx transaction) (int64, error) {
		return s.enqueue(ctx, tx, []judgeArgs{args}, first)
	})
}

// queueing is a transaction about an image, which adds so many to what waits.
func (s *Store) queueing(ctx context.Context, image Image, do func(context.Context, transaction) (int64, error)) error {
	var news int64
	err := s.db.write(ctx, func(ctx context.Context, tx transaction) error {
		err := s.db.lock(ctx, tx, image.Name())
		if err == nil {
			news, err = do(ctx, tx)
		}
		return err
	})
	if err == nil {
		s.queued.Add(news)
	}
	return err
}

// SetDeployed says whether an image runs somewhere. What is deployed is judged again each night, and by each new
// policy, and keeps its newest verdict. If it has no verdict yet, it is queued; ErrBusy if too much waits already.
func (s *Store) SetDeployed(ctx context.Context, image Image, deployed bool) error {
	var since int64
	if deployed {
		if s.full() {
			return ErrBusy
		}
		since = s.now()
	}
	return s.queueing(ctx, image, func(ctx context.Context, tx transaction) (int64, error) {
		if _, err := tx.exec(ctx, `INSERT INTO tw_image (host, repository, digest, deployed) VALUES ($1, $2, $3, $4)
			ON CONFLICT (host, repository, digest) DO UPDATE SET deployed = excluded.deployed`,
			image.Host, image.Repository, image.Digest, since); err != nil || !deployed {
			return 0, err
		}
		return s.enqueue(ctx, tx, []judgeArgs{newJudging(image, image.Digest, s.options.Policy, Pushed, "")}, first)
	})
}

// VerdictByID returns a verdict, current or not; ErrUnknown.
func (s *Store) VerdictByID(ctx context.Context, id string) (Verdict, error) {
	v, found, err := verdictByID(ctx, s.db, id)
	if err != nil {
		return v, err
	}
	if !found {
		return v, ErrUnknown
	}
	v.Tags, err = tagsOf(ctx, s.db, v.Image)
	return v, err
}

// Report is the report of a verdict, as JSON; ErrUnknown if there is none.
func (s *Store) Report(ctx context.Context, id string) (io.ReadCloser, error) {
	return s.open(ctx, id, "report")
}

// SBOM is the SBOM of a verdict, CycloneDX as JSON; ErrUnknown if there is none.
func (s *Store) SBOM(ctx context.Context, id string) (io.ReadCloser, error) {
	return s.open(ctx, id, "sbom")
}

func (s *Store) open(ctx context.Context, id, column string) (io.ReadCloser, error) {
	hash, _, err := one(ctx, s.db, single[string], `SELECT `+column+` FROM tw_verdict WHERE id = $1`, id)
	if err != nil {
		return nil, err
	}
	return openBlob(ctx, s.db, hash, s.options.MaxEvidence)
}

// Packages returns a page of the packages of a verdict, sorted by name, whose name, version or URL has text in it, in
// any case; ErrUnknown if there is no SBOM. Limit is at most, and by default, 500.
func (s *Store) Packages(ctx context.Context, id, text, after string, limit int) (Page[Package], error) {
	sbom, err := s.SBOM(ctx, id)
	if err != nil {
		return Page[Package]{}, err
	}
	defer func() { _ = sbom.Close() }()
	packages, err := readPackages(sbom)
	if err != nil {
		return Page[Package]{}, err
	}
	text = strings.ToLower(text)
	packages = slices.DeleteFunc(packages, func(p Package) bool {
		return !strings.Contains(strings.ToLower(p.Name+"\n"+p.Version+"\n"+p.PURL), text)
	})
	start := 0
	if at := cursor(after); len(at) == 1 {
		start = min(max(int(number(at[0])), 0), len(packages))
	}
	page := Page[Package]{Items: packages[start:]}
	if limit = bound(limit, mostPackages); len(page.Items) > limit {
		page.Items, page.Next = page.Items[:limit], cursorAt(start+limit)
	}
	return page, nil
}

const mostPackages = 500

const verdictColumns = `id, host, repository, digest, policy, verdict, dead, error, reason, note, attempts,
	critical, high, medium, low, waived, packages, report, sbom, started, finished`

func readVerdict(scan func(...any) error) (Verdict, error) {
	var v Verdict
	var name, report, sbom string
	var dead, started, finished int64
	if err := scan(&v.ID, &v.Host, &v.Repository, &v.Digest, &v.Policy, &name, &dead, &v.Error, (*string)(&v.Reason), &v.Note, &v.Attempts,
		&v.Findings.Critical, &v.Findings.High, &v.Findings.Medium, &v.Findings.Low, &v.Findings.Waived, &v.Packages,
		&report, &sbom, &started, &finished); err != nil {
		return v, err
	}
	v.Tags, v.Dead, v.HasReport, v.HasSBOM = []string{}, dead != 0, report != "", sbom != ""
	v.Started, v.Finished = moment(started), moment(finished)
	return v, v.Verdict.UnmarshalText([]byte(name))
}

func verdictByID(ctx context.Context, q querier, id string) (Verdict, bool, error) {
	return one(ctx, q, readVerdict, `SELECT `+verdictColumns+` FROM tw_verdict WHERE id = $1`, id)
}

// current is the newest verdict of a policy.
func current(ctx context.Context, q querier, image Image, policy string) (Verdict, bool, error) {
	return one(ctx, q, readVerdict, `SELECT `+verdictColumns+` FROM tw_verdict
		WHERE host = $1 AND repository = $2 AND digest = $3 AND policy = $4 ORDER BY finished DESC, id DESC LIMIT 1`,
		image.Host, image.Repository, image.Digest, policy)
}

// newest is the newest verdict of any policy.
func newest(ctx context.Context, q querier, image Image) (Verdict, bool, error) {
	return one(ctx, q, readVerdict, `SELECT `+verdictColumns+` FROM tw_verdict
		WHERE host = $1 AND repository = $2 AND digest = $3 ORDER BY finished DESC, id DESC LIMIT 1`,
		image.Host, image.Repository, image.Digest)
}
