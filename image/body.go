package image

import (
	"context"
	"errors"
	"io"
	"net/http"
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
	if resp.StatusCode >= http.StatusMultipleChoices || req.URL.Path == "/v2/" {
		resp.Body = &shortBody{io.LimitReader(body, maxTalk), body}
	}
	return resp, nil
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
