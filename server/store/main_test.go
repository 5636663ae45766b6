package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tidewaiter/tidewaiter/gate"
	"github.com/tidewaiter/tidewaiter/policies"
	"github.com/tidewaiter/tidewaiter/server/store"
	"github.com/tidewaiter/tidewaiter/server/store/storetest"
	"github.com/tidewaiter/tidewaiter/server/webhook"
)

// postgres is nil where the tests have none.
var postgres *storetest.Postgres

func TestMain(m *testing.M) {
	if mode := os.Getenv(childVariable); mode != "" {
		child(mode)
		return
	}
	code := func() int {
		if bin := os.Getenv(storetest.Variable); bin != "" {
			var err error
			if postgres, err = storetest.Start(bin); err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
			defer postgres.Stop()
		}
		return m.Run()
	}()
	os.Exit(code)
}

// onBoth runs a test on a new SQLite file and on a new database of PostgreSQL.
func onBoth(t *testing.T, test func(t *testing.T, dsn string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, sqliteDSN(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, postgresDSN(t)) })
}

func sqliteDSN(t *testing.T) string {
	return "sqlite:" + filepath.Join(t.TempDir(), "tide ?%waiter.db") // a path is no URL
}

func postgresDSN(t *testing.T) string {
	t.Helper()
	if postgres == nil {
		t.Skipf("%s does not say where the programs of PostgreSQL are", storetest.Variable)
	}
	dsn, err := postgres.Database(t.Context(), t.Name())
	if err != nil {
		t.Fatal(err)
	}
	return dsn
}

// world is a registry and a judge, as simple as they can be, and a receiver of notices.
type world struct {
	mutex   sync.Mutex
	tags    map[string]string               // host/repository:tag -> digest
	judging map[string]int                  // digest -> how often
	verdict func(store.Job) (string, error) // "allow" if none
	resolve func(webhook.Event) (store.Resolved, error)
	judge   func(context.Context, store.Job, func(store.Progress)) (store.Result, error)
	notices []store.Notice
}

func newWorld() *world {
	return &world{tags: map[string]string{}, judging: map[string]int{}}
}

func (w *world) options(t *testing.T, dsn string) store.Options {
	return store.Options{
		DSN: dsn, Policy: "policy-1", Receivers: []string{"ops"},
		Judge: w.Judge, Resolve: w.Resolve, Notify: w.Notify,
		Backoff: func(int) time.Duration { return 10 * time.Millisecond },
		Lease:   10 * time.Second,
		Log:     slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
}

func (w *world) Judge(ctx context.Context, job store.Job, progress func(store.Progress)) (store.Result, error) {
	w.mutex.Lock()
	w.judging[job.Digest]++
	verdict, judge := w.verdict, w.judge
	w.mutex.Unlock()
	if judge != nil {
		return judge(ctx, job, progress)
	}
	said := "allow"
	if verdict != nil {
		var err error
		if said, err = verdict(job); err != nil {
			return store.Result{}, err
		}
	}
	return store.Result{Report: report(said, job.Image), SBOM: []byte(sbom)}, nil
}

func (w *world) Resolve(_ context.Context, event webhook.Event) (store.Resolved, error) {
	w.mutex.Lock()
	resolve := w.resolve
	w.mutex.Unlock()
	if resolve != nil {
		return resolve(event)
	}
	if event.Subject != "" {
		return store.Resolved{Subject: event.Subject}, nil
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return store.Resolved{Digest: event.Digest, Tagged: w.tags[event.Host+"/"+event.Repository+":"+event.Tag]}, nil
}

func (w *world) Notify(_ context.Context, _ string, notice store.Notice) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.notices = append(w.notices, notice)
	return nil
}

func (w *world) judged(digest string) int {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.judging[digest]
}

func (w *world) told() []store.Notice {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return slices.Clone(w.notices)
}

// push moves the tag at the registry and returns the event of it.
func (w *world) push(repository, tag, digest string) webhook.Event {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if tag != "" {
		w.tags["registry.example/"+repository+":"+tag] = digest
	}
	return webhook.Event{Sender: "distribution", Host: "registry.example", Repository: repository, Tag: tag, Digest: digest}
}

// report is a report with one finding if it denies, and none otherwise.
func report(verdict string, image store.Image) []byte {
	var v gate.Verdict
	if err := v.UnmarshalText([]byte(verdict)); err != nil {
		panic(err)
	}
	subject := gate.Subject{Kind: "image", Name: image.Name(), Digest: image.Digest, Verdict: v, Findings: []gate.Finding{}}
	if v == gate.Deny {
		subject.Findings = append(subject.Findings, gate.Finding{Rule: "image/miner", Severity: policies.Critical, Message: "xmrig", Denies: true})
	}
	text, err := json.Marshal(gate.Report{Schema: gate.Schema, Verdict: v, Subjects: []gate.Subject{subject}})
	if err != nil {
		panic(err)
	}
	return text
}

const sbom = `{"bomFormat":"CycloneDX","components":[
	{"type":"library","name":"openssl","version":"3.0.1","purl":"pkg:deb/debian/openssl@3.0.1"},
	{"type":"library","name":"bash","version":"5.2","purl":"pkg:deb/debian/bash@5.2"},
	{"type":"file","name":"/bin/bash"}]}`

func digest(n int) string { return fmt.Sprintf("sha256:%064x", n) }

func image(repository string, n int) store.Image {
	return store.Image{Host: "registry.example", Repository: repository, Digest: digest(n)}
}

// open opens a store that is closed with the test.
func open(t *testing.T, options store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, s) })
	return s
}

// working opens a store and starts its workers.
func working(t *testing.T, options store.Options) *store.Store {
	t.Helper()
	s := open(t, options)
	if err := s.Work(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// shut stops and closes a store. It may be called twice.
func shut(t *testing.T, s *store.Store) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := errors.Join(s.Stop(ctx), s.Close()); err != nil {
		t.Error(err)
	}
}

func accept(t *testing.T, s *store.Store, events ...webhook.Event) {
	t.Helper()
	if err := s.Accept(t.Context(), events); err != nil {
		t.Fatal(err)
	}
}

// eventually waits until something holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

// verdict waits for the verdict of an image.
func verdict(t *testing.T, s *store.Store, image store.Image) store.Verdict {
	t.Helper()
	var v store.Verdict
	eventually(t, "a verdict of "+image.String(), func() bool {
		var err error
		v, err = s.Verdict(t.Context(), image)
		var pending *store.Pending
		if err != nil && !errors.As(err, &pending) && !errors.Is(err, store.ErrUnknown) {
			t.Fatal(err)
		}
		return err == nil
	})
	return v
}

// drained waits until nothing is left to do.
func drained(t *testing.T, s *store.Store) {
	t.Helper()
	eventually(t, "an empty queue", func() bool {
		n, err := s.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return n.Events+n.Queued+n.Running+n.Retrying+n.Notices == 0
	})
}
