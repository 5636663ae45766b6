package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// The time-outs of HTTP. Answers that are streamed (the page, live) lift the one on writing for themselves.
const (
	headerTime = 5 * time.Second
	readTime   = 20 * time.Second
	writeTime  = 60 * time.Second
	idleTime   = 90 * time.Second
	maxHeader  = 32 << 10
)

// web is what listens.
type web struct {
	servers []*http.Server
	failed  chan error
}

// listen opens the listeners and serves on them.
func (s *Server) listen(ctx context.Context) (*web, error) {
	w := &web{failed: make(chan error, 2)}
	address, err := w.serve(ctx, s.config.Listen, s.handler, s.secured, s.log)
	if err != nil {
		return nil, s.config.file.Errorf([]any{"listen"}, "listen: %w", err)
	}
	var metrics net.Addr
	if s.config.Metrics != off {
		mux := http.NewServeMux()
		mux.Handle("GET /metrics", s.metrics.handler())
		if metrics, err = w.serve(ctx, s.config.Metrics, mux, nil, s.log); err != nil {
			return nil, errors.Join(s.config.file.Errorf([]any{"metrics"}, "metrics: %w", err), w.stop(ctx))
		}
	}
	s.log.Info("listening", "address", address.String(), "tls", s.secured != nil, "endpoints", len(s.endpoints), "version", s.version)
	if s.ready != nil {
		s.ready(address, metrics)
	}
	return w, nil
}

func (s *Server) asksClients() bool {
	for _, e := range s.endpoints {
		if e.Auth.MTLS != nil {
			return true
		}
	}
	return false
}

func (w *web) serve(ctx context.Context, address string, handler http.Handler, secured *tls.Config, log *slog.Logger) (net.Addr, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	server := &http.Server{
		Handler: handler, TLSConfig: secured,
		ReadHeaderTimeout: headerTime, ReadTimeout: readTime, WriteTimeout: writeTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	w.servers = append(w.servers, server)
	go func() {
		var err error
		if secured != nil {
			err = server.ServeTLS(listener, "", "")
		} else {
			err = server.Serve(listener)
		}
		if !errors.Is(err, http.ErrServerClosed) {
			w.failed <- fmt.Errorf("listen: %w", err)
		}
	}()
	return listener.Addr(), nil
}

// stopTime bounds how long answers may take to their end.
const stopTime = 5 * time.Second

// stop ends the servers: requests that are being answered are finished, unless that takes too long.
func (w *web) stop(hurry context.Context) error {
	ctx, cancel := context.WithTimeout(hurry, stopTime)
	defer cancel()
	for _, server := range w.servers {
		if err := server.Shutdown(ctx); err != nil {
			_ = server.Close() // live pages never end by themselves
		}
	}
	return nil
}
