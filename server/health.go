package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"
)

// healthz tells that the process answers. It says nothing of whether it can work: a process whose database is away is not
// made better by being started again.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok", "version": s.version})
}

const (
	// readyTime bounds the look at whether the server is ready.
	readyTime = 2 * time.Second
	// minTemp is how many bytes must be free for temporary files: layers are kept there while they are read.
	minTemp = 256 << 20
	// minData is how many must be free where the database is, and the cache: some events and verdicts.
	minData = 16 << 20
)

// readyz tells whether an event that comes now would be kept and its image judged.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyTime)
	defer cancel()
	if err := s.isReady(ctx); err != nil {
		s.log.WarnContext(ctx, "not ready", "error", err)
		writeJSON(w, http.StatusServiceUnavailable, map[string]string{"status": "not ready"})
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "ready"})
}

// errAway tells that there is no store.
var errAway = errors.New("the server is starting, or stopping")

// errUnreadable tells that nobody knows what the gate is to judge by: a key that was taken away may be what is missing, so what
// it vouched for is not allowed meanwhile.
var errUnreadable = errors.New("the configuration of the gate cannot be read")

// isReady says what is missing. That rules and trust can be loaded was seen before there was a store.
func (s *Server) isReady(ctx context.Context) error {
	kept := s.current()
	if kept == nil {
		return errAway
	}
	if s.unreadable.Load() {
		return errUnreadable
	}
	if free, err := freeBytes(os.TempDir()); err == nil && free < minTemp {
		return fmt.Errorf("only %d MiB are free for temporary files", free>>20)
	}
	if free, err := freeBytes(s.config.Data); err == nil && free < minData {
		return fmt.Errorf("only %d MiB are free in the folder of data", free>>20)
	}
	return kept.Ready(ctx)
}
