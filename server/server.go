// Package server is tidewaiter serve: it takes what registries send, has each image judged once, and tells deployers,
// people and other systems what became of it.
//
// What it promises: a sender is told 202 only when its events are on disk (package store). It judges nothing itself, and
// a request never waits for a judgement; images are judged by processes of their own (package judge). It asks no registry
// that no endpoint is configured for, and bears no credentials that are not configured.
package server

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/tidewaiter/tidewaiter/image"
	"github.com/tidewaiter/tidewaiter/server/judge"
	"github.com/tidewaiter/tidewaiter/server/page"
	"github.com/tidewaiter/tidewaiter/server/store"
	"github.com/tidewaiter/tidewaiter/server/webhook"
)

// Options are what a server needs beside its configuration. All of them are required but Ready.
type Options struct {
	Config *Config
	// Identify asks a registry what a reference names: image.Client.Identify of a client that trusts no stranger.
	Identify func(context.Context, image.Reference) (image.Identity, error)
	// Program judges an image. Its limits are the configuration's.
	Program judge.Program
	Version string
	Log     *slog.Logger
	// Getenv looks up the environment variables that hold secrets.
	Getenv func(string) string
	// Ready is called once the server listens, with its addresses; that of metrics is nil if they are off.
	Ready func(address, metrics net.Addr)
}

// Server is made by New and lives through one Run.
type Server struct {
	config    *Config
	log       *slog.Logger
	identify  func(context.Context, image.Reference) (image.Identity, error)
	program   judge.Program
	gate      judge.Gate
	hosts     []string
	endpoints []*webhook.Endpoint
	readers   []*reader
	receivers map[string]*receiver
	metrics   *metrics
	tracer    trace.Tracer
	ready     func(address, metrics net.Addr)
	now       func() time.Time

	secured *tls.Config // nil without TLS
	handler http.Handler
	recheck chan struct{} // asks to look whether the policy has changed
	kept    atomic.Pointer[store.Store]
	login   page.Login
	page    atomic.Pointer[page.Page] // nil as kept is, and where nobody may log in
	version string
	// unreadable tells that the gate's configuration was changed to one that cannot be read.
	unreadable atomic.Bool
	close      func(context.Context) error // sends the last traces
}

// New checks the configuration and reads the secrets that it names. The error lists all mistakes of a kind, with their
// lines.
func New(ctx context.Context, o Options) (*Server, error) {
	c := o.Config
	s := &Server{
		config: c, log: o.Log, identify: o.Identify, program: o.Program, hosts: c.Hosts(), version: o.Version,
		gate: judge.Gate{Config: c.Gate, Policies: c.Policies, Offline: c.Offline}, ready: o.Ready, now: time.Now,
		recheck: make(chan struct{}, 1),
	}
	s.program.Limits = judge.Limits{Time: time.Duration(c.Judge.Time), Memory: int64(c.Judge.Memory), Output: maxOutput}
	secrets := webhook.Options{Dir: c.Dir(), Getenv: o.Getenv}
	var err error
	if s.endpoints, err = webhook.Open(c.Endpoints, secrets); err != nil {
		return nil, c.Explain(err)
	}
	if s.readers, err = c.openTokens(secrets); err != nil {
		return nil, err
	}
	if s.receivers, err = c.openReceivers(secrets); err != nil {
		return nil, err
	}
	if s.login, err = c.openLogin(secrets); err != nil {
		return nil, err
	}
	if c.hasPage() {
		if _, err := s.newPage(nil); err != nil {
			return nil, err
		}
	}
	if c.TLS.Cert != "" {
		opened, err := openCertificate(c.TLS, s.log)
		if err != nil {
			return nil, c.file.Errorf([]any{"tls"}, "%w", err)
		}
		s.secured = opened.config(s.asksClients())
	}
	s.metrics = newMetrics(s, o.Version)
	if s.tracer, s.close, err = openTracer(ctx, o.Version); err != nil {
		return nil, err
	}
	s.handler, err = s.routes()
	return s, err
}

// current is the store; nil while there is none, at the start, at the end, and while the policy changes.
func (s *Server) current() *store.Store { return s.kept.Load() }

// routes is everything that is served, but for metrics.
func (s *Server) routes() (http.Handler, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	api{s}.route(mux)
	mux.Handle("/", s.observed("page", http.HandlerFunc(s.pages)))
	for i, e := range s.endpoints {
		if slices.ContainsFunc(reserved, func(prefix string) bool { return e.Path == prefix || strings.HasPrefix(e.Path, prefix+"/") }) {
			return nil, s.config.file.Errorf([]any{"endpoints", i, "path"}, "endpoint %q: path %s is the server's own; use one like /hooks/%s", e.Name, e.Path, e.Name)
		}
		mux.Handle(e.Pattern(), s.observed("endpoint "+e.Name, s.newIntake(e)))
	}
	return s.config.Proxies.Handler(plainPaths(mux)), nil
}

// reserved are the paths that no endpoint may have.
var reserved = []string{
	"/v1", "/healthz", "/readyz",
	"/login", "/logout", "/assets", "/image", "/verdict", "/queue", "/again", "/live", "/theme", // the page's
}

// plainPaths answers 404 where a path is not the one that it seems to be: with dots, doubled slashes, backslashes or
// slashes in disguise. Nobody who means well writes such a path, and a redirect would answer what was never asked.
func plainPaths(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		escaped := strings.ToLower(r.URL.EscapedPath())
		clean := path.Clean(r.URL.Path) == r.URL.Path || path.Clean(r.URL.Path)+"/" == r.URL.Path
		if !clean || strings.Contains(escaped, "%2f") || strings.Contains(escaped, "%5c") || strings.Contains(escaped, "%2e") || strings.ContainsRune(r.URL.Path, '\\') {
			writeError(w, http.StatusNotFound)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// errPolicy tells that the policy has changed.
var errPolicy = errors.New("the configuration of the gate, its rules or its files of trust have changed")

// Run serves until ctx is done, and then stops in good order: senders are told to come again, what is being judged is
// finished or, when the grace time is over or hurry is done, handed back. changed asks to look at once whether the gate's
// configuration has changed.
func (s *Server) Run(ctx, hurry context.Context, changed <-chan struct{}) error {
	policy, err := s.policy(ctx)
	if err != nil {
		return err
	}
	web, err := s.listen(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = s.close(context.WithoutCancel(ctx)) }()
	for err = errPolicy; errors.Is(err, errPolicy); {
		policy, err = s.work(ctx, hurry, changed, web.failed, policy)
	}
	return errors.Join(err, web.stop(hurry))
}

// work works by one policy, until there is another, ctx is done, or listening has failed.
func (s *Server) work(ctx, hurry context.Context, changed <-chan struct{}, failed <-chan error, policy string) (next string, err error) {
	kept, err := store.Open(ctx, s.storeOptions(policy))
	if err != nil {
		return "", s.config.databaseError(err)
	}
	if err := kept.Work(ctx); err != nil {
		return "", errors.Join(s.config.databaseError(err), kept.Close())
	}
	shown, hide := context.WithCancel(ctx)
	defer hide()
	if err := s.showPage(shown, kept); err != nil {
		return "", errors.Join(err, kept.Stop(ctx), kept.Close())
	}
	s.kept.Store(kept)
	s.log.Info("at work", "policy", policy)
	next, err = s.watchPolicy(ctx, changed, failed, policy)
	s.kept.Store(nil)
	hide()
	s.log.Info("stopping work", "policy", policy)
	grace, cancel := context.WithTimeout(hurry, time.Duration(s.config.Grace))
	defer cancel()
	return next, errors.Join(err, kept.Stop(grace), kept.Close())
}

func (s *Server) storeOptions(policy string) store.Options {
	c := s.config
	var names []string
	for name := range s.receivers {
		names = append(names, name)
	}
	slices.Sort(names)
	return store.Options{
		DSN: c.Database, Policy: policy, Judge: s.judge, Resolve: s.resolve, Notify: s.notify, Receivers: names,
		Workers: c.Workers, Attempts: c.Attempts, JudgeTimeout: time.Duration(c.Judge.Time) + time.Minute, Queue: c.Queue,
		Rejudge: time.Duration(c.Rejudge), Fresh: time.Duration(c.Fresh), Retention: time.Duration(c.Retention), Log: s.log,
	}
}

// policyEvery is how often it is looked whether the policy has changed: somebody edits a file, or a waiver expires.
const policyEvery = time.Minute

// watchPolicy returns when there is another policy, with errPolicy, when ctx is done, or when listening has failed. A
// configuration that cannot be read is no policy: nothing is judged by it, and nothing allowed until it can be read.
func (s *Server) watchPolicy(ctx context.Context, changed <-chan struct{}, failed <-chan error, policy string) (string, error) {
	ticker := time.NewTicker(policyEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return "", nil
		case err := <-failed:
			return "", err
		case <-changed:
		case <-s.recheck:
		case <-ticker.C:
		}
		now, err := s.policy(ctx)
		s.unreadable.Store(err != nil)
		switch {
		case ctx.Err() != nil:
			return "", nil
		case err != nil:
			s.log.Error("the configuration of the gate cannot be read: nothing is judged or allowed until it can", "error", err)
		case now != policy:
			return now, errPolicy
		}
	}
}

// policy asks a process that judges what it judges by.
func (s *Server) policy(ctx context.Context) (string, error) {
	outcome, err := s.program.Run(ctx, judge.Job{Gate: s.gate}, func(judge.Progress) {})
	if err != nil {
		return "", err
	}
	if outcome.Policy == "" {
		return "", errors.New("the process that judges does not say by what")
	}
	return outcome.Policy, nil
}
