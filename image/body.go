package image

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// minProgress is how many bytes have to come within Limits.Idle, so that a body that drips is cut off, too.
const minProgress = 4 << 10

var errIdle = errors.New("the registry stopped sending")

// pacer is the transport that gives every body a pace to keep, and those that matter little a length.
type pacer struct {
	inner http.RoundTripper
	idle  time.Duration
}

// RoundTrip puts the body of the answer under a pacedBody.
func (p *pacer) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	resp, err := p.inner.RoundTrip(req.WithContext(ctx))
	if err != nil {
		cancel(nil)
		return nil, err
	}
	body := &pacedBody{ReadCloser: resp.Body, ctx: ctx, cancel: cancel, idle: p.idle}
	resp.Body = body
	if resp.StatusCode >= http.StatusMultipleChoices || req.URL.Path == greeting {
		resp.Body = &shortBody{io.LimitReader(body, maxTalk), body}
	}
	return resp, nil
}

// greeting is the path of the first question to a registry, which it answers with how it wants to be spoken to.
const greeting = "/v2/"

// greeted is the transport that asks the first question once. We ask it to see the answer before any credentials
// are sent, and go-containerregistry asks it again when it logs in: it gets the answer that we have seen.
type greeted struct {
	inner http.RoundTripper

	mu      sync.Mutex
	answers map[string]answer // by scheme
}

// answer is what a request came to, without the body.
type answer struct {
	status int
	header http.Header
	err    error
}

// RoundTrip answers the first question as it was answered before.
func (g *greeted) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Path != greeting {
		return g.inner.RoundTrip(req)
	}
	g.mu.Lock()
	known, ok := g.answers[req.URL.Scheme]
	g.mu.Unlock()
	if ok {
		if known.err != nil {
			return nil, known.err
		}
		return &http.Response{StatusCode: known.status, Header: known.header.Clone(), Body: http.NoBody, Request: req}, nil
	}
	resp, err := g.inner.RoundTrip(req)
	a := answer{err: err}
	if err == nil {
		a.status, a.header = resp.StatusCode, resp.Header.Clone()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.answers == nil {
		g.answers = map[string]answer{}
	}
	g.answers[req.URL.Scheme] = a
	return resp, err
}

// maxTalk bounds the bodies that are no content: errors, redirects, and the answer to the first question,
// which go-containerregistry reads to its end. In bytes.
const maxTalk = 64 << 10

// shortBody is a body that ends early.
type shortBody struct {
	io.Reader
	io.Closer
}

// pacedBody is a body whose request is cancelled when minProgress bytes take longer than idle. Only the time
// spent in Read counts: the reader may be as slow as it likes.
type pacedBody struct {
	io.ReadCloser
	ctx    context.Context
	cancel context.CancelCauseFunc
	idle   time.Duration

	waited time.Duration
	got    int
}

func (b *pacedBody) Read(p []byte) (int, error) {
	start := time.Now()
	timer := time.AfterFunc(b.idle-b.waited, func() { b.cancel(errIdle) })
	n, err := b.ReadCloser.Read(p)
	timer.Stop()
	b.waited += time.Since(start)
	if b.got += n; b.got >= minProgress {
		b.got, b.waited = 0, 0
	}
	if err != nil && err != io.EOF && context.Cause(b.ctx) == errIdle {
		err = errIdle
	}
	if err != nil {
		b.cancel(nil) // not everybody who reads to the end closes
	}
	return n, err
}

func (b *pacedBody) Close() error {
	defer b.cancel(nil)
	return b.ReadCloser.Close()
}
