package judge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/tidewaiter/tidewaiter/gate"
)

// Program is what judges: a program that calls Answer with its standard input and output.
type Program struct {
	// Path and Args are as exec.Cmd has them. Env is the whole environment but for what Run adds: the folder for
	// temporary files, and the memory that Go should keep to.
	Path      string
	Args, Env []string
	Limits    Limits
}

// watchEvery is how often the memory of a process is looked at.
const watchEvery = 20 * time.Millisecond

// maxComplaint bounds what is kept of standard error, in bytes: its end.
const maxComplaint = 4 << 10

// Error is why there is no outcome.
type Error struct {
	Reason string
	// Told says that the process itself has told the reason. Without an image, that is the gate's configuration.
	Told bool
	// Complaint is the end of what the process wrote to standard error: for the log, nobody else.
	Complaint string
}

func (e *Error) Error() string { return e.Reason }

// Run has a job done by a new process. tell is called with its progress, by one goroutine. An error is an *Error: the
// process could not be started, ended without an outcome, or was ended because of a limit. Its text is safe to show.
func (p Program) Run(ctx context.Context, job Job, tell func(Progress)) (Outcome, error) {
	// The system ends the process when the thread that started it ends.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ctx, cancel := context.WithTimeoutCause(ctx, p.Limits.Time, fmt.Errorf("judging it takes more than %v (judge.time)", p.Limits.Time))
	defer cancel()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	dir, err := os.MkdirTemp("", "judge-*")
	if err != nil {
		return Outcome{}, &Error{Reason: fmt.Sprintf("cannot be judged: %v", err)}
	}
	defer os.RemoveAll(dir)
	job.Memory = p.Limits.Memory
	r := run{program: p, command: p.command(ctx, dir)}
	outcome, err := r.do(job, tell, stop)
	if err != nil {
		return Outcome{}, &Error{Reason: explain(ctx, err), Told: errors.As(err, new(answerError)), Complaint: string(r.complaint.data)}
	}
	return outcome, nil
}

func (p Program) command(ctx context.Context, dir string) *exec.Cmd {
	c := exec.CommandContext(ctx, p.Path)
	c.Args, c.Dir, c.SysProcAttr = p.Args, dir, apart()
	// Go collects garbage more often from here on, well before the process would be ended.
	soft := p.Limits.Memory * 3 / 4
	c.Env = append(slices.Clone(p.Env), "TMPDIR="+dir, "GOMEMLIMIT="+strconv.FormatInt(soft, 10), "GOTRACEBACK=single")
	c.Cancel = func() error { return end(c.Process) }
	c.WaitDelay = 10 * time.Second // for what it has started and that holds its outputs
	return c
}

// explain says why a process has no outcome: because of a limit or of the server, if that has ended it.
func explain(ctx context.Context, err error) string {
	if cause := context.Cause(ctx); cause != nil {
		return cause.Error()
	}
	return err.Error()
}

// run is one process.
type run struct {
	program   Program
	command   *exec.Cmd
	complaint tail
}

func (r *run) do(job Job, tell func(Progress), stop context.CancelCauseFunc) (Outcome, error) {
	r.command.Stderr = &r.complaint
	in, err := r.command.StdinPipe() // open until the end: without it, the process ends
	if err != nil {
		return Outcome{}, err
	}
	out, err := r.command.StdoutPipe()
	if err != nil {
		return Outcome{}, err
	}
	if err := r.command.Start(); err != nil {
		return Outcome{}, fmt.Errorf("the process that judges cannot be started: %w", err)
	}
	ended := make(chan struct{})
	defer close(ended)
	go watch(r.command.Process.Pid, r.program.Limits.Memory, ended, stop)
	if err := json.NewEncoder(in).Encode(job); err != nil {
		stop(nil)
		return Outcome{}, errors.Join(errUnanswered, r.command.Wait())
	}
	outcome, err := read(io.LimitReader(out, r.program.Limits.Output), tell)
	if err != nil {
		_ = end(r.command.Process)
		return Outcome{}, unanswered(err, r.command.Wait())
	}
	// It ends by itself now: with its input closed, it would think that we are gone.
	if err := r.command.Wait(); err != nil {
		return Outcome{}, unanswered(nil, err)
	}
	return outcome, nil
}

// errUnanswered tells that the process has ended, or said something else.
var errUnanswered = errors.New("the process that judges it ended without a result")

// answerError is what the process itself says of why it has no outcome.
type answerError string

func (e answerError) Error() string { return string(e) }

// unanswered is the error of a process that has ended with one, after what it wrote could not be read because of another.
func unanswered(reading, ended error) error {
	var said answerError
	if errors.As(reading, &said) {
		return said
	}
	if reading == nil || errors.Is(reading, io.ErrUnexpectedEOF) || errors.Is(reading, io.EOF) {
		return fmt.Errorf("%w: %v", errUnanswered, ended)
	}
	return fmt.Errorf("%w: %v", errUnanswered, reading)
}

// read reads what a process writes, to its last message.
func read(out io.Reader, tell func(Progress)) (Outcome, error) {
	var o Outcome
	for decoder := json.NewDecoder(out); ; {
		var m message
		if err := decoder.Decode(&m); err != nil {
			return Outcome{}, err
		}
		switch {
		case m.Error != "":
			return Outcome{}, answerError(m.Error)
		case m.Progress != nil:
			tell(*m.Progress)
		case m.SBOM != nil:
			o.SBOM = m.SBOM
		case m.Policy != "":
			o.Policy = m.Policy
		case m.Report != nil:
			o.Report = m.Report
			return o, checkReport(m.Report)
		}
	}
}

// checkReport refuses what is no report of this version, so that nobody further on has to.
func checkReport(data []byte) error {
	var r gate.Report
	if err := json.Unmarshal(data, &r); err != nil {
		return fmt.Errorf("its report cannot be read: %w", err)
	}
	if r.Schema != gate.Schema {
		return errors.New("its report is of another version")
	}
	return nil
}

// watch ends a process that uses more memory than it may.
func watch(pid int, limit int64, ended <-chan struct{}, stop context.CancelCauseFunc) {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ended:
			return
		case <-ticker.C:
		}
		used, err := memory(pid)
		if err != nil {
			return // it has ended, or the system does not tell
		}
		if used > limit {
			stop(fmt.Errorf("judging it takes more than %d MiB of memory (judge.memory)", limit>>20))
			return
		}
	}
}

// tail keeps the end of what is written to it.
type tail struct{ data []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.data = append(t.data, p...)
	if over := len(t.data) - maxComplaint; over > 0 {
		t.data = append(t.data[:0], t.data[over:]...)
	}
	return len(p), nil
}
