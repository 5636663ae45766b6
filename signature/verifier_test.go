package signature

import (
	"context"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	ociStatic "github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/tidewaiter/tidewaiter/image"
	"github.com/tidewaiter/tidewaiter/image/imagetest"
)

// pushed is an image in a registry.
type pushed struct {
	host, digest string
}

func push(t *testing.T) pushed {
	t.Helper()
	host := imagetest.Host(t)
	return pushed{host, imagetest.Push(t, host+"/shop/web:1", imagetest.Image(t, map[string]string{"a": "1"}))}
}

// attach pushes attachments as cosign does: as layers of the image that the .sig tag names.
func (p pushed) attach(t *testing.T, attachments ...image.Attachment) {
	t.Helper()
	p.attachIn(t, "/shop/web", attachments...)
}

// attachIn is attach in another repository.
func (p pushed) attachIn(t *testing.T, repository string, attachments ...image.Attachment) {
	t.Helper()
	img := v1.Image(empty.Image)
	for _, a := range attachments {
		var err error
		img, err = mutate.Append(img, mutate.Addendum{
			Layer:       ociStatic.NewLayer(a.Payload, types.MediaType(a.MediaType)),
			Annotations: a.Annotations,
		})
		noError(t, err)
	}
	imagetest.Push(t, p.host+repository+":"+strings.Replace(p.digest, ":", "-", 1)+".sig", img)
}

// pull returns the image as the gate gets it.
func (p pushed) pull(t *testing.T, repository string) *image.Image {
	t.Helper()
	ref, err := image.ParseReference(p.host + repository + "@" + p.digest)
	noError(t, err)
	img, err := (&image.Client{PlainHTTP: []string{p.host}}).Pull(context.Background(), ref)
	noError(t, err)
	return img
}

func TestVerify(t *testing.T) {
	p, me, stranger := push(t), signer{key: newECDSA(t)}, signer{key: newECDSA(t)}
	v, err := New(keyPolicy(p.host+"/shop/**", "0.pub"), Options{Dir: writeKeys(t, me.key), Offline: true})
	noError(t, err)
	p.attach(t, stranger.simple(t, p.digest), me.simple(t, p.digest), me.simple(t, digestB))
	r, err := v.Verify(t.Context(), p.pull(t, "/shop/web"))
	noError(t, err)
	if !held(r) || r.Digest != p.digest || !r.Configured || r.Found != 3 || len(r.Signers) != 1 || len(r.Rejected) != 2 {
		t.Errorf("got %+v", r)
	}
}

// TestTooManySignatures has a good signature behind more than may stand beside an image (SIG-10): whether it
// is there is not found out.
func TestTooManySignatures(t *testing.T) {
	p, me := push(t), signer{key: newECDSA(t)}
	v, err := New(keyPolicy(p.host+"/shop/**", "0.pub"), Options{Dir: writeKeys(t, me.key), Offline: true})
	noError(t, err)
	junk := me.simple(t, digestB)
	attachments := make([]image.Attachment, image.DefaultLimits().Signatures, image.DefaultLimits().Signatures+1)
	for i := range attachments {
		attachments[i] = junk
	}
	p.attach(t, append(attachments, me.simple(t, p.digest))...)
	if r, err := v.Verify(t.Context(), p.pull(t, "/shop/web")); err == nil || !strings.Contains(err.Error(), "limit") {
		t.Errorf("got %+v, %v, want an error that names the limit", r, err)
	}
	p.attach(t, append(attachments[1:], me.simple(t, p.digest))...)
	if r, err := v.Verify(t.Context(), p.pull(t, "/shop/web")); err != nil || !held(r) || len(r.Rejected) != len(attachments)-1 {
		t.Errorf("got %+v, %v, want as many as the limit allows to be judged", r, err)
	}
}

// TestAskedOnlyIfMatched wants signature material to be asked for only where an entry matches: the registry
// is gone when Verify is called.
func TestAskedOnlyIfMatched(t *testing.T) {
	dir := writeKeys(t, newECDSA(t))
	for name, test := range map[string]struct {
		images             string // of the only entry; none if empty
		configured, failed bool
	}{
		"no policy":    {"", false, false},
		"other images": {"registry.example/**", true, false},
		"this image":   {"**", true, true},
	} {
		t.Run(name, func(t *testing.T) {
			var img *image.Image
			t.Run("pull", func(t *testing.T) { img = push(t).pull(t, "/shop/web") })
			policy := Policy{}
			if test.images != "" {
				policy = keyPolicy(test.images, "0.pub")
			}
			v, err := New(policy, Options{Dir: dir, Offline: true})
			noError(t, err)
			r, err := v.Verify(t.Context(), img)
			if (err != nil) != test.failed {
				t.Fatalf("got %+v, %v", r, err)
			}
			if !test.failed && (r.Digest != img.Digest || r.Configured != test.configured || len(r.Entries) != 0) {
				t.Errorf("got %+v", r)
			}
		})
	}
}

// TestNoRegistry wants an image without a registry to be matched by "**" alone.
func TestNoRegistry(t *testing.T) {
	dir := writeKeys(t, newECDSA(t))
	layout := image.Reference{Transport: image.OCILayout, Path: "registry.example/shop"}
	for pattern, want := range map[string]int{"**": 1, "registry.example/**": 0, "*/**": 0, "**/shop": 0} {
		v, err := New(keyPolicy(pattern, "0.pub"), Options{Dir: dir, Offline: true})
		noError(t, err)
		if got := len(v.matching(layout)); got != want {
			t.Errorf("%s matches %d times, want %d", pattern, got, want)
		}
	}
}
