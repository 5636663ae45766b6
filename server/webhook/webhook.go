// Package webhook reads what registries send when something was pushed to them. It authenticates a request, and turns
// it into events that name a repository of a registry that the endpoint may speak for. That is all: it has no network
// of its own (except for the keys of OIDC issuers), keeps nothing and judges nothing.
//
// A request is a hint, however well its sender has proved who it is: everything in it was written by whoever may push.
// What is judged is what the registry itself says under that name, so the worst that a sender can do is to have an
// image judged that is allowed to be asked for.
package webhook

import (
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Event is one hint of a sender: something was pushed, or a signature for something was. Host, Repository, Tag and
// Digest are canonical and follow the grammar of references: together they are one that image.ParseReference reads.
type Event struct {
	// Sender is the key of the table of senders: "harbor".
	Sender string `json:"sender"`
	// ID is the sender's own key of this event, printable and at most 128 bytes: the same event sent again has the
	// same one. Empty: the sender has none. It may not be covered by the proof of who sent it (GitHub's is not).
	ID string `json:"id,omitempty"`
	// Host is the registry, as image names spell it: docker.io for Docker Hub.
	Host string `json:"host"`
	// Repository is the path of the repository in it.
	Repository string `json:"repository"`
	// Tag is empty where it was pushed by digest alone.
	Tag string `json:"tag,omitempty"`
	// Digest is "sha256:…" of what was pushed. Empty: the sender does not say (Docker Hub, Quay), so the tag must be
	// resolved.
	Digest string `json:"digest,omitempty"`
	// Subject is the digest that a pushed signature, attestation or SBOM is about: that is to be judged again, and
	// what was pushed is no image.
	Subject string `json:"subject,omitempty"`
	// ArtifactType is the media type of what vouches for an image, where the sender says that this is what was pushed.
	// If Subject is empty then, the sender does not say what it is about: the manifest does.
	ArtifactType string `json:"artifactType,omitempty"`
	// Time is when the sender says that it happened. Zero: it does not say, or its clock runs ahead.
	Time time.Time `json:"time,omitzero"`
}

// Error is why a whole request is not taken. Its text is one printable line without secrets, for the log: whoever
// could not prove who they are should be told no more than the status.
type Error struct {
	// Status is of HTTP: 401 for who has no proof, 503 where the proof cannot be checked now, others of 400 to 499
	// for what cannot be read, 500 for an endpoint that Open was not asked about.
	Status int
	Reason string
}

func (e *Error) Error() string { return e.Reason }

func refuse(status int, format string, args ...any) error {
	return &Error{status, fmt.Sprintf(format, args...)}
}

// Endpoint is one configured way in: who sends there, which registries it may speak for, and how it proves itself.
type Endpoint struct {
	// Name is what logs and metrics call it: letters, digits and dashes.
	Name string `yaml:"name"`
	// Sender is the key of the table of senders.
	Sender string `yaml:"sender"`
	// Path is where it listens: /hooks/harbor. With auth.path, the secret is one more component behind it.
	Path string `yaml:"path"`
	// Hosts are the registries that it may speak for, as image names spell them.
	Hosts []string `yaml:"hosts"`
	// Host is the registry of all its events, whatever these say: for senders that do not name it, and for registries
	// behind a proxy that know themselves by another name. It need not stand in Hosts too.
	Host string `yaml:"host"`
	// Auth is how the sender proves itself.
	Auth Auth `yaml:"auth"`

	// What Open has found.
	sender  *sender
	proof   proof
	options Options
}

// Insists tells that the sender repeats a request until it is taken, and sends nothing else before that: refusing what can
// never be taken would cost all that comes after it.
func (e *Endpoint) Insists() bool { return e.Sender == distribution.key }

// BodyLimit is how many bytes a request may have.
func (e *Endpoint) BodyLimit() int64 { return e.options.MaxBody }

// Pattern is the pattern of http.ServeMux for what the endpoint listens to. Where the secret is in the path, that is
// Path and one component: no log or metric should have the path of a request, only the pattern.
func (e *Endpoint) Pattern() string {
	if e.Auth.Path != nil {
		return e.Path + "/{secret}"
	}
	return e.Path
}

// Admit refuses a request that no body could make right: strangers shall not have theirs read, however slowly they send it. Only
// the HMAC of a body cannot be checked without it. Who is admitted still has to prove all of it to Receive.
func (e *Endpoint) Admit(r *http.Request) error {
	if e.proof == nil {
		return refuse(http.StatusInternalServerError, "endpoint %s was not opened", quote(e.Name))
	}
	if err := e.admit(r, nil); err != nil {
		return err
	}
	if e.Unproven() {
		return nil
	}
	return e.proof.verify(r, nil)
}

// Unproven tells that who is admitted has proved nothing yet: only the body can, or nobody asks for it.
func (e *Endpoint) Unproven() bool { return e.Auth.HMAC != nil || e.Auth.None }

// Receive authenticates and reads one request, whose body was read before. What is understood and of no interest
// (a ping, a deletion, a pull, a chart) gives no events and no error. The errors of single items of a batch cost none
// of the others; the last error is for the whole request, and is an *Error. A request of bad items alone is to be
// acknowledged nonetheless where the endpoint Insists.
func (e *Endpoint) Receive(r *http.Request, body []byte) ([]Event, []error, error) {
	if e.proof == nil {
		return nil, nil, refuse(http.StatusInternalServerError, "endpoint %s was not opened", quote(e.Name))
	}
	if err := e.admit(r, body); err != nil {
		return nil, nil, err
	}
	if err := e.proof.verify(r, body); err != nil {
		return nil, nil, err
	}
	if err := e.sender.checkType(r.Header); err != nil {
		return nil, nil, err
	}
	d := &delivery{endpoint: e, header: r.Header, body: body, now: e.options.Now()}
	if err := e.sender.read(d); err != nil {
		return nil, nil, err
	}
	return d.events, d.errs, nil
}

// admit refuses what no proof could make right, before any work is done on it.
func (e *Endpoint) admit(r *http.Request, body []byte) error {
	switch {
	case r.Method != http.MethodPost:
		return refuse(http.StatusMethodNotAllowed, "events are sent by POST, not %s", quote(r.Method))
	case int64(len(body)) > e.BodyLimit():
		return refuse(http.StatusRequestEntityTooLarge, "the body is larger than %d bytes", e.BodyLimit())
	case strings.Join(r.Header.Values("Content-Encoding"), ",") != "":
		return refuse(http.StatusUnsupportedMediaType, "the body is compressed: no registry does that")
	}
	return nil
}

// checkType refuses a content type that the sender does not have.
func (s *sender) checkType(h http.Header) error {
	said := h.Values("Content-Type")
	if len(said) == 1 {
		if mediaType, _, err := mime.ParseMediaType(said[0]); err == nil && slices.Contains(s.types, mediaType) {
			return nil
		}
	}
	return refuse(http.StatusUnsupportedMediaType, "%s sends %s, not %s", s.title, strings.Join(s.types, " or "), quote(strings.Join(said, ", ")))
}
