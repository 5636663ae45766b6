package image

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/tidewaiter/tidewaiter/image/imagetest"
)

const (
	bundleV03    = "application/vnd.dev.sigstore.bundle.v0.3+json"
	simpleSigned = "application/vnd.dev.cosign.simplesigning.v1+json"
)

func TestIsBundle(t *testing.T) {
	for mediaType, want := range map[string]bool{
		bundleV03: true,
		"application/vnd.dev.sigstore.bundle+json;version=0.1": true,
		"application/vnd.dev.sigstore.bundle":                  false,
		"application/vnd.dev.sigstore.bundlexyz+json":          false,
		"application/vnd.cncf.notary.signature":                false,
		"":                                                     false,
	} {
		if got := isBundle(mediaType); got != want {
			t.Errorf("isBundle(%q) = %v", mediaType, got)
		}
	}
}

// carrier is an image that carries payloads of a media type; with a subject it is a referrer.
func carrier(t testing.TB, mediaType, artifactType string, subject *v1.Descriptor, payloads ...string) v1.Image {
	t.Helper()
	img := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	img = mutate.ConfigMediaType(img, types.MediaType(cmp.Or(artifactType, "application/vnd.oci.empty.v1+json")))
	for _, p := range payloads {
		var err error
		img, err = mutate.Append(img, mutate.Addendum{
			Layer:       static.NewLayer([]byte(p), types.MediaType(mediaType)),
			Annotations: map[string]string{"dev.cosignproject.cosign/signature": p + "-signature"},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if subject != nil {
		img = mutate.Subject(img, *subject).(v1.Image)
	}
	return img
}

func subjectOf(t testing.TB, img v1.Image) *v1.Descriptor {
	t.Helper()
	digest, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	size, err := img.Size()
	if err != nil {
		t.Fatal(err)
	}
	return &v1.Descriptor{MediaType: types.DockerManifestSchema2, Digest: digest, Size: size}
}

// found lists attachments: layout, tag, payload.
func found(attached []Attachment) []string {
	var out []string
	for _, a := range attached {
		out = append(out, strings.TrimSpace(a.Layout+a.Tag+" "+string(a.Payload)))
	}
	slices.Sort(out)
	return out
}

func TestAttachments(t *testing.T) {
	img := imagetest.Image(t, map[string]string{"x": "y"})
	subject := subjectOf(t, img)
	tag := strings.Replace(subject.Digest.String(), ":", "-", 1)
	for _, api := range []bool{true, false} {
		t.Run(fmt.Sprint("api=", api), func(t *testing.T) {
			s := startServer(t, registry.New(quiet, registry.WithReferrersSupport(api)))
			repository := s + "/x"
			imagetest.Push(t, repository+":t", img)
			check := func(want ...string) {
				t.Helper()
				c := Client{PlainHTTP: []string{s}, Keychain: noCredentials{}}
				pulled, err := c.Pull(t.Context(), mustParse(t, repository+":t"))
				if err != nil {
					t.Fatal(err)
				}
				attached, err := pulled.Attachments(t.Context(), pulled.Digest, "")
				if got := found(attached); err != nil || !slices.Equal(got, want) {
					t.Errorf("attachments %q, %v, want %q", got, err, want)
				}
			}
			check()
			imagetest.Push(t, repository+":"+tag+".sig", carrier(t, simpleSigned, "", nil, "s1", "s2"))
			check("tag.sig s1", "tag.sig s2")
			imagetest.Push(t, repository+":"+tag+".att", carrier(t, "application/vnd.dsse.envelope.v1+json", "", nil, "a1"))
			imagetest.Push(t, repository+":r1", carrier(t, bundleV03, bundleV03, subject, "b1"))
			imagetest.Push(t, repository+":r2", carrier(t, "application/spdx+json", "application/spdx+json", subject, "sbom"))
			imagetest.Push(t, repository+":r3", carrier(t, bundleV03, bundleV03, &v1.Descriptor{MediaType: types.OCIManifestSchema1, Size: 1, Digest: v1.Hash{Algorithm: "sha256", Hex: hexA}}, "other's"))
			want := []string{"referrer b1", "tag.att a1", "tag.sig s1", "tag.sig s2"}
			check(want...)

			// The tag that stands in for the API is looked at in any case, and is only a hint.
			var index v1.ImageIndex = empty.Index
			for i, m := range []v1.Image{
				carrier(t, bundleV03, bundleV03, subject, "b1"),
				carrier(t, bundleV03, "", subject, "b2"),
				carrier(t, bundleV03, bundleV03, nil, "no subject"),
				carrier(t, "text/plain", "", subject, "not a signature"),
			} {
				imagetest.Push(t, fmt.Sprintf("%s:f%d", repository, i), m)
				index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: m})
			}
			imagetest.Push(t, repository+":"+tag, index)
			check("referrer b1", "referrer b2", "tag.att a1", "tag.sig s1", "tag.sig s2")
		})
	}
}

func TestAttachmentFields(t *testing.T) {
	host := imagetest.Host(t)
	img := imagetest.Image(t, map[string]string{"x": "y"})
	imagetest.Push(t, host+"/x:t", img)
	manifest := imagetest.Push(t, host+"/x:r", carrier(t, bundleV03, bundleV03, subjectOf(t, img), "b"))
	c := Client{PlainHTTP: []string{host}, Keychain: noCredentials{}}
	pulled, err := c.Pull(t.Context(), mustParse(t, host+"/x:t"))
	if err != nil {
		t.Fatal(err)
	}
	attached, err := pulled.Attachments(t.Context(), pulled.Digest, "")
	if err != nil || len(attached) != 1 {
		t.Fatalf("%+v, %v", attached, err)
	}
	a := attached[0]
	if a.Layout != "referrer" || a.Tag != "" || a.Manifest != manifest || a.ArtifactType != bundleV03 || a.MediaType != bundleV03 ||
		a.Annotations["dev.cosignproject.cosign/signature"] != "b-signature" || string(a.Payload) != "b" {
		t.Errorf("%+v", a)
	}
}

// TestAttachmentsRefuse is SIG-10, SIG-15 and REG-11: what stands beside the image is hostile.
func TestAttachmentsRefuse(t *testing.T) {
	many := func(n int) []string {
		var out []string
		for i := range n {
			out = append(out, fmt.Sprint("p", i))
		}
		return out
	}
	large := strings.Repeat("x", 6<<20)
	for name, tt := range map[string]struct {
		beside func(h *hostile, subject descriptor, tag string)
		want   string
	}{
		"too many layers": {func(h *hostile, _ descriptor, tag string) { h.carry(t, nil, "", many(51), tag+".sig") },
			"exceeds the limit of 50 signatures"},
		"too many over both": {func(h *hostile, subject descriptor, tag string) {
			h.carry(t, nil, "", many(26), tag+".sig")
			h.carry(t, nil, "", many(25), tag+".att")
		}, "exceeds the limit of 50 signatures"},
		"too large": {func(h *hostile, _ descriptor, tag string) {
			h.carry(t, nil, "", []string{large, large + "y"}, tag+".sig")
		},
			"exceeds the limit of 10485760 bytes"},
		"said to be too large": {func(h *hostile, _ descriptor, tag string) {
			h.put(ociManifest, mustJSON(t, map[string]any{"mediaType": ociManifest, "config": wire(h.putBlob("x", []byte("{}"))),
				"layers": []any{map[string]any{"mediaType": simpleSigned, "digest": digestA, "size": 500 << 20}}}), tag+".sig")
		}, "exceeds the limit of 10485760 bytes"},
		"index under .sig": {func(h *hostile, _ descriptor, tag string) { h.index(t, []map[string]any{}, tag+".sig") }, "it is an index"},
		"image for the list": {func(h *hostile, _ descriptor, tag string) { h.carry(t, nil, "", many(1), tag) },
			"it is not an index"},
		"payload changed": {func(h *hostile, _ descriptor, tag string) {
			h.carry(t, nil, "", []string{"p"}, tag+".sig")
			h.blobs[digestOf([]byte("p"))] = []byte("q")
		}, "what was sent has the digest"},
		"payload missing": {func(h *hostile, _ descriptor, tag string) {
			h.carry(t, nil, "", []string{"p"}, tag+".sig")
			delete(h.blobs, digestOf([]byte("p")))
		}, "not found"},
		"manifest changed": {func(h *hostile, subject descriptor, tag string) {
			d := h.carry(t, &subject, bundleV03, []string{"p"})
			h.manifests[d.Digest] = h.manifests[subject.Digest]
			h.index(t, []map[string]any{wire(d, map[string]any{"artifactType": bundleV03})}, tag)
		}, "what was sent has the digest"},
		"too many referrers": {func(h *hostile, subject descriptor, tag string) {
			var list []map[string]any
			for _, p := range many(51) {
				list = append(list, wire(h.carry(t, nil, bundleV03, []string{p}), map[string]any{"artifactType": bundleV03}))
			}
			h.index(t, list, tag)
		}, "exceeds the limit of 50 signatures"},
		"broken list": {func(h *hostile, _ descriptor, tag string) { h.put(ociIndex, []byte("{"), tag) }, "unscannable"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHostile(t)
			subject := h.image(t, "linux/amd64", nil, "t")
			tt.beside(h, subject, strings.Replace(subject.Digest, ":", "-", 1))
			img, err := h.pull(t, &Client{})
			if err != nil {
				t.Fatal(err)
			}
			attached, err := img.Attachments(t.Context(), img.Digest, "")
			wantError(t, err, tt.want)
			if len(attached) > 0 {
				t.Error("an error, and attachments")
			}
		})
	}
}

// carry puts a manifest that carries payloads.
func (h *hostile) carry(t testing.TB, subject *descriptor, artifactType string, payloads []string, tags ...string) descriptor {
	var layers []any
	for _, p := range payloads {
		layers = append(layers, wire(h.putBlob(simpleSigned, []byte(p))))
	}
	m := map[string]any{"schemaVersion": 2, "mediaType": ociManifest, "artifactType": artifactType, "config": wire(h.putBlob("application/vnd.oci.empty.v1+json", []byte("{}"))), "layers": layers}
	if subject != nil {
		m["subject"] = wire(*subject)
	}
	return h.put(ociManifest, mustJSON(t, m), tags...)
}

// TestReferrersPages is REG-11 and REG-04: pages without end, and pages elsewhere.
func TestReferrersPages(t *testing.T) {
	other := newCanary(t, nil)
	for name, tt := range map[string]struct {
		link string
		want string
		asks int
	}{
		"endless":   {`<%s?n=1>; rel="next"`, "the list of referrers exceeds the limit of 20 pages", 20},
		"elsewhere": {"<" + other.URL + `/x>; rel="next"`, "at another host", 1},
		"scheme":    {`<https://%[2]s/x>; rel="next"`, "at another host", 1},
		"no next":   {`<%s>; rel="prev"`, "", 1},
		"garbage":   {"<<<;;,", "", 1},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHostile(t)
			h.image(t, "linux/amd64", nil, "t")
			var asked int
			front := startServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if !strings.Contains(r.URL.Path, "/referrers/") {
					h.ServeHTTP(w, r)
					return
				}
				asked++
				link := tt.link
				if strings.Contains(link, "%") {
					link = fmt.Sprintf(link+"%.0[2]s", r.URL.Path, r.Host)
				}
				w.Header().Set("Link", link)
				w.Header().Set("Content-Type", ociIndex)
				io.WriteString(w, `{"schemaVersion":2,"manifests":[]}`)
			}))
			c := Client{PlainHTTP: []string{front}, Keychain: noCredentials{}}
			img, err := c.Pull(t.Context(), mustParse(t, front+"/x:t"))
			if err != nil {
				t.Fatal(err)
			}
			if _, err = img.Attachments(t.Context(), img.Digest, ""); tt.want != "" {
				wantError(t, err, tt.want)
			} else if err != nil {
				t.Error(err)
			}
			if asked != tt.asks {
				t.Errorf("%d pages were asked for, want %d", asked, tt.asks)
			}
		})
	}
	other.check(t, 0)
}

func TestReferrersStatus(t *testing.T) {
	for status, want := range map[int]string{404: "", 400: "", 405: "", 501: "", 401: "unauthorized", 500: "status 500"} {
		h := newHostile(t)
		h.image(t, "linux/amd64", nil, "t")
		front := startServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, "/referrers/") {
				w.WriteHeader(status)
				return
			}
			h.ServeHTTP(w, r)
		}))
		c := Client{PlainHTTP: []string{front}, Keychain: noCredentials{}}
		img, err := c.Pull(t.Context(), mustParse(t, front+"/x:t"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err = img.Attachments(t.Context(), img.Digest, ""); want != "" {
			wantError(t, err, want)
		} else if err != nil {
			t.Errorf("status %d: %v", status, err)
		}
	}
}

// TestLayoutAttachments reads what "cosign save", and tools that copy tags and referrers, leave in a layout.
func TestLayoutAttachments(t *testing.T) {
	img := imagetest.Image(t, map[string]string{"bin/web": "y"})
	subject := subjectOf(t, img)
	tag := strings.Replace(subject.Digest.String(), ":", "-", 1)
	sig := carrier(t, simpleSigned, "", nil, "s")
	att := carrier(t, "application/vnd.dsse.envelope.v1+json", "", nil, "a")
	annotated := func(key, value string) layout.Option {
		return layout.WithAnnotations(map[string]string{key: value})
	}
	p := writeLayout(t)
	for _, tt := range []struct {
		img v1.Image
		as  layout.Option
	}{
		{img, annotated(kindAnnotation, cosignKind+"image")},
		{sig, annotated(kindAnnotation, cosignKind+"sigs")},
		{att, annotated(refNameAnnotation, "example.com/x:"+tag+".att")},
	} {
		if err := p.AppendImage(tt.img, tt.as); err != nil {
			t.Fatal(err)
		}
	}
	pulled, err := (&Client{}).Pull(t.Context(), mustParse(t, "oci:"+string(p)))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"tag.att a", "tag.sig s"}
	attached, err := pulled.Attachments(t.Context(), pulled.Digest, "")
	if got := found(attached); err != nil || !slices.Equal(got, want) {
		t.Errorf("attachments %q, %v, want %q", got, err, want)
	}

	// A referrer stands in the index like any image: the reference has to say which is meant.
	if err := p.AppendImage(carrier(t, bundleV03, "", subject, "b")); err != nil {
		t.Fatal(err)
	}
	for _, transport := range []string{"oci:" + string(p), "oci-archive:" + tarFolder(t, string(p))} {
		pulled, err = (&Client{}).Pull(t.Context(), mustParse(t, transport+"@"+subject.Digest.String()))
		if err != nil {
			t.Fatal(err)
		}
		want = []string{"referrer b", "tag.att a"}
		attached, err = pulled.Attachments(t.Context(), pulled.Digest, "")
		if got := found(attached); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: attachments %q, %v, want %q", transport, got, err, want)
		}
	}
}
