package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/tidewaiter/tidewaiter/gate"
	"github.com/tidewaiter/tidewaiter/image/imagetest"
	"github.com/tidewaiter/tidewaiter/server"
	"github.com/tidewaiter/tidewaiter/server/judge"
)

// judging is a process that judges, as the server starts it.
func judging(t *testing.T) judge.Program {
	t.Helper()
	path, err := exec.LookPath("tidewaiter")
	if err != nil {
		t.Fatal(err)
	}
	return judge.Program{
		Path: path, Args: []string{"tidewaiter", judgeCommand}, Env: []string{cacheVariable + "=" + noCache},
		Limits: judge.Limits{Time: 2 * time.Minute, Memory: 1 << 30, Output: 16 << 20},
	}
}

// TestJudgeProcess judges an image for two platforms in a process of its own, and holds that to the job: its registry, its
// policy, its grammar.
func TestJudgeProcess(t *testing.T) {
	host, dir := imagetest.Host(t), t.TempDir()
	config := filepath.Join(dir, "tidewaiter.yaml")
	write(t, config, "registries: {\""+host+"\": {plainHTTP: true}}\n")
	arm, err := imagetest.Build(func(c *v1.ConfigFile) { c.Architecture = "arm64" }, map[string]string{"app": "arm"})
	if err != nil {
		t.Fatal(err)
	}
	index := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: imagetest.Image(t, map[string]string{"bin/curl": "x"})}, mutate.IndexAddendum{Add: arm})
	tag, err := name.NewTag(host + "/shop/web:1")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(tag, index); err != nil {
		t.Fatal(err)
	}
	image := digestOf(t, tag, index).Name()
	program, configured := judging(t), judge.Gate{Config: config}

	known, err := program.Run(t.Context(), judge.Job{Gate: configured}, func(judge.Progress) {})
	if err != nil || !strings.HasPrefix(known.Policy, "sha256:") {
		t.Fatalf("got the policy %q, %v", known.Policy, err)
	}
	var layers []string
	good := judge.Job{Image: image, Hosts: []string{host}, Gate: configured, Policy: known.Policy}
	o, err := program.Run(t.Context(), good, func(p judge.Progress) {
		if p.Layer != nil && p.Layer.Read == p.Layer.Size {
			layers = append(layers, p.Layer.Platform)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	var r gate.Report
	if err := json.Unmarshal(o.Report, &r); err != nil || r.Verdict != gate.Allow || len(r.Subjects) != 2 {
		t.Errorf("got %s, %v", o.Report, err)
	}
	if text := string(o.SBOM); !strings.Contains(text, "CycloneDX") || !strings.Contains(text, tag.Context().Name()) {
		t.Errorf("the SBOM is %.500s", text)
	}
	if slices.Sort(layers); !slices.Equal(slices.Compact(layers), []string{"linux/amd64", "linux/arm64"}) {
		t.Errorf("progress of %q", layers)
	}
	for want, change := range map[string]func(*judge.Job){
		"endpoint may speak for": func(j *judge.Job) { j.Hosts = []string{"registry.example"} },
		"were changed":           func(j *judge.Job) { j.Policy = "sha256:other" },
		"not a digest":           func(j *judge.Job) { j.Image = tag.Name() },
		"not a digest in":        func(j *judge.Job) { j.Image = "oci:" + dir + "@" + strings.SplitN(image, "@", 2)[1] },
		"no such file":           func(j *judge.Job) { j.Gate.Config = dir + "/none.yaml" },
	} {
		job := good
		change(&job)
		if o, err := program.Run(t.Context(), job, func(judge.Progress) {}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %s, %v; want %q", o.Report, err, want)
		}
	}
	write(t, config, "platforms: [linux/amd64]\n") // no plain HTTP: the registry is at a private address, which nobody allows
	other, err := program.Run(t.Context(), judge.Job{Gate: configured}, func(judge.Progress) {})
	if err != nil || other.Policy == known.Policy {
		t.Fatalf("the policy is still %q, %v", other.Policy, err)
	}
	good.Policy = other.Policy
	if o, err := program.Run(t.Context(), good, func(judge.Progress) {}); err != nil || !strings.Contains(string(o.Report), "private address") || !strings.Contains(string(o.Report), `"verdict":"undecided"`) {
		t.Errorf("got %s, %v", o.Report, err)
	}
}

// TestJudgeAsksAnew: what stands beside an image is asked for each time that it is judged, though the cache has a signature
// that would do: an image is judged again because something was pushed or taken away there.
func TestJudgeAsksAnew(t *testing.T) {
	host, dir := imagetest.Host(t), t.TempDir()
	key := newKey(t, dir)
	config := filepath.Join(dir, "tidewaiter.yaml")
	write(t, config, fmt.Sprintf("registries: {%q: {plainHTTP: true}}\ntrust: [{images: [\"%s/**\"], authorities: [{key: cosign.pub}]}]\n", host, host))
	tag, err := name.NewTag(host + "/shop/web:1")
	if err != nil {
		t.Fatal(err)
	}
	img := imagetest.Image(t, map[string]string{"app": "x"})
	if err := remote.Write(tag, img); err != nil {
		t.Fatal(err)
	}
	hash, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	if err := key.Push(tag.Context(), hash); err != nil {
		t.Fatal(err)
	}
	program := judging(t)
	program.Env = []string{cacheVariable + "=" + t.TempDir()}
	known, err := program.Run(t.Context(), judge.Job{Gate: judge.Gate{Config: config}}, func(judge.Progress) {})
	if err != nil {
		t.Fatal(err)
	}
	job := judge.Job{
		Image: tag.Context().Digest(hash.String()).Name(), Hosts: []string{host}, Gate: judge.Gate{Config: config}, Policy: known.Policy,
	}
	for _, want := range []gate.Verdict{gate.Allow, gate.Deny} {
		o, err := program.Run(t.Context(), job, func(judge.Progress) {})
		var r gate.Report
		if err = errors.Join(err, json.Unmarshal(o.Report, &r)); err != nil || r.Verdict != want {
			t.Errorf("got %s, %v; want %s", o.Report, err, want)
		}
		_ = remote.Delete(tag.Context().Tag("sha256-" + hash.Hex + ".sig")) // which the second time is gone
	}
}

// TestServerEnvironment: a server finds no credentials in its environment but those that are configured.
func TestServerEnvironment(t *testing.T) {
	before := os.Environ()
	t.Cleanup(func() {
		os.Clearenv()
		for _, entry := range before {
			name, value, _ := strings.Cut(entry, "=")
			_ = os.Setenv(name, value)
		}
	})
	for name, value := range map[string]string{
		"AWS_SECRET_ACCESS_KEY": "canary", "DOCKER_CONFIG": "/canary", "HOME": "/canary", "HTTPS_PROXY": "http://proxy.example:3128", "VAULT_TOKEN": "wanted",
	} {
		t.Setenv(name, value)
	}
	c := &server.Config{Data: "/data", Environment: []string{"VAULT_TOKEN"}}
	was := keepEnvironment(c)
	if was["AWS_SECRET_ACCESS_KEY"] != "canary" {
		t.Error("what was there is not returned")
	}
	for _, environment := range [][]string{os.Environ(), judgeEnvironment(c)} {
		text := strings.Join(environment, "\n")
		if strings.Contains(text, "canary") || strings.Contains(text, "PATH=") || !strings.Contains(text, "VAULT_TOKEN=wanted") || !strings.Contains(text, "proxy.example") {
			t.Errorf("the environment is\n%s", text)
		}
	}
	c.Credentials = "/etc/docker"
	os.Setenv("PATH", "/bin")
	keepEnvironment(c)
	if text := strings.Join(judgeEnvironment(c), "\n"); !strings.Contains(text, "DOCKER_CONFIG=/etc/docker") || !strings.Contains(text, "PATH=/bin") {
		t.Errorf("with credentials, the environment is\n%s", text)
	}
}

// TestServeMistakes: wrong configuration is told before anything is listened at.
func TestServeMistakes(t *testing.T) {
	dir := t.TempDir()
	config := filepath.Join(dir, "serve.yaml")
	const endpoint = "data: data\nendpoints: [{name: a, sender: distribution, path: /hooks/a, hosts: [registry.example], auth: none}]\n"
	for text, want := range map[string]string{
		endpoint + "listne: x\n":              "serve.yaml:3: unknown key \"listne\"",
		endpoint + "gate: none.yaml\n":        "none.yaml: no such file",
		endpoint + "gate: wrong.yaml\n":       "wrong.yaml:1: unknown key",
		endpoint + "gate: nokey.yaml\n":       "nokey.yaml:1: trust[0].authorities[0].key",
		endpoint + "policies: [none]\n":       "none: no such folder",
		endpoint + "credentials: none\n":      "serve.yaml:3: credentials: ",
		endpoint + "tls: {cert: a, key: b}\n": "tls: ",
	} {
		write(t, config, text)
		write(t, filepath.Join(dir, "wrong.yaml"), "failon: high\n")
		write(t, filepath.Join(dir, "nokey.yaml"), "trust: [{images: [\"**\"], authorities: [{key: none.pub}]}]\n")
		cmd := exec.Command("tidewaiter", "serve", "--config", config)
		var errs bytes.Buffer
		cmd.Stderr = &errs
		_ = cmd.Run()
		if code := cmd.ProcessState.ExitCode(); code != exitUsage || !strings.Contains(errs.String(), want) {
			t.Errorf("%s: exit code %d, want %q in\n%s", text, code, want, errs.String())
		}
	}
}
