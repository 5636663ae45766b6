package signature

import (
	"encoding/json"
	"testing"

	cosignbundle "github.com/sigstore/cosign/v2/pkg/cosign/bundle"
	"github.com/sigstore/cosign/v2/pkg/oci/static"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"

	"github.com/tidewaiter/tidewaiter/image"
)

// attest attests a statement, and has the proof made of it.
func (m *matrix) attest(s signer, layout, proof string, statement []byte) image.Attachment {
	if layout == "tag" {
		switch a := s.envelope(m.t, statement); proof {
		case "log v1":
			return m.envelope(s, statement, 0)
		case "timestamp":
			return m.stampEnvelope(a)
		default:
			return a
		}
	}
	b := m.bundle(s, statement, bundleOptions{log: proof == "log v1", timestamp: proof == "timestamp" || proof == "log v2"})
	if proof == "log v2" {
		b.VerificationMaterial.TlogEntries = []*protorekor.TransparencyLogEntry{
			m.logTiled(s, statement, b.GetDsseEnvelope().GetSignatures()[0].GetSig()),
		}
	}
	return attach(m.t, b)
}

// stampEnvelope has the timestamp authority see an envelope, which in the classic layout is what it vouches for.
func (w *world) stampEnvelope(a image.Attachment) image.Attachment {
	w.t.Helper()
	response, err := w.services.TimestampResponse(a.Payload)
	noError(w.t, err)
	text, err := json.Marshal(cosignbundle.RFC3161Timestamp{SignedRFC3161Timestamp: response})
	noError(w.t, err)
	a.Annotations[static.RFC3161TimestampAnnotationKey] = string(text)
	return a
}

// attestationPolicy asks for an attestation by the authority of a cell, and for no signature.
func (m *matrix) attestationPolicy(kind, proof string) Policy {
	p := m.policy(kind, proof)
	e := &p.Entries[0]
	e.Attestations = []Requirement{{PredicateType: customType, Authorities: e.Authorities}}
	e.Authorities = nil
	return p
}

// TestAttestationMatrix is TestMatrix for attestations: every cell has one that is accepted, and others that lack
// one thing each.
func TestAttestationMatrix(t *testing.T) {
	m := newMatrix(t)
	missing := map[string]string{"log v1": noLogEntry, "log v2": noLogEntry, "timestamp": noTimestamp}
	good, elsewhere := statementOf(digestA, customType, "{}"), statementOf(digestB, customType, "{}")
	for _, kind := range matrixKinds {
		for _, layout := range matrixLayouts {
			for _, proof := range matrixProofs {
				t.Run(kind+", "+layout+", "+proof, func(t *testing.T) {
					if why := matrixGaps[[3]string{kind, layout, proof}]; why != "" {
						t.Skip(why)
					}
					v, err := New(m.attestationPolicy(kind, proof), m.o)
					noError(t, err)
					me := m.signer(kind, false)
					accepted := mustVerify(t, v, m.attest(me, layout, proof, good))
					checkRequirement(t, accepted, "")
					m.checkSigner(t, accepted.Attestations[0].Signers[0], kind, layout, proof)
					checkRequirement(t, mustVerify(t, v, m.attest(me, layout, proof, elsewhere)), "does not cover "+digestA)
					checkRequirement(t, mustVerify(t, v, m.attest(me, layout, proof, statementOf(digestA, customType+"/", "{}"))), "only of")
					stranger := mustVerify(t, v, m.attest(m.signer(kind, true), layout, proof, good))
					checkRequirement(t, stranger, map[bool]string{true: "does not match", false: "signed by another key"}[me.cert != nil])
					if reason := missing[proof]; reason != "" {
						checkRequirement(t, mustVerify(t, v, m.attest(me, layout, "none", good)), reason)
					}
				})
			}
		}
	}
}

// TestForeignTimestamp puts the timestamp of another envelope beside an attestation (SIG-07).
func TestForeignTimestamp(t *testing.T) {
	m := newMatrix(t)
	v, err := New(m.attestationPolicy("keyless", "timestamp"), m.o)
	noError(t, err)
	me := m.signer("keyless", false)
	a, other := me.envelope(t, statementOf(digestA, customType, "{}")), me.envelope(t, statementOf(digestB, customType, "{}"))
	a.Annotations[static.RFC3161TimestampAnnotationKey] = m.stampEnvelope(other).Annotations[static.RFC3161TimestampAnnotationKey]
	checkRequirement(t, mustVerify(t, v, a), "the timestamp could not be verified")
	checkRequirement(t, mustVerify(t, v, m.stampEnvelope(a)), "")
}
