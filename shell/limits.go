package shell

import (
	"fmt"
	"strings"
)

// Limits bounds what one analysis may cost. A zero field means its default. Reaching a limit ends the analysis;
// what was found until then is reported, and Result.Unreadable names the limit.
type Limits struct {
	ScriptBytes int // size of one script, in bytes: 1 MiB
	Nesting     int // parser frames while a script is parsed, a measure of how deep its syntax nests: 3,000
	Depth       int // scripts within scripts, functions within functions, substitutions within those: 200
	Steps       int // statements and words that are walked: 200,000
	ValueBytes  int // size of one expanded value: 1 MiB
	TotalBytes  int // sum of the sizes of all values, and of all text that is parsed: 32 MiB
	Actions     int // actions reported: 100
}

// Fixed bounds. They are far above what scripts do, and not worth a field each.
const (
	maxArguments   = 10_000 // of one command, elements of one array
	maxFiles       = 2_000  // that one script writes
	maxTrees       = 100    // folders that are unpacked
	maxDescriptors = 200    // open at once
	maxSteps       = 30     // in Action.Steps
	maxChecks      = 100    // fetches that one check covers
	maxTokens      = 20_000 // of a program in another language
	parseWeight    = 4      // what parsing a byte costs, compared with copying it
)

// orDefaults returns l with every zero field replaced by its default.
func (l Limits) orDefaults() Limits {
	for _, f := range []struct {
		field *int
		value int
	}{
		{&l.ScriptBytes, 1 << 20}, {&l.Nesting, 3000}, {&l.Depth, 200}, {&l.Steps, 200_000},
		{&l.ValueBytes, 1 << 20}, {&l.TotalBytes, 32 << 20}, {&l.Actions, 100},
	} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	return l
}

// budget is what is left of the limits.
type budget struct {
	limits  Limits
	steps   int
	bytes   int
	depth   int
	stopped bool // a limit was reached: nothing is walked any more
}

// step takes one step, and tells whether there was one left.
func (in *interp) step() bool {
	in.budget.steps++
	if in.budget.steps > in.budget.limits.Steps {
		in.stop("more than %d steps", in.budget.limits.Steps)
	}
	return !in.budget.stopped
}

// work takes n steps at once, for what takes time in proportion to n.
func (in *interp) work(n int) {
	in.budget.steps += n
}

// charge takes n bytes off the total.
func (in *interp) charge(n int) {
	if in.budget.bytes += n; in.budget.bytes > in.budget.limits.TotalBytes {
		in.stop("values of more than %d bytes in total", in.budget.limits.TotalBytes)
	}
}

// bounded charges for a value that was just made, and cuts it off where it is too large.
func (in *interp) bounded(s string) string {
	l := in.budget.limits
	if len(s) > l.ValueBytes {
		in.stop("a value of more than %d bytes", l.ValueBytes)
		return ""
	}
	if in.charge(len(s)); in.budget.stopped {
		return ""
	}
	return s
}

// deeper runs body one level down, unless that is too deep. Too deep does not end the analysis: the same code
// has been walked on the levels above, as a function that calls itself is.
func (in *interp) deeper(body func()) {
	if in.budget.depth >= in.budget.limits.Depth {
		in.unreadable("commands nested deeper than %d levels are not followed", in.budget.limits.Depth)
		return
	}
	in.budget.depth++
	body()
	in.budget.depth--
}

func (in *interp) stop(format string, a ...any) {
	if !in.budget.stopped {
		in.budget.stopped = true
		in.unreadable("gave up at "+format, a...)
	}
}

// unreadable notes the first reason why something could not be understood.
func (in *interp) unreadable(format string, a ...any) {
	if in.why == "" {
		in.why = in.display(fmt.Sprintf(format, a...))
	}
}

// joinArgs is the text that stands for an argument vector, if the vector is within the limits.
func (in *interp) joinArgs(args []string) (string, bool) {
	size := 0
	for _, a := range args {
		size += len(a) + 1
	}
	if size > in.budget.limits.ScriptBytes {
		in.stop("arguments of more than %d bytes", in.budget.limits.ScriptBytes)
		return "", false
	}
	return strings.Join(args, " "), true
}
