package signature

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/tidewaiter/tidewaiter/image"
)

// githubBundle is a bundle that GitHub's attest action wrote, as gh's tests have it.
type githubBundle struct {
	file, subject, workflow string
}

// A bundle of a private repository, under GitHub's own root, and one of a public repository.
var (
	privateBundle = githubBundle{
		"github_provenance_demo-0.0.12-py3-none-any-bundle.jsonl",
		"sha256:ae57936def59bc4c75edd3a837d89bcefc6d3a5e31d55a6fa7a71624f92c3c3b",
		"https://github.com/actions/attest-demo/.github/workflows/build-python.yml@refs/heads/main",
	}
	publicBundle = githubBundle{
		"reusable-workflow-attestation.sigstore.json",
		"sha256:49a3aa6075e0f49f82843e74b5baa614ad2a588e6675612bf108a0a008c5ac25",
		"https://github.com/github/artifact-attestations-workflows/.github/workflows/attest.yml@09b495c3f12c7881b3cc17209a327792065c1a1d",
	}
)

// TestGitHubAttestations verifies what GitHub really signed, as if what it is about were an image. It needs two
// checkouts: the command line tool's, whose tests have bundles and the public good trusted root, and that of
// Sigstore's Rust library, which has GitHub's own trusted root.
func TestGitHubAttestations(t *testing.T) {
	gh, rust := os.Getenv("TIDEWAITER_GH"), os.Getenv("TIDEWAITER_SIGSTORE_RUST")
	if gh == "" || rust == "" {
		t.Skip("TIDEWAITER_GH and TIDEWAITER_SIGSTORE_RUST are not set to checkouts of github.com/cli/cli and github.com/sigstore/sigstore-rust")
	}
	data := filepath.Join(gh, "pkg", "cmd", "attestation", "test", "data")
	public := filepath.Join(data, "trusted_root.json")
	own := filepath.Join(rust, "crates", "sigstore-trust-root", "src", "trusted_root_github.json")
	o := Options{TrustedRoot: public, TrustedRoots: map[string]TrustedRoot{
		"github": {File: own}, "both": {File: lines(t, public, own)},
	}}
	for name, c := range map[string]struct {
		bundle  githubBundle
		root    string
		stamped bool
		change  func(*Keyless)
		held    bool
		digest  string // that is asked about, if it is not the subject's
	}{
		"private":                            {bundle: privateBundle, root: "github", stamped: true, held: true},
		"private, with the file of gh":       {bundle: privateBundle, root: "both", stamped: true, held: true},
		"public":                             {bundle: publicBundle, held: true},
		"public, with the file of gh":        {bundle: publicBundle, root: "both", held: true},
		"private under the public root":      {bundle: privateBundle},
		"public under GitHub's own root":     {bundle: publicBundle, root: "github", stamped: true},
		"private, of another image":          {bundle: privateBundle, root: "github", stamped: true, digest: digestA},
		"public, of another image":           {bundle: publicBundle, digest: digestA},
		"private, as if it were the other":   {bundle: privateBundle, root: "github", stamped: true, digest: publicBundle.subject},
		"another workflow":                   {bundle: privateBundle, root: "github", stamped: true, change: func(k *Keyless) { k.Subject = publicBundle.workflow }},
		"another issuer":                     {bundle: publicBundle, change: func(k *Keyless) { k.Issuer += "/enterprise" }},
		"the repository":                     {bundle: privateBundle, root: "github", stamped: true, held: true, change: func(k *Keyless) { k.Claims = &Claims{Repository: "actions/attest-demo"} }},
		"another repository":                 {bundle: privateBundle, root: "github", stamped: true, change: func(k *Keyless) { k.Claims = &Claims{Repository: "actions/attest"} }},
		"public, wanted to be stamped alone": {bundle: publicBundle, root: "both", stamped: true},
	} {
		t.Run(name, func(t *testing.T) {
			a := Authority{Keyless: &Keyless{Issuer: provider, Subject: c.bundle.workflow}, TrustedRoot: c.root}
			if c.stamped {
				a.TransparencyLog, a.Timestamp, a.CertificateLog = Ignore, Required, Ignore
			}
			if c.change != nil {
				c.change(a.Keyless)
			}
			if c.digest == "" {
				c.digest = c.bundle.subject
			}
			r := c.bundle.attested(t, data, a, o, c.digest)
			if held(r) != c.held || (len(r.Attestations) == 1) != c.held {
				t.Errorf("held: %v, want %v: %+v", held(r), c.held, r)
			}
			if c.held && (r.Attestations[0].Provenance == nil || r.Attestations[0].Signers[0].SignedAt.IsZero()) {
				t.Errorf("got %+v, want what its provenance tells, and when it was signed", r.Attestations[0])
			}
		})
	}
}

// attested asks whether the bundle attests the provenance of a digest, by an authority.
func (b githubBundle) attested(t *testing.T, dir string, a Authority, o Options, digest string) Result {
	t.Helper()
	o.Offline = true
	v, err := New(Policy{[]Entry{{Images: []string{"**"}, Attestations: []Requirement{
		{PredicateType: "https://slsa.dev/provenance/v1", Authorities: []Authority{a}},
	}}}}, o)
	noError(t, err)
	data, err := os.ReadFile(filepath.Join(dir, b.file))
	noError(t, err)
	found := gathered{}
	for _, at := range v.rules[0].places(digest, []string{digest}) {
		noError(t, found.add(at, []image.Attachment{{
			Layout: "referrer", Manifest: manifestOf(data), Payload: data,
			MediaType: "application/vnd.dev.sigstore.bundle.v0.3+json", ArtifactType: "application/vnd.dev.sigstore.bundle.v0.3+json",
		}}))
	}
	r, err := v.verify(t.Context(), v.rules, digest, []string{digest}, found)
	noError(t, err)
	return r
}
