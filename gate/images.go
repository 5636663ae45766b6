package gate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/tidewaiter/tidewaiter/image"
	"github.com/tidewaiter/tidewaiter/manifests"
	"github.com/tidewaiter/tidewaiter/policies"
	"github.com/tidewaiter/tidewaiter/sbom"
	"github.com/tidewaiter/tidewaiter/shell"
	"github.com/tidewaiter/tidewaiter/signature"
)

// wantedImage is an image to be judged, with the places that name it.
type wantedImage struct {
	written string
	ref     image.Reference
	err     error // why written is no reference
	places  []imagePlace
	// containers are those that run it; an image volume has none.
	containers []manifests.Container
}

type imagePlace struct {
	file string
	line int
}

func (p imagePlace) String() string { return fmt.Sprintf("%s:%d", p.file, p.line) }

// wanted is the image that a pod of an object names at one place.
func wanted(use manifests.ImageUse, pod manifests.Pod, o *manifests.Object) wantedImage {
	file, at := o.Place(use.Path)
	w := wantedImage{written: use.Reference, places: []imagePlace{{file, max(at.Line, 1)}}}
	w.ref, w.err = kubernetesReference(use.Reference)
	for _, c := range pod.Containers {
		if slices.Equal(use.Path[:len(use.Path)-1], c.Path) {
			w.containers = append(w.containers, c)
		}
	}
	return w
}

// key is the same for all spellings of one image.
func (w wantedImage) key() string {
	if w.err != nil {
		return "invalid " + w.written
	}
	return w.ref.String()
}

func imagesOfTargets(targets []Target) []wantedImage {
	var out []wantedImage
	for _, t := range targets {
		if t.Path == "" {
			out = append(out, wantedImage{written: t.Image, ref: t.Reference})
		}
	}
	return out
}

// mergeImages joins what names the same image, however it is spelled, in the order of first mention.
func mergeImages(lists ...[]wantedImage) []wantedImage {
	var out []wantedImage
	index := map[string]int{}
	for _, list := range lists {
		for _, w := range list {
			if i, ok := index[w.key()]; ok {
				out[i].places = append(out[i].places, w.places...)
				out[i].containers = append(out[i].containers, w.containers...)
				continue
			}
			index[w.key()] = len(out)
			out = append(out, w)
		}
	}
	return out
}

// judgeImages looks at every image, several at a time. The subjects stand in the images' order, one a
// platform, or one for the whole image where it could not be looked at.
func (r *run) judgeImages(ctx context.Context, images []wantedImage) []Subject {
	subjects := make([][]Subject, len(images))
	inParallel(len(images), imagesAtOnce, func(i int) {
		ctx, cancel := context.WithTimeoutCause(ctx, r.ImageTimeout,
			fmt.Errorf("not finished after %v (limits.imageTime)", r.ImageTimeout))
		defer cancel()
		err := guard(func() (err error) {
			subjects[i], err = r.judgeImage(ctx, images[i])
			return err
		})
		if err != nil {
			subjects[i] = []Subject{images[i].subject(withCause(ctx, err))}
		}
	})
	return slices.Concat(subjects...)
}

// withCause replaces the bare "deadline exceeded" of a time limit by what limit it was.
func withCause(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && errors.Is(err, context.DeadlineExceeded) {
		return cause
	}
	return err
}

// subject starts the report's entry for an image. With an error it is undecided.
func (w wantedImage) subject(err error) Subject {
	s := Subject{Kind: string(policies.Image), Name: w.written, Findings: []Finding{}}
	for _, p := range w.places {
		if at := p.String(); !slices.Contains(s.ReferencedBy, at) {
			s.ReferencedBy = append(s.ReferencedBy, at)
		}
	}
	if len(w.places) > 0 {
		s.File, s.Line = w.places[0].file, w.places[0].line
	}
	if err != nil {
		s.Error = err.Error()
	}
	return s
}

// judgeImage resolves an image once and judges each of its platforms.
func (r *run) judgeImage(ctx context.Context, w wantedImage) ([]Subject, error) {
	if w.err != nil {
		return nil, w.err
	}
	img, err := r.Pull(ctx, w.ref)
	if err != nil {
		return nil, err
	}
	if len(img.Platforms) == 0 {
		return nil, errors.New("the image has no platform that could be judged")
	}
	signed, unknown := r.verify(ctx, img)
	subjects := make([]Subject, len(img.Platforms))
	for i, p := range img.Platforms {
		s := w.subject(nil)
		s.Digest, s.Platform = img.Digest, p.Name
		err := guard(func() error { return r.judgePlatform(ctx, w, img, p, signed, &s) })
		if err = errors.Join(unknown, err); err != nil {
			s.Error = withCause(ctx, err).Error()
		}
		subjects[i] = s
	}
	return subjects, nil
}

// verify asks who vouches for an image. That this could not be found out does not keep the rest of the image
// from being judged: a miner is one, whoever signed it.
func (r *run) verify(ctx context.Context, img *image.Image) (signed *signature.Result, err error) {
	err = guard(func() error {
		result, err := r.Verify(ctx, img)
		signed = &result
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("signatures: %w", err)
	}
	return signed, nil
}

// judgePlatform puts the findings on one platform into its subject.
func (r *run) judgePlatform(ctx context.Context, w wantedImage, img *image.Image, p *image.Platform, signed *signature.Result, s *Subject) error {
	started := startedIn(w.containers, p.Config)
	started.Follow = func(known *sbom.SBOM) []string { return sought(w.containers, p.Config, known) }
	bom, err := r.SBOM(ctx, p, started)
	if err != nil {
		return fmt.Errorf("content: %w", err)
	}
	evidence := imageEvidence(w.written, img, p, signed, bom)
	if len(w.containers) > 0 {
		r.keep(w.key(), newPlatformFacts(evidence, bom, started))
	}
	found, err := r.judge(ctx, policies.Image, evidence, s)
	if err != nil {
		return err
	}
	for _, f := range found {
		out := finding(f)
		out.File, out.Line = s.File, s.Line
		s.Findings = append(s.Findings, out)
	}
	return nil
}

// imageEvidence assembles what the rules get to see of one platform of an image.
func imageEvidence(name string, img *image.Image, p *image.Platform, signed *signature.Result, bom *sbom.SBOM) ImageEvidence {
	passwd, _ := bom.Script(passwdFile)
	return ImageEvidence{
		Kind: policies.Image, Name: name, Reference: referenceEvidence(img.Reference),
		Digest: img.Digest, Platform: p.Name, Config: p.Config, User: imageUser(p.Config, passwd), Layers: len(p.Layers),
		Signature: signed, AttestedSBOMs: attestedSBOMs(img, p, signed, bom),
		Packages: bom.Packages, Files: bom.Files, Runs: imageRuns(p.Config, bom),
		Databases: append([]sbom.DatabaseChange{}, bom.Databases...),
		Settings:  append([]sbom.Class{}, bom.Settings...),
		Notes:     append(append(append([]string{}, img.Notes...), p.Notes...), bom.Notes...),
		Unread:    append([]string{}, bom.Unread...),
	}
}

// imageTexts gives the texts of an image that something starts; *sbom.SBOM does.
type imageTexts interface {
	Script(path string) (string, bool)
	Scripts() map[string]string
	Calls(path string) []string
	Autostarts() []string
}

// imageRuns says what an image would run by itself: its command lines, the scripts that those name, and what
// cron, the boot or a login would start.
func imageRuns(c image.Config, texts imageTexts) []RunEvidence {
	runs := []RunEvidence{}
	for _, cmd := range ownCommands(c, texts) {
		runs = append(runs, cmd.imageRuns(scriptRuns(cmd.where, scriptNames(cmd.args, c), cmd.env, texts))...)
	}
	for _, instruction := range c.OnBuild {
		if args := onBuild(instruction, c.Shell); len(args) > 0 {
			runs = append(runs, imageRun("onbuild", []any{"config", "onbuild"}, args, shell.Analyze(args)))
		}
	}
	for _, name := range texts.Autostarts() {
		text, _ := texts.Script(name)
		cmd := autostart(c, name, texts)
		// Only what they do is evidence: an init script that cannot be read may never be run.
		if result := cmd.analyzeFile(name, text); len(result.Actions) > 0 {
			result.Unreadable = ""
			runs = append(runs, cmd.evidence(result))
		}
	}
	return runs
}

func imageRun(where string, path []any, args []string, result shell.Result) RunEvidence {
	e := RunEvidence{Where: where, Path: path, Args: args, Actions: []ActionEvidence{}, Unreadable: result.Unreadable}
	for _, a := range result.Actions {
		e.Actions = append(e.Actions, ActionEvidence{Action: a})
	}
	return e
}

// scriptRuns says what the scripts of an image with these names do, and those that they start, whether or not the
// command that names them is known to run them. Of the latter, and of texts that do not say that they are for a shell,
// only those that do something are told: they may be another program's configuration or code.
func scriptRuns(where string, names []string, env map[string]string, texts imageTexts) []RunEvidence {
	var runs []RunEvidence
	seen := map[string]bool{}
	for depth := 0; depth <= sbom.CallDepth; depth++ {
		var called []string
		for _, name := range names {
			text, ok := texts.Script(name)
			if !ok || seen[name] {
				continue
			}
			seen[name] = true
			called = append(called, texts.Calls(name)...)
			result := shell.Options{Env: env}.AnalyzeScript(text)
			script := strings.HasPrefix(text, "#!") || path.Ext(name) == ".sh"
			if !script {
				result.Unreadable = ""
			}
			if depth == 0 && script || len(result.Actions) > 0 {
				runs = append(runs, imageRun(where, []any{"files", name}, []string{name}, result))
			}
		}
		names = called
	}
	return runs
}

// imageRuns says what the command does besides what the scripts that it names were seen to do by themselves, and adds
// those. It is read without the image's files, too: a text may stand where a shell is looked for.
func (c command) imageRuns(scripts []RunEvidence) []RunEvidence {
	bare := c
	bare.files = nil
	run := c.run()
	known := bare.run().Actions
	run.Actions = append(known, without(run.Actions, known)...)
	for _, s := range scripts {
		run.Actions = without(run.Actions, s.Actions)
		if run.Unreadable == s.Unreadable {
			run.Unreadable = ""
		}
	}
	return append([]RunEvidence{run}, scripts...)
}

// without takes out of actions what is known already.
func without(actions, known []ActionEvidence) []ActionEvidence {
	return slices.DeleteFunc(actions, func(a ActionEvidence) bool {
		return slices.ContainsFunc(known, func(b ActionEvidence) bool { return a.Kind == b.Kind && a.Text == b.Text })
	})
}

// onBuild is the command line of a RUN instruction that builds from the image execute; nil for other ones.
func onBuild(instruction string, interpreter []string) []string {
	word, rest, _ := strings.Cut(strings.TrimSpace(instruction), " ")
	if !strings.EqualFold(word, "RUN") {
		return nil
	}
	rest = strings.TrimSpace(rest)
	for strings.HasPrefix(rest, "--") { // --mount, --network, --security
		_, rest, _ = strings.Cut(rest, " ")
		rest = strings.TrimSpace(rest)
	}
	var args []string
	if err := json.Unmarshal([]byte(rest), &args); err == nil {
		return args
	}
	if len(interpreter) == 0 {
		interpreter = []string{"/bin/sh", "-c"}
	}
	return append(slices.Clone(interpreter), rest)
}

// scriptNames are the paths in the image that an argument vector may name as a script to start: its program,
// looked for on the PATH where it is no path, and the next arguments that look like paths, for "sh /run.sh".
func scriptNames(args []string, c image.Config) []string {
	var names []string
	for i, arg := range args[:min(len(args), 4)] {
		switch {
		case path.IsAbs(arg):
			names = append(names, path.Clean(arg))
		case strings.HasPrefix(arg, "-"):
		case strings.Contains(arg, "/") || i > 0:
			names = append(names, path.Join("/", c.WorkingDir, arg))
		default:
			for _, dir := range c.SearchPath() {
				names = append(names, path.Join("/", dir, arg))
			}
		}
	}
	return names
}
