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

// pacer is the transport that gives every body a pace to keep.
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
	resp.Body = &pacedBody{ReadCloser: resp.Body, ctx: ctx, cancel: cancel, idle: p.idle}
	return resp, nil
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
	return n, err
}

func (b *pacedBody) Close() error {
	defer b.cancel(nil)
	return b.ReadCloser.Close()
}
