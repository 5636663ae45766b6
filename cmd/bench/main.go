// Bench measures tidewaiter against the tools that people glue together today, as whole processes: the two
// commands of a case run in turn, and the median of the ratios is told. Absolute times say more about the
// machine; a case whose peer is not installed is passed over with a word.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// comparison is our command against a peer's. In both, DIR stands for the folder of the inputs.
type comparison struct {
	name string
	ours []string
	// peers are run one after the other: their times add up.
	peers [][]string
	limit float64 // the ratio that the project promises to stay below
}

var comparisons = []comparison{
	{
		name:  "lint one small file, against kube-linter",
		ours:  []string{"tidewaiter", "lint", "DIR/one.yaml"},
		peers: [][]string{{"kube-linter", "lint", "DIR/one.yaml"}},
		limit: 2,
	},
	{
		name:  "lint 1,000 documents, against conftest with 22 rules",
		ours:  []string{"tidewaiter", "lint", "DIR/many.yaml"},
		peers: [][]string{{"conftest", "test", "--policy", "DIR/policy", "DIR/many.yaml"}},
		limit: 1,
	},
	{
		name:  "lint 1,000 documents, against kube-linter",
		ours:  []string{"tidewaiter", "lint", "DIR/many.yaml"},
		peers: [][]string{{"kube-linter", "lint", "DIR/many.yaml"}},
		limit: 2,
	},
	{
		name: "check a signed Debian image, against syft and then cosign verify",
		ours: []string{"tidewaiter", "check", "--config", "DIR/tidewaiter.yaml", "IMAGE"},
		peers: [][]string{
			{"syft", "scan", "-q", "-o", "cyclonedx-json", "registry:IMAGE"},
			{"cosign-v2", "verify", "--key", "DIR/cosign.pub", "--insecure-ignore-tlog", "--allow-http-registry", "IMAGE"},
		},
		limit: 1,
	},
}

func main() {
	runs := flag.Int("n", 7, "pairs of runs of each case")
	archive := flag.String("image", os.Getenv("TIDEWAITER_BENCH_IMAGE"), "archive of an image (docker save) for the image case")
	flag.Parse()
	if err := bench(context.Background(), os.Stdout, *runs, *archive); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func bench(ctx context.Context, out io.Writer, runs int, archive string) error {
	dir, err := os.MkdirTemp("", "tidewaiter-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := writeManifests(dir); err != nil {
		return err
	}
	image, stop, err := serveImage(dir, archive)
	if err != nil {
		return err
	}
	defer stop()
	for _, c := range comparisons {
		if err := c.run(ctx, out, runs, strings.NewReplacer("DIR", dir, "IMAGE", image)); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return nil
}

// run measures one case and prints a line about it.
func (c comparison) run(ctx context.Context, out io.Writer, runs int, fill *strings.Replacer) error {
	if image := fill.Replace("IMAGE"); image == "" && slices.Contains(c.ours, "IMAGE") {
		fmt.Fprintf(out, "%s: skipped, give an image by -image FILE\n", c.name)
		return nil
	}
	commands := [][]string{}
	for _, command := range append([][]string{c.ours}, c.peers...) {
		resolved, err := resolve(command, fill)
		if err != nil {
			fmt.Fprintf(out, "%s: skipped, %v\n", c.name, err)
			return nil
		}
		commands = append(commands, resolved)
	}
	var ours, theirs, ratios []float64
	for i := range runs + 1 {
		a, err := measure(ctx, commands[:1])
		if err != nil {
			return err
		}
		b, err := measure(ctx, commands[1:])
		if err != nil {
			return err
		}
		if i > 0 { // the first pair warms the caches
			ours, theirs, ratios = append(ours, a), append(theirs, b), append(ratios, a/b)
		}
	}
	fmt.Fprintf(out, "%s: ratio %.2f (at most %.2f promised), %.3f s against %.3f s, medians of %d pairs\n",
		c.name, median(ratios), c.limit, median(ours), median(theirs), runs)
	return nil
}

// resolve finds the program of a command: ours in bin, peers in bin/tools or on the PATH.
func resolve(command []string, fill *strings.Replacer) ([]string, error) {
	resolved := make([]string, len(command))
	for i, arg := range command {
		resolved[i] = fill.Replace(arg)
	}
	for _, dir := range []string{"bin", "bin/tools", os.Getenv("TIDEWAITER_TOOLS")} {
		if path, err := filepath.Abs(filepath.Join(dir, command[0])); err == nil && dir != "" {
			if _, err := os.Stat(path); err == nil {
				resolved[0] = path
				return resolved, nil
			}
		}
	}
	path, err := exec.LookPath(command[0])
	if err != nil {
		return nil, fmt.Errorf("%s is not installed", command[0])
	}
	resolved[0] = path
	return resolved, nil
}

// measure runs the commands one after the other and returns their wall time in seconds. A command may end
// with findings (exit code 1 or 2), but it must have started.
func measure(ctx context.Context, commands [][]string) (float64, error) {
	start := time.Now()
	for _, command := range commands {
		cmd := exec.CommandContext(ctx, command[0], command[1:]...)
		output, err := cmd.CombinedOutput()
		var failed *exec.ExitError
		if err != nil && (!errors.As(err, &failed) || failed.ExitCode() > 2 || failed.ExitCode() < 0) {
			return 0, fmt.Errorf("%s: %w: %s", strings.Join(command, " "), err, output[max(0, len(output)-400):])
		}
	}
	return time.Since(start).Seconds(), nil
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
