package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// What a server has to bear without growing.
const (
	siegeName    = "serve: memory and metrics under a siege"
	anHour       = 3600 * eventsASecond
	repositories = 100_000
	hostile      = 20_000
	slow         = 2_000 // connections at once
	slowFor      = 30 * time.Second
)

// measureSiege sends a server all that it has to bear, as fast as it takes it, and tells what it is like after each.
func measureSiege(ctx context.Context, out io.Writer, dir string) error {
	return underLoad(ctx, out, siegeName, filepath.Join(dir, "siege"), "rate: 1000000\nqueue: 1000000\n", func(l *load) []measurement {
		return []measurement{
			l.judgeAll, l.state("judged all"),
			l.hour, l.state("an hour of events"),
			l.strangers, l.state("repositories that nobody has heard of"),
			l.hostile, l.state("hostile bodies"),
			l.slow, l.state("slow clients"),
		}
	})
}

// state tells the memory of the server and how many series its metrics have.
func (l *load) state(after string) measurement {
	return func(_ context.Context, out io.Writer) error {
		text, err := l.allMetrics()
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "serve: after %s: memory %d MB (at most %d MB so far), %d series\n",
			after, resident(l.process.Process.Pid)>>20, largest(l.process.Process.Pid)>>20, bytes.Count(text, []byte("\ntidewaiter_")))
		return nil
	}
}

// times does something many times, by as many as there are senders, and tells how often a second.
func (l *load) times(ctx context.Context, out io.Writer, n int, what string, do func(context.Context, int) error) error {
	begun := time.Now()
	var next atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for range senders {
		group.Go(func() error {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if err := do(ctx, i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := group.Wait()
	fmt.Fprintf(out, "serve: %d %s, %.0f a second\n", n, what, float64(n)/time.Since(begun).Seconds())
	return err
}

// hour sends as many events as come in an hour.
func (l *load) hour(ctx context.Context, out io.Writer) error {
	return l.times(ctx, out, anHour, "events", func(ctx context.Context, i int) error {
		_, err := l.send(ctx, i%loadImages)
		return err
	})
}

// strangers sends events of repositories that the registry does not have.
func (l *load) strangers(ctx context.Context, out io.Writer) error {
	return l.times(ctx, out, repositories, "repositories", func(ctx context.Context, i int) error {
		body, err := l.event(fmt.Sprintf("strangers/app-%d", i), l.digests[0])
		if err != nil {
			return err
		}
		return l.answered(ctx, body, http.StatusAccepted)
	})
}

// answered sends a body and wants one of the statuses.
func (l *load) answered(ctx context.Context, body []byte, wanted ...int) error {
	status, err := l.post(ctx, body)
	if err != nil {
		return err
	}
	for _, want := range wanted {
		if status == want {
			return nil
		}
	}
	return fmt.Errorf("%d bytes that begin with %.60q were answered by %d", len(body), body, status)
}

// hostile sends bodies that are no events, with the secret, as a registry that was taken over could.
func (l *load) hostile(ctx context.Context, out io.Writer) error {
	good, err := l.event("shop/app-0", l.digests[0])
	if err != nil {
		return err
	}
	const limit = 1 << 20
	var bodies [][]byte
	for _, text := range []string{
		strings.Repeat("[", limit), `{"events":` + strings.Repeat("[", limit-20), `{"events":[` + strings.Repeat("{},", limit/3-20) + `{}]}`,
		`{"events":[{"id":"` + strings.Repeat("x", limit-100) + `"}]}`, strings.Repeat("\x00", limit), strings.Repeat(" ", 2*limit),
		`{"events":[{"target":{"repository":"` + strings.Repeat("a/", limit/4) + `"}}]}`, "", "[]", string(good[:len(good)/2]),
	} {
		bodies = append(bodies, []byte(text))
	}
	// This registry sends for ever what is refused: a list of events is acknowledged also if none of them is taken.
	answers := []int{http.StatusAccepted, http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusServiceUnavailable}
	return l.times(ctx, out, hostile, "hostile bodies", func(ctx context.Context, i int) error {
		return l.answered(ctx, bodies[i%len(bodies)], answers...)
	})
}

// slow opens connections that send a byte now and then, and tells how events are acknowledged meanwhile.
func (l *load) slow(ctx context.Context, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, slowFor)
	defer cancel()
	var hungUp atomic.Int64
	var group errgroup.Group
	for range slow {
		group.Go(func() error {
			for ctx.Err() == nil {
				if err := drip(ctx, l.address); err != nil {
					return err
				}
				hungUp.Add(1)
			}
			return nil
		})
	}
	var worst time.Duration
	for ctx.Err() == nil {
		spent, err := l.send(context.WithoutCancel(ctx), 0)
		if err != nil {
			return errors.Join(err, group.Wait())
		}
		worst = max(worst, spent)
		time.Sleep(10 * time.Millisecond)
	}
	err := group.Wait()
	fmt.Fprintf(out, "serve: %d slow clients at once were hung up on %d times in %v; the slowest event beside them was acknowledged in %v\n",
		slow, hungUp.Load(), slowFor, worst)
	return err
}

// drip sends a request byte by byte, until the server hangs up.
func drip(ctx context.Context, address string) error {
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	defer c.Close()
	for _, b := range []byte("POST /hooks/load HTTP/1.1\r\nHost: x\r\nX-Slow: " + strings.Repeat("x", 1000)) {
		if _, err := c.Write([]byte{b}); err != nil || ctx.Err() != nil {
			return nil
		}
		time.Sleep(250 * time.Millisecond)
	}
	return errors.New("a request of several minutes was waited for")
}
