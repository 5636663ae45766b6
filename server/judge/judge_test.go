package judge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tidewaiter/tidewaiter/gate"
)

// childVariable makes the test binary the process that judges.
const childVariable = "JUDGE_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) == "" {
		os.Exit(m.Run())
	}
	if err := Answer(context.Background(), os.Stdin, os.Stdout, misbehave); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

// misbehave does what the job's image says.
func misbehave(_ context.Context, job Job, tell *Teller) (gate.Report, error) {
	allow := gate.Report{Schema: gate.Schema, Verdict: gate.Allow, Subjects: []gate.Subject{}}
	what, argument, _ := strings.Cut(job.Image, " ")
	switch what {
	case "allow":
		tell.Doing("resolving")
		for i := range int64(1000) {
			tell.Layer(Layer{Platform: "linux/amd64", Index: 1, Of: 3, Read: i + 1, Size: 1000})
		}
		_ = tell.Policy("sha256:policy")
		return allow, tell.SBOM(func(w io.Writer) error { _, err := io.WriteString(w, `{"bomFormat": "CycloneDX"}`); return err })
	case "fail":
		return allow, errors.New("the configuration is wrong")
	case "panic":
		panic("a parser gives up")
	case "exit":
		os.Exit(0)
	case "nonsense":
		fmt.Println("hello")
	case "strange":
		return gate.Report{Schema: "another", Verdict: gate.Allow}, nil
	case "eat": // slowly enough to be seen
		for all := [][]byte{}; ; time.Sleep(time.Millisecond) {
			all = append(all, touched(4<<20))
		}
	case "gulp": // all at once
		touched(3 << 30)
	case "talk":
		return allow, tell.SBOM(func(w io.Writer) error {
			_, err := fmt.Fprintf(w, "%q", strings.Repeat("x", 8<<20))
			return err
		})
	case "litter":
		_ = os.WriteFile(filepath.Join(os.TempDir(), "left"), nil, 0o600)
		return gate.Report{Schema: gate.Schema, Subjects: []gate.Subject{{Name: os.TempDir(), Error: strings.Join(os.Environ(), "\n")}}}, nil
	case "hang": // with a child of its own
		grandchild := exec.Command("sleep", "600")
		_ = grandchild.Start()
		_ = os.WriteFile(argument, []byte(fmt.Sprintf("%d %d", os.Getpid(), grandchild.Process.Pid)), 0o600)
		select {}
	}
	return allow, nil
}

func touched(n int) []byte {
	b := make([]byte, n)
	for i := 0; i < n; i += 4096 {
		b[i] = 1
	}
	return b
}

func program(t *testing.T) Program {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Program{
		Path: self, Args: []string{self}, Env: []string{childVariable + "=1", "PATH=" + os.Getenv("PATH")},
		Limits: Limits{Time: time.Minute, Memory: 256 << 20, Output: 4 << 20},
	}
}

func TestRun(t *testing.T) {
	var told []Progress
	o, err := program(t).Run(t.Context(), Job{Image: "allow"}, func(p Progress) { told = append(told, p) })
	if err != nil {
		t.Fatal(err)
	}
	if o.Policy != "sha256:policy" || !strings.Contains(string(o.Report), `"verdict":"allow"`) || !strings.Contains(string(o.SBOM), "CycloneDX") {
		t.Errorf("got %q, %s, %s", o.Policy, o.Report, o.SBOM)
	}
	if len(told) < 3 || len(told) > 20 || told[0].Doing != "resolving" || told[len(told)-1].Layer.Read != 1000 {
		t.Errorf("got %d messages of progress: %+v", len(told), told)
	}
}

// TestRunFailures: whatever the process does, there is an error that says it, and never an outcome.
func TestRunFailures(t *testing.T) {
	for image, want := range map[string]string{
		"fail":     "the configuration is wrong",
		"panic":    "ended without a result: exit status 2",
		"exit":     "ended without a result",
		"nonsense": "ended without a result",
		"strange":  "report is of another version",
		"talk":     "ended without a result",
	} {
		t.Run(image, func(t *testing.T) {
			o, err := program(t).Run(t.Context(), Job{Image: image}, func(Progress) {})
			var failure *Error
			if !errors.As(err, &failure) || !strings.Contains(failure.Reason, want) || o.Report != nil {
				t.Fatalf("got %q, %v; want an error with %q", o.Report, err, want)
			}
			if strings.Contains(failure.Reason, "goroutine") || image == "panic" && !strings.Contains(failure.Complaint, "a parser gives up") {
				t.Errorf("reason %q, complaint %q", failure.Reason, failure.Complaint)
			}
		})
	}
}

func TestRunLimits(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("memory is only watched on Linux")
	}
	for image, want := range map[string]string{"eat": "256 MiB of memory (judge.memory)", "gulp": exitNoMemory} {
		t.Run(image, func(t *testing.T) {
			if _, err := program(t).Run(t.Context(), Job{Image: image}, func(Progress) {}); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %q", err, want)
			}
		})
	}
}

// TestRunTime: a process that does not end is ended, with those that it has started.
func TestRunTime(t *testing.T) {
	p, file := program(t), filepath.Join(t.TempDir(), "pids")
	for p.Limits.Time = time.Second; ; p.Limits.Time *= 2 {
		_, err := p.Run(t.Context(), Job{Image: "hang " + file}, func(Progress) {})
		if err == nil || err.Error() != fmt.Sprintf("judging it takes more than %s (judge.time)", p.Limits.Time) {
			t.Fatalf("got %v", err)
		}
		if pids, _ := os.ReadFile(file); len(strings.Fields(string(pids))) == 2 {
			break // it has got as far as to start one
		}
	}
	wantGone(t, file)
}

// TestRunCanceled: the server's own end is told as such.
func TestRunCanceled(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pids")
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		waitFor(t, file)
		cancel(errors.New("the server stops"))
	}()
	_, err := program(t).Run(ctx, Job{Image: "hang " + file}, func(Progress) {})
	if err == nil || err.Error() != "the server stops" {
		t.Errorf("got %v", err)
	}
	wantGone(t, file)
}

// TestInheritsNothing: neither the environment nor the folder for temporary files, which is gone afterwards.
func TestInheritsNothing(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", "canary-1f83")
	o, err := program(t).Run(t.Context(), Job{Image: "litter"}, func(Progress) {})
	if err != nil {
		t.Fatal(err)
	}
	report := string(o.Report)
	if strings.Contains(report, "canary") || !strings.Contains(report, "GOMEMLIMIT=201326592") {
		t.Errorf("its environment is %s", report)
	}
	_, rest, _ := strings.Cut(report, `"name":"`)
	dir, _, _ := strings.Cut(rest, `"`)
	if !strings.Contains(dir, "judge-") {
		t.Errorf("its temporary files are in %q", dir)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is left: %v", dir, err)
	}
}

// TestOrphan: a process whose input ends has lost its server, and ends.
func TestOrphan(t *testing.T) {
	p, file := program(t), filepath.Join(t.TempDir(), "pid")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	c := exec.CommandContext(ctx, p.Path)
	c.Env = p.Env
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(in, `{"image": "hang %s", "memory": 268435456}`, file)
	pids := waitFor(t, file)
	t.Cleanup(func() { kill(pids[1]) }) // of its own children, only who ends it can take care
	in.Close()
	var exit *exec.ExitError
	if err := c.Wait(); !errors.As(err, &exit) || exit.ExitCode() != exitOrphan {
		t.Errorf("got %v", err)
	}
}

// waitFor reads the process IDs that a child has written.
func waitFor(t *testing.T, file string) []int {
	for {
		text, err := os.ReadFile(file)
		if fields := strings.Fields(string(text)); err == nil && len(fields) == 2 {
			first, _ := strconv.Atoi(fields[0])
			second, _ := strconv.Atoi(fields[1])
			return []int{first, second}
		}
		select {
		case <-t.Context().Done():
			return []int{0, 0}
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func wantGone(t *testing.T, file string) {
	t.Helper()
	if runtime.GOOS != "linux" {
		return
	}
	deadline := time.Now().Add(30 * time.Second)
	for _, pid := range waitFor(t, file) {
		for alive(pid) {
			if time.Now().After(deadline) {
				kill(pid)
				t.Fatalf("process %d is still there", pid)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// alive tells whether a process runs; one that has ended and was not waited for does not.
func alive(pid int) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	return err == nil && !strings.Contains(string(status), "State:\tZ")
}

func kill(pid int) {
	if p, err := os.FindProcess(pid); err == nil {
		_ = p.Kill()
	}
}
