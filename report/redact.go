package report

import (
	"regexp"
	"strings"
)

// hidden is put in the place of a secret.
const hidden = "***"

// secrets are the shapes of credentials that get into messages by way of addresses and command lines. Reports
// end up in public logs and in comments. A hint is a text that all of that shape hold: looking for it is much cheaper.
var secrets = []struct {
	hint  string
	shape *regexp.Regexp
	with  string
}{
	{"=", regexp.MustCompile(`(?i)([?&](?:x-amz-[a-z-]+|x-goog-[a-z-]+|sig|signature|token|access_token|api_key|password)=)[^&\s"'<>]+`), "${1}" + hidden},
	{":", regexp.MustCompile(`(?i)(authorization:\s*(?:bearer|basic|token)\s+)[^\s"']+`), "${1}" + hidden},
}

// userinfo is the user and the password of a URL. An image's name before its digest looks the same
// (docker://web:1.4@sha256:...), so the digest is part of the shape.
var userinfo = regexp.MustCompile(`://[^\s/?#"'<>]+@(sha256:)?`)

// redact takes the secrets out of text that may hold some.
func redact(s string) string {
	if strings.Contains(s, "://") {
		s = userinfo.ReplaceAllStringFunc(s, func(match string) string {
			if strings.HasSuffix(match, "sha256:") {
				return match
			}
			return "://" + hidden + "@"
		})
	}
	for _, secret := range secrets {
		if strings.Contains(s, secret.hint) {
			s = secret.shape.ReplaceAllString(s, secret.with)
		}
	}
	return s
}
