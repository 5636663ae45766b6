package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/tidewaiter/tidewaiter/gate"
	"github.com/tidewaiter/tidewaiter/image/imagetest"
)

// rulesOf returns the rules that found something, of a JSON report in which everything could be judged.
func rulesOf(t *testing.T, text []byte) (rules []string) {
	t.Helper()
	var r gate.Report
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatalf("no report: %v: %s", err, text)
	}
	for _, s := range r.Subjects {
		if s.Error != "" {
			t.Errorf("%s: %s", s.Name, s.Error)
		}
		for _, f := range s.Findings {
			rules = append(rules, f.Rule)
		}
	}
	slices.Sort(rules)
	return slices.Compact(rules)
}

// TestOwnProgramIsHarmless: a scanner knows what miners look like, and must not look like one. The program
// looks at itself as it is built for users.
func TestOwnProgramIsHarmless(t *testing.T) {
	self := filepath.Join(t.TempDir(), "tidewaiter")
	if out, err := exec.Command("../../action/build.sh", self, "devel").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	program, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	host := imagetest.Host(t)
	imagetest.Push(t, host+"/tidewaiter:1", imagetest.Image(t, map[string]string{"usr/bin/tidewaiter": string(program)}))
	out, err := exec.Command(self, "check", "--format", "json", "--plain-http", host, host+"/tidewaiter:1").Output()
	if err != nil {
		t.Errorf("check: %v", err)
	}
	if got, want := rulesOf(t, out), []string{"image/no-trust-policy", "image/root-user"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestOwnImage has ko build our image as docs/image.md says, and judges it: nothing is in it that we would report.
func TestOwnImage(t *testing.T) {
	ko, host := tool(t, "TIDEWAITER_KO"), imagetest.Host(t)
	layout, err := os.MkdirTemp("", "tidewaiter-ko-") // ko wants no capital letters in it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(layout) })
	base, err := imagetest.Build(func(c *v1.ConfigFile) { c.Config.User = "65532:65532" }, map[string]string{"etc/passwd": "nonroot:x:65532:65532::/home/nonroot:/sbin/nologin\n"})
	if err != nil {
		t.Fatal(err)
	}
	imagetest.Push(t, host+"/base:1", base)
	cmd := exec.Command(ko, "build", "--bare", "--push=false", "--oci-layout-path="+layout, "--platform=linux/amd64", "--sbom=none", "./cmd/tidewaiter")
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "KO_DOCKER_REPO="+host+"/tidewaiter", "KO_DEFAULTBASEIMAGE="+host+"/base:1", "GOFLAGS=-trimpath")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("ko: %v\n%s", err, out)
	}
	var out, errs bytes.Buffer
	args := []string{"check", "--format", "json", "oci:" + layout}
	if code := run(t.Context(), args, nil, &out, &errs); code != exitAllowed {
		t.Errorf("got exit code %d: %s", code, errs.String())
	}
	if got, want := rulesOf(t, out.Bytes()), []string{"image/no-trust-policy"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestRealImages checks images made from Debian packages: what is in them is told, and nobody is denied for it.
func TestRealImages(t *testing.T) {
	dir := os.Getenv("TIDEWAITER_IMAGES")
	if dir == "" {
		t.Skip("TIDEWAITER_IMAGES names no folder: .ci/run fills one by testdata/images/build.sh")
	}
	base := []string{"image/no-trust-policy", "image/root-user"}
	for name, more := range map[string][]string{
		"debian":     {"image/download-tool", "image/package-manager", "image/setuid", "image/shell"},
		"busybox":    {"image/download-tool", "image/package-manager", "image/shell"},
		"distroless": nil,
	} {
		t.Run(name, func(t *testing.T) {
			want := slices.Sorted(slices.Values(append(slices.Clone(base), more...)))
			var out, errs bytes.Buffer
			args := []string{"check", "--format", "json", "docker-archive:" + filepath.Join(dir, name+".tar")}
			if code := run(t.Context(), args, nil, &out, &errs); code != exitAllowed {
				t.Errorf("got exit code %d, want %d: %s", code, exitAllowed, errs.String())
			}
			if got := rulesOf(t, out.Bytes()); !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}
