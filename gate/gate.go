package gate

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidewaiter/tidewaiter/image"
	"github.com/tidewaiter/tidewaiter/manifests"
	"github.com/tidewaiter/tidewaiter/policies"
	"github.com/tidewaiter/tidewaiter/sbom"
	"github.com/tidewaiter/tidewaiter/signature"
)

// imagesAtOnce is how many images are looked at at the same time: enough to keep two cores busy while others
// wait for the network, few enough to bound temporary disk.
const imagesAtOnce = 4

// Gate judges. Its function fields are the seams to the world: caches, limits and recordings are decorators
// of them, and a test makes each fail in turn.
type Gate struct {
	Rules   *policies.Engine
	FailOn  policies.Severity // findings at least as severe deny; the zero value is an error of the caller
	Waivers []Waiver
	// ConfigFile is the name of the file that Waivers come from, and ConfigLine finds the line of a path in it.
	ConfigFile string
	ConfigLine func(path []any) int

	Pull   func(ctx context.Context, ref image.Reference) (*image.Image, error)
	Verify func(ctx context.Context, img *image.Image) (signature.Result, error)
	// SBOM looks at what is in a platform; started is what manifests start in it.
	SBOM func(ctx context.Context, p *image.Platform, started sbom.Started) (*sbom.SBOM, error)

	// Manifests says how manifests are read, and charts and kustomizations rendered.
	Manifests manifests.Options
	// ImageTimeout bounds the whole look at one image (DESIGN 9: 10 minutes).
	ImageTimeout time.Duration
	// Now is the clock that waivers expire by.
	Now func() time.Time
	// Note is told, in one line, what the report has no place for: files that were passed over.
	Note    func(string)
	Version string
}

// Input is what one run judges.
type Input struct {
	Targets []Target
	Stdin   io.Reader
	// Images tells to judge also the images that manifests name. Images that are targets are judged always.
	Images bool
	// AllowNothing tells that files which were named and hold no object, because they are something else than
	// manifests, are no reason to be undecided, not even if nothing else was named.
	AllowNothing bool
}

// Check judges everything in the input. It does not fail: what it cannot judge is an undecided subject, and
// then so is the report. A run that judged nothing is undecided.
func (g *Gate) Check(ctx context.Context, in Input) Report {
	run := &run{Gate: g, waivers: newWaivers(g.Waivers, g.Now())}
	subjects := run.subjects(ctx, in)
	for i := range subjects {
		run.settle(&subjects[i])
	}
	if s, ok := run.judgeConfig(ctx, in); ok {
		subjects = append(subjects, s)
	}
	nothing := Undecided
	if in.AllowNothing {
		nothing = Allow // whatever else could not be found or read is a subject
	}
	return g.report(subjects, nothing)
}

// Inspect gathers the evidence that Check would judge, in the order of its subjects, and judges nothing.
// The errors say what could not be looked at.
func (g *Gate) Inspect(ctx context.Context, in Input) (evidence []any, errs []error) {
	run := &run{Gate: g, inspecting: true}
	evidence = []any{}
	for _, s := range run.subjects(ctx, in) {
		evidence = append(evidence, s.evidence...)
		if s.Error != "" {
			errs = append(errs, fmt.Errorf("%s: %s", s.Name, s.Error))
		}
	}
	return evidence, errs
}

// report adds the subjects up; nothing is the verdict where there is nothing to add.
func (g *Gate) report(subjects []Subject, nothing Verdict) Report {
	r := Report{Schema: Schema, Tool: Tool{Version: g.Version, Rules: g.Rules.Digest()}, Subjects: subjects}
	verdicts := make([]Verdict, 0, len(subjects))
	for _, s := range subjects {
		// A sound configuration is no reason to allow anything: only what is to be deployed counts.
		if s.Kind != string(policies.Config) || s.Verdict != Allow {
			verdicts = append(verdicts, s.Verdict)
		}
	}
	r.Verdict = nothing
	if len(verdicts) > 0 {
		r.Verdict = Sum(verdicts)
	}
	if r.Subjects == nil {
		r.Subjects = []Subject{}
	}
	return r
}

// run is one call of Check, or of Inspect.
type run struct {
	*Gate
	waivers    *waivers
	inspecting bool
	images     bool // the images that objects name are judged too

	mu    sync.Mutex
	facts map[string][]*platformFacts // of the images that containers run, by their keys
}

// subjects looks at everything in the input: first what could not be read, then objects, then images.
func (r *run) subjects(ctx context.Context, in Input) []Subject {
	if !r.inspecting {
		r.Rules.Prepare(kindsOf(in)...)
	}
	objects, subjects := r.load(ctx, in)
	r.images = in.Images
	ofObjects, uses := r.judgeObjects(ctx, objects)
	objectsAlone := len(ofObjects)
	var together *set
	err := guard(func() (err error) {
		together, err = putTogether(objects)
		return err
	})
	ofObjects = append(ofObjects, r.judgeSet(ctx, together, err, ofObjects)...)
	images := r.judgeImages(ctx, mergeImages(imagesOfTargets(in.Targets), uses))
	r.judgeWorkloads(ctx, together, ofObjects[:objectsAlone])
	return slices.Concat(subjects, ofObjects, images)
}

// kindsOf are the kinds of rules that the input will need.
func kindsOf(in Input) []policies.Kind {
	var kinds []policies.Kind
	for _, t := range in.Targets {
		if t.Path != "" {
			kinds = append(kinds, policies.Kubernetes, policies.Set)
			break
		}
	}
	if in.Images || len(imagesOfTargets(in.Targets)) > 0 {
		kinds = append(kinds, policies.Image)
	}
	if in.Images && len(kinds) > 1 {
		kinds = append(kinds, policies.Workload)
	}
	return kinds
}

// judge lets the rules of a kind judge evidence on a subject.
func (r *run) judge(ctx context.Context, kind policies.Kind, evidence any, s *Subject) ([]policies.Finding, error) {
	if r.inspecting {
		s.evidence = append(s.evidence, evidence)
		return nil, nil
	}
	return r.Rules.Judge(ctx, kind, evidence)
}

// settle applies the waivers and comes to the subject's verdict.
func (r *run) settle(s *Subject) {
	names := []string{s.Name}
	if s.Kind == string(policies.Image) {
		names = imageNames(*s)
	}
	r.waivers.apply(names, s.Findings)
	s.Verdict = r.verdict(*s)
	sortFindings(s.Findings)
	if s.Findings == nil {
		s.Findings = []Finding{}
	}
}

// verdict marks the findings that deny and adds them up. A subject with an error is never allowed.
func (r *run) verdict(s Subject) Verdict {
	v := Allow
	if s.Error != "" {
		v = Undecided
	}
	for i := range s.Findings {
		f := &s.Findings[i]
		f.Denies = f.Waived == nil && (f.Severity >= r.FailOn || f.Severity == policies.Unset)
		if f.Denies {
			v = Deny
		}
	}
	return v
}

// imageNames are the names that a waiver may call an image by.
func imageNames(s Subject) []string {
	names := []string{s.Name}
	if ref, err := image.ParseReference(s.Name); err == nil && ref.Transport == image.Registry {
		names = append(names, ref.Name(), ref.Name()+"@"+s.Digest)
	}
	return names
}

// sortFindings orders findings the worst first, then by place.
func sortFindings(findings []Finding) {
	slices.SortStableFunc(findings, func(a, b Finding) int {
		if a.Severity != b.Severity {
			return int(b.Severity) - int(a.Severity)
		}
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		if c := strings.Compare(a.Rule, b.Rule); c != 0 {
			return c
		}
		return strings.Compare(a.Path+a.Message, b.Path+b.Message)
	})
}

// guard runs judge and turns a panic into the error of an undecided subject: one broken subject must not
// take the judgement of the others with it.
func guard(judge func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("internal error, please report it: %v", p)
		}
	}()
	return judge()
}

// inParallel calls f for 0 to n-1, at most limit at a time, and waits for all. A worker takes one after the other: rules
// recurse deeply, and a stack that has grown once need not grow again.
func inParallel(n, limit int, f func(i int)) {
	var next atomic.Int64
	var group sync.WaitGroup
	for range min(n, limit) {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i)
			}
		})
	}
	group.Wait()
}

func workers() int { return runtime.GOMAXPROCS(0) }

// finding turns what a rule says into the report's words, without a place.
func finding(f policies.Finding) Finding {
	out := Finding{
		Rule: f.Rule, Severity: f.Severity, Message: f.Message, Path: manifests.Path(f.Path).String(),
		Attack: f.Attack, Remediation: f.Remediation, Evidence: f.Evidence,
	}
	if out.Attack == nil {
		out.Attack = []string{}
	}
	return out
}

// judgeConfig judges how the configuration was used. There is nothing to judge without waivers.
func (r *run) judgeConfig(ctx context.Context, in Input) (Subject, bool) {
	if len(r.Waivers) == 0 {
		return Subject{}, false
	}
	s := Subject{Kind: string(policies.Config), Name: r.ConfigFile, File: r.ConfigFile, Line: 1, Findings: []Finding{}}
	err := guard(func() error {
		found, err := r.Rules.Judge(ctx, policies.Config, r.waivers.evidence(r.ConfigFile, in.Images))
		for _, f := range found {
			out := finding(f)
			out.File, out.Line = r.ConfigFile, r.ConfigLine(f.Path)
			s.Findings = append(s.Findings, out)
		}
		return err
	})
	if err != nil {
		s.Error = err.Error()
	}
	s.Verdict = r.verdict(s)
	sortFindings(s.Findings)
	return s, true
}
