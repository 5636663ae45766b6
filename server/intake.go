package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/time/rate"

	"github.com/tidewaiter/tidewaiter/server/client"
	"github.com/tidewaiter/tidewaiter/server/store"
	"github.com/tidewaiter/tidewaiter/server/webhook"
)

const (
	// acceptTime is how long it may take to keep events. Senders wait no longer: Harbor hangs up after 3 s.
	acceptTime = 2500 * time.Millisecond
	// comeAgain is what a sender is told to wait for, in seconds, when there is no room.
	comeAgain = 10
	// logged bounds how many refused items of one request are logged one by one.
	logged = 5
)

// intake is one endpoint, as the server listens at it.
type intake struct {
	server   *Server
	endpoint *webhook.Endpoint
	limiter  *rate.Limiter
	places   places
}

func (s *Server) newIntake(e *webhook.Endpoint) *intake {
	return &intake{server: s, endpoint: e, limiter: rate.NewLimiter(rate.Limit(s.config.Rate), 2*s.config.Rate)}
}

// ServeHTTP takes one request. Only when its events are on disk is it told so, by 202.
func (i *intake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	accepted, refused, err := i.take(w, r)
	metrics := i.server.metrics
	metrics.events.WithLabelValues(i.endpoint.Name, "accepted").Add(float64(accepted))
	metrics.events.WithLabelValues(i.endpoint.Name, "refused").Add(float64(refused))
	if err == nil {
		writeJSON(w, http.StatusAccepted, map[string]int{"accepted": accepted, "refused": refused})
		return
	}
	status := statusOf(err)
	metrics.refusals.WithLabelValues(i.endpoint.Name, strconv.Itoa(status)).Inc()
	i.server.log.Log(r.Context(), levelOf(status, err), "a request of a sender was not taken",
		"endpoint", i.endpoint.Name, "status", status, "error", err, "remote", r.RemoteAddr)
	if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", strconv.Itoa(comeAgain))
	}
	writeError(w, status)
}

// take reads a request and keeps its events. The error has a status.
func (i *intake) take(w http.ResponseWriter, r *http.Request) (accepted, refused int, err error) {
	kept := i.server.current()
	if kept == nil {
		return 0, 0, statusError{http.StatusServiceUnavailable, errAway}
	}
	if err := i.endpoint.Admit(r); err != nil {
		return 0, 0, err
	}
	place := i.places.take(client.Network(r.RemoteAddr), i.hangUp(w))
	if place == nil {
		return 0, 0, errCrowded
	}
	defer i.places.leave(place)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, i.endpoint.BodyLimit()))
	if !i.places.keep(place) {
		return 0, 0, errCrowded
	}
	if err != nil {
		return 0, 0, bodyError(err)
	}
	events, errs, err := i.endpoint.Receive(r, body)
	if err != nil {
		return 0, 0, err
	}
	if !i.limiter.Allow() {
		return 0, 0, statusError{http.StatusTooManyRequests, errors.New("more requests a second than rate allows")}
	}
	i.logRefused(r.Context(), errs)
	ctx, cancel := context.WithTimeout(r.Context(), acceptTime)
	defer cancel()
	if err := kept.Accept(ctx, events); err != nil {
		return 0, 0, statusError{http.StatusServiceUnavailable, err}
	}
	if len(events) == 0 && len(errs) > 0 && !i.endpoint.Insists() {
		return 0, len(errs), statusError{http.StatusUnprocessableEntity, errs[0]}
	}
	return len(events), len(errs), nil
}

// hangUp ends the reading of a request's body, nil where its sender has proved itself already.
func (i *intake) hangUp(w http.ResponseWriter) func() {
	if !i.endpoint.Unproven() {
		return nil
	}
	control := http.NewResponseController(w)
	return func() { _ = control.SetReadDeadline(time.Unix(1, 0)) } // who is gone is read no longer
}

// errCrowded tells that there is no place to read a request.
var errCrowded = statusError{http.StatusServiceUnavailable, fmt.Errorf("%w: too many requests of senders at once", store.ErrBusy)}

func (i *intake) logRefused(ctx context.Context, errs []error) {
	for _, err := range errs[:min(len(errs), logged)] {
		i.server.log.WarnContext(ctx, "an event was not taken", "error", err)
	}
	if more := len(errs) - logged; more > 0 {
		i.server.log.WarnContext(ctx, "further events of the same request were not taken", "endpoint", i.endpoint.Name, "count", more)
	}
}

// statusError is an error with the HTTP status that tells of it.
type statusError struct {
	status int
	error
}

func (e statusError) Unwrap() error { return e.error }

func bodyError(err error) error {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return statusError{http.StatusRequestEntityTooLarge, err}
	}
	return statusError{http.StatusBadRequest, err}
}

// statusOf is the status that tells of an error. What has none is our fault.
func statusOf(err error) int {
	var refusal *webhook.Error
	var status statusError
	switch {
	case errors.As(err, &refusal):
		return refusal.Status
	case errors.As(err, &status):
		return status.status
	case errors.Is(err, store.ErrBusy):
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// levelOf is how loud a refusal is logged: that there is no room, or that we are stopping, is no fault.
func levelOf(status int, err error) slog.Level {
	if status < http.StatusInternalServerError || errors.Is(err, store.ErrBusy) || errors.Is(err, errAway) {
		return slog.LevelWarn
	}
	return slog.LevelError
}

// writeError tells the status, and no more: who could not prove who they are should learn nothing.
func writeError(w http.ResponseWriter, status int) {
	writeJSON(w, status, map[string]string{"error": http.StatusText(status)})
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // the client is gone
}
