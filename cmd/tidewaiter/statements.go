package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/tidewaiter/tidewaiter/gate"
	"github.com/tidewaiter/tidewaiter/policies"
)

// statementRules compiles users' rules that judge attestations. They deny by what denies elsewhere: findings of
// the configuration's severity and above.
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
				if f.Severity >= c.FailOn || f.Severity == policies.Unset {
					denials = append(denials, f.Message)
				}
			}
			return denials, err
		}, nil
	}
}
