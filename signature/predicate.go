package signature

import "time"

// Provenance is what SLSA provenance, v0.2 or v1, tells of a build.
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
	// Worst is the worst severity in it: none, low, medium, high, critical, or unknown.
	Worst string `json:"worst"`
	// Counts are the numbers of vulnerabilities by severity.
	Counts    map[string]int `json:"counts"`
	ScannedAt time.Time      `json:"scannedAt,omitzero"`
}

// VEX is an OpenVEX document: what somebody says of vulnerabilities in the image.
type VEX struct {
	Author string `json:"author"`
	// Statuses holds vulnerabilities' identifiers by OpenVEX status.
	Statuses map[string][]string `json:"statuses"`
	IssuedAt time.Time           `json:"issuedAt,omitzero"`
}
