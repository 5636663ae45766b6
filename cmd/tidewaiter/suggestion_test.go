package main

import (
	"bufio"
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/tidewaiter/tidewaiter/gate"
	"github.com/tidewaiter/tidewaiter/signature"
)

// TestPolicyText pastes what is shown of a suggestion into a configuration, and wants the suggested entry back.
func TestPolicyText(t *testing.T) {
	const (
		provider = "https://token.actions.githubusercontent.com"
		workflow = "https://github.com/shop/web/.github/workflows/release.yml"
	)
	for name, entry := range map[string]signature.Entry{
		"key": {Images: []string{"registry.example/shop/web"}, Authorities: []signature.Authority{{Key: "signer-0123.pub", TransparencyLog: signature.Required}}},
		"keyless": {Images: []string{"**"}, EveryChild: true, Signatures: "registry.example/signatures", Authorities: []signature.Authority{
			{Keyless: &signature.Keyless{Issuer: provider, Subject: workflow + "@refs/tags/v1.4", Claims: &signature.Claims{Repository: "shop/web"}}},
			{Keyless: &signature.Keyless{Issuer: "yes", Subject: "1e3"}, TransparencyLog: signature.Ignore, Timestamp: signature.Required, TrustedRoot: "github"},
		}},
		"names that are YAML": {Images: []string{"registry.example/shop/web"}, Authorities: []signature.Authority{
			{Keyless: &signature.Keyless{Issuer: "a: b # c", Subject: "'x': [\"y\"]@refs/tags/v1"}},
			{Keyless: &signature.Keyless{Issuer: "- *a &b !c", Subject: "{}, trust: []"}},
			{Certificate: &signature.Certificate{Roots: "ca.pem", Subject: "release@shop.example"}},
		}},
		"attestations": {Images: []string{"registry.example/shop/web"}, Attestations: []signature.Requirement{{
			PredicateType: "https://slsa.dev/provenance/v1",
			Authorities:   []signature.Authority{{Keyless: &signature.Keyless{Issuer: provider, Subject: workflow + "@refs/tags/v1.4"}}},
			Provenance:    &signature.ProvenanceTerms{Builder: "https://github.com/actions/runner", Source: "https://github.com/shop/web"},
		}}},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := policyText(entry)
			if err != nil {
				t.Fatal(err)
			}
			c, err := gate.ParseConfig("tidewaiter.yaml", []byte(text))
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			if len(c.Trust) != 1 || !reflect.DeepEqual(c.Trust[0], entry) {
				t.Errorf("got %+v\nfrom %s", c.Trust, text)
			}
		})
	}
}

// TestTaggedRelease wants the pattern for further releases beside the identity of one, ready to be used.
func TestTaggedRelease(t *testing.T) {
	who := &signature.Keyless{Issuer: "https://issuer.example", Subject: "https://github.com/shop/web/.github/workflows/release.yml@refs/tags/v1.4"}
	text, err := policyText(signature.Entry{Images: []string{"**"}, Authorities: []signature.Authority{{Keyless: who}}})
	if err != nil {
		t.Fatal(err)
	}
	const want = `# subjectPattern: 'https://github\.com/shop/web/\.github/workflows/release\.yml@refs/tags/.+'`
	if !strings.Contains(text, want) {
		t.Errorf("got %s\nwant %s", text, want)
	}
}

// TestExplain wants every fact of a result in the text, and nothing in it that moves a cursor.
func TestExplain(t *testing.T) {
	index := int64(4711)
	signer := signature.Signer{
		Kind: "keyless", Issuer: "https://issuer.example", Subject: "https://subject.example/\x1b[2J", Layout: "referrer", LogIndex: &index,
		Annotations: map[string]string{"release": "1.4"},
		Workflow:    &signature.Workflow{Repository: "shop/web", Ref: "refs/heads/main", Commit: "c0ffee", Trigger: "push", Runner: "github-hosted", Run: "https://run.example"},
	}
	const provenance, scan = "https://slsa.dev/provenance/v1", "https://cosign.sigstore.dev/attestation/vuln/v1"
	r := verified{Image: "registry.example/shop/web:1", Verdict: gate.Deny, Result: signature.Result{
		Digest: "sha256:abc", Configured: true,
		Entries: []signature.EntryResult{{
			Images: []string{"registry.example/**"}, Signed: true, Signers: []signature.Signer{signer},
			Attestations: []signature.RequirementResult{
				{PredicateType: provenance, Held: true, Signers: []signature.Signer{signer}},
				{PredicateType: scan, Missing: "nobody attested it"},
			},
		}},
		Attestations: []signature.Attestation{
			{PredicateType: provenance, Provenance: &signature.Provenance{Builder: "https://builder.example", Source: "https://source.example"}},
		},
		Rejected: []signature.Rejection{{Layout: "referrer", Manifest: "sha256:def", PredicateType: scan, Authority: "key a.pub", Subject: "me", Issuer: "you", Reason: "worst severity is critical"}},
	}}
	var text bytes.Buffer
	e := explainer{out: bufio.NewWriter(&text)}
	e.image(r)
	e.out.Flush()
	for _, want := range []string{
		"✗ registry.example/shop/web:1\n", "  digest sha256:abc\n",
		"  ✗ trust entry [registry.example/**] does not hold: 1 of 2 attestations lacking\n",
		`    vouched for by https://subject.example/\x1b[2J` + "\n",
		"      issuer      https://issuer.example\n", "      repository  shop/web\n", "      ref         refs/heads/main\n", "      commit      c0ffee\n",
		"      trigger     push\n", "      runner      github-hosted\n", "      run         https://run.example\n", "      log index   4711\n",
		"      layout      referrer\n", "      annotation  release=1.4\n",
		"    ✓ attestation " + provenance + "\n", "      builder  https://builder.example\n", "      source   https://source.example\n",
		"    ✗ attestation " + scan + " is lacking: nobody attested it\n",
		"  rejected attestation " + scan + ": worst severity is critical; asked: key a.pub; its certificate is of me by you [referrer, sha256:def]\n",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
}
