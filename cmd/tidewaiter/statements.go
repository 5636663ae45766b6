package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/tidewaiter/tidewaiter/gate"
	"github.com/tidewaiter/tidewaiter/policies"
)

// statementRules compiles users' rules that judge attestations. What deny and violation say denies, of whatever
// severity it is: there is no finding in which the rest would be seen. What warn says denies from the
// configuration's severity on.
func statementRules(c *gate.Config) func(folder string) (func(context.Context, any) ([]string, error), error) {
	return func(folder string) (func(context.Context, any) ([]string, error), error) {
		engine, err := policies.New(context.Background(), policies.Options{
			UserDirs: []string{folder},
			Limits:   policies.Limits{Time: time.Duration(c.Limits.RuleTime), Findings: c.Limits.Findings},
		})
		if err != nil {
			return nil, errors.New(strings.TrimPrefix(err.Error(), "--policy "))
		}
		return func(ctx context.Context, statement any) (denials []string, err error) {
			findings, err := engine.JudgeUser(ctx, statement, "statement.json")
			for _, f := range findings {
				name := f.Rule[strings.LastIndexByte(f.Rule, '.')+1:] // of user/NAMESPACE.NAME
				if !strings.HasPrefix(name, "warn") || f.Severity >= c.FailOn {
					denials = append(denials, f.Message)
				}
			}
			return denials, err
		}, nil
	}
}
