package image

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// explain turns an error of a request into one line that says what went wrong and what to do next. Addresses
// are left out, since redirects carry presigned ones, and so are credentials that a registry sends back.
func (s *registrySource) explain(what string, err error) error {
	var known *failure
	if errors.As(err, &known) {
		return known
	}
	text, cause := s.diagnose(err)
	for _, secret := range s.secrets {
		text = strings.ReplaceAll(text, secret, "***")
	}
	if what != "" {
		what = ": " + what
	}
	return fail(cause, "registry %s%s: %s", s.host, what, text)
}

// diagnose returns the words for err, and the error for callers to branch on.
func (s *registrySource) diagnose(err error) (text string, cause error) {
	var answer *transport.Error
	var dns *net.DNSError
	var op *net.OpError
	var timeout net.Error
	switch {
	case errors.As(err, &answer):
		return diagnoseStatus(answer)
	case errors.Is(err, context.Canceled):
		return "canceled", context.Canceled
	case errors.Is(err, errIdle):
		return fmt.Sprintf("it stopped sending: less than %d bytes in %v", minProgress, s.limits.Idle), nil
	case errors.Is(err, context.DeadlineExceeded): // net/http calls its own time limits so, too
		return "no answer in time", context.DeadlineExceeded
	case errors.Is(err, ErrPrivateHost), errors.Is(err, errRedirects), errors.Is(err, errSecretBody), errors.Is(err, errOffline):
		return withoutAddress(err), nil
	case errors.Is(err, http.ErrSchemeMismatch):
		return fmt.Sprintf("it speaks plain HTTP: if that is meant to be, allow it with --plain-http %s", s.host), nil
	case isTLS(err):
		return fmt.Sprintf("TLS: %s (a registry without TLS needs --plain-http %s)", withoutAddress(err), s.host), nil
	case errors.As(err, &dns):
		return "host cannot be found", err
	case errors.As(err, &timeout) && timeout.Timeout():
		return "no answer in time", err
	case errors.As(err, &op) && op.Op == "dial":
		return fmt.Sprintf("host cannot be reached: %v", op.Err), err
	case errors.Is(err, errPlainHTTP):
		return withoutAddress(err), nil
	}
	return withoutAddress(err), err
}

// diagnoseStatus puts an answer with an unwanted status into words; the answer is the cause. What the registry says goes in quotes.
func diagnoseStatus(answer *transport.Error) (text string, cause error) {
	said := ""
	if len(answer.Errors) > 0 {
		said = ": " + quote(strings.TrimSpace(string(answer.Errors[0].Code)+" "+answer.Errors[0].Message))
	}
	switch answer.StatusCode {
	case http.StatusNotFound:
		return ErrNotFound.Error() + said, ErrNotFound
	case http.StatusUnauthorized, http.StatusForbidden:
		return "unauthorized" + said + ": check that the name exists, and docker login", answer
	case http.StatusTooManyRequests:
		return "too many requests" + said + ": try again later, or docker login for a higher limit", answer
	}
	return fmt.Sprintf("status %d %s%s", answer.StatusCode, http.StatusText(answer.StatusCode), said), answer
}

func isTLS(err error) bool {
	var verification *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var authority x509.UnknownAuthorityError
	var hostname x509.HostnameError
	var invalid x509.CertificateInvalidError
	return errors.As(err, &verification) || errors.As(err, &record) || errors.As(err, &alert) ||
		errors.As(err, &authority) || errors.As(err, &hostname) || errors.As(err, &invalid)
}

// withoutAddress returns the text of err without the method and address that net/http puts before it.
func withoutAddress(err error) string {
	var wrapped *url.Error
	for errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return err.Error()
}
