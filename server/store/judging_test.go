package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidewaiter/tidewaiter/gate"
	"github.com/tidewaiter/tidewaiter/server/store"
	"github.com/tidewaiter/tidewaiter/server/webhook"
)

// A thousand pushes of a hundred images cost a hundred judgings, however they come.
func TestPushesShareAJudging(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		w := newWorld()
		s := working(t, w.options(t, dsn))
		done := make(chan error)
		for sender := range 10 {
			go func() {
				var err error
				for n := range 100 {
					err = errors.Join(err, s.Accept(context.Background(), []webhook.Event{
						w.push(fmt.Sprintf("shop/%d", n%7), fmt.Sprintf("v%d-%d", n, sender), digest(n)),
					}))
				}
				done <- err
			}()
		}
		for range 10 {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		drained(t, s)
		for n := range 100 {
			if got := w.judged(digest(n)); got != 1 {
				t.Errorf("image %d was judged %d times", n, got)
			}
			if v := verdict(t, s, image(fmt.Sprintf("shop/%d", n%7), n)); len(v.Tags) != 10 {
				t.Errorf("image %d has tags %v", n, v.Tags)
			}
		}
	})
}

// What failed is tried again, and says so; what failed for good is denied.
func TestFailedJudgingIsTriedAgain(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		w := newWorld()
		var calls atomic.Int32
		w.verdict = func(job store.Job) (string, error) {
			switch calls.Add(1) {
			case 1:
				return "", errors.New("connection reset")
			case 2:
				return "undecided", nil
			case 3:
				panic("out of luck")
			}
			return "allow", nil
		}
		options := w.options(t, dsn)
		options.Backoff = func(attempt int) time.Duration {
			if attempt == 1 {
				return time.Hour
			}
			return time.Millisecond
		}
		s := working(t, options)
		accept(t, s, w.push("shop/web", "v1", digest(1)))
		var pending *store.Pending
		eventually(t, "a failed attempt", func() bool {
			_, err := s.Verdict(t.Context(), image("shop/web", 1))
			return errors.As(err, &pending) && pending.State == store.Retrying
		})
		if pending.Failure != "connection reset" || pending.Attempt != 1 || time.Until(pending.Next) > time.Hour || pending.ID == "" {
			t.Errorf("got %+v", pending)
		}
		if waiting, err := s.Waiting(t.Context(), 0); err != nil || len(waiting) != 1 || waiting[0].ID != pending.ID {
			t.Errorf("waiting: %+v %v", waiting, err)
		}
		if err := s.Exec(t.Context(), `UPDATE river_job SET state = 'available', scheduled_at = created_at WHERE state = 'retryable'`); err != nil {
			t.Fatal(err)
		}
		if v := verdict(t, s, image("shop/web", 1)); v.Verdict != gate.Allow || v.Attempts != 4 || v.ID != pending.ID {
			t.Errorf("got %+v", v)
		}
	})
}

// An image that was judged, and could not be judged again while its registry was away, is judged as soon as somebody pushes
// it, and when the server starts.
func TestOutageEndsWithTheNextPush(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		w := newWorld()
		var away atomic.Bool
		w.verdict = func(store.Job) (string, error) {
			if away.Load() {
				return "", errors.New("no route to host")
			}
			return "allow", nil
		}
		options := w.options(t, dsn)
		options.Attempts = 1
		s := working(t, options)
		img := image("shop/web", 1)
		outage := func(begin func(context.Context) error) {
			t.Helper()
			away.Store(true)
			if err := begin(t.Context()); err != nil {
				t.Fatal(err)
			}
			eventually(t, "a denial of what nobody can judge", func() bool { return verdict(t, s, img).Dead })
			away.Store(false)
		}
		allowed := func() bool { return verdict(t, s, img).Verdict == gate.Allow }
		push := w.push("shop/web", "v1", digest(1))
		accept(t, s, push)
		eventually(t, "a verdict", allowed)
		outage(s.Nightly)
		accept(t, s, push)
		eventually(t, "a verdict after the push", allowed)
		outage(func(ctx context.Context) error { return s.Again(ctx, img) })
		drained(t, s)
		shut(t, s)
		s = working(t, options)
		eventually(t, "a verdict after the start", allowed)
	})
}

// SRV-07: a clock that is set back leaves no older verdict the newest.
func TestClockIsSetBack(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		w := newWorld()
		var revoked atomic.Bool
		w.verdict = func(store.Job) (string, error) {
			if revoked.Load() {
				return "deny", nil
			}
			return "allow", nil
		}
		options := w.options(t, dsn)
		var ahead atomic.Int64
		ahead.Store(int64(24 * time.Hour))
		options.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
		s := working(t, options)
		img := image("shop/web", 1)
		accept(t, s, w.push("shop/web", "v1", digest(1)))
		verdict(t, s, img)
		ahead.Store(0)
		revoked.Store(true)
		if err := s.Again(t.Context(), img); err != nil {
			t.Fatal(err)
		}
		drained(t, s)
		if v := verdict(t, s, img); v.Verdict != gate.Deny {
			t.Errorf("got %+v", v)
		}
	})
}

// SRV-09: an image that nobody can judge is denied, while others go on; a new push of it is judged again.
func TestPoisonIsDenied(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		w := newWorld()
		w.verdict = func(job store.Job) (string, error) {
			if job.Digest == digest(13) {
				panic("poison")
			}
			return "allow", nil
		}
		options := w.options(t, dsn)
		options.Attempts = 3
		s := working(t, options)
		events := []webhook.Event{w.push("shop/poison", "v1", digest(13))}
		for n := range 10 {
			events = append(events, w.push("shop/web", fmt.Sprint("v", n), digest(n)))
		}
		accept(t, s, events...)
		for n := range 10 {
			if v := verdict(t, s, image("shop/web", n)); v.Verdict != gate.Allow {
				t.Errorf("image %d: %+v", n, v)
			}
		}
		v := verdict(t, s, image("shop/poison", 13))
		if v.Verdict != gate.Deny || !v.Dead || v.Error != "panic: poison" || v.Attempts != 3 || v.HasReport || w.judged(digest(13)) != 3 {
			t.Errorf("got %+v after %d judgings", v, w.judged(digest(13)))
		}
		drained(t, s)
		if n, err := s.Stats(t.Context()); err != nil || n.Dead != 1 {
			t.Errorf("stats: %+v %v", n, err)
		}
		if dead, err := s.Verdicts(t.Context(), store.Query{Dead: true}); err != nil || len(dead.Items) != 1 {
			t.Errorf("dead: %+v %v", dead, err)
		}
		w.mutex.Lock()
		w.verdict = nil
		w.mutex.Unlock()
		accept(t, s, w.push("shop/poison", "v1", digest(13)))
		eventually(t, "a better verdict", func() bool { return verdict(t, s, image("shop/poison", 13)).Verdict == gate.Allow })
		drained(t, s)
		var changes []string
		for _, notice := range w.told() {
			if notice.Repository == "shop/poison" {
				changes = append(changes, notice.Changes[0].From+">"+notice.Changes[0].To)
			}
		}
		if got := strings.Join(changes, " "); got != ">deny deny>allow" {
			t.Errorf("notices: %s", got)
		}
	})
}

// SRV-07: the tag is what was pushed last, though the older image is judged last.
func TestSlowOldScanDoesNotHideTheNewImage(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		w := newWorld()
		slow, begun := make(chan struct{}), make(chan struct{})
		w.verdict = func(job store.Job) (string, error) {
			if job.Digest == digest(1) {
				close(begun)
				<-slow
				return "deny", nil
			}
			return "allow", nil
		}
		s := working(t, w.options(t, dsn))
		accept(t, s, w.push("shop/web", "v1", digest(1)))
		<-begun
		accept(t, s, w.push("shop/web", "v1", digest(2)))
		verdict(t, s, image("shop/web", 2))
		close(slow)
		old := verdict(t, s, image("shop/web", 1))
		drained(t, s)
		tags, err := s.Tags(t.Context(), "registry.example", "shop/web", "", 0)
		if err != nil || len(tags.Items) != 1 || tags.Items[0].Digest != digest(2) || tags.Items[0].Verdict.Verdict != gate.Allow {
			t.Errorf("tags: %+v %v", tags, err)
		}
		if len(old.Tags) != 0 {
			t.Errorf("the old image still has %v", old.Tags)
		}
		history, err := s.History(t.Context(), "registry.example", "shop/web", "v1", "", 0)
		if err != nil || len(history.Items) != 2 || history.Items[0].Digest != digest(2) || history.Items[1].Digest != digest(1) {
			t.Errorf("history: %+v %v", history, err)
		}
		for _, notice := range w.told() {
			if notice.Digest == digest(1) && notice.Changes[0].Tag != "" {
				t.Errorf("told of a tag that has moved on: %+v", notice)
			}
		}
	})
}

// An event that arrives late does not move the tag back, by its time; the registry has the last word.
func TestLateEventDoesNotMoveTheTagBack(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		w := newWorld()
		s := working(t, w.options(t, dsn))
		older := w.push("shop/web", "v1", digest(1))
		older.Time = time.Now().Add(-time.Hour)
		accept(t, s, w.push("shop/web", "v1", digest(2)))
		verdict(t, s, image("shop/web", 2))
		accept(t, s, older)
		verdict(t, s, image("shop/web", 1))
		// A sender whose clock is an hour late: what the registry says is newer than its time.
		late := w.push("shop/web", "v1", digest(3))
		late.Time = time.Now().Add(-time.Hour)
		tag := func() string {
			tags, err := s.Tags(t.Context(), "registry.example", "shop/web", "", 0)
			if err != nil || len(tags.Items) != 1 {
				t.Fatal(tags, err)
			}
			return tags.Items[0].Digest
		}
		if got := tag(); got != digest(2) {
			t.Errorf("a late event moved the tag to %s", got)
		}
		if history, err := s.History(t.Context(), "registry.example", "shop/web", "v1", "", 0); err != nil || len(history.Items) != 2 || history.Items[1].Digest != digest(1) {
			t.Errorf("history: %+v %v", history, err)
		}
		accept(t, s, late)
		verdict(t, s, image("shop/web", 3))
		if got := tag(); got != digest(3) {
			t.Errorf("the registry says %s, the tag is %s", digest(3), got)
		}
	})
}

// SRV-06: if sender and registry differ, both are judged, and the verdicts say so.
func TestSenderAndRegistryDiffer(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		w := newWorld()
		s := working(t, w.options(t, dsn))
		event := w.push("shop/web", "v1", digest(1))
		w.push("shop/web", "v1", digest(2))
		accept(t, s, event)
		for n := 1; n <= 2; n++ {
			if v := verdict(t, s, image("shop/web", n)); !strings.Contains(v.Note, "the registry says "+digest(2)) {
				t.Errorf("image %d: note %q", n, v.Note)
			}
		}
		pushes, err := s.Pushes(t.Context(), store.Query{Tag: "v1"})
		if err != nil || len(pushes.Items) != 1 || pushes.Items[0].Note == "" {
			t.Errorf("pushes: %+v %v", pushes, err)
		}
	})
}

// A registry that does not answer delays its events; one that has nothing ends them; a tag alone is resolved.
func TestResolving(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		w := newWorld()
		var down atomic.Int32
		w.resolve = func(event webhook.Event) (store.Resolved, error) {
			switch event.Repository {
			case "shop/down":
				down.Add(1)
				return store.Resolved{}, errors.New("no route to host")
			case "shop/gone":
				return store.Resolved{}, fmt.Errorf("HEAD: %w", store.ErrGone)
			case "shop/late":
				if down.Add(1); event.Tag == "v2" && down.Load() < 3 {
					panic("not now")
				}
			}
			return store.Resolved{Tagged: digest(7)}, nil
		}
		options := w.options(t, dsn)
		options.Attempts = 3
		s := working(t, options)
		accept(t, s, w.push("shop/down", "v1", digest(1)))
		if v := verdict(t, s, image("shop/down", 1)); v.Verdict != gate.Deny || !v.Dead || v.Error != "no route to host" || down.Load() != 3 || w.judged(digest(1)) != 0 {
			t.Errorf("got %+v after %d calls", v, down.Load())
		}
		accept(t, s, w.push("shop/gone", "v1", digest(2)))
		drained(t, s)
		if _, err := s.Verdict(t.Context(), image("shop/gone", 2)); !errors.Is(err, store.ErrUnknown) {
			t.Errorf("gone: %v", err)
		}
		down.Store(0)
		accept(t, s, w.push("shop/late", "v1", ""), w.push("shop/late", "v2", ""))
		if v := verdict(t, s, image("shop/late", 7)); v.Verdict != gate.Allow {
			t.Errorf("got %+v", v)
		}
		eventually(t, "both tags", func() bool { return len(verdict(t, s, image("shop/late", 7)).Tags) == 2 })
	})
}

// A signature that is pushed while the image is judged is not missed.
func TestSignatureDuringScan(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		w := newWorld()
		begun, signed := make(chan struct{}), make(chan struct{})
		w.verdict = func(job store.Job) (string, error) {
			if w.judged(digest(1)) == 1 {
				close(begun)
				<-signed
				return "deny", nil
			}
			return "allow", nil
		}
		s := working(t, w.options(t, dsn))
		accept(t, s, w.push("shop/web", "v1", digest(1)))
		<-begun
		signature := w.push("shop/web", "", digest(99))
		signature.Subject, signature.Time = digest(1), time.Now()
		accept(t, s, signature)
		eventually(t, "the signature's event", func() bool {
			n, err := s.Stats(t.Context())
			return err == nil && n.Events == 0
		})
		close(signed)
		eventually(t, "the second verdict", func() bool { return verdict(t, s, image("shop/web", 1)).Verdict == gate.Allow })
		drained(t, s)
		if n := w.judged(digest(1)); n != 2 {
			t.Errorf("judged %d times", n)
		}
		if n := w.judged(digest(99)); n != 0 {
			t.Errorf("the signature was judged as an image")
		}
		all, err := s.Verdicts(t.Context(), store.Query{})
		if err != nil || len(all.Items) != 2 || all.Items[0].Verdict != gate.Allow || all.Items[1].Verdict != gate.Deny {
			t.Errorf("verdicts: %+v %v", all, err)
		}
		if now, err := s.Verdicts(t.Context(), store.Query{Current: true}); err != nil || len(now.Items) != 1 {
			t.Errorf("current: %+v %v", now, err)
		}
	})
}

// SRV-08: what was allowed long ago is judged again before it is allowed; what was denied stays so.
func TestVerdictsGrowOld(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		w := newWorld()
		w.verdict = func(job store.Job) (string, error) {
			if job.Digest == digest(2) {
				return "deny", nil
			}
			return "allow", nil
		}
		options := w.options(t, dsn)
		var ahead atomic.Int64
		options.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
		s := working(t, options)
		accept(t, s, w.push("shop/web", "", digest(1)), w.push("shop/web", "", digest(2)))
		first := verdict(t, s, image("shop/web", 1))
		verdict(t, s, image("shop/web", 2))
		drained(t, s)
		ahead.Store(int64(8 * 24 * time.Hour))
		var pending *store.Pending
		if _, err := s.Verdict(t.Context(), image("shop/web", 1)); !errors.As(err, &pending) || pending.State != store.Stale || pending.Previous == nil {
			t.Fatalf("a verdict of last week is served: %v", err)
		}
		if v := verdict(t, s, image("shop/web", 1)); v.ID == first.ID || v.Verdict != gate.Allow {
			t.Errorf("after it was asked for: %+v", v)
		}
		if v, err := s.Verdict(t.Context(), image("shop/web", 2)); err != nil || v.Verdict != gate.Deny {
			t.Errorf("a denial of last week: %+v, %v", v, err)
		}
		drained(t, s)
		ahead.Store(int64(16 * 24 * time.Hour))
		accept(t, s, w.push("shop/web", "", digest(1)), w.push("shop/web", "", digest(2)))
		drained(t, s)
		if allowed, denied := w.judged(digest(1)), w.judged(digest(2)); allowed != 3 || denied != 1 {
			t.Errorf("pushed again after a week: judged %d times what was allowed, %d times what was denied; want 3 and 1", allowed, denied)
		}
	})
}

// SRV-09: what the night asks for is tried for longer than what a push does, and until then the last verdict holds.
func TestNightlyOutage(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		w := newWorld()
		var failures atomic.Int64
		w.verdict = func(store.Job) (string, error) {
			if failures.Add(-1) >= 0 {
				return "", errors.New("no route to host")
			}
			return "allow", nil
		}
		options := w.options(t, dsn)
		options.Attempts = 1
		s := working(t, options)
		accept(t, s, w.push("shop/web", "v1", digest(1)))
		first := verdict(t, s, image("shop/web", 1))
		drained(t, s)
		failures.Store(10)
		if err := s.Nightly(t.Context()); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the night's judging", func() bool {
			v := verdict(t, s, image("shop/web", 1))
			if v.Verdict != gate.Allow {
				t.Fatalf("denied because the registry is away: %+v", v)
			}
			return v.ID != first.ID
		})
	})
}

// SRV-08: a verdict of another policy is never served as current; what is deployed or newest of a tag is judged again at
// once, anything else when someone asks for it.
func TestPolicyChange(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		w := newWorld()
		options := w.options(t, dsn)
		s := working(t, options)
		accept(t, s, w.push("shop/web", "v1", digest(1)))
		verdict(t, s, image("shop/web", 1))
		accept(t, s, w.push("shop/web", "v1", digest(2)))
		verdict(t, s, image("shop/web", 2))
		accept(t, s, w.push("shop/api", "", digest(3)))
		verdict(t, s, image("shop/api", 3))
		if err := s.SetDeployed(t.Context(), image("shop/api", 3), true); err != nil {
			t.Fatal(err)
		}
		drained(t, s)
		shut(t, s)

		w.verdict = func(store.Job) (string, error) { return "deny", nil }
		options.Policy = "policy-2"
		s = open(t, options)
		var pending *store.Pending
		if _, err := s.Verdict(t.Context(), image("shop/web", 1)); !errors.As(err, &pending) || pending.State != store.Stale ||
			pending.Previous == nil || pending.Previous.Policy != "policy-1" || pending.Previous.Verdict != gate.Allow {
			t.Fatalf("the old verdict is served: %v", err)
		}
		if err := s.Work(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, i := range []store.Image{image("shop/web", 1), image("shop/web", 2), image("shop/api", 3)} {
			if v := verdict(t, s, i); v.Policy != "policy-2" || v.Verdict != gate.Deny {
				t.Errorf("%s: %+v", i, v)
			}
		}
		drained(t, s)
		if n := w.judged(digest(2)); n != 2 {
			t.Errorf("the newest of the tag was judged %d times", n)
		}
		// Each night, whatever the policy.
		if err := s.Nightly(t.Context()); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the night's judgings", func() bool { return w.judged(digest(2)) == 3 && w.judged(digest(3)) == 3 })
		drained(t, s)
		if n := w.judged(digest(1)); n != 2 {
			t.Errorf("what is neither deployed nor newest was judged %d times", n)
		}
	})
}

// A job of a policy that no living process has is taken over by who is there.
func TestJobOfAnotherPolicy(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		w := newWorld()
		options := w.options(t, dsn)
		s := open(t, options)
		if err := s.Again(t.Context(), image("shop/web", 1)); err != nil {
			t.Fatal(err)
		}
		shut(t, s)
		options.Policy = "policy-2"
		s = working(t, options)
		if v := verdict(t, s, image("shop/web", 1)); v.Policy != "policy-2" {
			t.Errorf("got %+v", v)
		}
		drained(t, s)
		if n := w.judged(digest(1)); n != 1 {
			t.Errorf("judged %d times", n)
		}
	})
}

// SRV-10: what is being judged when the process must go is handed back, and that costs no attempt.
func TestStopHandsBack(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		w := newWorld()
		begun := make(chan struct{}, 1)
		w.judge = func(ctx context.Context, _ store.Job, _ func(store.Progress)) (store.Result, error) {
			begun <- struct{}{}
			<-ctx.Done()
			return store.Result{}, ctx.Err()
		}
		options := w.options(t, dsn)
		options.Attempts = 1
		s := working(t, options)
		accept(t, s, w.push("shop/web", "v1", digest(1)))
		<-begun
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if err := s.Stop(ctx); err != nil {
			t.Fatal(err)
		}
		var pending *store.Pending
		if _, err := s.Verdict(t.Context(), image("shop/web", 1)); !errors.As(err, &pending) || pending.Attempt != 0 {
			t.Fatalf("handed back: %+v %v", pending, err)
		}
		shut(t, s)
		w.mutex.Lock()
		w.judge = nil
		w.mutex.Unlock()
		s = working(t, options)
		if v := verdict(t, s, image("shop/web", 1)); v.Verdict != gate.Allow || v.Attempts != 1 {
			t.Errorf("got %+v", v)
		}
	})
}

// A report must be one, must not allow what it says is denied, and has a limit.
func TestUnbelievableResults(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		w := newWorld()
		results := map[string]store.Result{
			digest(1): {Report: []byte(`{"verdict":"allow"}`)},
			digest(2): {Report: []byte(`{"schema":"https://tidewaiter.dev/report/v1","verdict":"allow","subjects":[]}`)},
			digest(3): {Report: []byte(strings.Replace(string(report("deny", image("shop/web", 3))), "deny", "allow", 1))},
			digest(4): {Report: []byte("panic: runtime error")},
			digest(5): {Report: report("allow", image("shop/web", 5)), SBOM: []byte(`{}`)},
			digest(6): {Report: report("allow", image("shop/web", 6)), SBOM: []byte(strings.Repeat(" ", 1<<20) + sbom)},
			digest(7): {},
		}
		w.judge = func(_ context.Context, job store.Job, _ func(store.Progress)) (store.Result, error) {
			return results[job.Digest], nil
		}
		options := w.options(t, dsn)
		options.Attempts, options.MaxEvidence = 1, 1<<20
		s := working(t, options)
		for n := 1; n <= 7; n++ {
			accept(t, s, w.push("shop/web", fmt.Sprint("v", n), digest(n)))
			if v := verdict(t, s, image("shop/web", n)); v.Verdict != gate.Deny || !v.Dead {
				t.Errorf("result %d is believed: %+v", n, v)
			}
		}
	})
}
