package signature

import (
	"context"
	"strings"

	"github.com/tidewaiter/tidewaiter/image"
)

// attachments returns what stands at a place. The registry is asked once for all who want it.
func (v *Verifier) attachments(ctx context.Context, img *image.Image, p place) ([]image.Attachment, error) {
	return v.lookups.do(ctx, p.key(img.Reference), func(ctx context.Context) ([]image.Attachment, error) {
		return img.Attachments(ctx, p.digest, p.repository)
	})
}

// key tells the places apart at which material is kept.
func (p place) key(ref image.Reference) string {
	if p.repository == "" {
		return ref.Name() + "@" + p.digest
	}
	return p.repository + "@" + p.digest
}

// resultKey tells apart what may have different results: the same digest under another name may be another
// entry's, and of the same index other platforms may have been asked for.
func resultKey(img *image.Image, children []string) string {
	return img.Reference.Name() + "@" + img.Digest + " " + strings.Join(children, " ")
}

// sizeOf is about what material takes in memory, in bytes.
func sizeOf(attachments []image.Attachment) int64 {
	size := int64(1 << 10)
	for _, a := range attachments {
		size += int64(1<<10 + len(a.Payload))
		for key, value := range a.Annotations {
			size += int64(len(key) + len(value))
		}
	}
	return size
}

// resultSize is about what a result takes in memory, in bytes: attested SBOMs are the larger part of one.
func resultSize(r Result) int64 {
	size := int64(4 << 10)
	for _, a := range r.Attestations {
		if a.SBOM != nil {
			size += int64(len(a.SBOM.Packages)) * 200
		}
	}
	return size
}
