package sbom

import (
	"context"
	"io"
	_ "unsafe" // for go:linkname
)

// Syft makes a scanner of licence texts for every run, which takes longer than all packages of a common image:
// over a second of processor time. Nothing here is judged by licence, and syft has no option to do without, so
// it gets a scanner that knows no licence. What packages say themselves of their licence stays.
//
// Both functions are internal to syft. TestLicenses fails where they change, if linking does not.

//go:linkname newLicenseScanner github.com/anchore/syft/internal/licenses.NewScanner
func newLicenseScanner(*licenseScannerConfig) (licenseScanner, error)

//go:linkname setLicenseScanner github.com/anchore/syft/internal/licenses.SetContextLicenseScanner
func setLicenseScanner(context.Context, licenseScanner) context.Context

// licenseScanner stands for licenses.Scanner. It is passed on, never called.
type licenseScanner interface {
	FindEvidence(context.Context, io.Reader) ([]struct{}, []byte, error)
}

// licenseScannerConfig is licenses.ScannerConfig, with licensecheck.Coverage.
type licenseScannerConfig struct {
	CoverageThreshold float64
	Scanner           func([]byte) licenseCoverage
}

type licenseCoverage struct {
	Percent float64
	Match   []struct{}
}

// withoutLicenseTexts is a context with a scanner that finds no licence in any text.
func withoutLicenseTexts(ctx context.Context) (context.Context, error) {
	none := func([]byte) licenseCoverage { return licenseCoverage{} }
	scanner, err := newLicenseScanner(&licenseScannerConfig{CoverageThreshold: 100, Scanner: none})
	if err != nil {
		return nil, err
	}
	return setLicenseScanner(ctx, scanner), nil
}
