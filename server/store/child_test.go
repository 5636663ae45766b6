package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tidewaiter/tidewaiter/gate"
	"github.com/tidewaiter/tidewaiter/server/store"
	"github.com/tidewaiter/tidewaiter/server/webhook"
)

// The tests of this file kill processes: the test program starts itself, with these variables set.
const (
	childVariable = "TIDEWAITER_STORE_CHILD" // the DSN
	logVariable   = "TIDEWAITER_STORE_LOG"   // where it writes what the outside sees
	hangVariable  = "TIDEWAITER_STORE_HANG"  // judging never ends
)

// images is how many images the pushes of TestKill are of.
const images = 60

// child is a server without HTTP. It reads the numbers of pushes, and answers each when it is accepted. At "drain" it
// ends when nothing is left to do.
func child(dsn string) {
	log, err := os.OpenFile(os.Getenv(logVariable), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	s, err := store.Open(ctx, store.Options{
		DSN: dsn, Policy: "policy-1", Receivers: []string{"ops"}, Lease: 2 * time.Second,
		Attempts: 1000, // each kill costs one
		Resolve: func(_ context.Context, event webhook.Event) (store.Resolved, error) {
			return store.Resolved{Digest: event.Digest, Tagged: event.Digest}, nil
		},
		Judge: func(ctx context.Context, job store.Job, _ func(store.Progress)) (store.Result, error) {
			_, _ = fmt.Fprintln(log, "judge", os.Getpid(), job.Digest)
			if os.Getenv(hangVariable) != "" {
				<-ctx.Done()
				return store.Result{}, ctx.Err()
			}
			time.Sleep(rand.N(40 * time.Millisecond))
			return store.Result{Report: report("allow", job.Image), SBOM: []byte(sbom)}, nil
		},
		Notify: func(_ context.Context, _ string, notice store.Notice) error {
			_, err := fmt.Fprintln(log, "notice", notice.ID, notice.Digest)
			return err
		},
	})
	if err == nil {
		err = s.Work(ctx)
	}
	if err != nil {
		panic(err)
	}
	fmt.Println("ready")
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		if in.Text() == "drain" {
			drain(ctx, s)
			return
		}
		n, err := strconv.Atoi(in.Text())
		if err != nil {
			panic(err)
		}
		if err := s.Accept(ctx, []webhook.Event{pushOf(n)}); err != nil {
			panic(err)
		}
		fmt.Println("accepted", n)
	}
}

func drain(ctx context.Context, s *store.Store) {
	for {
		n, err := s.Stats(ctx)
		if err != nil {
			panic(err)
		}
		if n.Events+n.Queued+n.Running+n.Retrying+n.Notices == 0 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err := errors.Join(s.Stop(ctx), s.Close()); err != nil {
		panic(err)
	}
	fmt.Println("drained")
}

func pushOf(n int) webhook.Event {
	return webhook.Event{
		Sender: "distribution", Host: "registry.example", Repository: fmt.Sprint("shop/", n%images%5), Tag: fmt.Sprint("v", n%images), Digest: digest(n % images),
	}
}

// process is a child that runs.
type process struct {
	*exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

func start(t *testing.T, dsn, log string, more ...string) *process {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), childVariable+"="+dsn, logVariable+"="+log)
	c.Env = append(c.Env, more...)
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	p := &process{c, in, bufio.NewScanner(out)}
	p.expect(t, "ready")
	return p
}

// say sends a line; a dead process hears nothing.
func (p *process) say(line any) { _, _ = fmt.Fprintln(p.in, line) }

// expect waits for a line.
func (p *process) expect(t *testing.T, line string) {
	t.Helper()
	late := time.AfterFunc(2*time.Minute, func() { _ = p.Process.Kill() })
	defer late.Stop()
	for p.out.Scan() {
		if p.out.Text() == line {
			return
		}
	}
	t.Fatalf("the process ended, and never said %q", line)
}

// logged returns the lines of a kind that children have written, without the kind.
func logged(t *testing.T, log, kind string) (lines [][]string) {
	t.Helper()
	text, err := os.ReadFile(log)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == kind {
			lines = append(lines, fields[1:])
		}
	}
	return lines
}

// kills is how often TestKill kills.
func kills() int {
	if n, err := strconv.Atoi(os.Getenv("TIDEWAITER_STORE_KILLS")); err == nil {
		return n
	}
	return 8
}

// SRV-01: whenever the process is killed, each push that was accepted ends in one verdict of its image, and in one notice.
func TestKill(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		log := filepath.Join(t.TempDir(), "log")
		const pushes = 200
		accepted := map[int]bool{}
		for killed := 0; killed < kills() || len(accepted) < pushes; killed++ {
			p := start(t, dsn, log)
			time.AfterFunc(rand.N(time.Second), func() { _ = p.Process.Kill() })
			for n := range pushes {
				if accepted[n] {
					continue
				}
				p.say(n)
				if !p.out.Scan() {
					break
				}
				if p.out.Text() != fmt.Sprint("accepted ", n) {
					t.Fatalf("push %d: %s", n, p.out.Text())
				}
				accepted[n] = true
				if len(accepted)*kills() > (killed+1)*pushes {
					time.Sleep(5 * time.Millisecond) // so that some are left for the next process
				}
			}
			_ = p.Wait()
		}
		last := start(t, dsn, log)
		last.say("drain")
		last.expect(t, "drained")
		_ = last.Wait()

		s := open(t, newWorld().options(t, dsn))
		notices := map[string][]string{}
		for _, line := range logged(t, log, "notice") {
			if !slices.Contains(notices[line[1]], line[0]) { // sent again after a kill: the ID says so
				notices[line[1]] = append(notices[line[1]], line[0])
			}
		}
		for n := range images {
			v, err := s.Verdict(t.Context(), store.Image{Host: "registry.example", Repository: pushOf(n).Repository, Digest: digest(n)})
			if err != nil || v.Dead {
				t.Errorf("image %d: %+v %v", n, v, err)
			}
			if rows, err := s.Count(t.Context(), `SELECT count(*) FROM tw_verdict WHERE digest = $1`, digest(n)); err != nil || rows != 1 {
				t.Errorf("image %d has %d verdicts %v", n, rows, err)
			}
			if len(notices[digest(n)]) != 1 {
				t.Errorf("image %d: notices %v", n, notices[digest(n)])
			}
		}
		if events, err := s.Count(t.Context(), `SELECT count(*) FROM tw_event WHERE resolved > 0`); err != nil || events < pushes {
			t.Errorf("%d events are resolved %v", events, err)
		}
		t.Logf("%d judgings for %d images", len(logged(t, log, "judge")), images)
	})
}

// A process that was thought dead comes back with its result: that is dropped, since the verdict is there.
func TestResultOfOneThoughtDead(t *testing.T) {
	dsn := postgresDSN(t)
	w, slow, begun := newWorld(), make(chan struct{}), make(chan struct{})
	w.verdict = func(store.Job) (string, error) {
		if w.judged(digest(1)) == 1 {
			close(begun)
			<-slow
			return "deny", nil
		}
		return "allow", nil
	}
	first := working(t, w.options(t, dsn))
	accept(t, first, w.push("shop/web", "v1", digest(1)))
	<-begun
	second := working(t, w.options(t, dsn))
	if err := errors.Join(second.Exec(t.Context(), `DELETE FROM tw_replica`), second.Beat(t.Context())); err != nil {
		t.Fatal(err)
	}
	v := verdict(t, second, image("shop/web", 1))
	close(slow)
	shut(t, first)
	drained(t, second)
	if n, err := second.Count(t.Context(), `SELECT count(*) FROM tw_verdict`); err != nil || n != 1 || v.Verdict != gate.Allow || w.judged(digest(1)) != 2 {
		t.Errorf("%d verdicts %v, the first is %s, of %d judgings", n, err, v.Verdict, w.judged(digest(1)))
	}
	if told := w.told(); len(told) != 1 {
		t.Errorf("notices: %+v", told)
	}
}

// Two processes on one database share the work; what a killed one was judging, the other one judges.
func TestReplicas(t *testing.T) {
	dsn := postgresDSN(t)
	log := filepath.Join(t.TempDir(), "log")
	hanging := start(t, dsn, log, hangVariable+"=1")
	hanging.say(0)
	eventually(t, "the judging that hangs", func() bool { return len(logged(t, log, "judge")) == 1 })
	one, other := start(t, dsn, log), start(t, dsn, log)
	if err := hanging.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for n := range images {
		[]*process{one, other}[n%2].say(n)
	}
	one.say("drain")
	one.expect(t, "drained")
	other.say("drain")
	other.expect(t, "drained")
	judged := map[string]map[string]bool{} // by process
	for _, line := range logged(t, log, "judge") {
		if judged[line[0]] == nil {
			judged[line[0]] = map[string]bool{}
		}
		judged[line[0]][line[1]] = true
	}
	a, b := judged[fmt.Sprint(one.Process.Pid)], judged[fmt.Sprint(other.Process.Pid)]
	both := maps.Clone(a) // one that was too busy for a sign of life may find that the other one judged the same
	maps.Copy(both, b)
	if len(a) == 0 || len(b) == 0 || len(both) != images {
		t.Errorf("one judged %d, the other %d, of %d", len(a), len(b), images)
	}
	s := open(t, newWorld().options(t, dsn))
	if n, err := s.Count(t.Context(), `SELECT count(*) FROM tw_verdict`); err != nil || n != images {
		t.Errorf("%d verdicts %v", n, err)
	}
	if n, err := s.Count(t.Context(), `SELECT count(*) FROM tw_verdict WHERE attempts = 2`); err != nil || n < 1 {
		t.Errorf("%d verdicts of a second attempt %v", n, err)
	}
}
