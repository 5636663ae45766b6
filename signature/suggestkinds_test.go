package signature

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"

	"github.com/tidewaiter/tidewaiter/image"
)

// suggestCase is what stands beside an image, and the entry that is suggested for it. Images of the entry, and
// the names of new keys, are left out.
type suggestCase struct {
	make    func(digest string) []image.Attachment
	policy  Policy
	options Options
	want    Entry
	keys    int
	note    string // in a note; without one, there are none
}

// TestSuggestEntries wants the whole entry for what more may be known than who signed, and wants it to hold.
func TestSuggestEntries(t *testing.T) {
	w := newWorld(t, time.Hour)
	public := Options{TrustedRoot: w.trustedRoot()}
	who := func() *Keyless { return &Keyless{Issuer: provider, Subject: workflow} }
	claimed := func(c Claims) *Keyless { k := who(); k.Claims = &c; return k }
	one := func(a image.Attachment) []image.Attachment { return []image.Attachment{a} }
	stranger, key := w.identity(leaf{subjects: []string{"https://github.com/other"}}), signer{key: newECDSA(t)}
	me, logged := w.identity(leaf{}), bundleOptions{log: true, after: time.Minute}
	const repository = "https://github.com/shop/web"
	main := w.identity(leaf{says: claimsOf(t, repository, "refs/heads/main")})
	release := w.identity(leaf{says: claimsOf(t, repository, "refs/tags/v1")})
	own := newWorld(t, time.Hour)
	roots := own.rootsFile()
	provenance := v1Predicate("https://actions.github.io/buildtypes/workflow/v1", `{"workflow":{"repository":"`+repository+`","ref":"refs/heads/main"}}`, "[]")
	terms := &ProvenanceTerms{Builder: "https://builder.example", Source: repository}
	for name, test := range map[string]suggestCase{
		"workflow of the same ref": {
			make: func(d string) []image.Attachment { return one(w.simple(main, d, time.Minute)) }, options: public,
			want: Entry{Authorities: []Authority{{Keyless: claimed(Claims{Repository: repository})}}},
		},
		"workflow of another ref": {
			make: func(d string) []image.Attachment {
				return one(attach(t, w.bundle(release, signedStatement(d, signPredicate), logged)))
			}, options: public,
			want: Entry{Authorities: []Authority{{Keyless: claimed(Claims{Repository: repository, Ref: "refs/tags/v1"})}}},
		},
		"timestamp alone, under a named root": {
			make: func(d string) []image.Attachment {
				early := w.identity(leaf{from: -time.Minute, noSCT: true})
				return one(attach(t, w.bundle(early, signedStatement(d, signPredicate), bundleOptions{timestamp: true})))
			},
			options: Options{TrustedRoots: map[string]TrustedRoot{"github": {File: w.rootWithoutLogs(t)}}},
			want: Entry{Authorities: []Authority{{
				Keyless: who(), TransparencyLog: Ignore, Timestamp: Required, CertificateLog: Ignore, TrustedRoot: "github",
			}}},
		},
		"own authority": {
			make: func(d string) []image.Attachment {
				return one(w.simple(own.identity(leaf{noSCT: true}), d, time.Minute))
			},
			options: public,
			policy: Policy{[]Entry{{Images: []string{"registry.example/other"}, Authorities: []Authority{
				{Certificate: &Certificate{Roots: roots, Subject: "somebody else"}},
			}}}},
			want: Entry{Authorities: []Authority{{Certificate: &Certificate{Roots: roots, Issuer: provider, Subject: workflow}}}},
		},
		"provenance without a signature": {
			make: func(d string) []image.Attachment {
				return one(attach(t, w.bundle(me, statementOf(d, slsa1Type, provenance), logged)))
			}, options: public,
			want: Entry{Attestations: []Requirement{{PredicateType: slsa1Type, Authorities: []Authority{{Keyless: who()}}, Provenance: terms}}},
		},
		"provenance by who signed": {
			make: func(d string) []image.Attachment {
				return []image.Attachment{w.simple(me, d, time.Minute), w.envelope(me, statementOf(d, slsa1Type, provenance), time.Minute)}
			}, options: public,
			want: Entry{Authorities: []Authority{{Keyless: who()}}, Attestations: []Requirement{{PredicateType: slsa1Type, Provenance: terms}}},
		},
		"several attest": {
			make: func(d string) []image.Attachment {
				return []image.Attachment{
					w.simple(me, d, time.Minute),
					w.envelope(key, statementOf(d, customType, "{}"), time.Minute),
					attach(t, w.bundle(stranger, statementOf(d, "https://shop.example/other", "{}"), logged)),
				}
			}, options: public, keys: 1,
			want: Entry{Authorities: []Authority{{Keyless: who()}}, Attestations: []Requirement{
				{PredicateType: "https://shop.example/other", Authorities: []Authority{{Keyless: &Keyless{Issuer: provider, Subject: "https://github.com/other"}}}},
				{PredicateType: customType, Authorities: []Authority{{TransparencyLog: Required}}},
			}},
		},
		"provenance that cannot be read": {
			make: func(d string) []image.Attachment {
				return []image.Attachment{w.simple(me, d, time.Minute), w.envelope(me, statementOf(d, slsa1Type, "{}"), time.Minute)}
			}, options: public,
			want: Entry{Authorities: []Authority{{Keyless: who()}}}, note: "would not be accepted: its predicate cannot be read",
		},
	} {
		t.Run(name, func(t *testing.T) { test.check(t) })
	}
}

func (c suggestCase) check(t *testing.T) {
	t.Helper()
	p := push(t)
	for _, a := range c.make(p.digest) {
		p.place(t, a)
	}
	s := suggest(t, p, c.policy, c.options)
	o := c.options
	o.Offline = true
	r, err := paste(t, s, o).Verify(t.Context(), p.pull(t, "/shop/web"))
	noError(t, err)
	if !held(r) || len(s.Keys) != c.keys {
		t.Fatalf("got %+v, keys %+v", r, s.Keys)
	}
	if notes := strings.Join(s.Notes, "\n"); !strings.Contains(notes, c.note) || c.note == "" && notes != "" {
		t.Errorf("got notes %q, want %q", notes, c.note)
	}
	got := *s.Entry
	got.Images = nil
	for _, r := range got.Attestations {
		for i := range r.Authorities {
			r.Authorities[i].Key = ""
		}
	}
	gotText, err := json.Marshal(got)
	noError(t, err)
	wantText, err := json.Marshal(c.want)
	noError(t, err)
	if string(gotText) != string(wantText) {
		t.Errorf("got %s\nwant %s\nnotes %q", gotText, wantText, s.Notes)
	}
}

// claimsOf are the extensions that name a source repository and a ref.
func claimsOf(t *testing.T, repository, ref string) []pkix.Extension {
	t.Helper()
	var out []pkix.Extension
	for number, text := range map[int]string{12: repository, 14: ref} {
		value, err := asn1.MarshalWithParams(text, "utf8")
		noError(t, err)
		out = append(out, pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, number}, Value: value})
	}
	return out
}

// rootWithoutLogs writes a trusted root like GitHub's own: a certificate authority and a timestamp authority.
func (w *world) rootWithoutLogs(t *testing.T) string {
	t.Helper()
	authority := &root.FulcioCertificateAuthority{
		Root: w.root, Intermediates: []*x509.Certificate{w.intermediate},
		ValidityPeriodStart: w.now.Add(-24 * time.Hour), URI: "https://ca.example",
	}
	trusted, err := root.NewTrustedRoot(root.TrustedRootMediaType01, []root.CertificateAuthority{authority}, nil, w.services.TimestampingAuthorities(), nil)
	noError(t, err)
	data, err := trusted.MarshalJSON()
	noError(t, err)
	path := filepath.Join(t.TempDir(), "github.json")
	noError(t, os.WriteFile(path, data, 0o600))
	return path
}
