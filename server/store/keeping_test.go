package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidewaiter/tidewaiter/gate"
	"github.com/tidewaiter/tidewaiter/server/store"
	"github.com/tidewaiter/tidewaiter/server/webhook"
)

// SRV-04: the queue has a bound, and says so.
func TestQueueIsBounded(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		w := newWorld()
		options := w.options(t, dsn)
		options.Queue = 10
		s := open(t, options)
		for n := range 10 {
			accept(t, s, w.push("shop/web", fmt.Sprint("v", n), digest(n)))
		}
		if err := s.Accept(t.Context(), []webhook.Event{w.push("shop/web", "v10", digest(10))}); !errors.Is(err, store.ErrBusy) {
			t.Errorf("the eleventh: %v", err)
		}
		if err := s.Again(t.Context(), image("shop/web", 1)); !errors.Is(err, store.ErrBusy) {
			t.Errorf("again: %v", err)
		}
		if err := s.SetDeployed(t.Context(), image("shop/web", 1), true); !errors.Is(err, store.ErrBusy) {
			t.Errorf("deployed: %v", err)
		}
		if err := s.SetDeployed(t.Context(), image("shop/web", 1), false); err != nil {
			t.Errorf("no longer deployed: %v", err)
		}
		shut(t, s)
		s = open(t, options) // the bound is no matter of one process's memory
		if err := s.Accept(t.Context(), []webhook.Event{w.push("shop/web", "v10", digest(10))}); !errors.Is(err, store.ErrBusy) {
			t.Errorf("after a restart: %v", err)
		}
		if err := s.Ready(t.Context()); err == nil {
			t.Error("ready, though nobody works and the queue is full")
		}
		if err := s.Work(t.Context()); err != nil {
			t.Fatal(err)
		}
		drained(t, s)
	})
}

// What people ask for and what is deployed counts at once, each image once, and not only when the queue is looked at again.
func TestQueueIsBoundedForWhoAsks(t *testing.T) {
	for name, ask := range map[string]func(context.Context, *store.Store, store.Image) error{
		"again":    func(ctx context.Context, s *store.Store, i store.Image) error { return s.Again(ctx, i) },
		"deployed": func(ctx context.Context, s *store.Store, i store.Image) error { return s.SetDeployed(ctx, i, true) },
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, dsn string) {
				options := newWorld().options(t, dsn)
				options.Queue, options.Lease = 10, time.Hour
				s := open(t, options)
				for n := range 19 {
					if err := ask(t.Context(), s, image("shop/web", n/2)); err != nil {
						t.Fatalf("image %d: %v", n/2, err)
					}
				}
				if err := ask(t.Context(), s, image("shop/web", 10)); !errors.Is(err, store.ErrBusy) {
					t.Errorf("the eleventh: %v", err)
				}
			})
		})
	}
}

// SRV-04: the same request, replayed, is the same event; without an ID it costs a question, and no judging.
func TestReplay(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		w := newWorld()
		s := working(t, w.options(t, dsn))
		event := w.push("shop/web", "v1", digest(1))
		event.ID = "aaaa-bbbb"
		other := event
		other.Tag = "v2" // a batch may share an ID
		for range 50 {
			accept(t, s, event, other)
		}
		if n, err := s.Count(t.Context(), `SELECT count(*) FROM tw_event`); err != nil || n != 2 {
			t.Errorf("%d events %v", n, err)
		}
		event.ID = ""
		for range 50 {
			accept(t, s, event)
		}
		drained(t, s)
		if n := w.judged(digest(1)); n != 1 {
			t.Errorf("judged %d times", n)
		}
	})
}

// What package webhook would not give is refused whole, and nothing of it is kept.
func TestUnfitEvents(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		w := newWorld()
		s := open(t, w.options(t, dsn))
		good := w.push("shop/web", "v1", digest(1))
		for name, spoil := range map[string]func(*webhook.Event){
			"no host":       func(e *webhook.Event) { e.Host = "" },
			"names nothing": func(e *webhook.Event) { e.Tag, e.Digest = "", "" },
			"long":          func(e *webhook.Event) { e.Repository = strings.Repeat("a", 513) },
			"no text":       func(e *webhook.Event) { e.Tag = "\xff" },
			"nul":           func(e *webhook.Event) { e.Tag = "a\x00b" },
		} {
			bad := good
			spoil(&bad)
			if err := s.Accept(t.Context(), []webhook.Event{good, bad}); err == nil {
				t.Errorf("%s: accepted", name)
			}
		}
		if n, err := s.Count(t.Context(), `SELECT count(*) FROM tw_event`); err != nil || n != 0 {
			t.Errorf("%d events %v", n, err)
		}
	})
}

// Verdicts go after their time, but not the newest of what is tagged or deployed; what belongs to them goes with them.
func TestRetention(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		w := newWorld()
		w.verdict = func(job store.Job) (string, error) { return "deny", nil }
		options := w.options(t, dsn)
		ahead := time.Duration(0)
		options.Now = func() time.Time { return time.Now().Add(ahead) }
		s := working(t, options)
		for n := 1; n <= 3; n++ {
			accept(t, s, w.push("shop/web", "v1", digest(n)))
			verdict(t, s, image("shop/web", n))
		}
		accept(t, s, w.push("shop/api", "", digest(4)), w.push("shop/api", "", digest(5)))
		verdict(t, s, image("shop/api", 4))
		verdict(t, s, image("shop/api", 5))
		if err := s.SetDeployed(t.Context(), image("shop/api", 4), true); err != nil {
			t.Fatal(err)
		}
		if err := s.EndSession(t.Context(), "gone by then", time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		drained(t, s)
		if err := s.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n, err := s.Count(t.Context(), `SELECT count(*) FROM tw_verdict`); err != nil || n != 5 {
			t.Fatalf("young: %d verdicts %v", n, err)
		}
		if ended, err := s.SessionEnded(t.Context(), "gone by then"); err != nil || !ended {
			t.Errorf("a session that was ended: %v %v", ended, err)
		}
		ahead = 91 * 24 * time.Hour
		if err := s.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		for what, want := range map[string]int64{
			"tw_verdict": 2, "tw_finding": 2, "tw_event": 0, "tw_tag": 1, "tw_tag_history": 1, "tw_image": 2, "tw_rule_day": 0, "tw_ended_session": 0,
			"tw_announced": 2, // of the tag, and of the deployed digest
			"tw_blob":      3, // two reports and the SBOM that they share
		} {
			if n, err := s.Count(t.Context(), `SELECT count(*) FROM `+what); err != nil || n != want {
				t.Errorf("%s: %d rows %v, want %d", what, n, err, want)
			}
		}
		for _, i := range []store.Image{image("shop/web", 3), image("shop/api", 4)} {
			if _, err := s.Verdict(t.Context(), i); err != nil {
				t.Errorf("%s: %v", i, err)
			}
		}
		if _, err := s.Verdict(t.Context(), image("shop/web", 1)); !errors.Is(err, store.ErrUnknown) {
			t.Errorf("swept: %v", err)
		}
	})
}

func TestListsAreFilteredAndPaged(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		w := newWorld()
		w.verdict = func(job store.Job) (string, error) {
			if strings.HasSuffix(job.Digest, "0") {
				return "deny", nil
			}
			return "allow", nil
		}
		options := w.options(t, dsn)
		options.Workers = 20
		s := working(t, options)
		var events []webhook.Event
		for n := range 50 {
			events = append(events, w.push(fmt.Sprintf("Team_%d/web", n%5), fmt.Sprint("v", n), digest(n)))
		}
		accept(t, s, events...)
		drained(t, s)
		count := func(q store.Query) (n int) {
			t.Helper()
			seen := map[string]bool{}
			for pages := 0; ; pages++ {
				page, err := s.Verdicts(t.Context(), q)
				if err != nil || pages > 60 {
					t.Fatal(pages, err)
				}
				for i, v := range page.Items {
					if seen[v.ID] {
						t.Errorf("%s is there twice", v.ID)
					}
					seen[v.ID] = true
					if i > 0 && v.Finished.After(page.Items[i-1].Finished) {
						t.Error("not newest first")
					}
				}
				if q.After = page.Next; q.After == "" {
					return len(seen)
				}
			}
		}
		for name, c := range map[string]struct {
			query store.Query
			want  int
		}{
			"all":           {store.Query{}, 50},
			"small pages":   {store.Query{Limit: 7}, 50},
			"exact pages":   {store.Query{Limit: 10}, 50},
			"denied":        {store.Query{Verdict: gate.Deny}, 4}, // 0, 16, 32, 48
			"repository":    {store.Query{Host: "registry.example", Repository: "Team_1/web", Limit: 3}, 10},
			"other host":    {store.Query{Host: "registry.test"}, 0},
			"tag":           {store.Query{Tag: "v7"}, 1},
			"digest":        {store.Query{Digest: digest(9)}, 1},
			"text":          {store.Query{Text: "tEAM_3/"}, 10},
			"text, literal": {store.Query{Text: "team%"}, 0},
			"text, host":    {store.Query{Text: "example/team_2"}, 10},
			"rule":          {store.Query{Rule: "image/miner"}, 4},
			"future":        {store.Query{Since: time.Now().Add(time.Hour)}, 0},
			"past":          {store.Query{Until: time.Now().Add(-time.Hour)}, 0},
			"a reader of one repository": {store.Query{Limit: 4, May: func(name string) bool {
				return name == "registry.example/Team_4/web"
			}}, 10},
			"a reader of nothing": {store.Query{May: func(string) bool { return false }}, 0},
			"a made up cursor":    {store.Query{After: "'; DROP TABLE"}, 50},
		} {
			if got := count(c.query); got != c.want {
				t.Errorf("%s: %d verdicts, want %d", name, got, c.want)
			}
		}
		var pushed []string
		for q := (store.Query{Limit: 9, Text: "team_0"}); ; {
			page, err := s.Pushes(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range page.Items {
				pushed = append(pushed, p.Tag)
			}
			if q.After = page.Next; q.After == "" {
				break
			}
		}
		if got := strings.Join(pushed, " "); got != "v45 v40 v35 v30 v25 v20 v15 v10 v5 v0" {
			t.Errorf("pushes: %s", got)
		}
		packages := func(after string) store.Page[store.Package] {
			page, err := s.Packages(t.Context(), verdict(t, s, image("Team_0/web", 0)).ID, "", after, 1)
			if err != nil {
				t.Fatal(err)
			}
			return page
		}
		if first := packages(""); len(first.Items) != 1 || first.Items[0].Name != "bash" || packages(first.Next).Items[0].Name != "openssl" || packages(first.Next).Next != "" {
			t.Errorf("packages: %+v", first)
		}
	})
}

// Who watches hears what happens, in every process.
func TestWatch(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		w := newWorld()
		options := w.options(t, dsn)
		s := working(t, options)
		listener := s
		if strings.HasPrefix(dsn, "postgres:") {
			listener = open(t, options) // a process that only shows
		}
		changes := listener.Watch(t.Context())
		until := time.NewTicker(50 * time.Millisecond)
		defer until.Stop()
		for heard := false; !heard; { // until it listens
			select {
			case change := <-changes:
				heard = change.Kind == store.Progressed
			case <-until.C:
				if err := s.Tell(t.Context(), store.Change{Kind: store.Progressed}); err != nil {
					t.Fatal(err)
				}
			}
		}
		accept(t, s, w.push("shop/web", "v1", digest(1)))
		var kinds []store.ChangeKind
		for change := range changes {
			if change.Kind == store.Progressed {
				continue // of before
			}
			if change.Repository != "shop/web" {
				t.Errorf("got %+v", change)
			}
			if kinds = append(kinds, change.Kind); change.Kind == store.Judged {
				if change.Verdict != gate.Allow || change.ID == "" {
					t.Errorf("got %+v", change)
				}
				break
			}
		}
		if want := []store.ChangeKind{store.Arrived, store.Enqueued, store.Judged}; !slices.Equal(kinds, want) {
			t.Errorf("got %v, want %v", kinds, want)
		}
	})
}

// A watcher that does not read holds up nobody, and is told that it has missed something.
func TestSlowWatcher(t *testing.T) {
	w := newWorld()
	s := open(t, w.options(t, sqliteDSN(t)))
	changes := s.Watch(t.Context())
	const room = 256
	for n := range room + 10 {
		accept(t, s, w.push("shop/web", fmt.Sprint("v", n), digest(1)))
	}
	for range room {
		if change := <-changes; change.Kind != store.Arrived {
			t.Fatalf("got %+v", change)
		}
	}
	accept(t, s, w.push("shop/web", "last", digest(1)))
	if change := <-changes; change.Kind != store.Lost {
		t.Errorf("got %+v", change)
	}
	if change := <-changes; change.Tag != "last" {
		t.Errorf("got %+v", change)
	}
}

func TestSQLiteFile(t *testing.T) {
	w := newWorld()
	options := w.options(t, sqliteDSN(t))
	s := open(t, options)
	if _, err := store.Open(t.Context(), options); !errors.Is(err, store.ErrLocked) {
		t.Errorf("a second process: %v", err)
	}
	path := strings.TrimPrefix(options.DSN, "sqlite:")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v: a stranger could read it", info, err)
	}
	for query, want := range map[string]int64{
		"SELECT synchronous FROM pragma_synchronous":           2, // FULL
		"SELECT journal_mode = 'wal' FROM pragma_journal_mode": 1,
	} {
		if n, err := s.Count(t.Context(), query); err != nil || n != want {
			t.Errorf("%s: %d %v", query, n, err)
		}
	}
}

// A write that fails is undone by itself: what shares its transaction is kept.
func TestFailedWriteIsUndone(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		w := newWorld()
		s := open(t, w.options(t, dsn))
		results := make(chan error, 90)
		for n := range 90 {
			go func() {
				sql := fmt.Sprintf(`INSERT INTO tw_rule_day (day, rule, severity, n) VALUES ('%d', '', '', %d)`, n, n%3)
				var failure error
				if n%3 == 1 {
					failure = errors.New("on purpose")
				}
				err := s.Write(context.Background(), sql, failure, n%3 == 2)
				if (err == nil) != (n%3 == 0) {
					results <- fmt.Errorf("write %d: %v", n, err)
					return
				}
				results <- nil
			}()
		}
		for range 90 {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
		if n, err := s.Count(t.Context(), `SELECT count(*) FROM tw_rule_day WHERE n = 0`); err != nil || n != 30 {
			t.Errorf("%d rows %v, want 30", n, err)
		}
		if n, err := s.Count(t.Context(), `SELECT count(*) FROM tw_rule_day`); err != nil || n != 30 {
			t.Errorf("%d rows in all %v, want 30", n, err)
		}
	})
}

// A database of a newer program is left alone.
func TestNewerDatabase(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		w := newWorld()
		options := w.options(t, dsn)
		s := open(t, options)
		if err := s.Exec(t.Context(), `INSERT INTO tw_migration (name) VALUES ('9999.sql')`); err != nil {
			t.Fatal(err)
		}
		shut(t, s)
		if _, err := store.Open(t.Context(), options); err == nil || !strings.Contains(err.Error(), "9999.sql") {
			t.Errorf("got %v", err)
		}
	})
}

func TestDaily(t *testing.T) {
	at := store.Daily(3 * time.Hour)
	for now, want := range map[string]string{
		"2026-11-22T02:59:59Z":      "2026-11-22T03:00:00Z",
		"2026-11-22T03:00:00Z":      "2026-11-23T03:00:00Z",
		"2026-11-22T23:30:00+13:00": "2026-11-23T03:00:00Z",
	} {
		parsed, err := time.Parse(time.RFC3339, now)
		if err != nil {
			t.Fatal(err)
		}
		if got := store.NextDaily(at, parsed).Format(time.RFC3339); got != want {
			t.Errorf("after %s: %s, want %s", now, got, want)
		}
	}
}
