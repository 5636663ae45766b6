package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/tidewaiter/tidewaiter/gate"
	"github.com/tidewaiter/tidewaiter/image"
	"github.com/tidewaiter/tidewaiter/report"
)

// The exit codes, which pipelines branch on. Everything but exitAllowed stops a deployment.
const (
	exitAllowed   = 0
	exitDenied    = 1
	exitUndecided = 2
	exitUsage     = 64 // wrong command line or configuration (EX_USAGE of sysexits.h)
)

// exitCodes maps a verdict to the exit code. What is not in it is undecided.
var exitCodes = map[gate.Verdict]int{gate.Allow: exitAllowed, gate.Deny: exitDenied}

func exitCode(v gate.Verdict) int {
	if code, ok := exitCodes[v]; ok {
		return code
	}
	return exitUndecided
}

// verdictError ends a command with the exit code of a verdict. Its report was already written.
type verdictError gate.Verdict

func (e verdictError) Error() string { return gate.Verdict(e).String() }

// configError is a mistake in the configuration or in how options fit together: the user has to write
// something else.
type configError struct{ error }

func (e configError) Unwrap() error { return e.error }

// undecidedError is a failure of the work itself: network, unreadable input.
type undecidedError struct{ error }

func (e undecidedError) Unwrap() error { return e.error }

// run is the whole program. It returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if err := refuseFileAsFlag(args); err != nil {
		complain(stderr, err)
		return exitUsage
	}
	root := newRoot(newApp(stdin, stdout, stderr))
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitAllowed
	}
	var verdict verdictError
	if errors.As(err, &verdict) {
		return exitCode(gate.Verdict(verdict))
	}
	var writing *fs.PathError
	failed := errors.As(err, &writing) && writing.Op == "write"
	if failed && errors.Is(err, syscall.EPIPE) {
		return exitUndecided // nobody reads any more, as in "tidewaiter rules | head", and wants to hear of that
	}
	complain(stderr, err)
	var undecided undecidedError
	if failed || errors.As(err, &undecided) {
		return exitUndecided
	}
	return exitUsage // a command line or configuration that we did not understand
}

// refuseFileAsFlag refuses an argument that is read as a flag and is the name of a file that is there. Hooks and
// patterns of the shell put such names on the command line, and --config=harmless.yaml would be one.
func refuseFileAsFlag(args []string) error {
	for _, arg := range args {
		if arg == "--" {
			return nil
		}
		if strings.HasPrefix(arg, "-") && arg != "-" {
			if _, err := os.Lstat(arg); err == nil {
				return fmt.Errorf("%q is read as a flag, and a file is called so: write -- before the names of files", arg)
			}
		}
	}
	return nil
}

// complain writes an error to w, each of its lines after the program's name. Its text may come from outside.
func complain(w io.Writer, err error) {
	for line := range strings.Lines(err.Error()) {
		if line = strings.TrimRight(line, "\n"); line != "" {
			fmt.Fprintf(w, "tidewaiter: %s\n", report.Clean(line))
		}
	}
}

// app is what the commands share: where they read and write.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	// memory is what is kept of images from run to run; nil if nothing is.
	memory func() *image.Memory
}

func newApp(stdin io.Reader, stdout, stderr io.Writer) *app {
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr}
	a.memory = sync.OnceValue(func() *image.Memory {
		return image.NewMemory(openCache(func(err error) { complain(stderr, err) }))
	})
	return a
}

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "tidewaiter",
		Short: "A pre-deploy supply-chain gate for containers",
		Long: `Tidewaiter judges Kubernetes manifests and the images that they run, together and
before anything is deployed: who signed an image, what is inside it, what a
container would do. It gives one verdict.

Exit codes: 0 allowed, 1 denied, 2 could not decide, 64 wrong command line or
configuration. Everything but 0 stops a deployment.`,
		Example: `  tidewaiter check k8s/                    judge manifests and their images
  tidewaiter lint k8s/                     manifests only, offline
  tidewaiter check registry.example/web:1  judge an image
  tidewaiter rules kubernetes/privileged   explain a rule`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_ = cmd.Help()
			return errors.New("no command given; start with: tidewaiter check FOLDER")
		},
	}
	root.CompletionOptions.HiddenDefaultCmd = false
	root.AddCommand(
		newCheck(a), newLint(a), newInspect(a), newVerify(a), newSBOM(a), newRules(a), newServe(a), newVersion(a), newRender(a), newJudge(a),
	)
	return root
}
