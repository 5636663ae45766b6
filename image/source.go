package image

import "context"

// source is where an image's manifests, blobs and attachments are read from.
type source interface {
	attachments(ctx context.Context, digest string) ([]Attachment, error)
}
