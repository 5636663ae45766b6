// Bench measures tidewaiter against the tools that people glue together today, as whole processes: the two
// commands of a case run in turn, and the median of the ratios is told. Absolute times say more about the
// machine; a case whose peer is not installed is passed over with a word. The analysis of commands has no peer: of
// it, precision and recall on labelled commands are told. Nor has the server: of it, what the project promises.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// comparison is our command against a peer's.
type comparison struct {
	name string
	ours []string
	// env and peerEnv are of ours and of the peers', beside the machine's.
	env, peerEnv []string
	// prepare is run before each of ours, and not measured; it may be nil.
	prepare func() error
	// peers are run one after the other: their times add up.
	peers [][]string
	limit float64 // the ratio of wall times that the project promises to stay below
	// memory and disk are those of the largest resident set, and of what lies in temporary files at most; they are
	// measured if they are not 0.
	memory, disk float64
	// worst is the highest exit code that counts as having done the work: findings end with 1 or 2.
	worst int
	// lacks says what input is missing for the case, which is passed over then.
	lacks string
}

// comparisons are all cases.
func comparisons(in inputs) []comparison {
	one, many := filepath.Join(in.dir, "one.yaml"), filepath.Join(in.dir, "many.yaml")
	key, config := filepath.Join(in.dir, "cosign.pub"), filepath.Join(in.dir, "tidewaiter.yaml")
	cases := []comparison{
		{
			name:  "lint one small file, against kube-linter",
			ours:  []string{"tidewaiter", "lint", one},
			peers: [][]string{{"kube-linter", "lint", one}},
			limit: 1.5,
			worst: 2,
		},
		{
			name:  "lint 1,000 documents, against conftest with 22 rules",
			ours:  []string{"tidewaiter", "lint", many},
			peers: [][]string{{"conftest", "test", "--policy", filepath.Join(in.dir, "policy"), many}},
			limit: 1,
			worst: 2,
		},
		{
			name:  "lint 1,000 documents, against kube-linter",
			ours:  []string{"tidewaiter", "lint", many},
			peers: [][]string{{"kube-linter", "lint", many}},
			limit: 1, memory: 3,
			worst: 2,
		},
		{
			name: "check a signed Debian image, against syft and then cosign verify",
			ours: []string{"tidewaiter", "check", "--config", config, in.image},
			peers: [][]string{
				{"syft", "scan", "-q", "-o", "cyclonedx-json", "registry:" + in.image},
				cosignVerify("cosign-v2", key, in.image),
			},
			limit: 1,
			worst: 2,
		},
	}
	if in.image == "" {
		cases[len(cases)-1].lacks = "give an image by -image FILE"
	}
	cases = append(cases, scanCases(in)...)
	for _, cosign := range []string{"cosign-v2", "cosign-v3"} {
		for _, cache := range []string{"off", filepath.Join(in.dir, "cache")} {
			cases = append(cases, verifyCases(in, cosign, key, cache)...)
		}
	}
	return cases
}

// verifyCases compare the verification of images that are signed with a key. cache is the folder that we keep
// proofs in, which the first pair fills, or "off".
func verifyCases(in inputs, cosign, key, cache string) []comparison {
	state := "cache warm"
	if cache == "off" {
		state = "no cache"
	}
	var peers [][]string
	for _, image := range in.signed {
		peers = append(peers, cosignVerify(cosign, key, image))
	}
	ours := []string{"tidewaiter", "verify", "--plain-http", in.host, "--key", key}
	env := []string{"TIDEWAITER_CACHE=" + cache}
	return []comparison{
		{
			name: fmt.Sprintf("verify one signed image, %s, against %s", state, cosign),
			ours: slices.Concat(ours, in.signed[:1]), env: env, peers: peers[:1], limit: 1.2,
		},
		{
			name: fmt.Sprintf("verify %d signed images in one run, %s, against as many runs of %s", len(in.signed), state, cosign),
			ours: slices.Concat(ours, in.signed), env: env, peers: peers, limit: 0.25,
		},
	}
}

func cosignVerify(cosign, key, image string) []string {
	return []string{cosign, "verify", "--key", key, "--insecure-ignore-tlog", "--allow-http-registry", image}
}

func main() {
	runs := flag.Int("n", 7, "pairs of runs of each case")
	images := flag.String("images", os.Getenv("TIDEWAITER_BENCH_IMAGES"), "folder that testdata/images/bench.sh made, for the scan cases")
	archive := flag.String("image", os.Getenv("TIDEWAITER_BENCH_IMAGE"), "archive of an image (docker save) for the image case")
	only := flag.String("run", "", "run only the cases whose name has this `regexp` in it")
	long := flag.Bool("long", false, "run what takes a quarter of an hour as well")
	flag.Parse()
	if err := bench(context.Background(), os.Stdout, *runs, *archive, *images, *only, *long); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func bench(ctx context.Context, out io.Writer, runs int, archive, images, only string, long bool) error {
	wanted, err := regexp.Compile(only)
	if err != nil {
		return fmt.Errorf("-run: %w", err)
	}
	if wanted.MatchString(commandsName) {
		if err := measureCommands(out); err != nil {
			return fmt.Errorf("%s: %w", commandsName, err)
		}
	}
	dir, err := os.MkdirTemp("", "tidewaiter-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := writeManifests(dir); err != nil {
		return err
	}
	if wanted.MatchString(serveName) {
		if err := measureServe(ctx, out, dir); err != nil {
			return fmt.Errorf("%s: %w", serveName, err)
		}
	}
	if long && wanted.MatchString(siegeName) {
		if err := measureSiege(ctx, out, dir); err != nil {
			return fmt.Errorf("%s: %w", siegeName, err)
		}
	}
	in, stop, err := serveImages(dir, archive, images)
	if err != nil {
		return err
	}
	defer stop()
	for _, c := range comparisons(in) {
		if !wanted.MatchString(c.name) {
			continue
		}
		if err := c.run(ctx, out, runs); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return nil
}

// run measures one case and prints a line about it.
func (c comparison) run(ctx context.Context, out io.Writer, runs int) error {
	if c.lacks != "" {
		fmt.Fprintf(out, "%s: skipped, %s\n", c.name, c.lacks)
		return nil
	}
	commands := [][]string{}
	for _, command := range append([][]string{c.ours}, c.peers...) {
		resolved, err := resolve(command)
		if err != nil {
			fmt.Fprintf(out, "%s: skipped, %v\n", c.name, err)
			return nil
		}
		commands = append(commands, resolved)
	}
	var ours, theirs []usage
	for i := range runs + 1 {
		if c.prepare != nil {
			if err := c.prepare(); err != nil {
				return err
			}
		}
		a, err := c.measure(ctx, c.env, commands[:1])
		if err != nil {
			return err
		}
		b, err := c.measure(ctx, c.peerEnv, commands[1:])
		if err != nil {
			return err
		}
		if i > 0 { // the first pair warms the caches
			ours, theirs = append(ours, a), append(theirs, b)
		}
	}
	c.tell(out, "%s: ratio %.2f (at most %.2f promised), %.3f s against %.3f s, medians of %d pairs\n", c.limit, ours, theirs,
		func(u usage) float64 { return u.seconds })
	c.tell(out, "%s, memory: ratio %.2f (at most %.2f promised), %.0f MB against %.0f MB, medians of %d pairs\n", c.memory, ours, theirs,
		func(u usage) float64 { return float64(u.memory) / 1e6 })
	c.tell(out, "%s, temporary files: ratio %.2f (at most %.2f promised), %.0f MB against %.0f MB, medians of %d pairs\n", c.disk, ours, theirs,
		func(u usage) float64 { return float64(u.disk) / 1e6 })
	return nil
}

// tell prints the medians of one measure, if it is promised to stay below a limit.
func (c comparison) tell(out io.Writer, format string, limit float64, ours, theirs []usage, measure func(usage) float64) {
	if limit == 0 {
		return
	}
	var a, b, ratios []float64
	for i := range ours {
		a, b = append(a, measure(ours[i])), append(b, measure(theirs[i]))
		ratios = append(ratios, a[i]/b[i])
	}
	fmt.Fprintf(out, format, c.name, median(ratios), limit, median(a), median(b), len(ours))
}

// resolve finds the program of a command: ours in bin, peers in bin/tools or on the PATH.
func resolve(command []string) ([]string, error) {
	resolved := slices.Clone(command)
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

// usage is what commands took.
type usage struct {
	seconds      float64 // wall time
	memory, disk int64   // most bytes that one of them had at once, in memory and in temporary files
}

// measure runs the commands one after the other. env is added to the environment.
func (c comparison) measure(ctx context.Context, env []string, commands [][]string) (usage, error) {
	var all usage
	for _, command := range commands {
		temp, err := os.MkdirTemp("", "tidewaiter-bench-")
		if err != nil {
			return usage{}, err
		}
		defer os.RemoveAll(temp)
		cmd := exec.CommandContext(ctx, command[0], command[1:]...)
		cmd.Env = append(append(os.Environ(), "TMPDIR="+temp), env...)
		var output bytes.Buffer
		cmd.Stdout, cmd.Stderr = &output, &output
		start := time.Now()
		if err := cmd.Start(); err != nil {
			return usage{}, err
		}
		watched := func() (memory, disk int64) { return 0, 0 }
		if c.memory+c.disk > 0 {
			watched = watch(cmd.Process.Pid, temp)
		}
		err = cmd.Wait()
		all.seconds += time.Since(start).Seconds()
		memory, disk := watched()
		all.memory, all.disk = max(all.memory, memory), max(all.disk, disk)
		var failed *exec.ExitError
		if err != nil && (!errors.As(err, &failed) || failed.ExitCode() > c.worst || failed.ExitCode() < 0) {
			said := output.Bytes()
			return usage{}, fmt.Errorf("%s: %w: %s", strings.Join(command, " "), err, said[max(0, len(said)-400):])
		}
	}
	return all, nil
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
