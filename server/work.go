package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/tidewaiter/tidewaiter/gate"
	"github.com/tidewaiter/tidewaiter/image"
	"github.com/tidewaiter/tidewaiter/server/judge"
	"github.com/tidewaiter/tidewaiter/server/store"
	"github.com/tidewaiter/tidewaiter/server/webhook"
)

// judge judges one image in a process of its own. It is store.Options.Judge.
func (s *Server) judge(ctx context.Context, job store.Job, progress func(store.Progress)) (store.Result, error) {
	begun := time.Now()
	ctx, span := s.tracer.Start(ctx, "judge", trace.WithAttributes(
		attribute.String("tidewaiter.image", job.Image.String()), attribute.String("tidewaiter.reason", string(job.Reason)), attribute.Int("tidewaiter.attempt", job.Attempt)))
	defer span.End()
	outcome, err := s.program.Run(ctx, judge.Job{
		Image: job.Image.String(), Hosts: s.hosts, Gate: s.gate, Policy: job.Policy,
	}, func(p judge.Progress) { progress(progressOf(p)) })
	log := s.log.With("image", job.Image.String(), "id", job.ID, "attempt", job.Attempt, "reason", string(job.Reason))
	spent := time.Since(begun)
	if err != nil {
		s.failed(ctx, log, err)
		span.SetStatus(codes.Error, err.Error())
		s.metrics.judgements.WithLabelValues("error").Observe(spent.Seconds())
		return store.Result{}, err
	}
	verdict, err := verdictOf(outcome.Report)
	if err != nil {
		return store.Result{}, err
	}
	span.SetAttributes(attribute.String("tidewaiter.verdict", verdict.String()))
	s.metrics.judgements.WithLabelValues(verdict.String()).Observe(spent.Seconds())
	log.InfoContext(ctx, "an image was judged", "verdict", verdict.String(), "seconds", spent.Seconds())
	return store.Result{Report: outcome.Report, SBOM: outcome.SBOM}, nil
}

// failed tells of a judging without a result, and has the policy looked at: that it was changed is one of the reasons.
func (s *Server) failed(ctx context.Context, log *slog.Logger, err error) {
	if errors.Is(ctx.Err(), context.Canceled) {
		log.InfoContext(ctx, "the judging of an image was broken off, and is handed back")
		return
	}
	var ended *judge.Error
	if errors.As(err, &ended) && ended.Complaint != "" {
		log = log.With("complaint", ended.Complaint)
	}
	log.WarnContext(ctx, "an image could not be judged", "error", err)
	select {
	case s.recheck <- struct{}{}:
	default:
	}
}

func verdictOf(report []byte) (gate.Verdict, error) {
	var r struct{ Verdict gate.Verdict }
	err := json.Unmarshal(report, &r)
	return r.Verdict, err
}

// progressOf is what those who watch get to see.
func progressOf(p judge.Progress) store.Progress {
	if p.Layer == nil {
		return store.Progress{Step: p.Doing}
	}
	l := p.Layer
	return store.Progress{Step: "reading " + l.Platform, Layer: l.Index + 1, Layers: l.Of, Bytes: l.Read, Size: l.Size}
}

// resolve asks the registry what an event is about. It is store.Options.Resolve.
func (s *Server) resolve(ctx context.Context, e webhook.Event) (store.Resolved, error) {
	ctx, span := s.tracer.Start(ctx, "resolve", trace.WithAttributes(attribute.String("tidewaiter.repository", e.Host+"/"+e.Repository)))
	defer span.End()
	if e.Subject != "" {
		return store.Resolved{Subject: e.Subject}, nil
	}
	var found store.Resolved
	ref := image.Reference{Transport: image.Registry, Host: e.Host, Repository: e.Repository}
	if e.Digest != "" {
		byDigest := ref
		byDigest.Digest = e.Digest
		id, err := s.known(ctx, byDigest)
		if err != nil || id.Subject != "" {
			return store.Resolved{Subject: id.Subject}, err
		}
		found.Digest = id.Digest
	}
	if e.Tag != "" {
		byTag := ref
		byTag.Tag = e.Tag
		id, err := s.known(ctx, byTag)
		switch {
		case err != nil:
			return found, err
		case id.Subject != "" && found.Digest == "":
			return store.Resolved{Subject: id.Subject}, nil
		}
		found.Tagged = id.Digest
	}
	if found == (store.Resolved{}) {
		return found, fmt.Errorf("%w: %s/%s, tag %q, digest %q", store.ErrGone, e.Host, e.Repository, e.Tag, e.Digest)
	}
	return found, nil
}

// known asks the registry what a reference is. Of what it does not have, nothing is known, which is no error.
func (s *Server) known(ctx context.Context, ref image.Reference) (image.Identity, error) {
	id, err := s.identify(ctx, ref)
	if errors.Is(err, image.ErrNotFound) {
		return image.Identity{}, nil
	}
	return id, err
}
