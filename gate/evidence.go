package gate

import (
	"github.com/tidewaiter/tidewaiter/image"
	"github.com/tidewaiter/tidewaiter/policies"
	"github.com/tidewaiter/tidewaiter/sbom"
	"github.com/tidewaiter/tidewaiter/shell"
	"github.com/tidewaiter/tidewaiter/signature"
)

// KubernetesEvidence is what a rule of kind kubernetes gets to see as input: one object, and what its
// containers would run.
type KubernetesEvidence struct {
	Kind   policies.Kind  `json:"kind"`
	File   string         `json:"file"`
	Object map[string]any `json:"object"`
	Pods   []PodEvidence  `json:"pods"`
	// Unknown are the fields that look as if something runs what they say, and that no pod above has.
	Unknown [][]any `json:"unknown"`
}

// PodEvidence is one pod, or pod template, of an object. All paths are from the object's root.
type PodEvidence struct {
	Path       []any               `json:"path"`
	SpecPath   []any               `json:"specPath"`
	Metadata   map[string]any      `json:"metadata"`
	Spec       map[string]any      `json:"spec"`
	Containers []ContainerEvidence `json:"containers"`
	Images     []ImageUseEvidence  `json:"images"`
}

// ContainerEvidence is one container of a pod, from whichever of its lists.
type ContainerEvidence struct {
	Name string         `json:"name"`
	Type string         `json:"type"` // container, init, sidecar, ephemeral
	Path []any          `json:"path"`
	Spec map[string]any `json:"spec"`
	Runs []RunEvidence  `json:"runs"`
	// Merged tells that a controller puts the container over one of its own, which has the image.
	Merged bool `json:"merged,omitempty"`
}

// ImageUseEvidence is an image that a pod would pull: of a container or of an image volume.
type ImageUseEvidence struct {
	Path      []any              `json:"path"`
	Reference *ReferenceEvidence `json:"reference"`
	Written   string             `json:"written"`
	// Invalid says why what is written is no reference. Empty if it is one.
	Invalid string `json:"invalid,omitempty"`
}

// ReferenceEvidence is a registry reference, taken apart and canonical.
type ReferenceEvidence struct {
	Host       string `json:"host"`
	Repository string `json:"repository"`
	Tag        string `json:"tag"`    // empty where only a digest was written; "latest" where nothing was
	Digest     string `json:"digest"` // sha256:<hex>, or empty
}

// RunEvidence is a command, and what it does.
type RunEvidence struct {
	// Where is command, script, postStart, preStop, livenessProbe, readinessProbe or startupProbe; of an image it is
	// entrypoint, healthcheck, onbuild or autostart (cron, units, init scripts, shell profiles).
	Where string   `json:"where"`
	Path  []any    `json:"path"`
	Args  []string `json:"args"`
	shell.Result
}

// ImageEvidence is what a rule of kind image gets to see as input: one platform of an image.
type ImageEvidence struct {
	Kind      policies.Kind      `json:"kind"`
	Name      string             `json:"name"` // as it was written
	Reference *ReferenceEvidence `json:"reference"`
	Digest    string             `json:"digest"`
	Platform  string             `json:"platform"`
	Config    image.Config       `json:"config"`
	Layers    int                `json:"layers"`
	// Signature is who vouches for Digest, under the trust policy of the configuration; nil if that could not
	// be found out, which makes the subject undecided whatever the rules say of the rest.
	Signature *signature.Result `json:"signature"`
	// AttestedSBOMs are the attested SBOMs that the trust policy asks for, compared with Packages.
	AttestedSBOMs []AttestedSBOMEvidence `json:"attestedSBOMs"`
	Packages      []sbom.Package         `json:"packages"`
	Files         []sbom.File            `json:"files"`
	Runs          []RunEvidence          `json:"runs"`
	// Settings are the classes that the configuration of the image has: its command lines, environment, labels.
	Settings []sbom.Class `json:"settings"`
	// Notes are oddities of how the image is built that are no errors, one sentence each.
	Notes []string `json:"notes"`
	// Unread are the files that look like a package's and could not be read as such, with why.
	Unread []string `json:"unread"`
}

// ConfigEvidence is what a rule of kind config gets to see as input: how the configuration was used in a run.
type ConfigEvidence struct {
	Kind    policies.Kind    `json:"kind"`
	File    string           `json:"file"`
	Waivers []WaiverEvidence `json:"waivers"`
}

// WaiverEvidence is one waiver of the configuration, and whether it is any good.
type WaiverEvidence struct {
	Path    []any  `json:"path"` // ["waivers", 0]
	Rule    string `json:"rule"`
	Subject string `json:"subject"`
	Expires string `json:"expires"`
	Expired bool   `json:"expired"`
	// Applicable tells that this run judged what the waiver is about; Used, that it covered a finding.
	Applicable bool `json:"applicable"`
	Used       bool `json:"used"`
}
