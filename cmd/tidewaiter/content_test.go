package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tidewaiter/tidewaiter/gate"
	"github.com/tidewaiter/tidewaiter/image/imagetest"
)

// check runs the check command and returns the rules that found something in the images.
func checkRules(t *testing.T, args ...string) (code int, rules []string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(context.Background(), append([]string{"check", "--format", "json"}, args...), nil, &out, &errs)
	var r gate.Report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatalf("no report: %v: %s%s", err, out.String(), errs.String())
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
	return code, slices.Compact(rules)
}

// TestOwnProgramIsHarmless: a scanner knows what miners look like, and must not look like one.
func TestOwnProgramIsHarmless(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	host := imagetest.Host(t)
	imagetest.Push(t, host+"/tidewaiter:1", imagetest.Image(t, map[string]string{"usr/bin/tidewaiter": string(program)}))
	code, rules := checkRules(t, "--plain-http", host, host+"/tidewaiter:1")
	if want := []string{"image/no-trust-policy", "image/root-user"}; code != exitAllowed || !slices.Equal(rules, want) {
		t.Errorf("got exit code %d and %q, want %d and %q", code, rules, exitAllowed, want)
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
			code, rules := checkRules(t, "docker-archive:"+filepath.Join(dir, name+".tar"))
			if code != exitAllowed || !slices.Equal(rules, want) {
				t.Errorf("got exit code %d and %q, want %d and %q", code, rules, exitAllowed, want)
			}
		})
	}
}
