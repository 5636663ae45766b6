package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/tidewaiter/tidewaiter/gate"
	"github.com/tidewaiter/tidewaiter/image"
	"github.com/tidewaiter/tidewaiter/server"
	"github.com/tidewaiter/tidewaiter/server/judge"
)

// databaseVariable holds the address of the database where it has a password.
const databaseVariable = "TIDEWAITER_DATABASE"

func newServe(a *app) *cobra.Command {
	var config string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Judge what registries say was pushed, and tell deployers",
		Long: `Take the events of registries, judge each image that was pushed, keep the verdicts
with their evidence, and answer who asks for them.

  POST the path of an endpoint              a registry's event
  GET  /v1/verdicts/REPOSITORY@DIGEST       200 allowed, 403 denied, 404 unknown, 409 undecided
  GET  /healthz, /readyz                    for who watches the process

SIGHUP looks at once whether the configuration of the gate has changed, which is
looked at every minute anyway. SIGTERM stops in good order, a second one at once.`,
		Example: `  tidewaiter serve --config serve.yaml`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.serve(cmd.Context(), config)
		},
	}
	cmd.Flags().StringVar(&config, "config", server.DefaultConfig, "configuration `FILE`")
	return cmd
}

func (a *app) serve(ctx context.Context, name string) error {
	c, err := server.LoadConfig(name)
	if err != nil {
		return configError{err}
	}
	environment := keepEnvironment(c)
	if address := environment[databaseVariable]; address != "" {
		if err := c.SetDatabase(databaseVariable, address); err != nil {
			return configError{err}
		}
	}
	client, err := identifier(c)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return undecidedError{err}
	}
	log := server.NewLog(a.stderr)
	s, err := server.New(ctx, server.Options{
		Config: c, Identify: client.Identify, Version: programVersion(), Log: log,
		Program: judge.Program{Path: self, Args: []string{os.Args[0], judgeCommand}, Env: judgeEnvironment(c)},
		Getenv:  func(name string) string { return environment[name] },
		Ready:   func(address, _ net.Addr) { a.greet(c, address) },
	})
	if err != nil {
		return configError{err}
	}
	running, over := context.WithCancel(context.WithoutCancel(ctx))
	defer over()
	changed, hurry := signals(ctx, running, log)
	err = s.Run(ctx, hurry, changed)
	var told *judge.Error
	switch {
	case errors.As(err, &told) && told.Told: // in the beginning, the gate's configuration is all that a process is asked about
		return configError{err}
	case err != nil:
		return undecidedError{err}
	}
	return nil
}

// identifier is the client that tells what a tag is: it reads registries as the gate does.
func identifier(c *server.Config) (*image.Client, error) {
	o := options{config: c.Gate, offline: c.Offline, strangers: true}
	configured := &gate.Config{}
	if c.Gate != "" {
		var err error
		if configured, err = o.loadConfig(); err != nil {
			return nil, err
		}
	}
	return imageClient(o, configured), nil
}

// greet tells a person at a terminal what to do next. The log tells machines.
func (a *app) greet(c *server.Config, address net.Addr) {
	if !isTerminal(a.stderr) {
		return
	}
	scheme := "http"
	if c.TLS.Cert != "" {
		scheme = "https"
	}
	for _, e := range c.Endpoints {
		fmt.Fprintf(a.stderr, "tidewaiter: %s events go to %s://%s%s\n", e.Sender, scheme, address, e.Path)
	}
}

// signals returns what SIGHUP is told by, and a context that is done at the second signal to stop. It heeds none once running
// is done.
func signals(ctx, running context.Context, log *slog.Logger) (changed <-chan struct{}, hurry context.Context) {
	hangups, told := make(chan os.Signal, 1), make(chan struct{}, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	hurry, now := context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		for {
			select {
			case <-hangups:
				select {
				case told <- struct{}{}:
				default: // it was told, and is not done yet
				}
			case <-running.Done():
				now()
				return
			case <-ctx.Done():
				log.Info("told to stop: finishing what is being judged")
				again := make(chan os.Signal, 1)
				signal.Notify(again, os.Interrupt, syscall.SIGTERM)
				<-again
				log.Warn("told to stop again: handing back what is being judged")
				now()
				return
			}
		}
	}()
	return told, hurry
}

// kept are the variables of the environment that a server keeps, beside those of its configuration: how the network and
// the system are reached. Whatever else is there is taken out of the environment, lest a library finds credentials that
// nobody has configured (a home, a cloud's variables, an agent's socket).
var kept = []string{
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
	"SSL_CERT_FILE", "SSL_CERT_DIR", "TZ", "GODEBUG", "SYSTEMROOT",
}

// keptByServer are further ones that judging needs not to see.
var keptByServer = []string{"TMPDIR", "TEMP", "TMP", "GOGC", "GOMEMLIMIT", "GOMAXPROCS"}

// keepEnvironment takes everything out of the environment that the server shall not find there, and returns what it was.
func keepEnvironment(c *server.Config) map[string]string {
	before := map[string]string{}
	for _, entry := range os.Environ() {
		name, value, _ := strings.Cut(entry, "=")
		before[name] = value
		if !slices.Contains(kept, name) && !slices.Contains(keptByServer, name) && !slices.Contains(c.Environment, name) && !strings.HasPrefix(name, "OTEL_") {
			_ = os.Unsetenv(name)
		}
	}
	if c.Credentials != "" {
		_ = os.Setenv("DOCKER_CONFIG", c.Credentials)
		_ = os.Setenv("PATH", before["PATH"]) // for the helpers that it names
	}
	_ = os.Setenv(cacheVariable, filepath.Join(c.Data, "cache"))
	return before
}

// judgeEnvironment is what a process that judges gets of the server's environment.
func judgeEnvironment(c *server.Config) []string {
	var environment []string
	for _, name := range slices.Concat(kept, c.Environment, []string{"DOCKER_CONFIG", "PATH", cacheVariable}) {
		if value, set := os.LookupEnv(name); set {
			environment = append(environment, name+"="+value)
		}
	}
	return environment
}
