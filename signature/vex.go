package signature

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// The statuses of OpenVEX (OPENVEX-SPEC.md, "Status Labels").
const (
	notAffected        = "not_affected"
	affected           = "affected"
	fixed              = "fixed"
	underInvestigation = "under_investigation"
)

// vexDocument is what is read of an OpenVEX document.
type vexDocument struct {
	Context    string         `json:"@context"`
	Author     string         `json:"author"`
	Timestamp  time.Time      `json:"timestamp"`
	Statements []vexStatement `json:"statements"`
}

// vexStatement says what the status of a vulnerability is in products; without any it is in the subject of the
// attestation.
type vexStatement struct {
	Vulnerability vexVulnerability `json:"vulnerability"`
	Products      []vexProduct     `json:"products"`
	Subcomponents []vexProduct     `json:"subcomponents"` // before v0.2.0
	Status        string           `json:"status"`
	Justification string           `json:"justification"`
	Impact        string           `json:"impact_statement"`
	Timestamp     time.Time        `json:"timestamp"`
}

type vexVulnerability struct {
	Name    string   `json:"name"`
	Aliases []string `json:"aliases"`
}

type vexProduct struct {
	ID            string            `json:"@id"`
	Identifiers   map[string]string `json:"identifiers"`
	Hashes        map[string]string `json:"hashes"`
	Subcomponents []vexProduct      `json:"subcomponents"`
}

// UnmarshalJSON reads a vulnerability, which is its bare name before OpenVEX v0.2.0.
func (v *vexVulnerability) UnmarshalJSON(data []byte) error {
	type plain vexVulnerability
	return nameOr(data, &v.Name, (*plain)(v))
}

// UnmarshalJSON reads a product, which is its bare identifier before OpenVEX v0.2.0.
func (p *vexProduct) UnmarshalJSON(data []byte) error {
	type plain vexProduct
	return nameOr(data, &p.ID, (*plain)(p))
}

func nameOr(data []byte, name *string, object any) error {
	if json.Unmarshal(data, name) == nil {
		return nil
	}
	return decode(data, object)
}

func readVEX(predicate json.RawMessage) (*vexDocument, error) {
	d, err := typed[vexDocument](predicate)
	if err != nil {
		return nil, err
	}
	if family(d.Context) != openVEXType {
		return nil, fmt.Errorf("its @context is %s, not %s", quote(d.Context), openVEXType)
	}
	if len(d.Statements) == 0 {
		return nil, errors.New("it has no statements")
	}
	for i := range d.Statements {
		s := &d.Statements[i]
		if s.Timestamp.IsZero() {
			s.Timestamp = d.Timestamp
		}
		switch {
		case s.Vulnerability.Name == "":
			return nil, errors.New("a statement of it names no vulnerability")
		case s.Timestamp.IsZero():
			return nil, errors.New("a statement of it has no timestamp")
		case !slices.Contains([]string{notAffected, affected, fixed, underInvestigation}, s.Status):
			return nil, fmt.Errorf("a statement of it has the status %s, which OpenVEX does not know", quote(s.Status))
		case s.Status == notAffected && s.Justification == "" && s.Impact == "":
			return nil, fmt.Errorf("it says that %s does not affect the product, and not why", quote(s.Vulnerability.Name))
		}
	}
	return &d, nil
}

// tell is the document as reports show it.
func (d *vexDocument) tell() *VEX {
	byStatus := map[string]map[string]bool{}
	for _, s := range d.Statements {
		if byStatus[s.Status] == nil {
			byStatus[s.Status] = map[string]bool{}
		}
		byStatus[s.Status][clip(s.Vulnerability.Name, maxName)] = true
	}
	out := &VEX{Author: clip(d.Author, maxName), Statuses: map[string][]string{}, IssuedAt: d.Timestamp.UTC()}
	for status, names := range byStatus {
		out.Statuses[status] = slices.Sorted(maps.Keys(names))
	}
	return out
}

// verifiedVEX is a document that somebody who is trusted for it signed, about a digest.
type verifiedVEX struct {
	*vexDocument
	digest v1.Hash
	named  []string // what the attestation calls its subject
}

// excused tells that documents say of a vulnerability that it does not affect the image, or no longer. The
// newest statement counts, and of two of the same time the worse one. That something is affected counts whatever
// the product: whether it is ours need not be clear for it to be a reason to look.
func excused(documents []verifiedVEX, digest v1.Hash, v vulnerability) bool {
	var newest time.Time
	good := false
	for _, d := range documents {
		if d.digest != digest {
			continue
		}
		for _, s := range d.Statements {
			better := s.Status == notAffected || s.Status == fixed
			if !s.about(v) || better && !s.covers(d, v) || s.Timestamp.Before(newest) {
				continue
			}
			good = better && (good || s.Timestamp.After(newest))
			newest = s.Timestamp
		}
	}
	return good
}

// about tells that a statement is about a vulnerability, under any of its names.
func (s *vexStatement) about(v vulnerability) bool {
	return slices.ContainsFunc(v.names, func(name string) bool {
		return name != "" && (name == s.Vulnerability.Name || slices.Contains(s.Vulnerability.Aliases, name))
	})
}

// covers tells that a statement is about the image, and the package in it that has the vulnerability.
func (s *vexStatement) covers(d verifiedVEX, v vulnerability) bool {
	if len(s.Products) == 0 {
		return inside(s.Subcomponents, v)
	}
	return slices.ContainsFunc(s.Products, func(p vexProduct) bool {
		return p.is(d) && inside(s.Subcomponents, v) && inside(p.Subcomponents, v)
	})
}

// is tells that a product is the image: it names its digest, or the subject of the attestation.
func (p *vexProduct) is(d verifiedVEX) bool {
	if slices.Contains(d.named, p.ID) || p.Hashes["sha-256"] == d.digest.Hex {
		return true
	}
	for _, id := range append(slices.Collect(maps.Values(p.Identifiers)), p.ID) {
		if strings.Contains(id, d.digest.Hex) {
			return true
		}
	}
	return false
}

// inside tells that a vulnerability is in one of the components of an image. No component means all of it.
func inside(components []vexProduct, v vulnerability) bool {
	return len(components) == 0 || slices.ContainsFunc(components, func(c vexProduct) bool {
		return samePackage(c.ID, v.purl) || samePackage(c.Identifiers["purl"], v.purl)
	})
}

// samePackage tells that two package URLs name the same package, whatever they say of its build; the first may
// leave the version out.
func samePackage(a, b string) bool {
	bare := func(purl string) string {
		purl, _, _ = strings.Cut(purl, "#")
		purl, _, _ = strings.Cut(purl, "?")
		return purl
	}
	a, b = bare(a), bare(b)
	if !strings.HasPrefix(a, "pkg:") || b == "" {
		return false
	}
	unversioned, _, _ := strings.Cut(b, "@")
	return a == b || !strings.Contains(a, "@") && a == unversioned
}
