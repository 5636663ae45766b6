package signature

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sigstore/cosign/v2/pkg/oci/static"
	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	"github.com/sigstore/sigstore-go/pkg/root"

	"github.com/tidewaiter/tidewaiter/image"
)

// byAuthority is a policy of one entry with one authority.
func byAuthority(a Authority) Policy {
	return Policy{[]Entry{{Images: []string{"registry.example/shop/**"}, Authorities: []Authority{a}}}}
}

// stamped accepts workflow by a timestamp alone.
var stamped = Authority{Keyless: &Keyless{Issuer: provider, Subject: workflow}, TransparencyLog: Ignore, Timestamp: Required}

// TestTimestamps has timestamps that are not of this signature, not of this world's authority, or nothing at all,
// where one is required and where it is not.
func TestTimestamps(t *testing.T) {
	w, other := newWorld(t, time.Hour), newWorld(t, time.Hour)
	o := Options{TrustedRoot: w.trustedRoot()}
	me := w.identity(leaf{from: -time.Minute})
	statement := signedStatement(digestA, signPredicate)
	for name, test := range map[string]struct {
		tag, referrer image.Attachment
		good          bool
	}{
		"its own": {w.stamp(me.simple(t, digestA)), attach(t, w.bundle(me, statement, bundleOptions{timestamp: true})), true},
		"of another signature": {stampOf(w.stamp(me.simple(t, digestA)), me.simple(t, digestA)),
			attach(t, timestampsOf(w.bundle(me, statement, bundleOptions{timestamp: true}), w.bundle(me, statement, bundleOptions{}))), false},
		"of another authority": {other.stamp(me.simple(t, digestA)),
			attach(t, timestampsOf(other.bundle(me, statement, bundleOptions{timestamp: true}), w.bundle(me, statement, bundleOptions{}))), false},
	} {
		want := map[bool]string{false: "timestamp"}[test.good]
		t.Run(name+", tag", func(t *testing.T) {
			checkOutcome(t, verifyAttachments(t, byAuthority(stamped), o, test.tag), want)
		})
		t.Run(name+", referrer", func(t *testing.T) {
			checkOutcome(t, verifyAttachments(t, byAuthority(stamped), o, test.referrer), want)
		})
	}
	for _, text := range []string{"null", "{}", "[]", "x", `{"SignedRFC3161Timestamp":""}`, `{"SignedRFC3161Timestamp":"%"}`} {
		a := me.simple(t, digestA)
		a.Annotations[static.RFC3161TimestampAnnotationKey] = text
		checkOutcome(t, verifyAttachments(t, byAuthority(stamped), o, a), "malformed: the timestamp is")
	}
	junk := me.simple(t, digestA)
	junk.Annotations[static.RFC3161TimestampAnnotationKey] = `{"SignedRFC3161Timestamp":"` + base64.StdEncoding.EncodeToString([]byte("0junk")) + `"}`
	checkOutcome(t, verifyAttachments(t, byAuthority(stamped), o, junk), "the timestamp could not be verified")
}

// stampOf puts the timestamp of one signature beside another.
func stampOf(from, to image.Attachment) image.Attachment {
	to.Annotations[static.RFC3161TimestampAnnotationKey] = from.Annotations[static.RFC3161TimestampAnnotationKey]
	return to
}

// timestampsOf puts the timestamps of one bundle into another, whose signature differs.
func timestampsOf(from, to *protobundle.Bundle) *protobundle.Bundle {
	to.VerificationMaterial.TimestampVerificationData = from.VerificationMaterial.TimestampVerificationData
	return to
}

// TestEveryProvenTime wants the whole chain to be valid both when the signature was logged and when it was
// timestamped, in both layouts (SIG-09): one log too late or too early spoils a good timestamp.
func TestEveryProvenTime(t *testing.T) {
	w := newWorld(t, 2*time.Minute) // the intermediate expires before the leaf
	o := Options{TrustedRoot: w.trustedRoot()}
	me := w.identity(leaf{from: -time.Minute})
	for _, authority := range []Authority{
		{Keyless: stamped.Keyless}, {Keyless: stamped.Keyless, Timestamp: Required},
	} {
		for name, test := range map[string]struct {
			after time.Duration
			want  string
		}{
			"both good": {0, ""}, "logged after the intermediate": {5 * time.Minute, "certificate"}, "logged before the leaf": {-2 * time.Minute, "certificate"},
		} {
			t.Run(name+authority.Timestamp, func(t *testing.T) {
				p := byAuthority(authority)
				checkOutcome(t, verifyAttachments(t, p, o, w.stamp(w.simple(me, digestA, test.after))), test.want)
				b := w.bundle(me, signedStatement(digestA, signPredicate), bundleOptions{log: true, after: test.after, timestamp: true})
				checkOutcome(t, verifyAttachments(t, p, o, attach(t, b)), test.want)
			})
		}
	}
}

// TestTimestampIgnored wants a timestamp to be no time where the policy ignores it.
func TestTimestampIgnored(t *testing.T) {
	w := newWorld(t, time.Hour)
	o := Options{TrustedRoot: w.trustedRoot()}
	me := w.identity(leaf{from: -time.Minute})
	p := byAuthority(Authority{Keyless: stamped.Keyless, Timestamp: Ignore})
	r := verifyAttachments(t, p, o, w.stamp(w.simple(me, digestA, 5*time.Minute)))
	checkOutcome(t, r, "")
	if !r.Signers[0].SignedAt.Equal(w.now.Add(5 * time.Minute)) {
		t.Errorf("signed at %v, which is not when it was logged", r.Signers[0].SignedAt)
	}
	statement := signedStatement(digestA, signPredicate)
	b := w.bundle(me, statement, bundleOptions{timestamp: true})
	b.VerificationMaterial.TlogEntries = []*protorekor.TransparencyLogEntry{w.logTiled(me, statement, b.GetDsseEnvelope().GetSignatures()[0].GetSig())}
	checkOutcome(t, verifyAttachments(t, p, o, attach(t, b)), "timestamps")
}

// TestCertificateLog wants a certificate without a promise of a certificate log to count only where the policy
// ignores it.
func TestCertificateLog(t *testing.T) {
	w := newWorld(t, time.Hour)
	o := Options{TrustedRoot: w.trustedRoot()}
	me := w.identity(leaf{noSCT: true})
	for log, want := range map[string]string{"": "SCT", Required: "SCT", Ignore: ""} {
		p := byAuthority(Authority{Keyless: stamped.Keyless, CertificateLog: log})
		checkOutcome(t, verifyAttachments(t, p, o, w.simple(me, digestA, time.Minute)), want)
		b := w.bundle(me, signedStatement(digestA, signPredicate), bundleOptions{log: true, after: time.Minute})
		checkOutcome(t, verifyAttachments(t, p, o, attach(t, b)), want)
	}
}

// TestOwnAuthority has certificates of one's own authority, which the trusted root knows nothing of.
func TestOwnAuthority(t *testing.T) {
	w, own := newWorld(t, time.Hour), newWorld(t, 2*time.Minute)
	certificate := &Certificate{Roots: own.rootsFile(), Subject: workflow}
	logged := byAuthority(Authority{Certificate: certificate})
	now := byAuthority(Authority{Certificate: certificate, TransparencyLog: Ignore, Timestamp: Ignore})
	withIssuer := byAuthority(Authority{Certificate: &Certificate{Roots: certificate.Roots, Subject: workflow, Issuer: "https://login.example"}})
	o := Options{TrustedRoot: w.trustedRoot()}
	me, sigstores := own.identity(leaf{noSCT: true}), w.identity(leaf{})
	for name, test := range map[string]struct {
		policy Policy
		signer signer
		after  time.Duration
		want   string
	}{
		"good":                    {logged, me, time.Minute, ""},
		"of the trusted root's":   {logged, sigstores, time.Minute, "certificate verification failed"},
		"expired intermediate":    {logged, me, 5 * time.Minute, "certificate"},
		"other subject":           {logged, own.identity(leaf{noSCT: true, subjects: []string{"https://evil.example"}}), time.Minute, "does not match " + workflow},
		"other issuer":            {withIssuer, me, time.Minute, "certificate issuer"},
		"valid now":               {now, me, 0, ""},
		"not valid now":           {now, own.identity(leaf{noSCT: true, from: time.Minute}), time.Minute, "certificate"},
		"keyless, with one's own": {byWorkflow(), me, time.Minute, "certificate verification failed"},
	} {
		t.Run(name, func(t *testing.T) {
			checkOutcome(t, verifyAttachments(t, test.policy, o, w.simple(test.signer, digestA, test.after)), test.want)
			b := w.bundle(test.signer, signedStatement(digestA, signPredicate), bundleOptions{log: true, after: test.after})
			checkOutcome(t, verifyAttachments(t, test.policy, o, attach(t, b)), test.want)
		})
	}
	if r := verifyAttachments(t, now, Options{}, me.simple(t, digestA)); !held(r) || !r.Signers[0].SignedAt.IsZero() {
		t.Errorf("got %+v, want it held without a trusted root, and without a time", r)
	}
}

// TestRootsFiles reads files that are not what roots should be (SIG-20).
func TestRootsFiles(t *testing.T) {
	w := newWorld(t, time.Hour)
	dir := t.TempDir()
	good, err := os.ReadFile(w.rootsFile())
	noError(t, err)
	end := strings.Index(string(good), "-----END CERTIFICATE-----\n") + len("-----END CERTIFICATE-----\n")
	me := w.identity(leaf{})
	for name, test := range map[string]struct{ text, want string }{
		"good":               {string(good), ""},
		"root alone":         {string(good[:end]), ""},
		"intermediate alone": {string(good[end:]), "holds no root"},
		"empty":              {"\n", "the file is empty"},
		"html":               {"<html>404</html>", "holds no root"},
		"public key":         {string(publicPEM(t, newECDSA(t).Public())), `holds a "PUBLIC KEY"`},
		"private key":        {"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "holds a private key"},
		"leaf":               {string(good) + string(me.pem(t)), "is not one of an authority"},
		"broken":             {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			file := strings.ReplaceAll(name, " ", "-")
			noError(t, os.WriteFile(filepath.Join(dir, file), []byte(test.text), 0o600))
			_, err := loadRoots(dir, file)
			checkKeyError(t, err, test.want)
		})
	}
	noError(t, os.Chmod(filepath.Join(dir, "good"), 0o666))
	_, err = loadRoots(dir, "good")
	checkKeyError(t, err, "chmod o-w")
	_, err = loadRoots(dir, ".")
	checkKeyError(t, err, "not a regular file")
}

// TestBundleBounds wants bundles with more in them than any honest one to be refused before they are looked into
// (SIG-10, SIG-17).
func TestBundleBounds(t *testing.T) {
	w := newWorld(t, time.Hour)
	me := w.identity(leaf{})
	for name, test := range map[string]struct {
		edit func(*protobundle.VerificationMaterial)
		want string
	}{
		"log entries": {func(m *protobundle.VerificationMaterial) { m.TlogEntries = slices.Repeat(m.TlogEntries, 33) }, "too many tlog entries: 33 > 32"},
		"timestamps": {func(m *protobundle.VerificationMaterial) {
			d := m.TimestampVerificationData
			d.Rfc3161Timestamps = slices.Repeat(d.Rfc3161Timestamps, 33)
		}, "too many signed timestamps: 33 > 32"},
		"certificates": {func(m *protobundle.VerificationMaterial) {
			chain := &protocommon.X509CertificateChain{Certificates: slices.Repeat([]*protocommon.X509Certificate{m.GetCertificate()}, 11)}
			m.Content = &protobundle.VerificationMaterial_X509CertificateChain{X509CertificateChain: chain}
		}, "11 certificates, more than 10"},
	} {
		t.Run(name, func(t *testing.T) {
			b := w.bundle(me, signedStatement(digestA, signPredicate), bundleOptions{log: true, after: time.Minute, timestamp: true})
			b.MediaType = "application/vnd.dev.sigstore.bundle+json;version=0.2" // which may have a chain
			test.edit(b.VerificationMaterial)
			checkOutcome(t, verifyAttachments(t, byWorkflow(), Options{TrustedRoot: w.trustedRoot()}, attach(t, b)), test.want)
		})
	}
}

// TestInsufficientRoots wants a policy that could never hold under its trusted root to be refused, with what to
// write instead.
func TestInsufficientRoots(t *testing.T) {
	w := newWorld(t, time.Hour)
	fulcio := []root.CertificateAuthority{&root.FulcioCertificateAuthority{Root: w.root, URI: "https://ca.example", ValidityPeriodStart: w.now}}
	logs := map[string]*root.TransparencyLog{}
	w.addLog(logs, "log.example", w.tilesKey)
	dir := writeKeys(t, newECDSA(t))
	for name, test := range map[string]struct {
		authority Authority
		fulcio    []root.CertificateAuthority
		ct, logs  map[string]*root.TransparencyLog
		want      string
	}{
		"no certificate log": {byWorkflow().Entries[0].Authorities[0], fulcio, nil, logs, "no certificate transparency log: name another trustedRoot, or write certificateLog: ignore"},
		"ignored":            {Authority{Keyless: stamped.Keyless, CertificateLog: Ignore}, fulcio, nil, logs, ""},
		"no timestamps":      {stamped, fulcio, logs, logs, "has no timestamp authority: name another trustedRoot, or leave timestamp: required out"},
		"key, no timestamps": {Authority{Key: "0.pub", Timestamp: Required}, fulcio, logs, logs, "has no timestamp authority"},
		"no log":             {byWorkflow().Entries[0].Authorities[0], fulcio, logs, nil, "has no transparency log: name another trustedRoot, or write transparencyLog: ignore and timestamp: required"},
		"key, no log":        {Authority{Key: "0.pub", TransparencyLog: Required}, fulcio, logs, nil, "or write transparencyLog: ignore"},
		"no authority":       {byWorkflow().Entries[0].Authorities[0], nil, logs, logs, "has no certificate authority"},
	} {
		t.Run(name, func(t *testing.T) {
			trusted, err := root.NewTrustedRoot(root.TrustedRootMediaType01, test.fulcio, test.ct, nil, test.logs)
			noError(t, err)
			data, err := trusted.MarshalJSON()
			noError(t, err)
			noError(t, os.WriteFile(filepath.Join(dir, "root.json"), data, 0o600))
			_, err = New(byAuthority(test.authority), Options{Dir: dir, TrustedRoot: "root.json", Offline: true})
			checkKeyError(t, err, test.want)
		})
	}
}

// TestAuthorityProblems has authorities that cannot be meant.
func TestAuthorityProblems(t *testing.T) {
	w := newWorld(t, time.Hour)
	dir := writeKeys(t, newECDSA(t))
	both, err := os.ReadFile(w.rootsFile())
	noError(t, err)
	other, err := os.ReadFile(newWorld(t, time.Hour).rootsFile())
	noError(t, err)
	noError(t, os.WriteFile(filepath.Join(dir, "ca.pem"), both, 0o600))
	noError(t, os.WriteFile(filepath.Join(dir, "two.pem"), append(slices.Clone(both), other...), 0o600))
	const keyless = "keyless: {issuer: 'https://i.example', subject: 'https://s.example'"
	const start = "trust: [{images: [a], authorities: "
	for name, test := range map[string]struct{ text, want string }{
		"certificate log of a key":     {start + "[{key: 0.pub, certificateLog: ignore}]}]", "certificateLog: is about certificates of a Sigstore"},
		"certificate log of one's own": {start + "[{certificate: {roots: ca.pem, subject: a}, certificateLog: required}]}]", "certificateLog: is about certificates of a Sigstore"},
		"no roots":                     {start + "[{certificate: {subject: a}}]}]", "certificate: has no roots"},
		"no subject":                   {start + "[{certificate: {roots: ca.pem}}]}]", "certificate: has no subject"},
		"two issuers":                  {start + "[{certificate: {roots: ca.pem, subject: a, issuer: b, issuerPattern: b}}]}]", "has both issuer and issuerPattern"},
		"three":                        {start + "[{key: 0.pub, certificate: {roots: ca.pem, subject: a}}]}]", "is more than one of key, certificate and keyless"},
		"certificate without a time":   {start + "[{certificate: {roots: ca.pem, subject: a}, transparencyLog: ignore}]}]", "or timestamp: ignore if certificates shall be valid at the time of checking"},
		"keyless without a time":       {start + "[{" + keyless + "}, transparencyLog: ignore, timestamp: ignore}]}]", "cannot be ignored for a keyless authority"},
		"timestamp's spelling":         {start + "[{key: 0.pub, timestamp: always}]}]", `timestamp: is "always": it can be "required" or "ignore"`},
		"identity twice":               {start + "[{" + keyless + "}}, {" + keyless + "}, timestamp: required}]}]", "authorities[1]: is the same identity as authorities[0]"},
		"certificate twice":            {start + "[{certificate: {roots: ca.pem, subject: a}}, {certificate: {roots: ca.pem, subject: a}}]}]", "authorities[1]: is the same identity as authorities[0]"},
		"a root in two files":          {start + "[{certificate: {roots: ca.pem, subject: a}}, {certificate: {roots: two.pem, subject: b}}]}]", "has a root in common with that of authorities[0]"},
		"threshold of claims":          {start + "[{" + keyless + ", claims: {ref: a}}}, {" + keyless + ", claims: {ref: b}}}], threshold: 2}]", "could never be met"},
		"wildcard":                     {start + "[{keyless: {issuer: a, subject: 'https://github.com/shop/*'}}]}]", "write subjectPattern"},
		"no claims":                    {start + "[{" + keyless + ", claims: {}}}]}]", "keyless.claims: are empty"},
		"claim twice":                  {start + "[{" + keyless + ", claims: {ref: a, refPattern: a}}}]}]", "has both ref and refPattern"},
		"any ref":                      {start + "[{" + keyless + ", claims: {refPattern: '.*'}}}]}]", "which matches anything"},
		"repository":                   {start + "[{" + keyless + ", claims: {repository: 'git@github.com:shop/web'}}}]}]", "or owner/name at GitHub"},
		"repository's pattern":         {start + "[{" + keyless + ", claims: {repositoryPattern: 'shop/.*'}}}]}]", "must match the repository's whole address"},
		"age of a key":                 {start + "[{key: 0.pub}], maxAge: 30d}]", "trust[0].maxAge: is 30d, but nothing tells when key 0.pub signed"},
		"age of a certificate":         {start + "[{certificate: {roots: ca.pem, subject: a}, transparencyLog: ignore, timestamp: ignore}], maxAge: 30d}]", "but nothing tells when certificate a"},
		"annotation without a name":    {start + "[{key: 0.pub}], annotations: {'': a}}]", "is empty or longer than"},
		"reference without signers":    {"trust: [{images: [a], matchReference: true, attestations: [{predicateType: 'https://a', authorities: [{key: 0.pub}]}]}]", "but no authorities who may sign"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := decodePolicy(test.text)
			noError(t, err)
			_, err = New(p, Options{Dir: dir, Offline: true})
			checkKeyError(t, err, test.want)
		})
	}
}

// TestLongChain wants a chain annotation of any length to cost nothing, for one's own authority too (SIG-17).
func TestLongChain(t *testing.T) {
	w, own := newWorld(t, time.Hour), newWorld(t, time.Hour)
	p := byAuthority(Authority{Certificate: &Certificate{Roots: own.rootsFile(), Subject: workflow}})
	a := withChain(w.simple(own.identity(leaf{noSCT: true}), digestA, time.Minute), own.intermediate, own.root)
	checkOutcome(t, verifyAttachments(t, p, Options{TrustedRoot: w.trustedRoot()}, a), "")
}
