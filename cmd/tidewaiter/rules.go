package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tidewaiter/tidewaiter/policies"
)

func newRules(a *app) *cobra.Command {
	var (
		o      options
		format string
	)
	cmd := &cobra.Command{
		Use:   "rules [ID]",
		Short: "List the rules, or explain one",
		Long: `List all rules with their severity, or explain the one with that ID: what it
objects to, why, and what to do about it. Your own rules (--policy) are among them,
and severities are as the configuration sets them.`,
		Example: `  tidewaiter rules
  tidewaiter rules kubernetes/privileged
  tidewaiter rules --format markdown > rules.md`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains(policies.Formats(), format) {
				return configError{fmt.Errorf("--format %s: use one of %s", format, strings.Join(policies.Formats(), ", "))}
			}
			engine, _, err := o.newEngine(cmd.Context())
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return policies.List(a.stdout, engine.Rules(), format)
			}
			rule, err := policies.Find(engine.Rules(), args[0])
			if err != nil {
				return configError{err}
			}
			return policies.Explain(a.stdout, rule, format)
		},
	}
	o.registerConfig(cmd)
	o.registerRules(cmd)
	cmd.Flags().StringVar(&format, "format", "text", "`FORMAT` of the output: "+strings.Join(policies.Formats(), ", "))
	return cmd
}
