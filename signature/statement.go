package signature

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// signPredicate is the type of the in-toto statement that cosign signs in the bundle layout: it says no more
// than that its subject is vouched for. Statements of any other type are attestations.
const signPredicate = "https://sigstore.dev/cosign/sign/v1"

// statementPayloadType is the type that an envelope says of a statement inside it.
const statementPayloadType = "application/vnd.in-toto+json"

// statementTypes are the versions of the in-toto statement.
var statementTypes = []string{"https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"}

// Bounds of a statement (sigstore-go's own).
const (
	maxSubjects = 1024
	maxDigests  = 32
)

// statement is an in-toto statement: a predicate of some type about subjects (in-toto attestation, spec v1).
type statement struct {
	Type          string          `json:"_type"`
	Subject       []subject       `json:"subject"`
	PredicateType string          `json:"predicateType"`
	Predicate     json.RawMessage `json:"predicate"`
	// raw is the whole of it, as it was signed.
	raw []byte
}

// subject is what a statement is about.
type subject struct {
	Name        string            `json:"name"`
	Digest      map[string]string `json:"digest"`
	Annotations map[string]any    `json:"annotations"`
}

// readStatement reads the payload of an envelope.
func readStatement(payload []byte) (*statement, error) {
	s := &statement{raw: payload}
	err := decode(payload, s)
	if err == nil {
		err = unambiguous(payload, "_type", "subject", "predicateType", "predicate")
	}
	if err != nil {
		return nil, fmt.Errorf("the statement is not JSON of an in-toto statement: %w", err)
	}
	switch {
	case !slices.Contains(statementTypes, s.Type):
		return nil, fmt.Errorf("the payload is of type %s, which is not an in-toto statement", quote(s.Type))
	case s.PredicateType == "":
		return nil, errors.New("the statement has no predicateType")
	case len(s.Subject) > maxSubjects:
		return nil, fmt.Errorf("the statement has %d subjects, more than %d", len(s.Subject), maxSubjects)
	}
	for _, subject := range s.Subject {
		switch {
		case len(subject.Digest) == 0:
			return nil, errors.New("a subject of the statement has no digest")
		case len(subject.Digest) > maxDigests:
			return nil, fmt.Errorf("a subject of the statement has %d digests, more than %d", len(subject.Digest), maxDigests)
		}
	}
	return s, nil
}

// named are what the statement calls the subjects with that digest.
func (s *statement) named(digest v1.Hash) []string {
	var names []string
	for _, d := range s.Subject {
		if d.Digest[digest.Algorithm] == digest.Hex && d.Name != "" {
			names = append(names, d.Name)
		}
	}
	return names
}

// covers tells whether the statement is about a digest.
func (s *statement) covers(digest v1.Hash) bool { return s.about(digest) != nil }

// about returns the subject with that digest, nil if there is none.
func (s *statement) about(digest v1.Hash) *subject {
	i := slices.IndexFunc(s.Subject, func(d subject) bool { return d.Digest[digest.Algorithm] == digest.Hex })
	if i < 0 {
		return nil
	}
	return &s.Subject[i]
}

// subjects names what the statement is about, shortened.
func (s *statement) subjects() string {
	var names []string
	for _, d := range s.Subject {
		if len(names) == 3 {
			names = append(names, "…")
			break
		}
		names = append(names, quote("sha256:"+d.Digest["sha256"]))
	}
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, ", ")
}
