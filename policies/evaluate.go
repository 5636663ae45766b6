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

// evaluate asks a prepared query about an input and returns its one value. Rules that fail, panic, do not come
// to an end in time or give no answer are errors.
func evaluate(ctx context.Context, prepared rego.PreparedEvalQuery, input ast.Value, limit time.Duration) (ast.Value, error) {
	timed, stop := context.WithTimeoutCause(ctx, limit, errTime)
	defer stop()
	value, err := ask(timed, prepared, input)
	return value, outOfTime(timed, err, limit)
}

// evaluateApart is evaluate for rules that may call what does not look at the clock: yaml.unmarshal takes long over
// nested aliases, which are the manifest's to write. After twice the time such a call is left alone until it ends.
func evaluateApart(ctx context.Context, prepared rego.PreparedEvalQuery, input ast.Value, limit time.Duration) (ast.Value, error) {
	type answer struct {
		value ast.Value
		err   error
	}
	done := make(chan answer, 1)
	go func() {
		value, err := evaluate(ctx, prepared, input, limit)
		done <- answer{value, err}
	}()
	late := time.NewTimer(2 * limit)
	defer late.Stop()
	select {
	case a := <-done:
		return a.value, a.err
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

// ask evaluates; a panic of a rule's function is an error of that rule. OPA's index of rules is not used: it takes
// startswith(5, "x") for false, where evaluation finds the error, and so would pass what must not.
func ask(ctx context.Context, prepared rego.PreparedEvalQuery, input ast.Value) (value ast.Value, err error) {
	defer func() {
		if p := recover(); p != nil {
			value, err = nil, fmt.Errorf("a rule made the engine panic: %v", p)
		}
	}()
	cancel := topdown.NewCancel()
	defer context.AfterFunc(ctx, cancel.Cancel)()
	results, err := prepared.Eval(ctx,
		rego.EvalParsedInput(input), rego.EvalRuleIndexing(false), rego.EvalExternalCancel(cancel))
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
	return value, nil
}
