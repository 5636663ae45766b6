package gate

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidewaiter/tidewaiter/image"
	"github.com/tidewaiter/tidewaiter/policies"
	"github.com/tidewaiter/tidewaiter/sbom"
	"github.com/tidewaiter/tidewaiter/signature"
)

const harmless = `apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
  containers:
    - name: web
      image: registry.example/shop/web:1
      securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
`

// soundGate allows the harmless pod: every seam works and finds nothing.
func soundGate(t *testing.T) *Gate {
	t.Helper()
	rules, err := policies.New(context.Background(), policies.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return &Gate{
		Rules:      rules,
		FailOn:     policies.High,
		ConfigFile: "tidewaiter.yaml",
		ConfigLine: func([]any) int { return 1 },
		Pull: func(_ context.Context, ref image.Reference) (*image.Image, error) {
			platform := &image.Platform{Name: "linux/amd64", Config: image.Config{User: "65532", Entrypoint: []string{"/web"}}}
			return &image.Image{Reference: ref, Digest: "sha256:" + strings.Repeat("0", 64), Platforms: []*image.Platform{platform}}, nil
		},
		Verify: func(context.Context, *image.Image) (signature.Result, error) { return signature.Result{}, nil },
		SBOM:   func(context.Context, *image.Platform, sbom.Started) (*sbom.SBOM, error) { return &sbom.SBOM{}, nil },

		ImageTimeout: time.Minute,
		Now:          time.Now,
		Note:         func(string) {},
	}
}

func manifest(t *testing.T, text string) Input {
	t.Helper()
	file := filepath.Join(t.TempDir(), "pod.yaml")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return Input{Targets: []Target{{Path: file}}, Images: true}
}

// TestFailClosed makes every seam fail in turn. None of it may be allowed.
func TestFailClosed(t *testing.T) {
	broken := errors.New("the seam broke")
	hang := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	for _, test := range []struct {
		name  string
		spoil func(g *Gate)
		want  string // in the error of a subject
	}{
		{"pull fails", func(g *Gate) {
			g.Pull = func(context.Context, image.Reference) (*image.Image, error) { return nil, broken }
		}, "the seam broke"},
		{"pull panics", func(g *Gate) {
			g.Pull = func(context.Context, image.Reference) (*image.Image, error) { panic("pull") }
		}, "internal error"},
		{"pull returns nothing", func(g *Gate) {
			g.Pull = func(context.Context, image.Reference) (*image.Image, error) { return nil, nil }
		}, "internal error"},
		{"pull hangs", func(g *Gate) {
			g.ImageTimeout = 10 * time.Millisecond
			g.Pull = func(ctx context.Context, _ image.Reference) (*image.Image, error) { return nil, hang(ctx) }
		}, "limits.imageTime"},
		{"no platform", func(g *Gate) {
			g.Pull = func(context.Context, image.Reference) (*image.Image, error) { return &image.Image{}, nil }
		}, "no platform"},
		{"signatures fail", func(g *Gate) {
			g.Verify = func(context.Context, *image.Image) (signature.Result, error) { return signature.Result{}, broken }
		}, "signatures: the seam broke"},
		{"signatures panic", func(g *Gate) {
			g.Verify = func(context.Context, *image.Image) (signature.Result, error) { panic("verify") }
		}, "internal error"},
		{"content fails", func(g *Gate) {
			g.SBOM = func(context.Context, *image.Platform, sbom.Started) (*sbom.SBOM, error) { return nil, broken }
		}, "content: the seam broke"},
		{"content panics", func(g *Gate) {
			g.SBOM = func(context.Context, *image.Platform, sbom.Started) (*sbom.SBOM, error) { panic("sbom") }
		}, "internal error"},
		{"content hangs", func(g *Gate) {
			g.ImageTimeout = 10 * time.Millisecond
			g.SBOM = func(ctx context.Context, _ *image.Platform, _ sbom.Started) (*sbom.SBOM, error) {
				return nil, hang(ctx)
			}
		}, "limits.imageTime"},
		{"content returns nothing", func(g *Gate) {
			g.SBOM = func(context.Context, *image.Platform, sbom.Started) (*sbom.SBOM, error) { return nil, nil }
		}, "internal error"},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := soundGate(t)
			test.spoil(g)
			r := g.Check(context.Background(), manifest(t, harmless))
			if r.Verdict != Undecided {
				t.Errorf("verdict: got %v, want undecided", r.Verdict)
			}
			for _, s := range r.Subjects {
				if strings.Contains(s.Error, test.want) {
					return
				}
			}
			t.Errorf("no subject says %q: %+v", test.want, r.Subjects)
		})
	}
}

// TestFailClosedTogether: where all objects together cannot be judged, none of them is known to be sound.
func TestFailClosedTogether(t *testing.T) {
	g := soundGate(t)
	var err error
	// No object alone has as many findings as the pod has for what others give to its service account.
	if g.Rules, err = policies.New(context.Background(), policies.Options{Limits: policies.Limits{Findings: 2}}); err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(harmless, "spec:\n", "spec:\n  serviceAccountName: ci\n", 1) +
		"---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: start}\nrules: [{apiGroups: [\"\"], resources: [pods], verbs: [create]}]\n"
	for _, name := range []string{"a", "b", "c"} {
		text += "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: " + name +
			"}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: start}\nsubjects: [{kind: ServiceAccount, name: ci, namespace: shop}]\n"
	}
	in := manifest(t, text)
	in.Images = false
	r := g.Check(context.Background(), in)
	if r.Verdict != Undecided || !strings.Contains(r.Subjects[0].Error, "all objects together: ") {
		t.Errorf("got %v, with %q; want undecided by the set alone", r.Verdict, r.Subjects[0].Error)
	}
	for _, s := range r.Subjects[1:] {
		if s.Error != "" {
			t.Errorf("%s: %s; the rules of single objects should not fail here", s.Name, s.Error)
		}
	}
}

// TestSoundGateAllows shows that TestFailClosed denies for the reasons that it names.
func TestSoundGateAllows(t *testing.T) {
	r := soundGate(t).Check(context.Background(), manifest(t, harmless))
	if r.Verdict != Allow || len(r.Subjects) != 2 {
		t.Errorf("got %v with %d subjects, want allow with 2: %+v", r.Verdict, len(r.Subjects), r.Subjects)
	}
}

func TestNothingCheckedIsUndecided(t *testing.T) {
	for name, text := range map[string]string{
		"empty":         "",
		"comments only": "# nothing\n---\n# here\n",
		"no object":     "a: 1\n",
		"broken":        "a: [1\n",
	} {
		if r := soundGate(t).Check(context.Background(), manifest(t, text)); r.Verdict != Undecided {
			t.Errorf("%s: got %v, want undecided", name, r.Verdict)
		}
	}
	for name, in := range map[string]Input{
		"no target":    {},
		"empty folder": {Targets: []Target{{Path: t.TempDir()}}},
		"gone":         {Targets: []Target{{Path: filepath.Join(t.TempDir(), "gone.yaml")}}},
	} {
		if r := soundGate(t).Check(context.Background(), in); r.Verdict != Undecided {
			t.Errorf("%s: got %v, want undecided", name, r.Verdict)
		}
	}
}

// TestZeroFailOnDenies: a gate that was not told what is bad takes everything for bad.
func TestZeroFailOnDenies(t *testing.T) {
	g := soundGate(t)
	g.FailOn = policies.Unset
	if r := g.Check(context.Background(), manifest(t, harmless)); r.Verdict != Deny {
		t.Errorf("got %v, want deny", r.Verdict)
	}
}

// TestCancelledIsUndecided: a run that was interrupted must not look finished.
func TestCancelledIsUndecided(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if r := soundGate(t).Check(ctx, manifest(t, harmless)); r.Verdict == Allow {
		t.Error("an interrupted run was allowed")
	}
}

// TestContentIsJudgedWithoutSignatures: that signatures could not be found out hides nothing else, and is not
// taken for their absence.
func TestContentIsJudgedWithoutSignatures(t *testing.T) {
	g := soundGate(t)
	g.Verify = func(context.Context, *image.Image) (signature.Result, error) {
		return signature.Result{}, errors.New("the registry broke")
	}
	g.SBOM = func(context.Context, *image.Platform, sbom.Started) (*sbom.SBOM, error) {
		class := sbom.Class{Class: "miner", Tool: "xmrig", Marks: []sbom.Mark{{By: "content", Text: "words"}}}
		return &sbom.SBOM{Files: []sbom.File{{Path: "/app", DeletedIn: -1, Classes: []sbom.Class{class}}}}, nil
	}
	r := g.Check(context.Background(), manifest(t, harmless))
	if r.Verdict != Deny {
		t.Errorf("verdict: got %v, want deny", r.Verdict)
	}
	img := r.Subjects[len(r.Subjects)-1]
	if !strings.Contains(img.Error, "the registry broke") {
		t.Errorf("error: got %q", img.Error)
	}
	if len(img.Findings) != 1 || img.Findings[0].Rule != "image/miner" {
		t.Errorf("findings: got %+v, want image/miner alone", img.Findings)
	}
}
