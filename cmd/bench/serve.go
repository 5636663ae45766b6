package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/tidewaiter/tidewaiter/image/imagetest"
)

// The load on the server: what the project promises to bear.
const (
	serveName      = "serve: acknowledge 200 events a second, judge 1,000 pushes of 100 images"
	loadImages     = 100
	loadPushes     = 1000
	eventsASecond  = 200
	eventsFor      = time.Minute
	alone          = 20 // images that the command line judges, one after the other
	acknowledgedIn = 50 * time.Millisecond
	senders        = 16 // connections that are kept
)

// load is a server under load, and the registry that its images are in.
type load struct {
	program                       string
	host, address, metrics, token string
	digests                       []string
	client                        *http.Client
	process                       *exec.Cmd
	log                           bytes.Buffer
}

// measureServe starts a server, sends it events, and tells how long it takes to acknowledge them, how often it judges, and
// what it takes of memory.
func measureServe(ctx context.Context, out io.Writer, dir string) error {
	return underLoad(ctx, out, serveName, filepath.Join(dir, "serve"), "", func(l *load) []measurement {
		return []measurement{l.judgeAll, l.acknowledge, l.commandLine}
	})
}

// measurement measures one thing and prints a line about it.
type measurement func(context.Context, io.Writer) error

// underLoad starts a server, with more in its configuration, and measures it.
func underLoad(ctx context.Context, out io.Writer, name, dir, more string, measurements func(*load) []measurement) error {
	ours, err := resolve([]string{"tidewaiter"})
	if err != nil {
		fmt.Fprintf(out, "%s: skipped, %v\n", name, err)
		return nil
	}
	quiet := registry.Logger(log.New(io.Discard, "", 0))
	images := httptest.NewServer(registry.New(quiet, registry.WithReferrersSupport(true)))
	defer images.Close()
	l := &load{
		program: ours[0], host: strings.TrimPrefix(images.URL, "http://"), token: rand.Text(),
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: senders}},
	}
	if err := l.pushImages(); err != nil {
		return err
	}
	if err := l.start(ctx, dir, more); err != nil {
		return err
	}
	defer func() { _ = l.process.Process.Kill(); _ = l.process.Wait() }()
	for _, measure := range measurements(l) {
		if err := measure(ctx, out); err != nil {
			return fmt.Errorf("%w; the server's log ends with %s", err, l.log.Bytes()[max(0, l.log.Len()-500):])
		}
	}
	return nil
}

func (l *load) pushImages() error {
	for i := range loadImages {
		img, err := imagetest.Build(nil, map[string]string{"app": fmt.Sprintf("#!/bin/sh\necho %d\n", i), "etc/os-release": "ID=none\n"})
		if err != nil {
			return err
		}
		ref, err := name.ParseReference(fmt.Sprintf("%s/shop/app-%d:1", l.host, i))
		if err != nil {
			return err
		}
		if err := remote.Write(ref, img); err != nil {
			return err
		}
		digest, err := img.Digest()
		if err != nil {
			return err
		}
		l.digests = append(l.digests, digest.String())
	}
	return nil
}

func (l *load) start(ctx context.Context, dir, more string) error {
	for _, address := range []*string{&l.address, &l.metrics} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		*address = listener.Addr().String()
		listener.Close()
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for file, text := range map[string]string{
		"secret":          l.token + "\n",
		"tidewaiter.yaml": fmt.Sprintf("registries: {%q: {plainHTTP: true}}\n", l.host),
		"serve.yaml": fmt.Sprintf(`
listen: %s
metrics: %s
data: data
gate: tidewaiter.yaml
endpoints: [{name: load, sender: distribution, path: /hooks/load, hosts: [%q], auth: {header: {secret: {file: secret}}}}]
tokens: [{name: load, secret: {file: secret}, repositories: ["**"]}]
%s`, l.address, l.metrics, l.host, more),
	} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			return err
		}
	}
	l.process = exec.CommandContext(ctx, l.program, "serve", "--config", filepath.Join(dir, "serve.yaml"))
	l.process.Stderr = &l.log
	if err := l.process.Start(); err != nil {
		return err
	}
	return l.await(ctx, "/readyz", http.StatusOK)
}

func (l *load) await(ctx context.Context, path string, want int) error {
	for deadline := time.Now().Add(10 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+l.address+path, nil)
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+l.token)
		if resp, err := l.client.Do(req); err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			if resp.StatusCode == want {
				return nil
			}
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s does not answer %d", path, want)
		}
	}
}

// send sends the event of a push of image i, and returns how long it took until it was acknowledged.
func (l *load) send(ctx context.Context, i int) (time.Duration, error) {
	body, err := l.event(fmt.Sprintf("shop/app-%d", i), l.digests[i])
	if err != nil {
		return 0, err
	}
	begun := time.Now()
	if status, err := l.post(ctx, body); err != nil || status != http.StatusAccepted {
		return 0, fmt.Errorf("an event was answered by %d, %v", status, err)
	}
	return time.Since(begun), nil
}

// event is what a registry sends of a push.
func (l *load) event(repository, digest string) ([]byte, error) {
	event := map[string]any{
		"id": rand.Text(), "action": "push", "request": map[string]string{"host": l.host},
		"target": map[string]string{
			"mediaType": "application/vnd.docker.distribution.manifest.v2+json", "digest": digest, "repository": repository, "tag": "1",
		},
	}
	return json.Marshal(map[string]any{"events": []any{event}})
}

// post sends what may be an event, and returns the status of the answer.
func (l *load) post(ctx context.Context, body []byte) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+l.address+"/hooks/load", bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Authorization", l.token)
	req.Header.Set("Content-Type", "application/vnd.docker.distribution.events.v2+json")
	resp, err := l.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, nil
}

// judgeAll has every image pushed many times, and waits for all verdicts.
func (l *load) judgeAll(ctx context.Context, out io.Writer) error {
	begun := time.Now()
	for i := range loadPushes {
		if _, err := l.send(ctx, i%loadImages); err != nil {
			return err
		}
	}
	for i, digest := range l.digests {
		if err := l.await(ctx, fmt.Sprintf("/v1/verdicts/%s/shop/app-%d@%s", l.host, i, digest), http.StatusOK); err != nil {
			return err
		}
	}
	spent := time.Since(begun)
	judged, err := l.judgements()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "serve: %d pushes of %d images were judged %d times (%d promised), in %.1f s: %.2f s an image\n",
		loadPushes, loadImages, judged, loadImages, spent.Seconds(), spent.Seconds()/loadImages)
	return nil
}

var judgementCount = regexp.MustCompile(`(?m)^tidewaiter_judgement_seconds_count\{.*\} (\d+)$`)

// judgements asks for the metric of how often an image was judged.
func (l *load) judgements() (int, error) {
	text, err := l.allMetrics()
	if err != nil {
		return 0, err
	}
	total := 0
	for _, m := range judgementCount.FindAllSubmatch(text, -1) {
		n, err := strconv.Atoi(string(m[1]))
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

func (l *load) allMetrics() ([]byte, error) {
	resp, err := http.Get("http://" + l.metrics + "/metrics")
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}

// acknowledge sends events at a steady rate.
func (l *load) acknowledge(ctx context.Context, out io.Writer) error {
	var (
		mu     sync.Mutex
		times  []time.Duration
		failed error
		all    sync.WaitGroup
	)
	before := resident(l.process.Process.Pid)
	ticker := time.NewTicker(time.Second / eventsASecond)
	defer ticker.Stop()
	for i := range int(eventsFor.Seconds()) * eventsASecond {
		<-ticker.C
		all.Go(func() {
			spent, err := l.send(ctx, i%loadImages)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = err
				return
			}
			times = append(times, spent)
		})
	}
	all.Wait()
	if failed != nil {
		return failed
	}
	slices.Sort(times)
	fmt.Fprintf(out, "serve: %d events, %d a second: half acknowledged in %v, 99 of 100 in %v (%v promised), the last in %v; memory %d MB before, %d MB after\n",
		len(times), eventsASecond, times[len(times)/2], times[len(times)*99/100], acknowledgedIn, times[len(times)-1],
		before>>20, resident(l.process.Process.Pid)>>20)
	return nil
}

// commandLine judges some of the images one after the other, for comparison.
func (l *load) commandLine(ctx context.Context, out io.Writer) error {
	cache, err := os.MkdirTemp("", "tidewaiter-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(cache)
	begun := time.Now()
	for i := range alone {
		cmd := exec.CommandContext(ctx, l.program, "check", "--plain-http", l.host, fmt.Sprintf("%s/shop/app-%d@%s", l.host, i, l.digests[i]))
		cmd.Env = append(os.Environ(), "TIDEWAITER_CACHE="+cache)
		if text, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("check: %w: %s", err, text)
		}
	}
	fmt.Fprintf(out, "serve: the command line judges %d of these images one after the other in %.2f s an image\n", alone, time.Since(begun).Seconds()/alone)
	return nil
}

// resident is how much memory a process has now, in bytes; 0 if the system does not tell.
func resident(pid int) int64 {
	statm, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	fields := strings.Fields(string(statm))
	if err != nil || len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}

// largest is the largest resident set of a process so far, in bytes; 0 if the system does not tell.
func largest(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kilobytes int64
	if _, err := fmt.Sscan(rest, &kilobytes); err != nil {
		return 0
	}
	return kilobytes << 10
}
