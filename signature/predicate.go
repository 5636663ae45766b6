package signature

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Provenance is what SLSA provenance, v0.2 or v1, tells of a build. What it does not tell, or tells in two ways
// that do not agree, is empty.
type Provenance struct {
	Builder   string `json:"builder"`
	BuildType string `json:"buildType"`
	// Source is the repository that was built, without a git+ before its scheme; Ref and Commit are what of it.
	Source string `json:"source,omitempty"`
	Ref    string `json:"ref,omitempty"`
	Commit string `json:"commit,omitempty"`
}

// AttestedSBOM is the list of packages of an attested SPDX or CycloneDX document.
type AttestedSBOM struct {
	Format   string            `json:"format"` // "spdx" or "cyclonedx"
	Packages []AttestedPackage `json:"packages"`
}

// AttestedPackage is a package as an attested SBOM names it.
type AttestedPackage struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	PURL    string `json:"purl,omitempty"`
}

// VulnerabilityReport is what a scan that somebody attested has found.
type VulnerabilityReport struct {
	Scanner string `json:"scanner"`
	// Worst is the worst severity in it: none, low, medium, high, critical, or unknown, which is worse than all
	// of these. Excused vulnerabilities do not count.
	Worst string `json:"worst"`
	// Counts are the numbers of vulnerabilities by severity, the excused ones included.
	Counts map[string]int `json:"counts"`
	// Excused are the vulnerabilities that OpenVEX, which the same entry of the policy asks for, says do not
	// affect the image.
	Excused   []string  `json:"excused,omitempty"`
	ScannedAt time.Time `json:"scannedAt,omitzero"`
}

// VEX is an OpenVEX document: what somebody says of vulnerabilities in the image.
type VEX struct {
	Author string `json:"author"`
	// Statuses holds vulnerabilities' identifiers by OpenVEX status.
	Statuses map[string][]string `json:"statuses"`
	IssuedAt time.Time           `json:"issuedAt,omitzero"`
}

// The predicate types that are read. All others are custom: users' rules may judge them.
const (
	slsa02Type       = "https://slsa.dev/provenance/v0.2"
	slsa1Type        = "https://slsa.dev/provenance/v1"
	spdxType         = "https://spdx.dev/Document"
	cycloneDXType    = "https://cyclonedx.org/bom"
	cosignVulnType   = "https://cosign.sigstore.dev/attestation/vuln/v1"
	intotoVulns1Type = "https://in-toto.io/attestation/vulns/v0.1"
	intotoVulns2Type = "https://in-toto.io/attestation/vulns/v0.2"
	openVEXType      = "https://openvex.dev/ns"
)

// provenanceTypes and vulnerabilityTypes are those that may be asked for with terms.
var (
	provenanceTypes    = []string{slsa02Type, slsa1Type}
	vulnerabilityTypes = []string{cosignVulnType, intotoVulns1Type, intotoVulns2Type}
)

// versioned are the types that also stand with a version behind them: https://openvex.dev/ns/v0.2.0.
var versioned = []string{spdxType, cycloneDXType, openVEXType}

// family is the known type that a type is, or is a version of; else the type itself.
func family(predicateType string) string {
	for _, known := range versioned {
		if strings.HasPrefix(predicateType, known+"/v") {
			return known
		}
	}
	return predicateType
}

// contents is what a predicate tells. At most one of its fields is set: the predicate is of no known type if
// none is.
type contents struct {
	provenance *Provenance
	sbom       *AttestedSBOM
	report     *report
	vex        *vexDocument
}

// read reads the predicate of a statement. A predicate of a known type must be one. It is text that somebody
// else wrote, even if we trust who signed it: no panic of a library escapes.
func (s *statement) read() (c contents, err error) {
	defer func() {
		if p := recover(); p != nil {
			c, err = contents{}, fmt.Errorf("reading it failed: %v", p)
		}
	}()
	var plain any
	if len(s.Predicate) == 0 {
		return c, errors.New("there is none")
	}
	if err := decode(s.Predicate, &plain); err != nil {
		return c, err
	}
	if plain == nil {
		return c, errors.New("it is null")
	}
	switch family(s.PredicateType) {
	case slsa02Type:
		c.provenance, err = readProvenance02(s.Predicate)
	case slsa1Type:
		c.provenance, err = readProvenance1(s.Predicate)
	case spdxType:
		c.sbom, err = readSPDX(s.Predicate, plain)
	case cycloneDXType:
		c.sbom, err = readCycloneDX(s.Predicate)
	case cosignVulnType:
		c.report, err = readCosignReport(s.Predicate)
	case intotoVulns1Type, intotoVulns2Type:
		c.report, err = readIntotoReport(s.Predicate)
	case openVEXType:
		c.vex, err = readVEX(s.Predicate)
	}
	return c, err
}

// aliases are what cosign's --type calls predicate types.
var aliases = map[string]string{
	"slsaprovenance":   slsa02Type,
	"slsaprovenance02": slsa02Type,
	"slsaprovenance1":  slsa1Type,
	"spdx":             spdxType,
	"spdxjson":         spdxType,
	"cyclonedx":        cycloneDXType,
	"vuln":             cosignVulnType,
	"openvex":          openVEXType,
	"link":             "https://in-toto.io/Link/v1",
	"custom":           "https://cosign.sigstore.dev/attestation/v1",
}

// meant is the known type that something which is none was probably meant for: an alias of cosign's, or the
// type in other case, with a slash too many, or without its scheme. Empty if it is none of these.
func meant(predicateType string) string {
	if full := aliases[strings.ToLower(predicateType)]; full != "" {
		return full
	}
	known := slices.Concat(provenanceTypes, vulnerabilityTypes, versioned, []string{aliases["custom"]})
	bare := func(text string) string {
		_, text, _ = strings.Cut("://"+strings.ToLower(strings.TrimRight(text, "/")), "://")
		_, after, found := strings.Cut(text, "://")
		if found {
			return after
		}
		return text
	}
	for _, full := range known {
		if predicateType != full && bare(predicateType) == bare(full) {
			return full
		}
	}
	return ""
}

// typed makes a predicate of a type out of its JSON.
func typed[T any](predicate json.RawMessage) (out T, err error) {
	err = decode(predicate, &out)
	return out, err
}
