package policies

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// errTime tells that rules took too long. It is the cause of a context, to be told from the caller's own.
var errTime = errors.New("time limit")

// question is a prepared query, the input that it is about, and how its one answer is read.
type question struct {
	prepared rego.PreparedEvalQuery
	input    ast.Value
	read     func(answer ast.Value) ([]Finding, error)
}

// answer asks a question. Rules that fail, panic, do not come to an end in time, or whose answer cannot be read, are
// errors.
func (q question) answer(ctx context.Context, limit time.Duration) ([]Finding, error) {
	timed, stop := context.WithTimeoutCause(ctx, limit, errTime)
	defer stop()
	findings, err := q.ask(timed)
	return findings, outOfTime(timed, err, limit)
}

// answerApart is answer for rules that may call what does not look at the clock: yaml.unmarshal takes long over
// nested aliases, which are the manifest's to write. After twice the time such a call is left alone until it ends.
func (q question) answerApart(ctx context.Context, limit time.Duration) ([]Finding, error) {
	type outcome struct {
		findings []Finding
		err      error
	}
	done := make(chan outcome, 1)
	go func() {
		findings, err := q.answer(ctx, limit)
		done <- outcome{findings, err}
	}()
	late := time.NewTimer(2 * limit)
	defer late.Stop()
	select {
	case o := <-done:
		return o.findings, o.err
	case <-late.C:
		return nil, errTooLong(limit)
	}
}

// outOfTime turns the error of an evaluation into one that says whose the end was: the limit's or the caller's.
func outOfTime(timed context.Context, err error, limit time.Duration) error {
	switch {
	case err == nil || timed.Err() == nil:
		return err
	case errors.Is(context.Cause(timed), errTime):
		return errTooLong(limit)
	}
	return context.Cause(timed)
}

func errTooLong(limit time.Duration) error {
	return fmt.Errorf("rules took longer than %s, the limit for one object: raise it, or make the rule cheaper", limit)
}

// ask evaluates and reads. A panic on the way is an error: OPA has some, as of numbers that are too large for it.
// OPA's index of rules is not used: it takes startswith(5, "x") for false, where evaluation finds the error, and so
// would pass what must not.
func (q question) ask(ctx context.Context) (findings []Finding, err error) {
	defer func() {
		if p := recover(); p != nil {
			findings, err = nil, fmt.Errorf("a rule made the engine panic: %v", p)
		}
	}()
	cancel := topdown.NewCancel()
	defer context.AfterFunc(ctx, cancel.Cancel)()
	results, err := q.prepared.Eval(ctx,
		rego.EvalParsedInput(q.input), rego.EvalRuleIndexing(false), rego.EvalExternalCancel(cancel))
	if err != nil {
		return nil, err
	}
	if len(results) != 1 || len(results[0].Expressions) != 1 {
		return nil, fmt.Errorf("the rules gave %d answers, want one", len(results))
	}
	value, ok := results[0].Expressions[0].Value.(ast.Value)
	if !ok {
		return nil, errors.New("the rules gave an answer that is no value")
	}
	return q.read(value)
}
