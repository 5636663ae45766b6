package gate

import (
	"cmp"

	"github.com/tidewaiter/tidewaiter/image"
	"github.com/tidewaiter/tidewaiter/manifests"
	"github.com/tidewaiter/tidewaiter/sbom"
)

// What follows is for tests of the rules themselves.
var (
	PlaceOwn = placeOwn
)

// KubernetesEvidenceOf is what rules get to see of one object; nil if that cannot be told.
func KubernetesEvidenceOf(o *manifests.Object, pods []manifests.Pod) any {
	e, err := kubernetesEvidence(o, pods)
	if err != nil {
		return nil
	}
	return e
}

// SetEvidenceOf is what rules get to see of objects together.
func SetEvidenceOf(objects []*manifests.Object) (SetEvidence, error) {
	s, err := putTogether(objects)
	if err != nil {
		return SetEvidence{}, err
	}
	return s.evidence, nil
}

// ImageFixture is what a fixture says of one platform of an image.
type ImageFixture struct {
	Platform string            `json:"platform"` // linux/amd64 if empty
	Config   image.Config      `json:"config"`
	Files    []sbom.File       `json:"files"`
	Packages []sbom.Package    `json:"packages"`
	Settings []sbom.Class      `json:"settings"`
	Texts    map[string]string `json:"texts"` // of files, which are there then
	Programs []string          `json:"programs"`
}

func (f ImageFixture) Script(path string) (string, bool) { text, ok := f.Texts[path]; return text, ok }
func (f ImageFixture) Scripts() map[string]string        { return f.Texts }
func (ImageFixture) Calls(string) []string               { return nil }
func (ImageFixture) Autostarts() []string                { return nil }
func (ImageFixture) Has(string) bool                     { return true }

// facts are what the gate keeps of the platform.
func (f ImageFixture) facts() *platformFacts {
	f.Config.OS = cmp.Or(f.Config.OS, "linux")
	e := ImageEvidence{
		Digest: "sha256:0", Platform: cmp.Or(f.Platform, "linux/amd64"), Config: f.Config, User: imageUser(f.Config, f.Texts[passwdFile]),
		Packages: f.Packages, Files: f.Files, Settings: f.Settings, Runs: imageRuns(f.Config, f),
	}
	there := sbom.Started{Paths: f.Programs}
	for name := range f.Texts {
		there.Paths = append(there.Paths, name)
	}
	return newPlatformFacts(e, f, there)
}

// WorkloadEvidenceOf assembles what rules get to see of each object with the images, by reference; of those that
// have no image among them it is nil.
func WorkloadEvidenceOf(objects []*manifests.Object, images map[string][]ImageFixture) ([]any, error) {
	r := &run{}
	for reference, platforms := range images {
		w := wantedImage{written: reference}
		w.ref, w.err = kubernetesReference(reference)
		for _, f := range platforms {
			r.keep(w.key(), f.facts())
		}
	}
	together, err := putTogether(objects)
	if err != nil {
		return nil, err
	}
	all := make([]any, len(objects))
	for i := range objects {
		if e, any := r.workloadEvidence(together, i); any {
			all[i] = e
		}
	}
	return all, nil
}
