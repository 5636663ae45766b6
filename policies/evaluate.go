package policies

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
)

// grace is how much longer than its time an evaluation may take to notice that it is over. Most of OPA's
// functions look at the clock; a few, yaml.unmarshal of nested aliases among them, do not.
const grace = time.Second

// errTime tells that rules took too long. It is the cause of a context, to be told from the caller's own.
var errTime = errors.New("time limit")

// evaluate asks a prepared query about an input and returns its one value. Rules that fail, panic, do not come
// to an end in time or give no answer are errors.
func evaluate(ctx context.Context, prepared rego.PreparedEvalQuery, input ast.Value, limit time.Duration) (ast.Value, error) {
	timed, stop := context.WithTimeoutCause(ctx, limit, errTime)
	defer stop()
	type answer struct {
		value ast.Value
		err   error
	}
	done := make(chan answer, 1)
	go func() {
		value, err := ask(timed, prepared, input)
		done <- answer{value, err}
	}()
	late := make(chan struct{})
	defer context.AfterFunc(timed, func() { time.AfterFunc(grace, func() { close(late) }) })()
	var got answer
	select {
	case got = <-done:
	case <-late:
		got.err = context.Cause(timed)
	}
	if got.err != nil && timed.Err() != nil {
		if errors.Is(context.Cause(timed), errTime) {
			return nil, fmt.Errorf("rules took longer than %s, the limit for one object: raise it, or make the rule cheaper", limit)
		}
		return nil, context.Cause(timed)
	}
	return got.value, got.err
}

// ask evaluates; a panic of a rule's function is an error of that rule. OPA's index of rules is not used: it takes
// startswith(5, "x") for false, where evaluation finds the error, and so would pass what must not.
func ask(ctx context.Context, prepared rego.PreparedEvalQuery, input ast.Value) (value ast.Value, err error) {
	defer func() {
		if p := recover(); p != nil {
			value, err = nil, fmt.Errorf("a rule made the engine panic: %v", p)
		}
	}()
	results, err := prepared.Eval(ctx, rego.EvalParsedInput(input), rego.EvalRuleIndexing(false))
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
