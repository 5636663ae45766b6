package signature

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/tidewaiter/tidewaiter/image"
)

// claimed is what a signed claim says beside the digest of the image.
type claimed struct {
	reference   string
	annotations map[string]any
}

// claiming signs a claim about digestA in both layouts, as cosign writes it.
func (w *world) claiming(s signer, c claimed) map[string]image.Attachment {
	w.t.Helper()
	payload, err := json.Marshal(map[string]any{
		"critical": map[string]any{
			"identity": map[string]any{"docker-reference": c.reference}, "image": map[string]any{"docker-manifest-digest": digestA},
			"type": "cosign container image signature",
		},
		"optional": c.annotations,
	})
	noError(w.t, err)
	subject := map[string]any{"digest": map[string]any{"sha256": strings.TrimPrefix(digestA, "sha256:")}}
	if c.reference != "" {
		subject["name"] = c.reference
	}
	if c.annotations != nil {
		subject["annotations"] = c.annotations
	}
	statement, err := json.Marshal(map[string]any{
		"_type": "https://in-toto.io/Statement/v1", "subject": []any{subject}, "predicateType": signPredicate, "predicate": map[string]any{},
	})
	noError(w.t, err)
	return map[string]image.Attachment{
		"tag": s.simpleOver(w.t, payload), "referrer": attach(w.t, w.bundle(s, statement, bundleOptions{})),
	}
}

// TestMatchReference has good signatures of the same digest that name another repository, or none: an image that
// was copied with its signature (SIG-04).
func TestMatchReference(t *testing.T) {
	w, me := newWorld(t, time.Hour), signer{key: newECDSA(t)}
	o := Options{Dir: writeKeys(t, me.key)}
	for reference, want := range map[string]string{
		"registry.example/shop/web":               "",
		"registry.example/shop/web:1.4":           "",
		"registry.example/shop/web@" + digestB:    "",
		"Registry.Example:443/shop/web":           "",
		"registry.example/shop/web2":              "signature is for repository",
		"registry.example/attacker/shop/web":      "signature is for repository",
		"shop/web":                                `signature is for repository "docker.io/shop/web"`,
		"":                                        "does not name the image's repository",
		"https://registry.example/shop/web":       "is no image of a registry",
		"oci:registry.example/shop/web":           "is no image of a registry",
		"registry.example/shop/web\x1b[2K\n::x::": "is no image of a registry",
	} {
		for layout, a := range w.claiming(me, claimed{reference: reference}) {
			t.Run(reference+" "+layout, func(t *testing.T) {
				p := byKeys(1, 0)
				checkOutcome(t, verifyAttachments(t, p, o, a), "")
				p.Entries[0].MatchReference = true
				r := verifyAttachments(t, p, o, a)
				checkOutcome(t, r, want)
				if want == "" && r.Signers[0].DockerReference != reference {
					t.Errorf("got %q", r.Signers[0].DockerReference)
				}
			})
		}
	}
	p := byKeys(1, 0)
	p.Entries[0].MatchReference, p.Entries[0].Images = true, []string{"**"}
	v, err := New(p, o)
	noError(t, err)
	r, err := v.judge(t.Context(), t, v.matching(image.Reference{Transport: image.OCILayout, Path: "registry.example/shop/web"}), w.claiming(me, claimed{})["tag"])
	noError(t, err)
	checkOutcome(t, r, "the image is in no registry")
}

// TestAnnotations wants annotations to stand in the signed claim, as texts that are exactly those (SIG-21).
func TestAnnotations(t *testing.T) {
	w, me := newWorld(t, time.Hour), signer{key: newECDSA(t)}
	o := Options{Dir: writeKeys(t, me.key)}
	p := byKeys(1, 0)
	p.Entries[0].Annotations = map[string]string{"env": "prod", "tag": "1.4"}
	many := map[string]any{"env": "prod", "tag": "1.4"}
	for i := range 2 * maxAnnotations {
		many[fmt.Sprint("a", i)] = "x"
	}
	for name, test := range map[string]struct {
		annotations map[string]any
		want        string
	}{
		"both":     {map[string]any{"env": "prod", "tag": "1.4", "more": "x"}, ""},
		"one":      {map[string]any{"env": "prod"}, `has no annotation "tag"`},
		"other":    {map[string]any{"env": "prod", "tag": "1.3"}, `annotation "tag" is "1.3", not "1.4"`},
		"case":     {map[string]any{"Env": "prod", "tag": "1.4"}, `has no annotation "env"`},
		"a number": {map[string]any{"env": "prod", "tag": 1.4}, `has no annotation "tag"`},
		"none":     {nil, `has no annotation "env"`},
		"too many": {many, "has no annotation"},
	} {
		for layout, a := range w.claiming(me, claimed{annotations: test.annotations}) {
			t.Run(name+" "+layout, func(t *testing.T) {
				r := verifyAttachments(t, p, o, a)
				checkOutcome(t, r, test.want)
				if want := map[string]string{"env": "prod", "tag": "1.4", "more": "x"}; test.want == "" && !maps.Equal(r.Signers[0].Annotations, want) {
					t.Errorf("got %v", r.Signers[0].Annotations)
				}
			})
		}
	}
}

// TestMaxAge wants old signatures refused, by the time that a log or a timestamp authority tells, and so all of
// which nobody does (SIG-21).
func TestMaxAge(t *testing.T) {
	w := newWorld(t, time.Hour)
	o := Options{TrustedRoot: w.trustedRoot()}
	me, key := w.identity(leaf{from: -30 * time.Minute}), signer{key: newECDSA(t)}
	for name, test := range map[string]struct {
		after time.Duration
		want  string
	}{"new": {-25 * time.Minute, ""}, "old": {-29 * time.Minute, "the policy accepts nothing older than 27m0s"}} {
		t.Run(name, func(t *testing.T) {
			p := byWorkflow()
			p.Entries[0].MaxAge = Age(27 * time.Minute)
			checkOutcome(t, verifyAttachments(t, p, o, w.simple(me, digestA, test.after)), test.want)
			b := w.bundle(me, signedStatement(digestA, signPredicate), bundleOptions{log: true, after: test.after})
			checkOutcome(t, verifyAttachments(t, p, o, attach(t, b)), test.want)
		})
	}
	o.Dir = writeKeys(t, key.key)
	p := byAuthority(Authority{Key: "0.pub", TransparencyLog: Required})
	p.Entries[0].MaxAge = Age(time.Hour)
	statement := signedStatement(digestA, signPredicate)
	for timestamp, want := range map[bool]string{true: "", false: "no trusted time tells when it was signed"} {
		b := w.bundle(key, statement, bundleOptions{timestamp: timestamp}) // in a log that tells no time
		b.VerificationMaterial.TlogEntries = append(b.VerificationMaterial.TlogEntries, w.logTiled(key, statement, b.GetDsseEnvelope().GetSignatures()[0].GetSig()))
		checkOutcome(t, verifyAttachments(t, p, o, attach(t, b)), want)
	}
}

// extension is one of Fulcio's, by the last number of its identifier. The first ones are plain text.
func extension(t *testing.T, number int, text string) pkix.Extension {
	value := []byte(text)
	if number > 6 {
		var err error
		value, err = asn1.MarshalWithParams(text, "utf8")
		noError(t, err)
	}
	return pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, number}, Value: value}
}

// TestClaims wants what a certificate says of its workflow to match, whether in the old extensions or the new.
func TestClaims(t *testing.T) {
	w := newWorld(t, time.Hour)
	o := Options{TrustedRoot: w.trustedRoot()}
	texts := func(from map[int]string) (out []pkix.Extension) {
		for number, text := range from {
			out = append(out, extension(t, number, text))
		}
		return out
	}
	const repository = "https://github.com/shop/web"
	newer := w.identity(leaf{says: texts(map[int]string{12: repository, 13: "c0ffee", 14: "refs/heads/main", 20: "push", 11: "github-hosted", 21: repository + "/actions/runs/1"})})
	older := w.identity(leaf{says: texts(map[int]string{2: "push", 3: "c0ffee", 4: "release", 5: "shop/web", 6: "refs/heads/main"})})
	mixed := w.identity(leaf{says: texts(map[int]string{5: "shop/web", 12: "https://github.com/evil/web", 6: "refs/heads/main"})})
	silent := w.identity(leaf{})
	for name, test := range map[string]struct {
		claims                      Claims
		newer, older, mixed, silent string
	}{
		"repository": {Claims{Repository: "shop/web"}, "", "", "repository \"https://github.com/evil/web\" does not match", "does not say the workflow's repository"},
		"address":    {Claims{Repository: repository + "/"}, "", "", "does not match", "does not say"},
		"pattern":    {Claims{RepositoryPattern: `https://github\.com/shop/.*`}, "", "", "does not match pattern", "does not say"},
		"anchored":   {Claims{RepositoryPattern: `https://github\.com/shop`}, "does not match pattern", "does not match pattern", "does not match", "does not say"},
		"case":       {Claims{Repository: "Shop/web"}, "does not match", "does not match", "does not match", "does not say"},
		"ref":        {Claims{Ref: "refs/heads/main"}, "", "", "", "does not say the workflow's ref"},
		"other ref":  {Claims{RefPattern: `refs/tags/v.*`}, `ref "refs/heads/main" does not match`, "does not match", "does not match", "does not say"},
		"trigger":    {Claims{Trigger: "push"}, "", "", "does not say the workflow's trigger", "does not say"},
		"runner":     {Claims{Runner: "github-hosted"}, "", "does not say the workflow's runner", "does not say", "does not say"},
		"all":        {Claims{Repository: "shop/web", Ref: "refs/heads/main", Trigger: "pull_request"}, `trigger "push" does not match`, `trigger "push"`, "repository", "does not say"},
	} {
		p := byAuthority(Authority{Keyless: &Keyless{Issuer: provider, Subject: workflow, Claims: &test.claims}})
		for who, each := range map[string]struct {
			signer signer
			want   string
		}{"newer": {newer, test.newer}, "older": {older, test.older}, "mixed": {mixed, test.mixed}, "silent": {silent, test.silent}} {
			t.Run(name+", "+who, func(t *testing.T) {
				r := verifyAttachments(t, p, o, w.simple(each.signer, digestA, time.Minute))
				checkOutcome(t, r, each.want)
				if each.want == "" && r.Signers[0].Workflow == nil {
					t.Error("the workflow is not told")
				}
				b := w.bundle(each.signer, signedStatement(digestA, signPredicate), bundleOptions{log: true, after: time.Minute})
				checkOutcome(t, verifyAttachments(t, p, o, attach(t, b)), each.want)
			})
		}
	}
	want := Workflow{Repository: repository, Ref: "refs/heads/main", Commit: "c0ffee", Trigger: "push", Runner: "github-hosted", Run: repository + "/actions/runs/1"}
	if r := verifyAttachments(t, byWorkflow(), o, w.simple(newer, digestA, time.Minute)); *r.Signers[0].Workflow != want {
		t.Errorf("got %+v", r.Signers[0].Workflow)
	}
}
