package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/tidewaiter/tidewaiter/"

// onlyImporters says which of our packages alone may import a library, production code only. A library
// that is not listed may be imported by anyone.
var onlyImporters = map[string][]string{
	"github.com/spf13/cobra":                                {"cmd/tidewaiter"},
	"github.com/google/go-containerregistry/pkg/v1/remote":  {"image"},
	"github.com/google/go-containerregistry/pkg/v1/layout":  {"image"},
	"github.com/google/go-containerregistry/pkg/v1/tarball": {"image"},
	"github.com/sigstore/":                                  {"signature"},
	"github.com/anchore/":                                   {"sbom"},
	"mvdan.cc/sh/":                                          {"shell"},
	"github.com/open-policy-agent/":                         {"policies"},
	"helm.sh/helm/":                                         {"manifests/helm"},
	"sigs.k8s.io/kustomize/":                                {"manifests/kustomize"},
	"github.com/riverqueue/":                                {"server/store"},
	"github.com/jackc/pgx/":                                 {"server/store"},
	"github.com/prometheus/":                                {"server"},
	"go.opentelemetry.io/":                                  {"server"},
}

// testSupport are packages that only tests and the demonstration import; they may use what they imitate.
var testSupport = []string{"image/imagetest", "signature/signaturetest", "server/store/storetest", "shell/shelltest", "cmd/demo", "cmd/bench"}

// imports says which of our packages each may import: the flow is one way, facts below, judgement in the
// middle, words on top.
var imports = map[string][]string{
	"action":              {}, // the GitHub Action: scripts, and their tests
	"shell":               {},
	"manifests":           {"manifests/helm", "manifests/kustomize", "manifests/renderer"},
	"policies":            {},
	"cache":               {},
	"manifests/helm":      {},
	"manifests/kustomize": {},
	"manifests/renderer":  {"manifests/helm", "manifests/kustomize"},
	"image":               {"cache", "image/inflate"},
	"image/inflate":       {},
	"signature":           {"cache", "image"},
	"sbom":                {"image", "image/inflate"},
	"gate/strictyaml":     {},
	"gate":                {"gate/strictyaml", "image", "manifests", "policies", "sbom", "shell", "signature"},
	"report":              {"gate", "policies"},
	"server/webhook":      {"image"},
	"server/store":        {"gate", "policies", "server/webhook"},
	"server/judge":        {"gate"},
	"server/client":       {}, // who a request comes from: the page and the endpoints have to agree on it
	"server/page":         {"gate", "policies", "report", "server/client", "server/store"},
	"server":              {"gate", "gate/strictyaml", "image", "report", "server/client", "server/judge", "server/page", "server/store", "server/webhook", "signature"},
	"cmd/tidewaiter":      {"cache", "cmd/tidewaiter/ballast", "gate", "image", "manifests", "manifests/renderer", "policies", "report", "sbom", "server", "server/judge", "shell", "signature"},

	"cmd/tidewaiter/ballast": {}, // nor anything else: see TestBallast
}

var heavy = []string{"github.com/anchore/syft", "github.com/anchore/stereoscope", "github.com/sigstore/", "github.com/google/go-containerregistry/"}

// light packages must stay so: linting manifests needs neither of these.
var light = map[string][]string{
	"shell":     heavy,
	"manifests": heavy,
	"policies":  heavy,
}

type goPackage struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

func list(t *testing.T) map[string]goPackage {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,Deps", module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	packages := map[string]goPackage{}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages
		}
		if err != nil {
			t.Fatal(err)
		}
		packages[strings.TrimPrefix(p.ImportPath, module)] = p
	}
}

func TestImports(t *testing.T) {
	for name, p := range list(t) {
		if slices.Contains(testSupport, name) {
			continue
		}
		allowed, known := imports[name]
		if !known {
			t.Errorf("package %s is new: say in this test what it may import, and in DESIGN why it is there", name)
		}
		for _, imported := range p.Imports {
			if own, ok := strings.CutPrefix(imported, module); ok && !slices.Contains(allowed, own) {
				t.Errorf("%s imports %s: the flow is one way", name, own)
			}
			for library, importers := range onlyImporters {
				if strings.HasPrefix(imported+"/", strings.TrimSuffix(library, "/")+"/") && !slices.Contains(importers, name) {
					t.Errorf("%s imports %s: only %s may", name, imported, strings.Join(importers, ", "))
				}
			}
		}
		for _, dep := range p.Deps {
			for _, library := range light[name] {
				if strings.HasPrefix(dep, library) {
					t.Errorf("%s pulls in %s: it has to stay light", name, dep)
				}
			}
		}
	}
}

// TestBallast pins what makes the ballast one of the first packages to be initialised. That it is in time, the script
// collections.txtar shows.
func TestBallast(t *testing.T) {
	if got := list(t)["cmd/tidewaiter/ballast"].Imports; len(got) > 0 {
		t.Errorf("package ballast imports %s, and so has to wait for them", strings.Join(got, ", "))
	}
}
