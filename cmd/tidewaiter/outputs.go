package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/tidewaiter/tidewaiter/gate"
	"github.com/tidewaiter/tidewaiter/policies"
	"github.com/tidewaiter/tidewaiter/report"
)

// outputs are the reports that a run writes: FORMAT[=FILE] each.
type outputs struct{ formats []string }

func (o *outputs) register(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&o.formats, "format", nil,
		"write the report as `FORMAT[=FILE]`: "+strings.Join(report.Formats(), ", ")+"; may be repeated (default text)")
}

// output is one report to be written; with an empty file it goes to standard output.
type output struct{ format, file string }

func (o *outputs) parse() ([]output, error) {
	if len(o.formats) == 0 {
		return []output{{format: "text"}}, nil
	}
	var list []output
	stdout := 0
	for _, s := range o.formats {
		format, file, named := strings.Cut(s, "=")
		if !slices.Contains(report.Formats(), format) {
			return nil, configError{fmt.Errorf("--format %s: no such format; use one of %s", s, strings.Join(report.Formats(), ", "))}
		}
		if named && file == "" {
			return nil, configError{fmt.Errorf("--format %s: the name of the file is empty", s)}
		}
		if file == "-" || file == "/dev/stdout" {
			file = ""
		}
		if file == "" {
			stdout++
		} else if slices.ContainsFunc(list, func(o output) bool { return o.file == file }) {
			return nil, configError{fmt.Errorf("--format %s: another report goes to %s already; only the last would be left", s, file)}
		}
		list = append(list, output{format, file})
	}
	if stdout > 1 {
		return nil, configError{errors.New("--format: only one report can go to standard output; give the others a file: --format sarif=FILE")}
	}
	return list, nil
}

// judge runs the gate and writes the reports. Its error carries the verdict.
func (a *app) judge(ctx context.Context, o options, out outputs, args []string, images bool) error {
	list, err := out.parse()
	if err != nil {
		return err
	}
	g, _, err := a.newGate(ctx, o)
	if err != nil {
		return err
	}
	targets, err := parseTargets(args)
	if err != nil {
		return err
	}
	finish := func() {}
	if isTerminal(a.stderr) {
		finish = watch(g, a.stderr, terminalWidth(a.stderr)).finish
	}
	r := g.Check(ctx, gate.Input{Targets: targets, Stdin: a.stdin, Images: images, AllowNothing: o.allowNothing})
	finish()
	for _, output := range list {
		if err := a.write(output, r, g.Rules.Rules()); err != nil {
			complain(a.stderr, err)
			if r.Verdict == gate.Allow {
				r.Verdict = gate.Undecided // who waits for the report must not read an old one
			}
		}
	}
	if r.Verdict == gate.Allow {
		return nil
	}
	return verdictError(r.Verdict)
}

// write writes one report. That nobody reads standard output any more is no error.
func (a *app) write(o output, r gate.Report, rules []policies.Rule) error {
	options := report.Options{Rules: rules}
	if dir, err := os.Getwd(); err == nil {
		options.Dir, options.Root = dir, repository(dir)
	}
	if o.file == "" {
		options.Color = isTerminal(a.stdout) && os.Getenv("NO_COLOR") == ""
		options.Width = terminalWidth(a.stdout)
		err := report.Write(a.stdout, o.format, r, options)
		if errors.Is(err, syscall.EPIPE) {
			return nil
		}
		return err
	}
	var text bytes.Buffer
	if err := report.Write(&text, o.format, r, options); err != nil {
		return err
	}
	return writeFile(o.file, text.Bytes())
}

// repository is the root of the git repository that dir is in, or empty.
func repository(dir string) string {
	for {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

// writeFile replaces the file in one step, so that nobody reads half a report, and without following a
// symbolic link that stands in its place. A device or a pipe is written to.
func writeFile(name string, data []byte) error {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		if err := os.WriteFile(name, data, 0); err != nil {
			return fmt.Errorf("write report: %w", err)
		}
		return nil
	}
	tmp, err := os.CreateTemp(filepath.Dir(name), ".tidewaiter-*")
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(data)
	if err = errors.Join(err, tmp.Chmod(0o644), tmp.Close()); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if err := os.Rename(tmp.Name(), name); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// terminalWidth is the number of columns of w, 0 if it is not a terminal.
func terminalWidth(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			return width
		}
	}
	return 0
}
