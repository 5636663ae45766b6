package signature

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/sigstore/cosign/v2/pkg/oci/static"

	"github.com/tidewaiter/tidewaiter/image"
)

// FuzzVerify damages genuine signatures. Nothing may crash, every signature that was found is either accepted
// or rejected, and one that is accepted still says what was signed. (Genuine ones are made anew by each
// process, which is why the input is the damage and not the attachment.)
func FuzzVerify(f *testing.F) {
	w := newWorld(f, time.Hour)
	me, key := w.identity(leaf{}), signer{key: newECDSA(f)}
	p := byWorkflow()
	p.Entries[0].Authorities = append(p.Entries[0].Authorities, byKeys(1, 1).Entries[0].Authorities...)
	v, err := New(p, Options{Dir: writeKeys(f, key.key), TrustedRoot: w.trustedRoot(), Offline: true})
	noError(f, err)

	var genuine []image.Attachment
	for _, digest := range []string{digestA, digestB} {
		genuine = append(genuine, w.simple(me, digest, time.Minute), key.simple(f, digest),
			attach(f, w.bundle(me, signedStatement(digest, signPredicate), bundleOptions{log: true, after: time.Minute, timestamp: true})),
			attach(f, w.bundle(key, signedStatement(digest, signPredicate), bundleOptions{})))
	}
	for i := range genuine {
		for field := range 5 {
			f.Add(uint8(i), uint8(field), uint16(0), uint16(0), []byte{})
			f.Add(uint8(i), uint8(field), uint16(100), uint16(1), []byte("A"))
			f.Add(uint8(i), uint8(field), uint16(0), uint16(0xffff), []byte("{}"))
		}
	}
	f.Fuzz(func(t *testing.T, which, field uint8, at, length uint16, insert []byte) {
		a := damage(genuine[int(which)%len(genuine)], field, int(at), int(length), insert)
		r := mustVerify(t, v, a)
		if r.Found != len(r.Signers)+len(r.Rejected) {
			t.Errorf("%d found, but got %+v", r.Found, r)
		}
		if held(r) && signedPayload(a) != string(simplePayload(digestA)) && signedPayload(a) != string(signedStatement(digestA, signPredicate)) {
			t.Errorf("accepted: %+v", a)
		}
		for _, rejected := range r.Rejected {
			if rejected.Reason == "" || len(rejected.Reason) > maxReason+len("…") {
				t.Errorf("reason %q", rejected.Reason)
			}
		}
	})
}

// damage replaces a piece of one field of an attachment.
func damage(a image.Attachment, field uint8, at, length int, insert []byte) image.Attachment {
	replace := func(data []byte) []byte {
		at, end := min(at, len(data)), min(at+length, len(data))
		return slices.Concat(data[:at], insert, data[end:])
	}
	annotations := []string{static.SignatureAnnotationKey, static.CertificateAnnotationKey, static.BundleAnnotationKey}
	a.Annotations = maps.Clone(a.Annotations)
	switch field %= 5; {
	case field == 0:
		a.Payload = replace(a.Payload)
	case field == 1:
		a.MediaType = string(replace([]byte(a.MediaType)))
	case a.Annotations != nil:
		name := annotations[field-2]
		a.Annotations[name] = string(replace([]byte(a.Annotations[name])))
	}
	return a
}

// signedPayload is what an attachment's signature is about.
func signedPayload(a image.Attachment) string {
	if a.MediaType == simpleSigningMediaType {
		return string(a.Payload)
	}
	b, err := readBundle(a)
	if err != nil || b == nil {
		return ""
	}
	return string(b.bundle.GetDsseEnvelope().GetPayload())
}
