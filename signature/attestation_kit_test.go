package signature

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	cosignbundle "github.com/sigstore/cosign/v2/pkg/cosign/bundle"
	"github.com/sigstore/cosign/v2/pkg/oci/static"
	dsseEntry "github.com/sigstore/rekor/pkg/types/dsse"

	"github.com/tidewaiter/tidewaiter/image"
)

// customType is a predicate type that nobody knows.
const customType = "https://shop.example/review/v1"

// statementOf is a statement about a digest with a predicate in JSON.
func statementOf(digest, predicateType, predicate string) []byte {
	return fmt.Appendf(nil, `{"_type":"https://in-toto.io/Statement/v0.1","subject":[{"name":"registry.example/shop/web","digest":{"sha256":%q}}],"predicateType":%q,"predicate":%s}`,
		strings.TrimPrefix(digest, "sha256:"), predicateType, predicate)
}

// seal makes a DSSE envelope of a statement.
func (s signer) seal(t testing.TB, statement []byte) dsse.Envelope {
	t.Helper()
	sig := s.sign(t, dsse.PAE(statementPayloadType, statement))
	return dsse.Envelope{
		PayloadType: statementPayloadType, Payload: base64.StdEncoding.EncodeToString(statement),
		Signatures: []dsse.Signature{{Sig: base64.StdEncoding.EncodeToString(sig)}},
	}
}

// envelope attests a statement in cosign's classic layout, without a log.
func (s signer) envelope(t testing.TB, statement []byte) image.Attachment {
	t.Helper()
	return s.attachEnvelope(t, s.seal(t, statement))
}

// attachEnvelope puts an envelope, or what is to look like one, beside an image.
func (s signer) attachEnvelope(t testing.TB, envelope any) image.Attachment {
	t.Helper()
	text, err := json.Marshal(envelope)
	noError(t, err)
	a := image.Attachment{
		Layout: "tag", Tag: ".att", Manifest: manifestOf(text), MediaType: envelopeMediaType, Payload: text,
		Annotations: map[string]string{static.SignatureAnnotationKey: ""},
	}
	if s.cert != nil {
		a.Annotations[static.CertificateAnnotationKey] = string(s.pem(t))
	}
	return a
}

// envelope attests a statement in cosign's classic layout, and logs it some time after now.
func (w *world) envelope(s signer, statement []byte, after time.Duration) image.Attachment {
	w.t.Helper()
	a := s.envelope(w.t, statement)
	a.Annotations[static.BundleAnnotationKey] = w.logAttachment(s, a, after)
	return a
}

// logAttachment returns the promise of the log to include the envelope of a.
func (w *world) logAttachment(s signer, a image.Attachment, after time.Duration) string {
	w.t.Helper()
	payload := w.promised(w.entry(dsseEntry.KIND, dsseEntry.New().DefaultVersion(), a.Payload, s.pem(w.t), nil), after)
	set, err := w.services.RekorSignPayload(payload)
	noError(w.t, err)
	text, err := json.Marshal(cosignbundle.RekorBundle{SignedEntryTimestamp: set, Payload: cosignbundle.RekorPayload(payload)})
	noError(w.t, err)
	return string(text)
}

// attestation attests a statement without a log, in one of the layouts.
func (w *world) attestation(layout string, s signer, statement []byte) image.Attachment {
	w.t.Helper()
	if layout == "tag" {
		return s.envelope(w.t, statement)
	}
	return attach(w.t, w.bundle(s, statement, bundleOptions{}))
}

// wanting is a policy of one entry whose only authority is the key 0.pub, and which requires attestations.
func wanting(requirements ...Requirement) Policy {
	p := byKeys(1, 0)
	p.Entries[0].Authorities, p.Entries[0].Attestations = nil, requirements
	for i := range requirements {
		if requirements[i].Authorities == nil {
			requirements[i].Authorities = []Authority{{Key: "0.pub"}}
		}
	}
	return p
}

// checkRequirement wants the first requirement of the first entry to hold, or to say in what is missing why not.
func checkRequirement(t *testing.T, r Result, missing string) {
	t.Helper()
	got := r.Entries[0].Attestations[0]
	switch {
	case missing == "" && (!got.Held || got.Missing != "" || !held(r) || len(got.Signers) == 0):
		t.Errorf("got %+v, rejected %+v, want it to hold", got, r.Rejected)
	case missing != "" && (got.Held || held(r) || !strings.Contains(got.Missing, missing)):
		t.Errorf("got %+v, want it to miss %q", got, missing)
	}
}
