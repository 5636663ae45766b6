package image

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// noReferrers are the statuses of registries that do not know the referrers API.
var noReferrers = []int{http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusNotAcceptable, http.StatusNotImplemented}

// referrers asks the referrers API (OCI distribution-spec, "Listing Referrers"), page by page. What cannot be a
// signature is left out, so that many pages of it do not fill the memory.
func (s *registrySource) referrers(ctx context.Context, digest string) ([]descriptor, error) {
	var out []descriptor
	address := s.api + "referrers/" + digest
	for range s.limits.Pages {
		page, next, err := s.referrersPage(ctx, address)
		if err != nil {
			return nil, err
		}
		for _, d := range page {
			if couldBeSignature(d) {
				out = append(out, d)
			}
		}
		if len(out) > s.limits.Manifests {
			return nil, tooManyReferrers(s.limits)
		}
		if next == "" {
			return out, nil
		}
		address = next
	}
	return nil, limited("the list of referrers", s.limits.Pages, "pages")
}

// referrersPage returns the descriptors of one page and the address of the next.
func (s *registrySource) referrersPage(ctx context.Context, address string) ([]descriptor, string, error) {
	resp, err := s.get(ctx, address, string(types.OCIImageIndex))
	var answer *transport.Error
	if errors.As(err, &answer) && slices.Contains(noReferrers, answer.StatusCode) {
		return nil, "", ErrNotFound
	}
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	raw, err := s.read(resp, "referrers")
	if err != nil {
		return nil, "", err
	}
	list, err := parseList(raw, resp.Header.Get("Content-Type"))
	if err != nil {
		return nil, "", err
	}
	next, err := s.next(address, resp.Header.Values("Link"))
	return list, next, err
}

// nextLink finds the next page in a Link header (RFC 8288).
var nextLink = regexp.MustCompile(`<([^<>]*)>\s*;[^<]*\brel="?next"?`)

// next returns the address of the next page, which has to be at the same registry; empty if there is none.
func (s *registrySource) next(address string, links []string) (string, error) {
	for _, link := range links {
		match := nextLink.FindStringSubmatch(link)
		if match == nil {
			continue
		}
		base, err := url.Parse(address)
		if err != nil {
			return "", fail(err, "registry %s: %v", s.host, err)
		}
		u, err := base.Parse(match[1])
		if err != nil || u.Host != base.Host || u.Scheme != base.Scheme {
			return "", fail(nil, "registry %s: the next page of referrers is at another host: %s", s.host, quote(match[1]))
		}
		return u.String(), nil
	}
	return "", nil
}
