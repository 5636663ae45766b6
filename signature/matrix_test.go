package signature

import (
	"testing"
	"time"

	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"

	"github.com/tidewaiter/tidewaiter/image"
)

// The axes of the matrix of signatures. Whether a bundle is found by the referrers API or behind the fallback
// tag is package image's matter: here both are the layout "referrer".
var (
	matrixKinds   = []string{"key file", "key service", "certificate", "keyless"}
	matrixLayouts = []string{"tag", "referrer"}
	matrixProofs  = []string{"log v1", "log v2", "timestamp", "none"}
)

// matrixGaps are the cells that cannot be, and why.
var matrixGaps = map[[3]string]string{
	{"key file", "tag", "log v2"}:    noTiledTag,
	{"key service", "tag", "log v2"}: noTiledTag,
	{"certificate", "tag", "log v2"}: noTiledTag,
	{"keyless", "tag", "log v2"}:     noTiledTag,
	{"keyless", "tag", "none"}:       noUntimed,
	{"keyless", "referrer", "none"}:  noUntimed,
}

const (
	noTiledTag = "the classic layout's annotation holds a promise of Rekor's first version; the second makes none, and has no place in it"
	noUntimed  = "a keyless certificate lives for minutes: the loader refuses a policy by which nothing tells when it was used"
)

// matrix signs for the cells of the matrix.
type matrix struct {
	*world
	own       *world // whose certificate authority is one's own
	o         Options
	keys      map[string]signer
	stranger  signer
	reference string
}

func newMatrix(t *testing.T) *matrix {
	m := &matrix{world: newWorld(t, time.Hour), own: newWorld(t, time.Hour), keys: map[string]signer{}}
	for _, kind := range matrixKinds[:2] {
		m.keys[kind] = signer{key: newECDSA(t)}
	}
	m.stranger = signer{key: newECDSA(t)}
	m.reference, _ = vault(t, "release", m.keys["key service"].key.Public())
	m.o = Options{Dir: writeKeys(t, m.keys["key file"].key), TrustedRoot: m.trustedRoot()}
	return m
}

// signer is who may sign, or somebody else of the same kind.
func (m *matrix) signer(kind string, stranger bool) signer {
	l := leaf{from: -time.Minute} // the timestamp authority says now
	if stranger {
		l.subjects = []string{"https://github.com/evil/web"}
	}
	switch {
	case kind == "certificate":
		l.noSCT = true
		return m.own.identity(l)
	case kind == "keyless":
		return m.identity(l)
	case stranger:
		return m.stranger
	}
	return m.keys[kind]
}

// policy wants one proof, of one kind of authority.
func (m *matrix) policy(kind, proof string) Policy {
	a := Authority{TransparencyLog: Ignore, Timestamp: Ignore}
	switch proof {
	case "log v1", "log v2":
		a.TransparencyLog, a.Timestamp = Required, ""
	case "timestamp":
		a.Timestamp = Required
	}
	switch kind {
	case "key file":
		a.Key = "0.pub"
	case "key service":
		a.Key = m.reference
	case "certificate":
		a.Certificate = &Certificate{Roots: m.own.rootsFile(), Subject: workflow}
	case "keyless":
		a.Keyless = &Keyless{Issuer: provider, Subject: workflow}
	}
	return Policy{[]Entry{{Images: []string{"registry.example/shop/**"}, Authorities: []Authority{a}}}}
}

// sign signs a digest, and has the proof made of it. A log of the second version tells no time, which a
// timestamp must.
func (m *matrix) sign(s signer, layout, proof, digest string) image.Attachment {
	if layout == "tag" {
		switch a := s.simple(m.t, digest); proof {
		case "log v1":
			return m.simple(s, digest, 0)
		case "timestamp":
			return m.stamp(a)
		default:
			return a
		}
	}
	statement := signedStatement(digest, signPredicate)
	b := m.bundle(s, statement, bundleOptions{log: proof == "log v1", timestamp: proof == "timestamp" || proof == "log v2"})
	if proof == "log v2" {
		b.VerificationMaterial.TlogEntries = []*protorekor.TransparencyLogEntry{
			m.logTiled(s, statement, b.GetDsseEnvelope().GetSignatures()[0].GetSig()),
		}
	}
	return attach(m.t, b)
}

// TestMatrix has, for every kind of authority, layout and proof, a signature that is accepted, and others that
// lack one thing each.
func TestMatrix(t *testing.T) {
	m := newMatrix(t)
	missing := map[string]string{"log v1": noLogEntry, "log v2": noLogEntry, "timestamp": noTimestamp}
	for _, kind := range matrixKinds {
		for _, layout := range matrixLayouts {
			for _, proof := range matrixProofs {
				t.Run(kind+", "+layout+", "+proof, func(t *testing.T) {
					if why := matrixGaps[[3]string{kind, layout, proof}]; why != "" {
						m.checkGap(t, kind, layout, proof)
						return
					}
					v, err := New(m.policy(kind, proof), m.o)
					noError(t, err)
					me := m.signer(kind, false)
					accepted := mustVerify(t, v, m.sign(me, layout, proof, digestA))
					checkOutcome(t, accepted, "")
					m.checkSigner(t, accepted.Signers[0], kind, layout, proof)
					checkOutcome(t, mustVerify(t, v, m.sign(me, layout, proof, digestB)), "does not cover "+digestA)
					stranger := mustVerify(t, v, m.sign(m.signer(kind, true), layout, proof, digestA))
					checkOutcome(t, stranger, map[bool]string{true: "does not match", false: "signed by another key"}[me.cert != nil])
					if reason := missing[proof]; reason != "" {
						checkOutcome(t, mustVerify(t, v, m.sign(me, layout, "none", digestA)), reason)
					}
				})
			}
		}
	}
}

// checkGap wants a cell that cannot be to be refused.
func (m *matrix) checkGap(t *testing.T, kind, layout, proof string) {
	t.Helper()
	_, err := New(m.policy(kind, proof), m.o)
	if proof == "none" {
		checkKeyError(t, err, "cannot be ignored for a keyless authority")
		return
	}
	noError(t, err)
	if layout != "tag" || proof != "log v2" {
		t.Error("this cell can be")
	}
}

// checkSigner wants the signer to be told as what he is, and a time and a log index exactly where they were proven.
func (m *matrix) checkSigner(t *testing.T, got Signer, kind, layout, proof string) {
	t.Helper()
	want := map[string]string{"key file": "key", "key service": "key"}[kind]
	if want == "" {
		want = kind
	}
	if got.Kind != want || got.Layout != layout || (got.Roots != "") != (kind == "certificate") || (got.Subject == workflow) != (want == kind) {
		t.Errorf("got %+v", got)
	}
	if got.SignedAt.IsZero() != (proof == "none") || (got.LogIndex != nil) != (proof == "log v1" || proof == "log v2") {
		t.Errorf("signed at %v, log index %v", got.SignedAt, got.LogIndex)
	}
}
