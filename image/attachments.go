package image

import "context"

func attachments(ctx context.Context, s source, digest string, limits Limits) ([]Attachment, error) {
	return nil, nil
}
func (s *registrySource) referrers(ctx context.Context, digest string) ([]descriptor, error) {
	return nil, nil
}
